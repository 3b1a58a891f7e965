/**
 * Giving a password a new address, with the link that was mailed to it.
 *
 * @module
 */
import type { SessionActor } from "../domain/actor.ts";
import { changeIdentifier as act } from "../domain/acts/verification.ts";
import { uuidFor } from "../domain/id.ts";
import { acting } from "./access.ts";
import { insertAuditEvent } from "./audit.ts";
import { handle } from "./cte.ts";
import { endings, loginsOf } from "./endings.ts";
import { grantLeave } from "./factors.ts";
import { isWithheld, lockIdentifierOf } from "./identifiers.ts";
import { endsWithFirst, losesFactors, refusalOfProof } from "./link-spending.ts";
import { clearCodes, linkOf, lockOfCodes, userOfLink } from "./links.ts";
import type { Lock } from "./locks.ts";
import { oweNotice } from "./mail.ts";
import { ownOf } from "./session-belongings.ts";
import { insertSession, type NewSession, recalled, type SessionUserRow, sessionUserColumns } from "./sessions.ts";
import { type Statement, sql } from "./sql.ts";

/** How long the old address can put itself back, in seconds. */
export const restorableSeconds: number = 72 * 3_600;

/** The locks for a change: the new address, its holder and the user of the link. */
export function lockChange(tokenHash: string): Lock[] {
  const wanted = sql`(select identifier from verification_token
      where token_hash = decode(${tokenHash}, 'hex') and purpose = 'change_identifier')`;
  return [...lockIdentifierOf(tokenHash, wanted), { on: "user", key: userOfLink(tokenHash) }, lockOfCodes(tokenHash)];
}

export type ChangedIdentifierRow = SessionUserRow & {
  /** Set if nothing was changed. */
  readonly refusal: string | null;
};

/**
 * Spends a link in a session of the account: a new row with the same hash replaces the password, under the new address. Every
 * session, ticket and link of the user ends, and the acting session goes on as a new one in its family, whose proof is as old as
 * before. The old address gets a message, if it was verified. If no address was, this is the account's first verification (S11).
 *
 * The batch has locked the address, so of two accounts that prove it at once, one gets it.
 */
export function changeIdentifier(change: {
  actor: SessionActor;
  tokenHash: string;
  newCredentialId: string;
  session: NewSession;
  /** The id of the message to the old address. */
  noticeId: string;
  auditId: string;
}): Statement<ChangedIdentifierRow> {
  const { actor, auditId } = change;
  const { context } = actor;
  const rights = acting(actor);
  const verdict = handle<"verdict">(sql`verdict`);
  return sql`
    with ${rights.define}, ${ownOf(actor)},
    link as materialized (${linkOf({ ...change, purpose: "change_identifier", spends: true })}),
    -- The session goes on, and may be of another credential.
    begun as materialized (
      select cred.id from ses join cred on cred.id = ses.cred_id
      where ses.id = ${uuidFor("ses", actor.sessionId)}::uuid and cred.status = 'active' for share of cred),
    verdict as materialized (
      select link.id, link.usr_id, link.wanted, link.mailbox, not (link.is_later or link.is_verified) as is_first,
        ${losesFactors(actor)} as loses_factors,
        case when link.id is null or link.wanted is null then 'unauthorized.invalid_link'
        when not exists (select from begun) then 'unauthorized.invalid_token'
        ${refusalOfProof({ by: "session", actor })}
        when ${isWithheld(sql`link.wanted`, sql`link.usr_id`)} or exists (
          select from cred held where held.type = 'password' and held.identifier = link.wanted and held.status = 'active')
          then 'conflict.duplicate_credential' end as refusal
      from (select 1) one left join link on true left join acting on true)${endings(
        verdict,
        auditId,
        endsWithFirst(actor, sql`false`),
      )},
    reopened as (${clearCodes(sql`verdict`)} and verdict.refusal is null),
    replaced as (
      update cred set status = 'revoked' from verdict where cred.id = verdict.id and verdict.refusal is null
      returning cred.*),
    cred as (
      insert into cred (id, usr_id, type, identifier, identifier_verified_at, password_hash, needs_factor, replaces, created_at)
      select ${change.newCredentialId}::uuid, replaced.usr_id, replaced.type, verdict.wanted, sallyport_now(),
        replaced.password_hash, replaced.needs_factor, replaced.id,
        greatest(sallyport_now(), replaced.created_at + interval '1 microsecond')
      from replaced cross join verdict
      on conflict (type, identifier) where status = 'active' do nothing
      returning *),
    -- The password is the same, so its counter goes on too.
    counter as (
      insert into attempt (bucket, count, maximum, resets_at, backs_off, streak, recent)
      select 'credential:' || cred.id::text, a.count, a.maximum, a.resets_at, a.backs_off, a.streak, a.recent
      from cred join attempt a on a.bucket = 'credential:' || cred.replaces::text)${endings(
        sql`replaced`,
        auditId,
        loginsOf(sql`replaced.usr_id`),
      )},
    login as (${insertSession(
      change.session,
      sql`(select cred.usr_id, old.remember, case when old.cred_id = cred.replaces then cred.id else old.cred_id end as cred_id, old.amr, old.auth_time, null::timestamptz as mfa_verified_at,
          coalesce(old.family_id, old.id) as family_id, old.family_expires_at
        from cred join ses old on old.id = ${uuidFor("ses", actor.sessionId)}::uuid)`,
      sql`proof.remember`,
      { id: sql`proof.family_id`, endsAt: sql`proof.family_expires_at` },
    )}),
    leave as (${grantLeave(
      sql`null::uuid`,
      sql`verdict where verdict.refusal is null and verdict.is_first and verdict.loses_factors`,
    )}),
    notice as (${oweNotice(
      { kind: "address_replaced", eventId: auditId, context, lifetimeSeconds: restorableSeconds },
      sql`(select ${change.noticeId}::uuid as id, usr_id, id as cred_id, identifier, null::timestamptz as used_at
        from replaced where identifier_verified_at is not null)`,
    )}),
    audit as (${insertAuditEvent(
      {
        id: auditId,
        act,
        actor,
        context,
        targetId: sql`verdict.id`,
        outcome: sql`case when verdict.refusal is null then 'success' else 'denied' end`,
        session: sql`login.id`,
        metadata: sql`jsonb_strip_nulls(jsonb_build_object('reason', verdict.refusal))`,
      },
      // As with other links: another user's leaves no trace.
      sql`verdict left join login on true where verdict.id is not null and verdict.refusal is distinct from 'unauthorized.invalid_link'`,
    )})
    select verdict.refusal, ${sessionUserColumns()}
    from verdict left join login ses on true left join usr on usr.id = ses.usr_id
    where case when verdict.refusal is null and ses.id is null then sallyport_refuse('conflict.duplicate_credential') else true end`;
}

/** The outcome of a change whose reply was lost. */
export function recallChangedIdentifier(sessionId: string, auditId: string): Statement<ChangedIdentifierRow> {
  return sql`
    select aud.metadata ->> 'reason' as refusal, ${sessionUserColumns()} ${recalled({ auditId, sessionId })}`;
}
