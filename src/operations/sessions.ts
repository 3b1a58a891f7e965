import { sha256Hex } from "../crypto/digest.ts";
import { type Actor, type SessionActor, sessionOf } from "../domain/actor.ts";
import * as acts from "../domain/acts/session.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { type CredentialId, newAuditId, type SessionId, type UserId, uuidFor, wireId } from "../domain/id.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { minimumTtlSeconds, type Session, type Transport } from "../domain/session.ts";
import type { Core } from "../engine/core.ts";
import { execute, work } from "../engine/execute.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { locksOf, lockUsersOf } from "../engine/locks.ts";
import { type Page, pageOf } from "../engine/page.ts";
import { type Operation, type PlannableOperation, plannable, plannableChange } from "../engine/plan.ts";
import { readOne, readPage } from "../engine/reads.ts";
import {
  type IssuedSession,
  issued,
  newSession,
  type PresentedToken,
  toSession,
  type VerifiedSession,
} from "../engine/sessions.ts";
import { lockUser } from "../store/locks.ts";
import * as store from "../store/sessions.ts";
import { createSessionFromTicket, userOfTicket } from "../store/tickets.ts";
import type { OnlyOwn } from "./only-own.ts";
import { refreshSession } from "./refresh-session.ts";
import { signOut } from "./sign-out.ts";
import { verifySession } from "./verify-session.ts";

/** The caller, and the session to act on. */
export interface OfSession {
  actor: Actor;
  sessionId: SessionId;
}

/** Sessions: browsers and clients that are signed in (Flametrench `docs/identity.md`). */
export interface SessionOperations {
  /**
   * Exchanges a login ticket, after every required factor, for a session. All unusable tickets get the same refusal.
   *
   * @throws {AuthError} `unauthorized.invalid_ticket`, `precondition.ttl_too_short`.
   */
  create: PlannableOperation<
    {
      ticket: string;
      userId: UserId;
      credentialId: CredentialId;
      ttlSeconds?: number;
      transport?: Transport;
      context?: RequestContext;
    },
    IssuedSession,
    { sessionId: SessionId }
  >;
  /**
   * Returns the session of a token.
   *
   * @throws {AuthError} `unauthorized.…` if it is not valid now.
   */
  verify: Operation<PresentedToken, VerifiedSession>;
  /** Returns a session. Allowed for its user, the application and administrators. */
  get: Operation<OfSession & OnlyOwn, Session>;
  /**
   * A page of a user's sessions, oldest first: in every state, or only live ones.
   *
   * @throws {AuthError} `invalid_format.cursor`.
   */
  list: Operation<
    { actor: Actor; userId: UserId; cursor?: string | undefined; limit?: number | undefined; onlyLive?: boolean },
    Page<Session>
  >;
  /**
   * Replaces the presented session with a new one (Flametrench `refreshSession`, RFC 9700 §4.14.2). The same refresh within 10
   * seconds returns the same new session; a later one ends the whole family.
   *
   * @throws {AuthError} `unauthorized.session_expired`, `unauthorized.mfa_required`.
   */
  refresh: Operation<PresentedToken & { sessionId?: SessionId }, IssuedSession>;
  /** Ends a session. A session that has already ended stays as it is. */
  revoke: PlannableOperation<OfSession & OnlyOwn, Session>;
  /** Ends every session of the actor except the acting one, and their login tickets. */
  revokeOthers: Operation<{ actor: SessionActor }, { revoked: number }>;
  /** Ends the presented session. A token without a session is ignored. */
  signOut: Operation<PresentedToken, void>;
}

export function sessionOperations(core: Core): SessionOperations {
  return {
    create: plannable(core, async (input) => {
      const { ticket, userId, credentialId, ttlSeconds, transport = "token", context = {} } = input;
      // Written so that NaN is also too short.
      if (ttlSeconds !== undefined && !(ttlSeconds >= minimumTtlSeconds)) {
        throw new AuthError("precondition.ttl_too_short");
      }
      if (!isOpaqueToken(ticket)) throw new AuthError("unauthorized.invalid_ticket");
      // The statement limits it to the level's lifetime; here it becomes a number that Postgres can read.
      const wholeSeconds = ttlSeconds && Math.min(Math.trunc(ttlSeconds), 2 ** 31 - 1);
      const made = await newSession(core, { transport, context, ttlSeconds: wholeSeconds });
      const auditId = newAuditId();
      const ticketHash = await sha256Hex(ticket);
      return {
        work: work({
          locks: locksOf(acts.createSession, lockUsersOf(userOfTicket(ticketHash))),
          body: createSessionFromTicket({
            ticketHash,
            userId: uuidOr("usr", userId, "unauthorized.invalid_ticket"),
            credentialId: uuidOr("cred", credentialId, "unauthorized.invalid_ticket"),
            session: made.session,
            auditId,
            issuers: core.issuers,
          }),
          onLostReply: store.recallSession(made.session.sessionId, auditId),
          decode: (row) => issued(row, made.token),
        }),
        known: { sessionId: wireId("ses", made.session.sessionId) },
      };
    }),

    verify: (presented) => verifySession(core, presented),

    async get({ actor, sessionId, onlyOwn }) {
      const asked = { actor, onlyOwn, auditId: newAuditId(), sessionId: uuidFor("ses", sessionId) };
      return await readOne(core, store.selectSession(asked), toSession);
    },

    async list({ actor, userId, onlyLive = false, ...input }) {
      const page = pageOf("ses", input);
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId), onlyLive, ...page };
      const defaultIdleSeconds = core.lifetimes.level1.idleSeconds;
      return await readPage(core, store.selectSessionsOfUser({ ...asked, defaultIdleSeconds }), page.limit, toSession);
    },

    refresh: (presented) => refreshSession(core, presented),

    revoke: plannableChange(core, ({ actor, sessionId, onlyOwn }) => {
      const asked = { actor, onlyOwn, auditId: newAuditId(), sessionId: uuidFor("ses", sessionId) };
      return guardedWork(acts.revokeSession, asked, asked.sessionId, {
        locks: [lockUsersOf(store.userOfSession(asked.sessionId))],
        body: store.revokeSession(asked),
        onLostReply: store.recallSession(asked.sessionId, asked.auditId),
        decode: toSession,
      });
    }),

    async revokeOthers({ actor }) {
      const { userId, sessionId } = sessionOf(actor);
      const asked = { actor, auditId: newAuditId(), sessionId: uuidFor("ses", sessionId) };
      return await execute(core, {
        locks: locksOf(acts.revokeOtherSessions, lockUser(uuidFor("usr", userId))),
        body: store.revokeOtherSessions(asked),
        onLostReply: store.recallRevokedCount(asked.auditId),
        decode: ({ revoked }) => ({ revoked }),
      });
    },

    signOut: (presented) => signOut(core, presented),
  };
}

function uuidOr(type: "usr" | "cred", id: string, code: "unauthorized.invalid_ticket"): string {
  try {
    return uuidFor(type, id);
  } catch (error) {
    throw new AuthError(code, { cause: error });
  }
}
