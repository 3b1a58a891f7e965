import * as acts from "../domain/acts/session.ts";
import type { CredentialType } from "../domain/credential.ts";
import type { Prefixed, RowOf } from "../domain/record.ts";
import type { RequestContext } from "../domain/request-context.ts";
import {
  forgottenIdleSeconds,
  lastSeenSeconds,
  type SessionLifetimes,
  session,
  type Transport,
} from "../domain/session.ts";
import { user } from "../domain/user.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { type Asked, committed, insertAuditEvent, successOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { handle } from "./cte.ts";
import { endings, endSessions, loginsOf } from "./endings.ts";
import { type Guarded, guardedList, guardedRead, heldTo, ofOwned, ofUser } from "./guarded.ts";
import { demandsSecondFactor } from "./held-factors.ts";
import { isOfUnlistedIssuer } from "./issuers.ts";
import { type Statement, sql } from "./sql.ts";

export type SessionRow = RowOf<typeof session>;

/** A session with its user. */
export type SessionUserRow = SessionRow & Prefixed<RowOf<typeof user>, "user">;

/** The columns of a {@link SessionRow}, read from the row called `ses`. */
const sessionColumns = (): Statement => columnsOf("ses", session);

/** The columns of a {@link SessionUserRow}, read from the rows called `ses` and `usr`. */
export const sessionUserColumns = (): Statement => {
  // Cached, because every session check needs them.
  made ??= sql`${sessionColumns()}, ${userColumns()}`;
  return made;
};
let made: Statement | undefined;

/** The user columns of a {@link SessionUserRow}. */
export const userColumns = (): Statement => columnsOf("usr", user, {}, "user.");

/** A future session: the values that the isolate makes, and how long it may live. */
export interface NewSession {
  readonly sessionId: string;
  readonly tokenHash: string;
  readonly transport: Transport;
  readonly context: RequestContext;
  readonly lifetimes: SessionLifetimes;
  /** A shorter lifetime than the level's, in seconds. */
  readonly ttlSeconds?: number | undefined;
  /** Whether its browser remembers it, unless it goes on from another session or a ticket. */
  readonly remember: boolean;
}

/**
 * `insert into ses … returning ses.*`: a session for each row of `from`, which has the columns `usr_id`, `cred_id`, `amr`,
 * `auth_time` and `mfa_verified_at`. The rows that it refers to are already locked.
 *
 * @param remember SQL for whether its browser remembers it. Default: what `session` says.
 * @param family SQL for the family that it joins, and the end of that family, which it cannot extend. Null begins a family.
 */
export function insertSession(
  session: NewSession,
  from: Statement,
  remember: Statement = sql`${session.remember}::boolean`,
  family: { id: Statement; endsAt: Statement } = { id: sql`null::uuid`, endsAt: sql`null::timestamptz` },
): Statement {
  const { level1, level2 } = session.lifetimes;
  return sql`
    insert into ses (id, usr_id, cred_id, created_at, expires_at, token_hash, family_id, family_expires_at, idle_seconds,
      remember, auth_time, amr, mfa_verified_at, transport, last_seen_at, user_agent, address)
    select ${session.sessionId}::uuid, proof.usr_id, proof.cred_id, sallyport_now(),
      least(sallyport_now() + make_interval(secs => least(${session.ttlSeconds ?? null}::int, life.absolute)),
        ${family.endsAt}),
      decode(${session.tokenHash}, 'hex'), coalesce(${family.id}, ${session.sessionId}::uuid),
      least(sallyport_now() + make_interval(secs => life.absolute), ${family.endsAt}),
      least(life.idle, case when not ${remember} then ${forgottenIdleSeconds}::int end), ${remember}, proof.auth_time, proof.amr,
      proof.mfa_verified_at, ${session.transport}, sallyport_now(),
      ${session.context.userAgent ?? null}::text, ${session.context.address ?? null}::text
    from ${from} proof
    join (values (false, ${level1.absoluteSeconds}::int, ${level1.idleSeconds}::int),
      (true, ${level2.absoluteSeconds}::int, ${level2.idleSeconds}::int)) as life(second, absolute, idle)
      on life.second = ('mfa' = any(proof.amr))
    returning ses.*`;
}

export type VerifiedSessionRow = SessionUserRow & {
  readonly refusal: string | null;
  readonly identifier: string;
  readonly credentialType: CredentialType;
  readonly identifierVerified: boolean;
  /** The database's time. */
  readonly asOf: Date;
};

/**
 * The session of a token with its user, and `refusal` if it is not valid now; no row for an unknown token. The hottest
 * statement: it writes only when the last use is over a minute old.
 */
