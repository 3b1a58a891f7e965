/**
 * Issuers as providers of identities.
 *
 * @module
 */
import type { IdentityProvider, ProvedIdentity } from "../domain/identity-provider.ts";
import { scopeText } from "./authorization.ts";
import { IdpClient } from "./client.ts";
import { SubjectMismatchError } from "./errors.ts";
import { type Claims, timeOf } from "./id-token.ts";
import { readMetadata } from "./issuer.ts";
import type { IssuerVariant } from "./issuer-request.ts";
import { type NoticeTokens, readNoticeToken } from "./notice-token.ts";
import { type IdpClientOptions, readSettings } from "./options.ts";
import { checkMark } from "./provider-options.ts";
import { refreshTokens } from "./provider-tokens.ts";
import { verify } from "./sign-in.ts";
import { profileOfClaims, textOf } from "./standard-claims.ts";

/** How the user was authenticated, which only the ID token says. */
const onlySigned: readonly string[] = ["acr", "amr", "auth_time"];

/** The options of a provider with an OpenID Connect issuer. */
export interface OidcProviderOptions
  extends Omit<
    IdpClientOptions,
    "redirectUri" | "autoRefresh" | "refreshBufferSeconds" | "resources" | "principalType" | "dpop"
  > {
  /** In paths: 1 to 32 of `a-z0-9-`. */
  readonly name: string;
  /** On the button, such as `Acme`. Default: the name. */
  readonly label?: string;
  /** The path of its logo on this origin, such as `/google.svg`. It is left of the label, on a white button. Default: none. */
  readonly mark?: string;
  /** What the application asks for. Default `openid email profile`. */
  readonly scopes?: readonly string[];
  /** What the issuer shows, such as `select_account`. Default: what it decides. */
  readonly prompt?: string;
  /**
   * False for an issuer that does not know `max_age`, or whose ID tokens have no `auth_time` (OpenID Connect Core §3.1.2.1). Its
   * answer counts as a new proof only for a user without a password. Default true.
   */
  readonly provesAgain?: boolean;
  /** Reads an identity from verified claims, for an issuer with claims of its own. Default: the standard claims. */
  readonly identityOf?: (claims: Claims) => Partial<ProvedIdentity>;
}

/** The options that every provider of a known site has. */
export interface KnownProviderOptions
  extends Pick<
    OidcProviderOptions,
    | "clientId"
    | "clientSecret"
    | "label"
    | "mark"
    | "scopes"
    | "prompt"
    | "provesAgain"
    | "timeoutMs"
    | "clockToleranceSeconds"
    | "fetch"
  > {
  /** In paths: 1 to 32 of `a-z0-9-`. Default: the provider's own. */
  readonly name?: string;
}

/** What is particular to an issuer. */
export interface IssuerParticulars {
  readonly variant?: IssuerVariant;
  /** The issuers of its identities. Default: the issuer's URL. */
  readonly issuers?: readonly string[];
  /** More parameters of the authorization request. */
  readonly parameters?: Readonly<Record<string, string | undefined>>;
  /** True if its userinfo endpoint is never asked. */
  readonly ignoresUserInfo?: boolean;
  /** The messages that it sends, or `none` if they do not name its identities. Default: logout tokens. */
  readonly notices?: NoticeTokens | "none";
  /** True if its page sends the answer as a form. */
  readonly answersByForm?: true;
  /** Refuses an account, or reads what is not in the standard claims. `claims` are verified; `answer` is not signed. */
  readonly identityOf?: (claims: Claims, answer: URLSearchParams) => Partial<ProvedIdentity>;
}

/** A provider whose identities are the issuer and the subject of verified ID tokens. */
export function issuerProvider(options: OidcProviderOptions, particulars: IssuerParticulars = {}): IdentityProvider {
  const { name, label = name, mark, scopes = ["openid", "email", "profile"], ...more } = options;
  const { prompt, provesAgain = true, identityOf, ...clientOptions } = more;
  const { variant, parameters = {}, ignoresUserInfo = false, notices, answersByForm } = particulars;
  const { issuerUrl: issuer } = clientOptions;
  const clientFor = (redirectUri: string): IdpClient => {
    const settings = readSettings({ ...clientOptions, redirectUri });
    return new IdpClient({ ...settings, variant });
  };
  const identityFrom = (claims: Claims, answer: URLSearchParams): Partial<ProvedIdentity> => ({
    ...particulars.identityOf?.(claims, answer),
    ...identityOf?.(claims),
  });
  // Reports a wrong option where the provider is made.
  scopeText(scopes);
  checkMark(mark);
  clientFor("https://localhost/callback");
  return {
    name,
    label,
    mark,
    issuers: particulars.issuers ?? [issuer],
    provesAgain,
    async begin({ redirectUri, state, nonce, codeVerifier, again }) {
      const request = { scopes, state, nonce, codeVerifier, ...(again ? { prompt: "login", maxAge: 0 } : { prompt }) };
      const responseMode = answersByForm && "form_post";
      const url = new URL((await clientFor(redirectUri).createAuthorizationUrl({ ...request, responseMode })).url);
      for (const [name, value] of Object.entries(parameters))
        if (value !== undefined) url.searchParams.set(name, value);
      return url.href;
    },
    async finish(answer, attempt) {
      const client = clientFor(attempt.redirectUri);
      const { tokens, claims } = await client.exchangeForClaims(answer, {
        ...attempt,
        ...(attempt.again && { maxAge: 0 }),
        url: "",
        issuer,
      });
      const isShort = !claims.has("email") && scopes.includes("email") && !ignoresUserInfo;
      const more =
        isShort && (await client.hasUserInfo())
          ? await client.readUserInfo(tokens.access_token, claims.get("sub") as string)
          : [];
      const { access_token, refresh_token, expires_at, scope = scopes.join(" ") } = tokens;
      // What the ID token says counts: it is signed for this sign-in. An address, and whether it is verified, come from one of the two.
      const signed = [...claims].filter(([name]) => claims.has("email") || name !== "email_verified");
      const all = new Map([...[...more].filter(([name]) => !onlySigned.includes(name)), ...signed]);
      return {
        issuer,
        subject: claims.get("sub") as string,
        authTime: timeOf(claims, "auth_time"),
        tokens: { access_token, refresh_token, expires_at, scope },
        sid: textOf(claims, "sid"),
        ...profileOfClaims(all),
        ...identityFrom(all, answer instanceof URL ? answer.searchParams : answer),
      };
    },
    async refresh(refreshToken, expected) {
      const settings = { ...readSettings(clientOptions), variant };
      return await refreshTokens(settings, refreshToken, async (idToken, accessToken) => {
        const claims = await verify(settings, idToken, { accessToken });
        const actual = { issuer, subject: claims.get("sub"), ...identityFrom(claims, new URLSearchParams()) };
        if (actual.issuer !== expected.issuer || actual.subject !== expected.subject)
          throw new SubjectMismatchError(expected.subject, String(actual.subject));
      });
    },
    async revoke(token, kind) {
      const { revocation_endpoint: endpoint } = await readMetadata({ ...readSettings(clientOptions), variant });
      if (endpoint !== undefined) await clientFor("https://localhost/callback").revokeToken(token, kind);
    },
    ...(answersByForm && { answersByForm }),
    // With a function for identities, it is not known which subject a message means.
    ...(notices !== "none" &&
      !identityOf && {
        readNotice: async (token: string) => ({
          issuer,
          ...(await readNoticeToken({ ...readSettings(clientOptions), variant }, token, notices)),
        }),
      }),
  };
}
