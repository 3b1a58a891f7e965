import type { ValueOf } from "./record.ts";

/** The members of a session in the specification. */
export const specifiedSession = {
  id: "ses id",
  userId: "usr id",
  credentialId: "cred id",
  createdAt: "time",
  expiresAt: "time",
  revokedAt: "time?",
} as const;

/** The additional members of a session for applications. */
export const sessionDetails = {
  /** How the token travels: in an HttpOnly cookie, or in the body and the `Authorization` header. Never both. */
  transport: ["cookie", "token", null],
  /** False if it ends with its browser, and after 12 hours without use. Refreshing and stepping up keep the choice. */
  remember: "flag",
  /** The time of the user's last proof; a refresh carries it over. */
  authTime: "time?",
  /** Authentication methods, RFC 8176: `pwd`, and `mfa` where two factors were proved. */
  amr: "texts",
  /** When a second factor was last proved in this very session; never carried over by a refresh. */
  mfaVerifiedAt: "time?",
  lastSeenAt: "time?",
  /** The client's own name for itself, cleaned and cut to 256 characters. */
  userAgent: "text?",
  /** The address from which it was last used, if the runtime knows it; updated together with `lastSeenAt`. */
  address: "text?",
} as const;

export const session: typeof specifiedSession & typeof sessionDetails = { ...specifiedSession, ...sessionDetails };

/** A signed-in browser or client. Its id is not secret and grants nothing; only a digest of its token is stored. */
export interface Session extends ValueOf<typeof session> {}

/** How a session's token travels: in an HttpOnly cookie, or in the body and the `Authorization` header. Never both. */
export type Transport = "cookie" | "token";

/** How long sessions live, by assurance level (NIST SP 800-63B-4 §2.1 and §2.2), in seconds. */
export interface SessionLifetimes {
  /** After one factor: 30 days in all, 7 days without use. */
  readonly level1: { readonly absoluteSeconds: number; readonly idleSeconds: number };
  /** After two factors: 24 hours in all, 1 hour without use. */
  readonly level2: { readonly absoluteSeconds: number; readonly idleSeconds: number };
  /** How long a repeated refresh returns the same successor. Default 10, at most 30. */
  readonly retrySeconds: number;
}

export const defaultLifetimes: SessionLifetimes = {
  level1: { absoluteSeconds: 30 * 86_400, idleSeconds: 7 * 86_400 },
  level2: { absoluteSeconds: 86_400, idleSeconds: 3_600 },
  retrySeconds: 10,
};

/** The specification's shortest lifetime of a session, in seconds. */
export const minimumTtlSeconds = 60;
/** `last_seen_at` is written at most this often, in seconds. */
export const lastSeenSeconds = 60;
/** How long a session lasts without use if its browser is not to remember it, in seconds. */
export const forgottenIdleSeconds = 43_200;
/** How long an authentication counts as fresh, in seconds (S04). */
export const freshSeconds = 600;
/** How long a second factor lets an administrator act, in seconds (S05). */
export const administratorFreshSeconds = 1_800;
/** How long a login ticket lives, in seconds (S20). */
export const ticketSeconds = 300;
