import { constantTimeEqual, fromHex, randomBytes, toBase64Url, toHex, utf8 } from "../crypto/bytes.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { Actor } from "../domain/actor.ts";
import { generateOpaqueToken, isOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { generateId, type SessionId, uuidFor, wireId } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import { minimumTtlSeconds, type Session, type Transport } from "../domain/session.ts";
import type { User } from "../domain/user.ts";
import * as rotation from "../store/refresh.ts";
import * as store from "../store/sessions.ts";
import { createSessionFromTicket } from "../store/sign-in.ts";
import { sql } from "../store/sql.ts";
import type { Core } from "./core.ts";
import { execute } from "./execute.ts";
import { decodeCursor, type Page, pageLimit, toPage } from "./page.ts";
import { type Operation, type PlannableOperation, plannable } from "./plan.ts";
import { refuse } from "./refuse.ts";
import { newAuditId, toUser } from "./users.ts";

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
}

/** A session with its token, which is shown this once. */
export interface IssuedSession {
  readonly session: Session;
  readonly user: User;
  readonly token: string;
}

interface OfSession {
  actor: Actor;
  sessionId: string;
}

/** Sessions: browsers and clients that are signed in (Flametrench `docs/identity.md`). */
export interface SessionOperations {
  /**
   * Spends a complete login ticket on a session. All that can be wrong with a ticket looks the same.
   *
   * @throws {AuthError} `unauthorized.invalid_ticket`, `precondition.ttl_too_short`.
   */
  create: PlannableOperation<
    {
      ticket: string;
      userId: string;
      credentialId: string;
      ttlSeconds?: number;
      transport?: Transport;
      context?: RequestContext;
    },
    IssuedSession,
    { sessionId: SessionId }
  >;
  /** Whose session a token is. @throws {AuthError} `unauthorized.…` if it does not count now. */
  verify: Operation<PresentedToken, VerifiedSession>;
  /** The session; for its user, the application and administrators. @throws {AuthError} `not_found`. */
  get: Operation<OfSession, Session>;
  /** A page of a user's sessions in order of their making: in every state, or only those that live. */
  list: Operation<
    { actor: Actor; userId: string; cursor?: string | undefined; limit?: number | undefined; onlyLive?: boolean },
    Page<Session>
  >;
  /**
   * A new session in the place of the presented one (Flametrench `refreshSession`, RFC 9700 §4.14.2). The same refresh within
   * 10 seconds gets the same new session; a later one ends all that came of the sign-in.
   */
  refresh: Operation<PresentedToken & { sessionId?: string }, IssuedSession>;
  /** Ends a session; one that has ended stays as it is. */
  revoke: PlannableOperation<OfSession, Session>;
  /** Ends every session of the actor but the one that acts, and their login tickets. */
  revokeOthers: Operation<{ actor: Actor }, { revoked: number }>;
  /** Ends the presented session, if it is one. */
  signOut: Operation<PresentedToken, void>;
}

export function sessionOperations(core: Core): SessionOperations {
  return {
    create: plannable(core, async (_core, input) => {
      const { ticket, userId, credentialId, ttlSeconds, transport = "token", context = {} } = input;
      if (ttlSeconds !== undefined && ttlSeconds < minimumTtlSeconds) throw new AuthError("precondition.ttl_too_short");
      if (!isOpaqueToken(ticket)) throw new AuthError("unauthorized.invalid_ticket");
      const made = await newSession(core, { transport, context, ttlSeconds });
      const auditId = newAuditId();
      const work = {
        body: createSessionFromTicket({
          ticketHash: await sha256Hex(ticket),
          userId: uuidOr("usr", userId, "unauthorized.invalid_ticket"),
          credentialId: uuidOr("cred", credentialId, "unauthorized.invalid_ticket"),
          session: made.session,
          auditId,
        }),
        onLostReply: store.recallSession(made.session.sessionId, auditId),
        decode: ([row]: readonly unknown[]) => issued(row as store.SessionUserRow, made.token),
      };
      return { work, known: { sessionId: wireId("ses", made.session.sessionId) } };
    }),

    async verify({ token, transport, context = {} }) {
      if (!isOpaqueToken(token)) throw new AuthError("unauthorized.invalid_token");
      const rows = await execute(core, {
        body: store.verifySession({
          tokenHash: await sha256Hex(token),
          transport,
          defaultIdleSeconds: core.lifetimes.level1.idleSeconds,
        }),
        onLostReply: "repeat",
        decode: (found) => found as (store.SessionUserRow & { refusal: string | null; identifier: string })[],
      });
      const [row] = rows;
      if (!row) throw new AuthError("unauthorized.invalid_token");
      refuse(row.refusal);
      const session = toSession(row);
      const subject = { userId: session.userId, sessionId: session.id, identifier: row.identifier };
      return { session, user: userOf(row), actor: Actor.forSession(subject, context) };
    },

    async get({ actor, sessionId }) {
      const act = { actor, auditId: newAuditId(), sessionId: uuidFor("ses", sessionId) };
      return await execute(core, {
        body: store.selectSession(act),
        onLostReply: "repeat",
        decode: ([row]) => {
          const session = row as store.SessionRow & { refusal: string | null };
          refuse(session.refusal);
          return toSession(session);
        },
      });
    },

    async list({ actor, userId, cursor, limit, onlyLive = false }) {
      const size = pageLimit(limit);
      return await execute(core, {
        body: store.selectSessionsOfUser({
          actor,
          auditId: newAuditId(),
          userId: uuidFor("usr", userId),
          after: decodeCursor("ses", cursor),
          limit: size,
          onlyLive,
        }),
        onLostReply: "repeat",
        decode: (rows) => toPage(rows as (store.SessionRow & { refusal: string | null })[], size, toSession),
      });
    },

    refresh: async (presented) => await refreshSession(core, presented),

    revoke: plannable(core, async (_core, { actor, sessionId }) => {
      const act = { actor, auditId: newAuditId(), sessionId: uuidFor("ses", sessionId) };
      const work = {
        locks: [{ on: "usr", key: store.userOfSession(act.sessionId) }] as const,
        body: store.revokeSession(act),
        onLostReply: store.recallSession(act.sessionId, act.auditId),
        decode: ([row]: readonly unknown[]) => toSession(row as store.SessionRow),
        denial: { actor, action: "identity.session.revoke", targetKind: "ses", target: act.sessionId },
      };
      return { work, known: {} };
    }),

    async revokeOthers({ actor }) {
      if (!actor.userId || !actor.sessionId) throw new TypeError("Only the user of a session has other sessions.");
      const act = { actor, auditId: newAuditId(), sessionId: uuidFor("ses", actor.sessionId) };
      return await execute(core, {
        locks: [{ on: "usr", key: sql`select ${uuidFor("usr", actor.userId)}::uuid as id` }],
        body: store.revokeOtherSessions(act),
        onLostReply: store.recallRevokedCount(act.auditId),
        decode: ([row]) => ({ revoked: (row as { revoked: number }).revoked }),
      });
    },

    async signOut({ token, transport, context = {} }) {
      if (!isOpaqueToken(token)) return;
      await execute(core, {
        body: store.endPresentedSession({
          tokenHash: await sha256Hex(token),
          transport,
          auditId: newAuditId(),
          context: cleanContext(context),
        }),
        onLostReply: "repeat",
        decode: () => undefined,
      });
    },
  };
}

