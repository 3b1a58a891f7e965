/**
 * Rotation of a session's token (RFC 9700 §4.14.2): one child for each parent, the same one for a prompt repeat, the end of
 * the family for a late one.
 *
 * @module
 */
import { refreshSession as refreshAct } from "../domain/acts/session.ts";
import type { RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { insertAuditEvent, wireIdOf } from "./audit.ts";
import { endSessions } from "./endings.ts";
import { demandsSecondFactor } from "./held-factors.ts";
import { isOfUnlistedIssuer } from "./issuers.ts";
import { longestIdle, recalled, type SessionUserRow, sessionUserColumns } from "./sessions.ts";
import { type Statement, sql } from "./sql.ts";

/** The outcome of a refresh. Only `rotate` and `retry` return a session. */
export type RefreshVerdict = "rotate" | "retry" | "reuse" | "ended" | "mfa_required" | "not_found";

export type RefreshedRow = SessionUserRow & {
  readonly verdict: RefreshVerdict;
  /** From the child: the isolate derives the child's token again from these and the old token (S09). */
  readonly nonce: string;
  readonly keyVersion: number;
  readonly tokenHash: string;
};

/** The lock: the user of the presented session, so that no two refreshes of a user run side by side. */
export function userOfToken(tokenHash: string): Statement<{ id: string }> {
  return sql`select usr_id as id from ses where token_hash = decode(${tokenHash}, 'hex')`;
}

/**
 * Rotates, repeats or refuses; no row for an unknown token. The batch has locked the user, and this locks the credential, so it reads
 * the current state.
 *
 * A rotated session has a `successor_id`, and its `revoked_at` is the time of the rotation.
 */
export function refreshSession(refresh: {
  tokenHash: string;
  /** The session that the caller also names. If it is not the presented one, it is not found (S08). */
  presentedId: string | undefined;
  transport: Transport;
  /** The child to make if this is the first refresh of the token. */
  child: { sessionId: string; tokenHash: string; nonce: string; keyVersion: number };
  retrySeconds: number;
  defaults: { absoluteSeconds: number; idleSeconds: number };
  issuers: readonly string[] | undefined;
  auditId: string;
  context: RequestContext;
}): Statement<RefreshedRow> {
  const { child, context } = refresh;
  return sql`
    with old as materialized (
      select ses.*, cred.needs_factor, coalesce(ses.family_id, ses.id) as family,
        usr.status = 'active' and cred.status = 'active' and not ${isOfUnlistedIssuer(refresh.issuers)} as allowed,
        coalesce(ses.family_expires_at, ses.created_at + make_interval(secs => ${refresh.defaults.absoluteSeconds}::int))
          as family_end
      from ses join usr on usr.id = ses.usr_id join cred on cred.id = ses.cred_id
      where ses.token_hash = decode(${refresh.tokenHash}, 'hex')
        and coalesce(ses.transport, 'token') = ${refresh.transport}
      for share of cred),
    verdict as materialized (
      select old.*, case
        when old.id <> ${refresh.presentedId ?? null}::uuid then 'not_found'
        when not old.allowed then 'ended'
        when old.revoked_at is null then case
          when old.expires_at <= sallyport_now() or old.family_end <= sallyport_now()
            or coalesce(old.last_seen_at, old.created_at) + make_interval(
              secs => coalesce(old.idle_seconds, ${refresh.defaults.idleSeconds}::int)) <= sallyport_now() then 'ended'
          when not 'mfa' = any(old.amr) and (old.needs_factor or ${demandsSecondFactor(sql`old.usr_id`)}) then 'mfa_required'
          else 'rotate' end
        when old.successor_id is null then 'ended'
        when old.revoked_at > sallyport_now() - make_interval(secs => ${refresh.retrySeconds}::int) then case
          when exists (
            select from ses next where next.id = old.successor_id and next.revoked_at is null
              and next.expires_at > sallyport_now()) then 'retry'
          else 'ended' end
        when exists (
          select from ses live where live.family_id = old.family and live.revoked_at is null
            and live.expires_at > sallyport_now()) then 'reuse'
        else 'ended' end as verdict
      from old),
    spent as (
      update ses set revoked_at = greatest(sallyport_now(), ses.created_at), successor_id = ${child.sessionId}::uuid,
        ended_by = ${refresh.auditId}::uuid
      from verdict v where ses.id = v.id and v.verdict = 'rotate'
      returning v.*),
    made as (
      insert into ses (id, usr_id, cred_id, created_at, expires_at, token_hash, family_id, family_expires_at, idle_seconds, remember,
        auth_time, amr, transport, last_seen_at, longest_idle_seconds, user_agent, address, derivation_nonce, derivation_key)
      select ${child.sessionId}::uuid, usr_id, cred_id,
        greatest(sallyport_now(), created_at + interval '1 microsecond'),
        greatest(least(sallyport_now() + (expires_at - created_at), family_end), created_at + interval '2 microseconds'),
        decode(${child.tokenHash}, 'hex'), family, family_end, idle_seconds, remember, auth_time, amr, transport, sallyport_now(),
        ${longestIdle(sql`spent`)},
        ${context.userAgent ?? null}::text, ${context.address ?? null}::text,
        decode(${child.nonce}, 'hex'), ${child.keyVersion}::int
      from spent
      returning ses.*),
    family_ended as (${endSessions(
      sql`verdict v`,
      sql`v.verdict = 'reuse' and ses.family_id = v.family`,
      refresh.auditId,
    )}
      returning ses.id),
    audit as (${insertAuditEvent(
      {
        id: refresh.auditId,
        act: refreshAct,
        outcome: sql`case v.verdict when 'rotate' then 'success' else 'denied' end`,
        context,
        targetId: sql`v.id`,
        actingUser: sql`case v.verdict when 'rotate' then v.usr_id end`,
        metadata: sql`case v.verdict when 'rotate'
          then jsonb_build_object('successor', ${wireIdOf("ses", sql`${child.sessionId}::uuid`)})
          else jsonb_build_object('reason', 'reuse', 'ended', (select count(*)::int from family_ended)) end`,
      },
      sql`verdict v where v.verdict in ('rotate', 'reuse')`,
    )})
    select v.verdict, encode(ses.derivation_nonce, 'hex') as nonce, ses.derivation_key as "keyVersion",
      encode(ses.token_hash, 'hex') as "tokenHash", ${sessionUserColumns()}
    from verdict v join usr on usr.id = v.usr_id
    left join (select * from made union all select next.* from ses next join verdict retried
      on retried.verdict = 'retry' and next.id = retried.successor_id) ses on true`;
}

/** The outcome of a refresh whose reply was lost. One that only repeated another has left no event, and runs again. */
export function recallRefresh(childId: string, auditId: string): Statement<RefreshedRow> {
  return sql`
    select case aud.outcome when 'success' then 'rotate' else 'ended' end as verdict,
      encode(ses.derivation_nonce, 'hex') as nonce, ses.derivation_key as "keyVersion",
      encode(ses.token_hash, 'hex') as "tokenHash", ${sessionUserColumns()}
    ${recalled({ auditId, sessionId: childId })}`;
}
