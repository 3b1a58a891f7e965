/**
 * Any OAuth 2.0 server with a userinfo endpoint as a provider (RFC 6749, RFC 7636). Prefer `oidc` where the server has it: a
 * userinfo answer is not signed, so it counts only because it comes from the server over TLS.
 *
 * @module
 */

import { sha256Base64Url } from "../crypto/digest.ts";
import type { IdentityProvider, ProvedIdentity } from "../domain/identity-provider.ts";
import { readCallback } from "../oidc/authorization.ts";
import { OAuthError, requireSetting } from "../oidc/errors.ts";
import type { Claims } from "../oidc/id-token.ts";
import { askIssuer, type IssuerConnection, isReachable, readObject, tryJson } from "../oidc/issuer-request.ts";
import { type ClientSettings, type IdpClientOptions, readSettings } from "../oidc/options.ts";
import { checkMark, checkNames } from "../oidc/provider-options.ts";
import { providerTokens, refreshTokens } from "../oidc/provider-tokens.ts";
import { profileOfClaims, subjectOf } from "../oidc/standard-claims.ts";
import { requestRevocation, requestTokens, requestUserInfo } from "../oidc/token-requests.ts";

export type { IdentityProvider, ProvedIdentity, ProviderNotice } from "../domain/identity-provider.ts";

/** The options of {@link oauth2}. */
export interface OAuth2ProviderOptions
  extends Pick<IdpClientOptions, "clientId" | "clientSecret" | "timeoutMs" | "privateHosts" | "fetch"> {
  /** In paths: 1 to 32 of `a-z0-9-`. */
  readonly name: string;
  /** On the button, such as `Acme`. Default: the name. */
  readonly label?: string;
  /** The path of its logo on this origin, such as `/google.svg`. It is left of the label, on a white button. Default: none. */
  readonly mark?: string;
  /** Where the browser is sent. */
  readonly authorizeUrl: string;
  /** Where a code is exchanged. */
  readonly accessTokenUrl: string;
  /** Where the user of an access token is read, as a JSON object. */
  readonly userinfoUrl: string;
  /** Where a token is revoked (RFC 7009), for `keepTokens` of `federation`. Default: nowhere. */
  readonly revocationUrl?: string;
  /** The constant issuer of its identities, such as `https://acme.example`. Never change it. */
  readonly issuer: string;
  /** The `iss` of its answers to the browser (RFC 9207). Default: the issuer. */
  readonly responseIssuer?: string;
  /** What the application asks for. Default `openid email profile`. */
  readonly scope?: string;
  /** False only for a server that refuses PKCE (RFC 7636). Default true. */
  readonly requirePkce?: boolean;
  /** How the client proves itself. Default `post`; `none` without a secret. */
  readonly clientAuthentication?: "post" | "basic" | "none";
  /** The member of the userinfo answer that identifies a user for good: a text or an integer. Default `sub`. */
  readonly subjectClaim?: string;
  /** Reads what is not in standard claims. Default: the standard claims. */
  readonly identityOf?: (
    claims: Claims,
    read: (url: string) => Promise<unknown>,
  ) => Partial<ProvedIdentity> | Promise<Partial<ProvedIdentity>>;
}

/** The most bytes of a userinfo answer's companion, such as a list of addresses. */
const longestRead = 65_536;

