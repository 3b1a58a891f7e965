/**
 * Personal access tokens: a user's long-lived secrets for programs (Flametrench ADR 0016 and 0023, `docs/identity.md`).
 *
 * @module
 */
import { randomBytes, toBase64Url } from "../crypto/bytes.ts";
import { AuthError } from "./error.ts";
import { isValidId, type PersonalAccessTokenId } from "./id.ts";
import type { ValueOf } from "./record.ts";

/** A personal access token without its secret, which is shown once and stored as a hash. The id is not secret. */
export const personalAccessToken = {
  id: "pat id",
  userId: "usr id",
  /** The owner's name for it. */
  name: "text",
  /** The scopes. Each is compared as a whole, and an empty list grants nothing. */
  scope: "texts",
  status: ["active", "expired", "revoked"],
  /** Null if it never expires. */
  expiresAt: "time?",
  /** When it was last used, accurate to the minute. */
  lastUsedAt: "time?",
  revokedAt: "time?",
  createdAt: "time",
  updatedAt: "time",
} as const;

/** A personal access token without its secret, which is shown once and stored as a hash. The id is not secret. */
export interface PersonalAccessToken extends ValueOf<typeof personalAccessToken> {}

/** The state of a token. An expired or revoked token is never accepted again. */
export type PersonalAccessTokenStatus = PersonalAccessToken["status"];

/** The longest lifetime of a token, in seconds: 365 days (ADR 0016). */
export const longestTokenSeconds = 31_536_000;
/** `last_used_at` is written at most this often, in seconds. */
export const lastUsedSeconds = 60;

const longestSecret = 256;
const mostScopes = 50;
const visibleAscii = /^[\x21-\x7e]{1,128}$/;

/**
 * True if a text has the form of a personal access token. The id is in lower case, because a second spelling would be a second
 * token (M4). The secret's length is not checked here, because the specification's fixtures accept any.
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
 * The parts of a token, at fixed places, because a secret may contain `_` too. `undefined` if the text is not a token, or if
 * its secret is longer than 256 characters; such a secret is never hashed (H6).
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
 * Returns the scopes: at most 50, of visible ASCII, each once. An empty list is allowed, and grants nothing.
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
 * Returns the expiry, if its year is 1970 to 9999, which a database reads. The database's clock decides whether it is past.
 *
 * @throws {AuthError} `pat.expires_in_past`.
 */
export function acceptExpiry(expiresAt: Date | null): Date | null {
  if (expiresAt === null) return null;
  const time = expiresAt.getTime();
  // Written so that it also refuses an invalid date.
  if (!(time > 0 && time < Date.UTC(10_000, 0))) throw new AuthError("pat.expires_in_past");
  return expiresAt;
}

/** True if a token's scopes contain exactly the required text. There are no patterns (R103). */
export function hasScope(scopes: readonly string[], needed: string): boolean {
  return scopes.includes(needed);
}
