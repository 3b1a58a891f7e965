/**
 * Tokens of Google: ID tokens by their signature (OpenID Connect Core §3.1.3.7), and access tokens by asking Google.
 *
 * @module
 */
import { epochSeconds } from "../crypto/epoch.ts";
import { IdpClient } from "../oidc/client.ts";
import { OAuthError, requireSetting, TokenParseError } from "../oidc/errors.ts";
import { type Claims, isSubject, timeOf, verifyIdToken } from "../oidc/id-token.ts";
import { askIssuer, readObject } from "../oidc/issuer-request.ts";
import { type ClientSettings, type IdpClientOptions, readSettings } from "../oidc/options.ts";
import { isVerified, textOf } from "../oidc/standard-claims.ts";

/** The issuer of Google's identities. */
export const issuerUrl = "https://accounts.google.com";

/** Google's tokens name it in two ways. */
export const variant = {
  isIssuerOf: (claims: Claims): boolean => [issuerUrl, "accounts.google.com"].includes(claims.get("iss") as string),
};

/** The settings for {@link verifyIdToken}, with RS256 alone. */
export function googleSettings(options: Omit<IdpClientOptions, "issuerUrl" | "algorithms">): ClientSettings {
  return { ...readSettings({ ...options, issuerUrl, algorithms: ["RS256"] }), variant };
}

/** @throws {ConfigurationError} If the option is not a domain. */
export function requireHostedDomain(hostedDomain: string | undefined): void {
  const isDomain = hostedDomain === undefined || /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(hostedDomain);
  requireSetting(isDomain, "hostedDomain", hostedDomain, "a domain in lower case");
}

/** @throws {OAuthError} `account_not_allowed` for an account outside the Workspace domain. */
export function requireDomain(claims: Claims, hostedDomain: string | undefined): void {
  if (hostedDomain !== undefined && claims.get("hd") !== hostedDomain) throw new OAuthError("account_not_allowed");
}

/** Without this check, a missing nonce would accept every token. */
export function requireNonce(nonce: string | undefined): void {
  requireSetting(/^[\w.~+/=-]{22,512}$/.test(nonce ?? ""), "nonce", {}, "at least 128 bits of base64url");
}

/** The options of {@link verifyGoogleToken}. */
export interface GoogleTokenOptions
  extends Pick<IdpClientOptions, "clientId" | "timeoutMs" | "clockToleranceSeconds" | "fetch"> {
  /** Accepts only accounts of this Workspace domain, such as `example.com`. Default: every account. */
  readonly hostedDomain?: string;
  /** The client ids of your own apps that ask for ID tokens for `clientId`, as Android apps do. Default: none. */
  readonly presenters?: readonly string[];
  /**
   * The nonce that the ID token must have, at least 128 bits. An access token has none, so that it is refused. Default: not looked at.
   * The member with the value `undefined` is refused: the nonce that was looked up is not there.
   */
  readonly nonce?: string | undefined;
}

/** Who a token of Google belongs to, with the names of lexigram-auth. Times are seconds since the Unix epoch. */
export interface VerifiedIdentityClaims {
  readonly provider: "google";
  /** The subject. Together with `issuer`, it identifies the user for good. */
  readonly provider_user_id: string;
  /** An address that Google has verified, or `null` if the token names none. */
  readonly email: string | null;
  /** True if there is an address, because one that is not verified is refused. */
  readonly email_verified: boolean;
  readonly name: string | null;
  readonly picture: string | null;
  /** Always `https://accounts.google.com`. */
  readonly issuer: string;
  /** The client that the token is for: `clientId`, except for an access token that names it as `azp` alone. */
  readonly audience: string;
  readonly expires_at: number;
  /** `null` for an access token, about which Google does not say it. */
  readonly issued_at: number | null;
  /** All claims of the ID token, or the whole answer of the userinfo endpoint. */
  readonly raw_data: Readonly<Record<string, unknown>>;
}

/** What was learned about a token that belongs to our client. */
interface VerifiedToken {
  readonly claims: Claims;
  readonly times: Pick<VerifiedIdentityClaims, "audience" | "expires_at" | "issued_at">;
}

/** The most characters of a token that a client presents. Google's access tokens have at most 2,048. */
const longest = { idToken: 8_192, accessToken: 2_048 };