/**
 * A provider for an OAuth 2.0 server. Its identities are the constant issuer and the subject of the userinfo answer.
 *
 * `identityOf` may read more with the user's access token: `read` gives the JSON of a URL, or `undefined` if the user or the
 * server does not permit it (status 403 or 404).
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function oauth2(options: OAuth2ProviderOptions): IdentityProvider {
  checkNames(options, "oauth2");
  const { name, label = name, mark, scope = "openid email profile", requirePkce = true, ...more } = options;
  const { subjectClaim = "sub", identityOf, ...clientOptions } = more;
  const { issuer, authorizeUrl, revocationUrl } = options;
  const settings = settingsOf(clientOptions);
  const { clientId } = settings;
  // RFC 6749 §3.3.
  const areScopes = typeof scope === "string" && /^[ !#-[\]-~]{0,4096}$/.test(scope);
  requireSetting(areScopes, "scope", scope, "scopes, separated by spaces");
  checkMark(mark);
  return {
    name,
    label,
    mark,
    issuers: [issuer],
    async begin({ redirectUri, state, codeVerifier }) {
      const url = new URL(authorizeUrl);
      const challenge = requirePkce && {
        code_challenge: await sha256Base64Url(codeVerifier),
        code_challenge_method: "S256",
      };
      const request = { response_type: "code", client_id: clientId, redirect_uri: redirectUri, state, ...challenge };
      for (const [name, value] of Object.entries(request)) url.searchParams.set(name, value);
      if (scope) url.searchParams.set("scope", scope);
      return url.href;
    },
    async finish(answer, attempt) {
      const answered = await requestTokens(settings, {
        grant_type: "authorization_code",
        code: await readCallback(settings, answer, { ...attempt, url: "", issuer }),
        redirect_uri: attempt.redirectUri,
        code_verifier: requirePkce ? attempt.codeVerifier : undefined,
      });
      const { id_token, ...tokens } = providerTokens(answered);
      const token = tokens.access_token;
      const claims = readObject(await requestUserInfo(settings, token));
      const subject = subjectOf(claims, subjectClaim);
      const more = await identityOf?.(claims, (url) => readWith(settings, token, url));
      return {
        issuer,
        subject,
        tokens: { ...tokens, scope: tokens.scope ?? scope },
        ...profileOfClaims(claims),
        ...more,
      };
    },
    refresh: (refreshToken) => refreshTokens(settings, refreshToken),
    ...(revocationUrl !== undefined && {
      async revoke(token: string, kind: string) {
        const answer = await requestRevocation(settings, token, kind);
        if (answer.status !== 200) readObject(answer);
      },
    }),
  };
}

/** The settings of a client whose metadata is in its options. */
function settingsOf(options: Omit<OAuth2ProviderOptions, "name" | "identityOf">): ClientSettings {
  const { authorizeUrl, accessTokenUrl, userinfoUrl, revocationUrl, issuer, ...more } = options;
  const { responseIssuer = issuer, ...clientOptions } = more;
  const settings = readSettings({ ...clientOptions, issuerUrl: issuer });
  const revocation = revocationUrl === undefined ? {} : { revocationUrl };
  for (const [name, url] of Object.entries({ authorizeUrl, accessTokenUrl, userinfoUrl, ...revocation })) {
    const isEndpoint = typeof url === "string" && isReachable(settings, url) && !url.includes("#");
    requireSetting(isEndpoint, name, url, "an https URL of a public host, without fragment");
  }
  const metadata = {
    issuer,
    jwks_uri: "",
    token_endpoint: accessTokenUrl,
    userinfo_endpoint: userinfoUrl,
    ...(revocationUrl !== undefined && { revocation_endpoint: revocationUrl }),
    token_endpoint_auth_methods_supported: ["client_secret_post"],
    dpop_signing_alg_values_supported: [],
    authorization_response_iss_parameter_supported: false,
  };
  const variant = { metadata, isAnswerOf: (iss: string) => iss === responseIssuer };
  // GitHub refuses requests without one.
  const named: IssuerConnection["fetch"] = (url, init) =>
    settings.fetch(url, { ...init, headers: { "user-agent": "sallyport", ...(init.headers as object) } });
  return { ...settings, variant, fetch: named };
}

async function readWith(connection: IssuerConnection, token: string, url: string): Promise<unknown> {
  const headers = { accept: "application/json", authorization: `Bearer ${token}` };
  const answer = await askIssuer(connection, url, { headers }, longestRead);
  // GitHub also answers 403 to too many requests, with one of these headers.
  const isLimited = answer.headers.has("retry-after") || answer.headers.get("x-ratelimit-remaining") === "0";
  if ((answer.status === 403 || answer.status === 404) && !isLimited) return undefined;
  const value = answer.status === 200 ? tryJson(answer) : undefined;
  if (value === undefined) throw new OAuthError("issuer_invalid_response", `The status is ${answer.status}.`);
  return value;
}
