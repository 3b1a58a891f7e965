/**
 * ID tokens: OpenID Connect Core §3.1.3.7, §12.2, and RFC 8725.
 *
 * @module
 */

import { constantTimeEqual, fromBase64Url, utf8 } from "../crypto/bytes.ts";
import { epochSeconds } from "../crypto/epoch.ts";
import { isJwsAlgorithm, type JwsAlgorithm, jwsAlgorithm } from "../crypto/jwk.ts";
import { isSignedBy, parseJws, type UnverifiedJws } from "../crypto/jws.ts";
import { TokenParseError } from "./errors.ts";
import { findIssuerKey } from "./issuer.ts";
import type { IssuerConnection } from "./issuer-request.ts";

/** The claims of a verified token. */
export type Claims = ReadonlyMap<string, unknown>;

/** What a token must fit. */
export interface ExpectedToken {
  readonly clientId: string;
  /** The clients that may have asked for the token. Default: the client itself. */
  readonly azp?: readonly unknown[] | undefined;
  readonly clockToleranceSeconds: number;
  /** The algorithms that the application accepts. */
  readonly algorithms: readonly JwsAlgorithm[];
  /** The nonce of the request. `undefined`: the token's nonce is not looked at. */
  readonly nonce?: string | undefined;
  /** The access token that came with it, for `at_hash`. */
  readonly accessToken?: string | undefined;
  readonly maxAgeSeconds?: number | undefined;
  /** When the user was sent to the issuer, who may have taken their time since. Needed with `maxAgeSeconds`. */
  readonly createdAt?: number;
  /** The authentication contexts that were asked for. The token must have one of them. */
  readonly acrValues?: readonly string[] | undefined;
  /** Accepts a token after its end: one that was verified when it came, and has been stored. */
  readonly isStored?: boolean;
  /** Accepts a token without times: signed userinfo (OpenID Connect Core §5.3.2), which was asked for just now. */
  readonly isUserInfo?: boolean;
}

/** The algorithms that are accepted unless the application names fewer. */
export const defaultAlgorithms: readonly JwsAlgorithm[] = ["ES256", "RS256", "EdDSA", "Ed25519", "PS256"];

/** An issuer's own answer may have many organizations in its token. */
export const longestIdToken = 65_536;

/**
 * The claims of an ID token, after its signature and everything that is expected of it.
 *
 * @throws {TokenParseError} Its field is `id_token.` and the first claim or part that is not acceptable.
 * @throws {OAuthError} If the issuer's keys could not be read.
 */
export async function verifyIdToken(
  connection: IssuerConnection,
  token: string,
  expected: ExpectedToken,
): Promise<Claims> {
  const jws = parseJws(token, longestIdToken);
  if (!jws) throw new TokenParseError("id_token");
  if (!expected.algorithms.includes(jws.algorithm)) throw new TokenParseError("id_token.alg");
  // RFC 8725 §3.11: an access token or a logout token names its own type.
  if (jws.type !== undefined && jws.type !== "jwt") throw new TokenParseError("id_token.typ");
  await requireSignature(connection, jws);
  const wrong = claimChecks.find(([, isRight]) => !isRight(jws.claims, expected));
  if (wrong) throw new TokenParseError(`id_token.${wrong[0]}`);
  if (!(await isHashOf(jws, expected.accessToken))) throw new TokenParseError("id_token.at_hash");
  return jws.claims;
}

/** @throws {TokenParseError} If the token names another issuer, no key of the issuer fits, or the signature is wrong. */
export async function requireSignature(
  connection: IssuerConnection,
  jws: UnverifiedJws,
  name: string = "id_token",
): Promise<void> {
  const { issuerUrl, variant } = connection;
  const isIssuers = variant?.isIssuerOf?.(jws.claims) ?? jws.claims.get("iss") === issuerUrl;
  // Before the keys are asked for, so that another issuer's token costs nothing.
  if (!isIssuers) throw new TokenParseError(`${name}.iss`);
  const key = await findIssuerKey(connection, jws);
  if (!key) throw new TokenParseError(`${name}.kid`);
  if (!(await isSignedBy(jws, key))) throw new TokenParseError(`${name}.signature`);
}