/**
 * Who a token belongs to that an app has got from Google and sent to its backend.
 *
 * A token with two dots is an ID token, and its signature is verified. Any other is an access token. It counts only if Google's
 * tokeninfo says that it was issued to this client, because any site's token reads the same userinfo. An account with an address that
 * Google has not verified is refused, so that no caller takes the address for the user's. The caller must get the token over TLS. A
 * nonce that the backend made and spends stops whoever has copied a token.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 * @throws {TokenParseError} `field` says what is not acceptable, such as `id_token.aud`, `tokeninfo.aud` or `tokeninfo.exp`.
 * @throws {SubjectMismatchError} If userinfo is about another subject than tokeninfo.
 * @throws {OAuthError} `account_not_allowed` for an unverified address or another domain, `invalid_token`, `issuer_unreachable`,
 * `issuer_timeout`, `issuer_invalid_response`.
 */
export async function verifyGoogleToken(options: GoogleTokenOptions, token: string): Promise<VerifiedIdentityClaims> {
  const { hostedDomain, presenters = [], nonce, ...connection } = options;
  if ("nonce" in options) requireNonce(nonce);
  requireHostedDomain(hostedDomain);
  const areClients = Array.isArray(presenters) && presenters.every((id) => typeof id === "string");
  requireSetting(areClients, "presenters", presenters, "a list of client ids");
  const settings = googleSettings(connection);
  const isIdToken = typeof token === "string" && token.split(".").length === 3;
  const { claims, times } = isIdToken
    ? await readIdToken(settings, token, { nonce, azp: [settings.clientId, ...presenters] })
    : await readAccessToken(settings, token, nonce);
  requireDomain(claims, hostedDomain);
  const email = textOf(claims, "email") ?? null;
  if (email !== null && !isVerified(claims.get("email_verified"))) throw new OAuthError("account_not_allowed");
  return {
    provider: "google",
    provider_user_id: claims.get("sub") as string,
    email,
    email_verified: email !== null,
    name: textOf(claims, "name") ?? textOf(claims, "given_name") ?? null,
    picture: textOf(claims, "picture") ?? null,
    issuer: issuerUrl,
    ...times,
    raw_data: Object.fromEntries(claims),
  };
}

async function readIdToken(
  settings: ClientSettings,
  token: string,
  expected: { readonly nonce: string | undefined; readonly azp: readonly string[] },
): Promise<VerifiedToken> {
  if (token.length > longest.idToken) throw new TokenParseError("id_token");
  const claims = await verifyIdToken(settings, token, { ...settings, ...expected });
  const [expires_at, issued_at] = [timeOf(claims, "exp")!, timeOf(claims, "iat")!];
  return { claims, times: { audience: settings.clientId, expires_at, issued_at } };
}

const tokenInfoUrl = "https://oauth2.googleapis.com/tokeninfo";

async function readAccessToken(
  settings: ClientSettings,
  token: string,
  nonce: string | undefined,
): Promise<VerifiedToken> {
  const { clientId, clockToleranceSeconds } = settings;
  const isToken = typeof token === "string" && /^[\x21-\x7e]+$/.test(token) && token.length <= longest.accessToken;
  if (!isToken) throw new TokenParseError("access_token");
  // Otherwise a copied access token would be a way around the nonce.
  if (nonce !== undefined) throw new TokenParseError("access_token.nonce");
  // As Google's own libraries ask: the token is in a header, and in no URL that a log keeps.
  const headers = { authorization: `Bearer ${token}` };
  const answer = await askIssuer(settings, tokenInfoUrl, { method: "POST", headers, body: new URLSearchParams() });
  const info = readObject(answer);
  if (info.get("aud") !== clientId && info.get("azp") !== clientId) throw new TokenParseError("tokeninfo.aud");
  // Google writes the number as text.
  const end = String(info.get("exp"));
  const isLive = /^\d{1,11}$/.test(end) && epochSeconds() < Number(end) + clockToleranceSeconds;
  if (!isLive) throw new TokenParseError("tokeninfo.exp");
  const subject = info.get("sub");
  if (!isSubject(subject)) throw new TokenParseError("tokeninfo.sub");
  const claims = await new IdpClient(settings).readUserInfo(token, subject);
  const times = { audience: textOf(info, "aud") ?? clientId, expires_at: Number(end), issued_at: null };
  return { claims, times };
}
