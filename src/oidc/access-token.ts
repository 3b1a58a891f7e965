/**
 * Access tokens that an issuer has made for this application: RFC 9068.
 *
 * @module
 */
import { epochSeconds } from "../crypto/epoch.ts";
import { parseJws } from "../crypto/jws.ts";
import { TokenParseError } from "./errors.ts";
import { audiencesOf, type Claims, isPast, isSubject, requireSignature, timeOf } from "./id-token.ts";
import type { ClientSettings } from "./options.ts";

/**
 * The claims of an access token (§4). The client id of the settings is the audience.
 *
 * @param types What `typ` may be.
 * @throws {TokenParseError} Its field is `access_token.` and the first claim or part that is not acceptable.
 * @throws {OAuthError} If the issuer's keys could not be read.
 */
export async function verifyAccessToken(
  settings: ClientSettings,
  token: string,
  types: readonly (string | undefined)[],
): Promise<Claims> {
  const jws = parseJws(token);
  if (!jws) throw new TokenParseError("access_token");
  const { claims } = jws;
  const refuse = (field: string) => new TokenParseError(`access_token.${field}`);
  if (!settings.algorithms.includes(jws.algorithm)) throw refuse("alg");
  // So that no ID token is one (RFC 8725 §3.11).
  if (!types.includes(jws.type)) throw refuse("typ");
  await requireSignature(settings, jws, "access_token");
  if (!audiencesOf(claims).includes(settings.clientId)) throw refuse("aud");
  if (!isSubject(claims.get("sub"))) throw refuse("sub");
  const end = timeOf(claims, "exp");
  if (end === undefined || epochSeconds() >= end + settings.clockToleranceSeconds) throw refuse("exp");
  const wrong = ["iat", "nbf"].find((name) => claims.has(name) && !isPast(claims, name, settings));
  if (wrong) throw refuse(wrong);
  return claims;
}
