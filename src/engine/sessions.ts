import { sha256Hex } from "../crypto/digest.ts";
import type { Actor } from "../domain/actor.ts";
import { generateOpaqueToken } from "../domain/bearer.ts";
import { generateId, uuidFor, wireId } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Session, Transport } from "../domain/session.ts";
import type { User } from "../domain/user.ts";
import type { NewSession, SessionRow, SessionUserRow } from "../store/sessions.ts";
import type { UserRow } from "../store/users.ts";
import type { Core } from "./core.ts";

/** A token as a client presents it, and the way that it came. */
export interface PresentedToken {
  readonly token: string;
  readonly transport: Transport;
  readonly context?: RequestContext;
}

/** A session that counts now, its user, and the right to act for them. */
export interface VerifiedSession {
  readonly session: Session;
  readonly user: User;
  readonly actor: Actor;
  /** The database's time of the check: what ages are counted from. */
  readonly asOf: Date;
}

/** A session with its token, which is shown this once. */
export interface IssuedSession {
  readonly session: Session;
  readonly user: User;
  readonly token: string;
}

/** A session to be, and the token that will open it: fresh randomness, never derived. */
export async function newSession(
  core: Core,
  options: { transport: Transport; context: RequestContext; ttlSeconds?: number | undefined },
): Promise<{ session: NewSession; token: string }> {
  const token = generateOpaqueToken();
  const session = {
    sessionId: uuidFor("ses", generateId("ses")),
    tokenHash: await sha256Hex(token),
    transport: options.transport,
    context: cleanContext(options.context),
    lifetimes: core.lifetimes,
    ttlSeconds: options.ttlSeconds,
  };
  return { session, token };
}

/** What a row of a new session gives to the one who asked for it. */
export function issued(row: SessionUserRow, token: string): IssuedSession {
  return { session: toSession(row), user: userOf(row), token };
}

export function userOf(row: SessionUserRow): User {
  return toUser({
    id: row.userId,
    status: row.userStatus,
    displayName: row.displayName,
    createdAt: row.userCreatedAt,
    updatedAt: row.userUpdatedAt,
  });
}

export function toSession(row: SessionRow): Session {
  return {
    id: wireId("ses", row.id),
    userId: wireId("usr", row.userId),
    credentialId: wireId("cred", row.credentialId),
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
    revokedAt: row.revokedAt,
    mfaVerifiedAt: row.mfaVerifiedAt,
    authTime: row.authTime,
    amr: row.amr,
    transport: row.transport,
    lastSeenAt: row.lastSeenAt,
    userAgent: row.userAgent,
    address: row.address,
  };
}

export function toUser(row: UserRow): User {
  const { id, status, displayName, createdAt, updatedAt } = row;
  return { id: wireId("usr", id), status, displayName, createdAt, updatedAt };
}
