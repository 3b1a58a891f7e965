/**
 * What an issuer says by itself, in a signed token: logout tokens of OpenID Connect Back-Channel Logout 1.0, and tokens of other
 * events.
 *
 * @module
 */
import { epochSeconds } from "../crypto/epoch.ts";
import { membersOf } from "../crypto/json.ts";
import { parseJws } from "../crypto/jws.ts";
import type { ProviderNotice } from "../domain/identity-provider.ts";
import { TokenParseError } from "./errors.ts";
import { audiencesOf, type Claims, isPast, isSubject, requireSignature, timeOf } from "./id-token.ts";
import type { ClientSettings } from "./options.ts";

/** A kind of tokens: what they must be, and what they say. */
export interface NoticeTokens {
  /** In errors. */
  readonly name: string;
  /** What `typ` may be. */
  readonly types: readonly (string | undefined)[];
  /** How old a token may be, in seconds. */
  readonly longestSeconds: number;
  /** The first claim that is not acceptable. */
  readonly wrong: (claims: Claims, settings: ClientSettings) => string | undefined;
  readonly says: (claims: Claims) => Pick<ProviderNotice, "ends" | "subject" | "sid">;
}

/**
 * What a token of an issuer says.
 *
 * @throws {TokenParseError} Its field is the name of the kind, and the first claim or part that is not acceptable.
 * @throws {OAuthError} If the issuer's keys could not be read.
 */
export async function readNoticeToken(
  settings: ClientSettings,
  token: string,
  kind: NoticeTokens = logoutTokens,
): Promise<Omit<ProviderNotice, "issuer">> {
  const { name, types, longestSeconds, wrong, says } = kind;
  const refuse = (field?: string) => new TokenParseError(field === undefined ? name : `${name}.${field}`);
  const jws = parseJws(token);
  if (!jws) throw refuse();
  const { claims } = jws;
  if (!settings.algorithms.includes(jws.algorithm)) throw refuse("alg");
  if (!types.includes(jws.type)) throw refuse("typ");
  await requireSignature(settings, jws, name);
  if (!audiencesOf(claims).includes(settings.clientId)) throw refuse("aud");
  const [issuedAt, id] = [timeOf(claims, "iat"), claims.get("jti")];
  const end = issuedAt === undefined ? 0 : issuedAt + longestSeconds + settings.clockToleranceSeconds;
  if (issuedAt === undefined || !isPast(claims, "iat", settings) || end < epochSeconds()) throw refuse("iat");
  if (typeof id !== "string" || id === "" || id.length > 512) throw refuse("jti");
  const field = wrong(claims, settings);
  if (field) throw refuse(field);
  return { ...says(claims), id, issuedAt, expiresAt: end };
}

const logout = "http://schemas.openid.net/event/backchannel-logout";

/** §2.4 and §2.6. */
const logoutTokens: NoticeTokens = {
  name: "logout_token",
  // The type is recommended, and issuers of before it have none.
  types: ["logout+jwt", "jwt", undefined],
  // The life that is recommended.
  longestSeconds: 120,
  wrong(claims, { clockToleranceSeconds }) {
    const [end, subject, sid] = [timeOf(claims, "exp"), claims.get("sub"), claims.get("sid")];
    if (end === undefined || end + clockToleranceSeconds <= epochSeconds()) return "exp";
    if (!membersOf(membersOf(claims.get("events"))?.get(logout))) return "events";
    // So that an ID token is never one.
    if (claims.has("nonce")) return "nonce";
    if (subject !== undefined ? !isSubject(subject) : sid === undefined) return "sub";
    return sid === undefined || isSubject(sid) ? undefined : "sid";
  },
  says: (claims) => ({
    ends: "sessions",
    subject: claims.get("sub") as string | undefined,
    sid: claims.get("sid") as string | undefined,
  }),
};