/** The rules for each claim, in this order. */
const claimChecks: readonly (readonly [string, (claims: Claims, expected: ExpectedToken) => boolean])[] = [
  ["aud", (claims, { clientId }) => audiencesOf(claims).includes(clientId)],
  [
    "azp",
    (claims, { clientId, azp = [clientId] }) =>
      azp.includes(claims.get("azp")) || (!claims.has("azp") && audiencesOf(claims).length === 1),
  ],
  ["sub", (claims) => isSubject(claims.get("sub"))],
  [
    "exp",
    (claims, { clockToleranceSeconds, isStored, isUserInfo }) => {
      const end = timeOf(claims, "exp");
      if (end === undefined) return !!isUserInfo && !claims.has("exp");
      return !!isStored || epochSeconds() < end + clockToleranceSeconds;
    },
  ],
  ["iat", (claims, expected) => (!!expected.isUserInfo && !claims.has("iat")) || isPast(claims, "iat", expected)],
  ["nbf", (claims, expected) => !claims.has("nbf") || isPast(claims, "nbf", expected)],
  ["nonce", (claims, { nonce }) => nonce === undefined || isSameText(claims.get("nonce"), nonce)],
  [
    "auth_time",
    (claims, expected) =>
      expected.maxAgeSeconds === undefined ||
      (isPast(claims, "auth_time", expected) &&
        expected.createdAt! - (claims.get("auth_time") as number) <=
          expected.maxAgeSeconds + expected.clockToleranceSeconds),
  ],
  ["acr", (claims, { acrValues }) => acrValues === undefined || acrValues.some((value) => value === claims.get("acr"))],
];

/** `aud` as a list: RFC 7519 §4.1.3. Empty if it is anything else. */
export function audiencesOf(claims: Claims): readonly unknown[] {
  const audience = claims.get("aud");
  if (typeof audience === "string") return [audience];
  return Array.isArray(audience) && audience.every((one) => typeof one === "string") ? audience : [];
}

/** OpenID Connect Core §2: at most 255 ASCII characters. */
export function isSubject(subject: unknown): subject is string {
  return typeof subject === "string" && /^[\x20-\x7e]{1,255}$/.test(subject);
}

/** A NumericDate, of the years that a clock can have. */
export function timeOf(claims: Claims, name: string): number | undefined {
  const time = claims.get(name);
  return typeof time === "number" && time >= 0 && time < 253_402_300_800 ? time : undefined;
}

export function isPast(
  claims: Claims,
  name: string,
  { clockToleranceSeconds }: Pick<ExpectedToken, "clockToleranceSeconds">,
): boolean {
  const time = timeOf(claims, name);
  return time !== undefined && time <= epochSeconds() + clockToleranceSeconds;
}

/** True if a value is this text. The time depends only on its length. */
export function isSameText(value: unknown, expected: string): boolean {
  return typeof value === "string" && constantTimeEqual(utf8(value), utf8(expected));
}

/** OpenID Connect Core §3.1.3.6: the left half of the access token's hash, by the hash of the signature's algorithm. */
async function isHashOf({ algorithm, claims }: UnverifiedJws, accessToken: string | undefined): Promise<boolean> {
  const given = claims.get("at_hash");
  if (given === undefined || accessToken === undefined) return true;
  const bytes = typeof given === "string" ? fromBase64Url(given) : undefined;
  const digest = new Uint8Array(await crypto.subtle.digest(jwsAlgorithm(algorithm).hash, utf8(accessToken)));
  return bytes !== undefined && constantTimeEqual(bytes, digest.subarray(0, digest.length / 2));
}

/** The algorithms of an option. */
export function areAlgorithms(names: unknown): names is readonly JwsAlgorithm[] {
  return Array.isArray(names) && names.length > 0 && names.every(isJwsAlgorithm);
}
