/**
 * Any OpenID Connect issuer as a provider: Keycloak, Okta, Auth0, another company's.
 *
 * @module
 */
import type { IdentityProvider, ProvedIdentity } from "../domain/identity-provider.ts";
import { type Claims, createIdpClient, type IdpClientOptions } from "../oidc/index.ts";

export type { IdentityProvider, ProvedIdentity } from "../domain/identity-provider.ts";

/** The options of {@link oidc}. */
export interface OidcProviderOptions
  extends Omit<
    IdpClientOptions,
    "redirectUri" | "autoRefresh" | "refreshBufferSeconds" | "resources" | "principalType" | "dpop"
  > {
  /** In paths: 1 to 32 of `a-z0-9-`. */
  readonly name: string;
  /** On the button, such as `Acme`. Default: the name. */
  readonly label?: string;
  /** What the application asks for. Default `openid email profile`. */
  readonly scopes?: readonly string[];
  /** What the issuer shows, such as `select_account`. Default: what it decides. */
  readonly prompt?: string;
  /** Reads an identity from verified claims, for an issuer with claims of its own. Default: the standard claims. */
  readonly identityOf?: (claims: Claims) => Partial<ProvedIdentity>;
}

/**
 * A provider for an OpenID Connect issuer. Its identities are the issuer and the subject of verified ID tokens.
 *
 * If the ID token has no address, the userinfo endpoint is asked.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function oidc(options: OidcProviderOptions): IdentityProvider {
  const { name, label = name, scopes = ["openid", "email", "profile"], prompt, identityOf, ...clientOptions } = options;
  const clientFor = (redirectUri: string) => createIdpClient({ ...clientOptions, redirectUri });
  // Reports a wrong option where the provider is made.
  clientFor("https://localhost/callback");
  const { issuerUrl: issuer } = clientOptions;
  return {
    name,
    label,
    issuers: [issuer],
    async begin({ redirectUri, state, nonce, codeVerifier }) {
      const request = { scopes, state, nonce, codeVerifier, prompt };
      return (await clientFor(redirectUri).createAuthorizationUrl(request)).url;
    },
    async finish(answer, attempt) {
      const client = clientFor(attempt.redirectUri);
      const { tokens, claims } = await client.exchangeForClaims(answer, { ...attempt, url: "", issuer });
      const isShort = !claims.has("email") && scopes.includes("email") && (await client.hasUserInfo());
      const more = isShort ? await client.readUserInfo(tokens.access_token, claims.get("sub") as string) : [];
      // What the ID token says counts: it is signed for this sign-in.
      const all = new Map([...more, ...claims]);
      return { ...identityOfClaims(issuer, all), ...identityOf?.(all) };
    },
  };
}

/** An identity from the standard claims: OpenID Connect Core §5.1, RFC 8176. */
export function identityOfClaims(issuer: string, claims: Claims): ProvedIdentity {
  const text = (name: string) => {
    const claim = claims.get(name);
    return typeof claim === "string" && claim !== "" ? claim : undefined;
  };
  const amr = claims.get("amr");
  return {
    issuer,
    subject: claims.get("sub") as string,
    email: text("email"),
    emailVerified: isVerified(claims.get("email_verified")),
    name: text("name"),
    amr: Array.isArray(amr) ? amr.filter((method) => typeof method === "string") : undefined,
    acr: text("acr"),
  };
}

/** Some providers write the boolean as text. Any other value, such as 1, is not a yes. */
export function isVerified(claim: unknown): boolean {
  return claim === true || claim === "true";
}