export function verifySession(presented: {
  tokenHash: string;
  transport: Transport;
  defaultIdleSeconds: number;
  issuers: readonly string[] | undefined;
  address: string | undefined;
}): Statement<VerifiedSessionRow> {
  return sql`
    with seen as materialized (
      select ses.*, cred.identifier, cred.type as credential_type, cred.identifier_verified_at, case
        when coalesce(ses.transport, 'token') <> ${presented.transport} then 'unauthorized.invalid_token'
        when ses.revoked_at is not null or ses.expires_at <= sallyport_now()
          or usr.status <> 'active' or cred.status <> 'active' or ${isOfUnlistedIssuer(presented.issuers)}
          or ${idleEnd(presented.defaultIdleSeconds)} <= sallyport_now() then 'unauthorized.session_expired'
        when not 'mfa' = any(ses.amr) and (cred.needs_factor or ${demandsSecondFactor(sql`ses.usr_id`)}) then 'unauthorized.mfa_required'
      end as refusal
      from ses join usr on usr.id = ses.usr_id join cred on cred.id = ses.cred_id
      where ses.token_hash = decode(${presented.tokenHash}, 'hex')),
    touched as (
      update ses set last_seen_at = sallyport_now(), longest_idle_seconds = ${longestIdle(sql`seen`)}, address = coalesce(${presented.address ?? null}::text, seen.address)
      from seen
      where ses.id = seen.id and seen.refusal is null and ses.revoked_at is null
        and coalesce(seen.last_seen_at, seen.created_at)
          < sallyport_now() - make_interval(secs => ${lastSeenSeconds}::int))
    select ses.refusal, ses.identifier, ses.credential_type as "credentialType",
      ses.identifier_verified_at is not null as "identifierVerified", sallyport_now() as "asOf", ${sessionUserColumns()}
    from seen ses join usr on usr.id = ses.usr_id`;
}

/**
 * SQL for the longest time without use of a session that is used now, in seconds.
 *
 * @param row SQL for the name of its row, before this use.
 */
export function longestIdle(row: Statement): Statement {
  return sql`greatest(${row}.longest_idle_seconds,
        ceil(extract(epoch from sallyport_now() - coalesce(${row}.last_seen_at, ${row}.created_at)))::int)`;
}

/** SQL for when a session called `ses` ends because it was not used. */
function idleEnd(defaultIdleSeconds: number): Statement {
  return sql`(coalesce(ses.last_seen_at, ses.created_at)
    + make_interval(secs => coalesce(ses.idle_seconds, ${defaultIdleSeconds}::int)))`;
}

/** The input of every statement about one session. */
interface OfSession extends Asked {
  readonly sessionId: string;
}

/** One row with `refusal` or the session; a read by an administrator leaves an event. */
export function selectSession(asked: OfSession): Statement<Guarded<SessionRow>> {
  return guardedRead({ ...ofOwned(acts.getSession, asked, sql`ses`, asked.sessionId), columns: sessionColumns() });
}

/** A page of a user's sessions in every state. One additional row shows that others follow. */
export function selectSessionsOfUser(
  asked: Asked & {
    userId: string;
    after: string | undefined;
    limit: number;
    onlyLive: boolean;
    defaultIdleSeconds: number;
  },
): Statement<Guarded<SessionRow>> {
  return guardedList({
    ...ofUser(acts.listSessions, asked),
    of: sql`ses`,
    where: sql`(not ${asked.onlyLive}::boolean or (ses.revoked_at is null and ses.expires_at > sallyport_now()
          and ${idleEnd(asked.defaultIdleSeconds)} > sallyport_now()))`,
    page: asked,
    columns: sessionColumns(),
  });
}

/**
 * Ends one session, or its successor after a refresh or a step-up. The caller has seen it live and must not lose a race with
 * its holder. A session that has ended stays as it is. The batch has locked the user.
 */
