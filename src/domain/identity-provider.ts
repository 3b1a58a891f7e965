/**
 * Providers of identities: other sites where users sign in.
 *
 * @module
 */
import type { ValueOf } from "./record.ts";

/** What one sign-in at a provider is bound to. Each value has 256 bits, and is known to this application alone. */
export interface ProviderAttempt {
  /** Where the provider sends the browser back to. */
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636. */
  readonly codeVerifier: string;
  /** In seconds since the Unix epoch. */
  readonly createdAt: number;
  /** True if the user must prove again to the provider that it is them, even if they are signed in there. */
  readonly again: boolean;
}

/** Tokens with which an application acts for its user at a provider (RFC 6749 §5.1). They are secrets. */
export interface ProviderTokens {
  readonly access_token: string;
  readonly refresh_token?: string | undefined;
  /** In seconds since the Unix epoch. Default: not known, so that it counts until it is replaced. */
  readonly expires_at?: number | undefined;
  /** The scopes that were granted, separated by spaces. */
  readonly scope?: string | undefined;
}

/** A user at a provider, whose answer has been verified. */
export interface ProvedIdentity {
  /** With the subject, the identity. It comes from the provider's configuration, or is checked against it. */
  readonly issuer: string;
  /** 1 to 255 characters. Never an address or a name that can change hands. */
  readonly subject: string;
  readonly email?: string | undefined;
  /** True only if the provider says that it has verified that the address is the user's. */
  readonly emailVerified: boolean;
  /** True if the provider made the address for this application alone, and passes its messages on, as Apple does. Default: not known. */
  readonly isPrivateEmail?: boolean | undefined;
  /** Shown to the user. */
  readonly name?: string | undefined;
  /** The methods that the user proved at the provider (RFC 8176), if the provider says so. */
  readonly amr?: readonly string[] | undefined;
  readonly acr?: string | undefined;
  /** The session at the provider, as its messages call it (OpenID Connect Back-Channel Logout 1.0 §2.1). */
  readonly sid?: string | undefined;
  /** When the user proved to the provider that it is them, in seconds since the Unix epoch, if the provider says so. */
  readonly authTime?: number | undefined;
  /** What the application may keep, to act for the user at the provider. */
  readonly tokens?: ProviderTokens | undefined;
}

/** What a provider says of a user by itself, in a message that has been verified. */
export interface ProviderNotice {
  /** `sessions`: the user signed out there. `identity`: the user's account there, or what it grants, is gone. */
  readonly ends: "sessions" | "identity" | "nothing";
  readonly issuer: string;
  /** Whose identity. Default: that of the session `sid`. */
  readonly subject?: string | undefined;
  /** Only the sign-ins of this session at the provider. Default: all. */
  readonly sid?: string | undefined;
  /** What its issuer calls the message. It counts once. */
  readonly id: string;
  /** In seconds since the Unix epoch. Nothing that is newer ends. */
  readonly issuedAt: number;
  /** In seconds since the Unix epoch: when the message no longer counts. */
  readonly expiresAt: number;
}

/** A provider, as a value: `oidc({ … })`, `google({ … })` or your own. */
export interface IdentityProvider {
  /** In paths and lists: 1 to 32 of `a-z0-9-`. */
  readonly name: string;
  /** On its button. */
  readonly label: string;
  /** The path of its logo, which is left of the label, on a white button. Default: none. */
  readonly mark?: string | undefined;
  /** The issuers of its identities. `{tenantid}` stands for the id of any tenant, a UUID. */
  readonly issuers: readonly string[];
  /**
   * True if it can ask for a new proof, and says when that was: `prompt=login`, `max_age` and `auth_time` of OpenID Connect. Default
   * false: then its answer counts as a new proof only for a user without a password.
   */
  readonly provesAgain?: boolean;
  /** True if its page sends the answer as a form (`response_mode=form_post`). Default false. */
  readonly answersByForm?: boolean;
  /**
   * The client's id, if the provider also gives an ID token to a script of the page, as Google does with One Tap and FedCM. The page
   * sends it as the field `credential`, and `finish` gets a form with it.
   */
  readonly pageClientId?: string;
  /** Where to send the browser. It may ask the provider for its metadata. */
  begin(attempt: ProviderAttempt): Promise<string>;
  /**
   * Verifies the provider's answer, the URL that the browser came to or the form that it sent.
   *
   * @throws {Error} With a text `error`, the code of what is wrong, such as `access_denied` or `state_mismatch`.
   */
  finish(answer: URL | URLSearchParams, attempt: ProviderAttempt): Promise<ProvedIdentity>;
  /**
   * New tokens for a refresh token of this identity (RFC 6749 §6). Default: it gives none.
   *
   * @throws {Error} With a text `error`. `invalid_grant`: the user must sign in there again.
   */
  refresh?(refreshToken: string, identity: Pick<ProvedIdentity, "issuer" | "subject">): Promise<ProviderTokens>;
  /**
   * Revokes a token that the application has kept (RFC 7009). A refresh token's access tokens end with it. Default: it cannot.
   *
   * @throws {Error} If it should be tried again.
   */
  revoke?(token: string, kind: "access_token" | "refresh_token"): Promise<void>;
  /**
   * Verifies a message of the provider: the logout token of OpenID Connect Back-Channel Logout 1.0, or its own kind. Default: it
   * sends none.
   *
   * @throws {Error} With a text `error`, as for `finish`.
   */
  readNotice?(token: string): Promise<ProviderNotice>;
}

const anyTenant = "{tenantid}";

/** True if an identity's issuer is one of a provider's. */
export function isIssuerAmong(issuers: readonly string[], issuer: string): boolean {
  // Only the form that issuers write: a UUID has others.
  const [tenant] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(issuer) ?? [];
  return issuers.some((own) => {
    if (!own.includes(anyTenant)) return own === issuer;
    return tenant !== undefined && own.replace(anyTenant, tenant) === issuer;
  });
}

/** A provider's issuer as a pattern of SQL's `like`. */
export function issuerPattern(issuer: string): string {
  return issuer.replace(/[\\%_]/g, "\\$&").replace(anyTenant, "_".repeat(36));
}

/** An identity at a provider that a user can sign in with. */
export const linkedIdentity = {
  id: "cred id",
  userId: "usr id",
  /** The provider's name. Null if another SDK linked it. */
  provider: "text?",
  issuer: "text",
  /** An address or a name at the provider. */
  label: "text?",
  status: ["active", "suspended", "revoked"],
  lastUsedAt: "time?",
  createdAt: "time",
} as const;

/** An identity at a provider that a user can sign in with. */
export interface LinkedIdentity extends ValueOf<typeof linkedIdentity> {}
