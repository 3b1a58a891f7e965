import type { CredentialId, SessionId, UserId } from "./id.ts";

/** How a session's token travels: in an HttpOnly cookie, or in the body and the `Authorization` header. Never both. */
export type Transport = "cookie" | "token";

/** A browser or client that is signed in. Its id is no secret and opens nothing; its token is kept as a digest only. */
export interface Session {
  readonly id: SessionId;
  readonly userId: UserId;
  readonly credentialId: CredentialId;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
  /** When a second factor was last proved in this very session; never carried over by a refresh. */
  readonly mfaVerifiedAt: Date | null;
  /** When the user last proved who they are; a refresh carries it over. */
  readonly authTime: Date | null;
  /** Authentication methods, RFC 8176: `pwd`, and `mfa` where two factors were proved. */
  readonly amr: readonly string[];
  readonly transport: Transport | null;
  readonly lastSeenAt: Date | null;
  /** The client's own name for itself, cleaned and cut to 256 characters. */
  readonly userAgent: string | null;
  /** Where it was used last, as far as the runtime tells; noted as often as the time of it. */
  readonly address: string | null;
}

/** How long sessions live, by assurance level (NIST SP 800-63B-4 §2.1 and §2.2), in seconds. */
export interface SessionLifetimes {
  /** After one factor: 30 days in all, 7 days without use. */
  readonly level1: { readonly absoluteSeconds: number; readonly idleSeconds: number };
  /** After two factors: 24 hours in all, 1 hour without use. */
  readonly level2: { readonly absoluteSeconds: number; readonly idleSeconds: number };
  /** For how long a repeated refresh gets the same successor. Default 10, at most 30. */
  readonly retrySeconds: number;
}

export const defaultLifetimes: SessionLifetimes = {
  level1: { absoluteSeconds: 30 * 86_400, idleSeconds: 7 * 86_400 },
  level2: { absoluteSeconds: 86_400, idleSeconds: 3_600 },
  retrySeconds: 10,
};

/** The specification's least lifetime of a session, in seconds. */
export const minimumTtlSeconds = 60;
/** `last_seen_at` is written at most this often, in seconds. */
export const lastSeenSeconds = 60;
/** For how long an authentication counts as fresh, in seconds (S04). */
export const freshSeconds = 600;
/** For how long a second factor lets an administrator act, in seconds (S05). */
export const administratorFreshSeconds = 1_800;
/** How long a login ticket lives, in seconds (S20). */
export const ticketSeconds = 300;