export function revokeSession(asked: OfSession): Statement<SessionRow> {
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    target as (select * from ses where id = ${asked.sessionId}::uuid),
    verdict as materialized (
      select target.id, coalesce(
        ${refusalUnless(heldTo(acts.revokeSession, asked), actor.name, { owner: sql`target.usr_id` })},
        case when target.id is null then 'not_found' end) as refusal
      from (select 1) one left join target on true left join acting on true),
    heirs as (
      select id from target
      union all
      select next.id from target join ses next on next.family_id = coalesce(target.family_id, target.id)
      where next.revoked_at is null),
    changed as (${endSessions(sql`verdict, heirs`, sql`ses.id = heirs.id and verdict.refusal is null`, asked.auditId)}
      returning ses.*),
    audit as (${insertAuditEvent(
      successOf(acts.revokeSession, asked, sql`ses.id`),
      sql`(select * from changed limit 1) ses`,
    )})
    select ${sessionColumns()}
    from verdict left join (select * from changed union all
      select * from target where not exists (select from changed where changed.id = target.id)) ses on ses.id = verdict.id
    where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** Ends every session of the acting user except the acting one, every login ticket and every mailed link. The batch has locked the user. */
export function revokeOtherSessions(asked: OfSession): Statement<{ revoked: number }> {
  const actor = acting(asked.actor);
  const logins = loginsOf(sql`verdict.usr_id`);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select acting.usr_id, case when acting.usr_id is null then 'unauthorized.invalid_token' end as refusal
      from (select 1) one left join acting on true),
    changed as (${endSessions(
      sql`verdict`,
      sql`${logins.sessions} and ses.id <> ${asked.sessionId}::uuid`,
      asked.auditId,
    )}
      returning ses.id)${endings(sql`verdict`, asked.auditId, { tickets: logins.tickets, links: logins.links })},
    audit as (${insertAuditEvent(
      {
        ...successOf(acts.revokeOtherSessions, asked, sql`verdict.usr_id`),
        metadata: sql`jsonb_build_object('revoked', (select count(*)::int from changed))`,
      },
      sql`verdict where verdict.refusal is null`,
    )})
    select (select count(*)::int from changed) as revoked from verdict where ${raiseRefusal(handle(sql`verdict`))}`;
}

/**
 * `from … where …` of an operation whose reply was lost: its event `aud`, and the session `ses` that it made, with the user. No
 * row if it did not commit.
 *
 * @param joined SQL for further joins. Default none.
 */
export function recalled(operation: { auditId: string; sessionId: string }, joined: Statement = sql``): Statement {
  return sql`
    from aud ${joined} left join ses on ses.id = ${operation.sessionId}::uuid left join usr on usr.id = ses.usr_id
    where aud.id = ${operation.auditId}::uuid`;
}

/** How many sessions the operation that made the event ended, if it committed. */
export function recallRevokedCount(auditId: string): Statement<{ revoked: number }> {
  return sql`select (metadata ->> 'revoked')::int as revoked from aud where id = ${auditId}::uuid`;
}

/**
 * The CTE body that ends the live sessions of a presented token's family, and returns them. A rotated token counts too. A user
 * who signs out, or in again, means the browser; and another holder of the old token can end the family by a late refresh
 * anyway. The batch has locked the user.
 *
 * @param presented.auditId The event that ends them.
 * @param condition SQL for whether to end them.
 */
export function endPresentedFamily(
  presented: { tokenHash: string | undefined; transport: Transport; auditId: string },
  condition: Statement,
): Statement {
  return sql`${endSessions(
    sql`(
      select coalesce(family_id, id) as family from ses
      where token_hash = decode(${presented.tokenHash ?? null}::text, 'hex')
        and coalesce(transport, 'token') = ${presented.transport}) presented`,
    sql`(ses.family_id = presented.family or ses.id = presented.family) and ${condition}`,
    presented.auditId,
  )}
    returning ses.id, ses.usr_id`;
}

/** Ends the session whose token is presented; the token is the proof. One row if a session ended. */
export function endPresentedSession(presented: {
  tokenHash: string;
  transport: Transport;
  auditId: string;
  context: RequestContext;
}): Statement<{ id: string }> {
  return sql`
    with ended as (${endPresentedFamily(presented, sql`true`)}),
    audit as (${insertAuditEvent(
      {
        id: presented.auditId,
        act: acts.signOut,
        outcome: "success",
        context: presented.context,
        targetId: sql`ended.id`,
        actingUser: sql`ended.usr_id`,
      },
      sql`(select * from ended limit 1) ended`,
    )})
    select id from ended`;
}

/** The session as it is now, if the operation that made the event committed. */
export function recallSession(sessionId: string, auditId: string): Statement<SessionUserRow> {
  return sql`
    select ${sessionUserColumns()} from ses join usr on usr.id = ses.usr_id
    where ses.id = ${sessionId}::uuid and ${committed(auditId)}`;
}

/** The lock for a change of one session: its user. */
export function userOfSession(sessionId: string): Statement<{ id: string }> {
  return sql`select usr_id as id from ses where id = ${sessionId}::uuid`;
}

/** SQL for the user `usr_id` and the session `ses_id` of a token, one row or none. Another statement of the batch verifies the session. */
export function callerOf(tokenHash: string): Statement {
  return sql`select ses.usr_id, ses.id as ses_id from ses where ses.token_hash = decode(${tokenHash}, 'hex') and ses.revoked_at is null`;
}