/** A session to be, and the token that will open it: fresh randomness, never derived. */
export async function newSession(
  core: Core,
  options: { transport: Transport; context: RequestContext; ttlSeconds?: number | undefined },
): Promise<{ session: store.NewSession; token: string }> {
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

/**
 * Rotates a token. The new one is derived from the old one, a server key and a nonce that the row keeps (S09), so that the
 * loser of a race, and a client whose reply was lost, get the very token that the winner got, though nobody stored it.
 */
async function refreshSession(
  core: Core,
  { token, transport, context = {}, sessionId }: PresentedToken & { sessionId?: string },
): Promise<IssuedSession> {
  if (!isOpaqueToken(token)) throw new AuthError("unauthorized.invalid_token");
  const tokenHash = await sha256Hex(token);
  const child = await deriveChild(core, token);
  const rows = await execute(core, {
    locks: [{ on: "usr", key: rotation.userOfToken(tokenHash) }],
    body: rotation.refreshSession({
      tokenHash,
      presentedId: sessionId === undefined ? undefined : uuidFor("ses", sessionId),
      transport,
      child: {
        sessionId: uuidFor("ses", generateId("ses")),
        tokenHash: await sha256Hex(child.token),
        nonce: child.nonce,
        keyVersion: child.keyVersion,
      },
      retrySeconds: core.lifetimes.retrySeconds,
      defaults: core.lifetimes.level1,
      auditId: newAuditId(),
      context: cleanContext(context),
    }),
    onLostReply: "repeat",
    decode: (found) => found as rotation.RefreshedRow[],
  });
  const [row] = rows;
  switch (row?.verdict) {
    case "rotate":
    case "retry": {
      const derived = await deriveToken(core, token, row.nonce, row.keyVersion);
      // Of a version that is gone, or of a child that was not derived from this token: plainly refused, not reuse (S18).
      if (derived === undefined || !equalHex(await sha256Hex(derived), row.tokenHash)) {
        throw new AuthError("unauthorized.session_expired");
      }
      return issued(row, derived);
    }
    case "mfa_required":
      throw new AuthError("unauthorized.mfa_required");
    case "not_found":
      throw new AuthError("not_found");
    case undefined:
      throw new AuthError("unauthorized.invalid_token");
    default:
      throw new AuthError("unauthorized.session_expired");
  }
}

/** A nonce and the token that it gives, drawn again if the token begins like a bearer of another kind (S51). */
async function deriveChild(core: Core, token: string): Promise<{ token: string; nonce: string; keyVersion: number }> {
  for (;;) {
    const nonce = toHex(randomBytes(32));
    const keyVersion = core.keys.currentVersion;
    const derived = await deriveToken(core, token, nonce, keyVersion);
    if (derived !== undefined && isOpaqueToken(derived)) return { token: derived, nonce, keyVersion };
  }
}

async function deriveToken(core: Core, token: string, nonce: string, keyVersion: number): Promise<string | undefined> {
  const mac = await core.keys.mac("refresh", [fromHex(nonce)!, token], keyVersion);
  return mac && toBase64Url(mac);
}

function equalHex(a: string, b: string): boolean {
  return constantTimeEqual(utf8(a), utf8(b));
}

function uuidOr(type: "usr" | "cred", id: string, code: "unauthorized.invalid_ticket"): string {
  try {
    return uuidFor(type, id);
  } catch (error) {
    throw new AuthError(code, { cause: error });
  }
}

/** What a row of a new session gives to the one who asked for it. */
export function issued(row: store.SessionUserRow, token: string): IssuedSession {
  return { session: toSession(row), user: userOf(row), token };
}

function userOf(row: store.SessionUserRow): User {
  return toUser({
    id: row.userId,
    status: row.userStatus,
    displayName: row.displayName,
    createdAt: row.userCreatedAt,
    updatedAt: row.userUpdatedAt,
  });
}

function toSession(row: store.SessionRow): Session {
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
  };
}
