import { sha256Hex } from "../crypto/digest.ts";
import type { SessionActor } from "../domain/actor.ts";
import { generateOpaqueToken } from "../domain/bearer.ts";
import { newUuid } from "../domain/id.ts";
import { type Prefixed, type RowOf, toValue } from "../domain/record.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import { type Session, session, type Transport } from "../domain/session.ts";
import { type SignedInUser, type User, user } from "../domain/user.ts";
import type { NewSession, SessionUserRow } from "../store/sessions.ts";
import type { Core } from "./core.ts";

/** A token as the client presents it, and how it travelled. */
export interface PresentedToken {
  readonly token: string;
  readonly transport: Transport;
  readonly context?: RequestContext;
}

/** A live session, its user, and the right to act for them. */
export interface VerifiedSession {
  readonly session: Session;
  readonly user: SignedInUser;
  readonly actor: SessionActor;
  /** The database's time of the check. Compute the age of a proof from it. */
  readonly asOf: Date;
}

/** A session with its token, which is shown only this once. */
export interface IssuedSession {
  readonly session: Session;
  readonly user: User;
  readonly token: string;
}

/** A future session and its token, which is random and never derived. */
export async function newSession(
  core: Core,
  options: {
    transport: Transport;
    context: RequestContext;
    ttlSeconds?: number | undefined;
    remember?: boolean | undefined;
  },
): Promise<{ session: NewSession; token: string }> {
  const token = generateOpaqueToken();
  const made = {
    sessionId: newUuid(),
    tokenHash: await sha256Hex(token),
    transport: options.transport,
    context: cleanContext(options.context),
    lifetimes: core.lifetimes,
    ttlSeconds: options.ttlSeconds,
    remember: options.remember ?? true,
  };
  return { session: made, token };
}

/** The issued session in a row, for the caller. */
export function issued(row: SessionUserRow, token: string): IssuedSession {
  return { session: toSession(row), user: userOf(row), token };
}

/** The user in a row that also holds something else. */
export function userOf(row: Prefixed<RowOf<typeof user>, "user">): User {
  return toValue(user, row, "user.");
}

export function toSession(row: RowOf<typeof session>): Session {
  const value = toValue(session, row);
  const { authTime, mfaVerifiedAt } = value;
  // A provider's factor is older than the session, which the column cannot say.
  return authTime && mfaVerifiedAt && authTime < mfaVerifiedAt ? { ...value, mfaVerifiedAt: authTime } : value;
}

export function toUser(row: RowOf<typeof user>): User {
  return toValue(user, row);
}
