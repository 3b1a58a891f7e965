/**
 * Personal access tokens: long-lived secrets of a user's for programs (Flametrench ADR 0016 and 0023, `docs/identity.md`).
 *
 * @module
 */
import { randomBytes, toBase64Url } from "../crypto/bytes.ts";
import { AuthError } from "./error.ts";
import { isValidId, type PersonalAccessTokenId } from "./id.ts";
import type { ValueOf } from "./record.ts";

/** A personal access token without its secret, which is shown once and kept as a hash. Its id is no secret. */
export const personalAccessToken = {
  id: "pat id",
  userId: "usr id",
  /** What its owner calls it. */
  name: "text",
  /** What it may be used for: each is compared whole, and none grants nothing. */
  scope: "texts",
  status: ["active", "expired", "revoked"],
  /** Null for never. */
  expiresAt: "time?",
  /** To the minute. */
  lastUsedAt: "time?",
  revokedAt: "time?",
  createdAt: "time",
  updatedAt: "time",
} as const;

/** A personal access token without its secret, which is shown once and kept as a hash. Its id is no secret. */
export interface PersonalAccessToken extends ValueOf<typeof personalAccessToken> {}

export type PersonalAccessTokenStatus = PersonalAccessToken["status"];

/** A token lives so long at most, in seconds: 365 days (ADR 0016). */
export const longestTokenSeconds = 31_536_000;
/** `last_used_at` is written at most this often, in seconds. */
export const lastUsedSeconds = 60;

const longestSecret = 256;
const mostScopes = 50;
const visibleAscii = /^[\x21-\x7e]{1,128}$/;

/**
 * Whether text has the form of a personal access token. The id is in lower case, since a second spelling would be a second
 * token (M4); how long the secret may be is not said here, for the specification's fixtures accept any.
 */
export function isStructurallyValidPatToken(token: string): boolean {
  return /^pat_[0-9a-f]{32}_[A-Za-z0-9_-]+$/.test(token);
}

/** A token in its parts. */
export interface PatTokenParts {
  /** `undefined` if no token can have this id, such as the nil UUID. */
  readonly id: PersonalAccessTokenId | undefined;
  readonly secret: string;
}

/**
 * The parts of a token, at their fixed places: a secret may hold `_` too. `undefined` if it is none, or its secret is longer
 * than 256 characters, which nobody hashes (H6).
 */
export function splitPatToken(token: string): PatTokenParts | undefined {
  if (token.length > 37 + longestSecret || !isStructurallyValidPatToken(token)) return undefined;
  const id = token.slice(0, 36);
  return { id: isValidId(id, "pat") ? (id as PersonalAccessTokenId) : undefined, secret: token.slice(37) };
}

/** A new token's secret: 256 bits of base64url. */
export function generatePatSecret(): string {
  return toBase64Url(randomBytes(32));
}

/** How lists show a token: enough of its id to tell it from others. */
export function patPrefix(id: PersonalAccessTokenId): string {
  return id.slice(0, 12);
}

/**
 * The scopes themselves: at most 50 of visible ASCII, each once. None is allowed, and grants nothing.
 *
 * @throws {AuthError} `invalid_format.scope`.
 */
export function acceptScopes(scopes: readonly string[]): readonly string[] {
  const isAcceptable =
    scopes.length <= mostScopes &&
    new Set(scopes).size === scopes.length &&
    scopes.every((scope) => visibleAscii.test(scope));
  if (!isAcceptable) throw new AuthError("invalid_format.scope");
  return [...scopes];
}

/**
 * The end itself, if it is a time of the years 1970 to 9999, which a database reads. Whether it is to come, its clock says.
 *
 * @throws {AuthError} `pat.expires_in_past`.
 */
export function acceptExpiry(expiresAt: Date | null): Date | null {
  if (expiresAt === null) return null;
  const time = expiresAt.getTime();
  // Written so that an invalid date is refused as well.
  if (!(time > 0 && time < Date.UTC(10_000, 0))) throw new AuthError("pat.expires_in_past");
  return expiresAt;
}

/** Whether a token's scopes hold the one that is needed: that very text, and no pattern of it (R103). */
export function hasScope(scopes: readonly string[], needed: string): boolean {
  return scopes.includes(needed);
}
