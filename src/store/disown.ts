/**
 * “This was not me”: what the link of a notice does.
 *
 * @module
 */
import { revokeCredential, suspendCredential } from "../domain/acts/credential.ts";
import { disownNotice } from "../domain/acts/notice.ts";
import { unusableHash } from "../domain/password-state.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { freshSeconds, type Transport } from "../domain/session.ts";
import { insertAuditEvent, wireIdOf } from "./audit.ts";
import { refund } from "./counters.ts";
import { handle } from "./cte.ts";
import { endings, endSessions, loginsOf } from "./endings.ts";
import type { CheckedFactor } from "./factor-spending.ts";
import { grantLeave } from "./factors.ts";
import { hasStrongProof } from "./held-factors.ts";
import { restorableSeconds } from "./identifier-change.ts";
import { hasLookalike } from "./identifiers.ts";
import { type OwedMessage, oweMessage, oweNotice } from "./mail.ts";
import { type Statement, sql } from "./sql.ts";
import { isLaterEnded, noticeDays, toldBy } from "./told-notices.ts";

/** What shows, beside a notice's link, that the account is its reader's. */
export type NoticeProof =
  /** A session in which a second factor was proved in the last ten minutes. */
  | { readonly by: "session"; readonly tokenHash: string; readonly transport: Transport }
  /** A code, and the counter that a right one refunds. */
  | { readonly by: "code"; readonly checked: CheckedFactor; readonly counter: string };

export interface DisownedRow {
  /** Set if nothing was changed. */
  readonly refusal: string | null;
  readonly identifier: string | null;
}

/**
 * Takes the account away from the person whom the notice is about: passwords no longer open it, what was added goes, and sessions,
 * tickets, links and tokens end. A link for a new password is owed to the address that got the notice, whatever password has it
 * now. The batch has locked the user, so of two uses of a notice the later one finds it used.
 *
 * Other addresses that have come since go too: their mailboxes could ask for a new password. A factor stays if an older one has
 * ended since, or in the days before: the mailbox alone must not be a way around the older one (S40).
 *
 * If the account has left the address since, or its user has ended it, the address comes back, and everything that was added since
 * then goes. Notices to addresses that go have no more power. Another account loses the address if it has never proved it.
 */
export function disown(asked: {
  noticeId: string;
  proof: NoticeProof | undefined;
  message: OwedMessage;
  tokenHash: string;
  newCredentialId: string;
  context: RequestContext;
  auditId: string;
}): Statement<DisownedRow> {
  const { noticeId, proof, message, tokenHash, newCredentialId, context, auditId } = asked;
  const user = sql`notice.usr_id`;
  const hasLeft = sql`notice.left_at is not null`;
  const isLost = sql`notice.lost_id is not null`;
  const hasCome = (
    factor: Statement,
  ): Statement => sql`(${factor}.status = 'pending' or ${factor}.id = any(notice.added)
              or coalesce(${factor}.confirmed_at, ${factor}.created_at) > notice.lost_since)`;
  return sql`
    with told as materialized (${toldBy(noticeId)}),
    -- The password of the address: the account has left it, or a session of the user has ended it. What was added after lost_since
    -- goes with it. In the second case no code is asked for, so the mailbox alone must be no way around a passkey, nor around a
    -- factor that an older one has made room for.
    lost as materialized (
      select cred.*, span.since as lost_since from told join cred on cred.usr_id = told.usr_id and cred.type = 'password'
        and cred.identifier = told.identifier
      cross join lateral (
        select case when told.left_at is not null or told.adds_factor then told.since else (${endedAt(sql`cred`)}) end as since) span
      where case when told.left_at is not null then cred.id = told.left_id
        else ${isEndedByUser(sql`cred`)} and not exists (
          select from cred key where key.usr_id = told.usr_id and key.type = 'passkey' and key.status = 'active'
            and not key.id = any(told.added) and (key.created_at <= span.since or ${hasPredecessor(sql`told.usr_id`, sql`span.since`)})) end
      order by cred.created_at desc, cred.id desc limit 1),
    verdict as materialized (
      select told.*, lost.id as lost_id, span.lost_since,
        told.left_at is null and ${hasPredecessor(sql`told.usr_id`, sql`span.lost_since`)} as keeps_factors, case
        when told.id is null then 'unauthorized.invalid_link'
        when told.had_factor and not ${isProved(proof)} then 'unauthorized.reauthentication_required'
        when lost.id is not null and ${isKept(sql`told`)} then 'conflict.duplicate_credential' end as refusal
      from (select 1) one left join told on true left join lost on true
      cross join lateral (select coalesce(lost.lost_since, told.since) as lost_since) span),
    ${proof?.by === "code" ? spendCode(proof.checked) : sql`factor as (select 1 as one)`},
    used as (
      update mail_message m set used_at = sallyport_now() from verdict cross join factor
      where m.id = verdict.id and verdict.refusal is null returning m.id),
    notice as materialized (select verdict.* from verdict join used on used.id = verdict.id),
    silenced as (
      update mail_message m set used_at = sallyport_now() from notice, cred
      where m.usr_id = ${user} and m.event_id is not null and m.used_at is null and m.id <> notice.id
        and m.created_at >= notice.since and cred.id = m.cred_id and cred.identifier <> notice.identifier
        and not ${wasOwn(sql`cred`)}),
    -- An account that has taken the address without a proof: it would keep the owner out, even with a suspended password.
    evicted as (
      update cred set status = 'revoked' from notice cross join lateral (
        ${holding(sql`notice.identifier`, sql`'suspended'`)}
        union all ${holding(sql`notice.identifier`, sql`'active'`)} and held.usr_id <> ${user}) held
      where ${isLost} and cred.id = held.id and cred.status <> 'revoked'
      returning cred.id, cred.usr_id),
    evicted_sessions as (${endSessions(sql`evicted`, sql`ses.cred_id = evicted.id`, auditId)}),
    loser as materialized (
      select notice.usr_id from notice where ${isLost} and not notice.keeps_factors and ${hasStrongProof(user)}
        and not exists (
          select from mfa where mfa.usr_id = ${user} and mfa.status = 'active' and mfa.type <> 'recovery' and not ${hasCome(sql`mfa`)})
        and not exists (
          select from cred where cred.usr_id = ${user} and cred.type = 'passkey' and cred.status = 'active'
            and cred.created_at <= notice.lost_since and not cred.id = any(notice.added)))${endings(
              handle(sql`notice`),
              auditId,
              {
                ...loginsOf(user),
                tokens: sql`pat.usr_id = ${user}`,
                factors: sql`mfa.usr_id = ${user} and case when ${isLost} then ${hasCome(sql`mfa`)} else mfa.id = any(notice.added) end
            and not notice.keeps_factors`,
                registrations: sql`mfa_registration.usr_id = ${user}`,
                grants: sql`mfa_enrollment_grant.usr_id = ${user} and not exists (select from loser)`,
              },
            )},
    leave as (${grantLeave(sql`null::uuid`, sql`loser`)}),
    closed as (
      update cred set status = 'revoked' from notice
      where cred.usr_id = ${user} and cred.status = 'active' and (cred.type = 'password' or cred.id = any(notice.added)
        or (${isLost} and cred.created_at > notice.lost_since))
      returning cred.*),
    -- New rows, so that a sign-in that has read the old hash just before is refused.
    unusable as (
      insert into cred (id, usr_id, type, identifier, identifier_verified_at, password_hash, replaces, created_at)
      select case when old.identifier = notice.identifier then ${newCredentialId}::uuid else gen_random_uuid() end, old.usr_id,
        old.type, old.identifier,
        coalesce(old.identifier_verified_at, case when old.identifier = notice.identifier then sallyport_now() end),
        ${unusableHash}, old.id,
        greatest(sallyport_now(), old.created_at + interval '1 microsecond')
      from notice cross join lateral (
        select * from closed where closed.type = 'password' and case when closed.identifier = notice.identifier then not ${isLost}
          else not closed.id = any(notice.added) and ${wasOwn(sql`closed`)} end
        union all select cred.* from cred where cred.id = notice.lost_id) old
      where (select count(*) from evicted) + (select count(*) from closed) >= 0
      on conflict (type, identifier) where status = 'active' do nothing
      returning *),
    way_back as (
      select unusable.id, unusable.usr_id, unusable.identifier as recipient
      from unusable join notice on notice.identifier = unusable.identifier),
    link as (
      insert into verification_token (token_hash, purpose, usr_id, cred_id, created_at, expires_at)
      select decode(${tokenHash}, 'hex'), ${message.kind}, usr_id, id, sallyport_now(),
        sallyport_now() + make_interval(secs => ${message.lifetimeSeconds}::int)
      from way_back),
    message as (${oweMessage(message, sql`way_back`)}),
    farewell as (${oweNotice(
      { kind: "address_restored", eventId: auditId, context, lifetimeSeconds: restorableSeconds },
      sql`(select gen_random_uuid() as id, closed.usr_id, closed.id as cred_id, closed.identifier, sallyport_now() as used_at
        from notice join closed on ${hasLeft} and closed.type = 'password' and closed.identifier_verified_at is not null
        where not exists (select from unusable where unusable.identifier = closed.identifier))`,
    )}),
    ${proof?.by === "code" ? sql`refunded as (${refund(proof.counter, sql`exists (select from factor)`)}),` : sql``}
    audit as (${insertAuditEvent(
      {
        id: auditId,
        act: disownNotice,
        outcome: sql`case when notice.id is null then 'failure' else 'success' end`,
        // A code that another request has used leaves one event, even if it is sent twice.
        repeatable: true,
        context,
        targetId: sql`verdict.usr_id`,
        metadata: sql`jsonb_strip_nulls(jsonb_build_object('notice', verdict.kind, 'reason', case when notice.id is null then 'used' end,
          'evicted', (select string_agg(${wireIdOf("cred", sql`evicted.id`)}, ' ') from evicted where evicted.usr_id <> notice.usr_id)))`,
      },
      sql`verdict left join notice on true where verdict.refusal is null`,
    )})
    select verdict.refusal, notice.identifier from verdict left join notice on true
    -- A notice is not spent for nothing.
    where case when not exists (select from way_back) and (${isLost} or exists (
        select from closed where closed.type = 'password' and closed.identifier = notice.identifier))
      then sallyport_refuse('conflict.duplicate_credential') else true end`;
}

/** SQL for whether a factor or passkey of a user ended after a time, or in the days before, and was older than that. */
function hasPredecessor(user: Statement, time: Statement): Statement {
  const isPredecessor = (row: Statement): Statement => sql`${row}.usr_id = ${user} and ${row}.status = 'revoked'
            and ${row}.created_at < ${time} and ${row}.updated_at >= ${time} - make_interval(days => ${noticeDays}::int)`;
  return sql`(exists (select from mfa other where other.type <> 'recovery' and other.confirmed_at is not null and ${isPredecessor(sql`other`)})
            or exists (select from cred other where other.type = 'passkey' and ${isPredecessor(sql`other`)}))`;
}

/** SQL for whether the account had the address of a password `cred` before the event of `notice`. */
function wasOwn(cred: Statement): Statement {
  return sql`exists (
            select from cred earlier where earlier.usr_id = ${cred}.usr_id and earlier.type = 'password'
              and earlier.identifier = ${cred}.identifier and earlier.created_at < notice.since
              and ${isLaterEnded(sql`earlier`, sql`notice.since`)})`;
}

/** SQL for whether the proof beside the link is one of the user of `told`. A code is proved only when it is spent. */
function isProved(proof: NoticeProof | undefined): Statement {
  if (proof?.by === "code") return sql`true`;
  if (!proof) return sql`false`;
  return sql`exists (
          select from ses where ses.usr_id = told.usr_id and ses.token_hash = decode(${proof.tokenHash}, 'hex')
            and coalesce(ses.transport, 'token') = ${proof.transport}
            and ses.revoked_at is null and ses.expires_at > sallyport_now()
            and ses.mfa_verified_at > sallyport_now() - make_interval(secs => ${freshSeconds}::int)
            and coalesce(ses.auth_time, ses.mfa_verified_at) > sallyport_now() - make_interval(secs => ${freshSeconds}::int))`;
}

/** The CTE `factor`: one row if the code is spent now. Its factor may have ended since the event. */
function spendCode(checked: CheckedFactor): Statement {
  const own = sql`mfa.id = ${checked.factorId}::uuid and mfa.usr_id = verdict.usr_id and verdict.refusal is null`;
  if (checked.type === "totp") {
    const step = sql`${String(checked.step)}::bigint`;
    return sql`factor as (
      update mfa set totp_last_step = ${step} from verdict
      where ${own} and coalesce(mfa.totp_last_step, -1) < ${step} returning 1 as one)`;
  }
  if (checked.type !== "recovery") throw new TypeError("No code.");
  const slot = sql`${checked.slot + 1}::int`;
  return sql`factor as (
      update mfa set recovery_consumed[${slot}] = true from verdict
      where ${own} and not mfa.recovery_consumed[${slot}] and mfa.recovery_hashes[${slot}] = ${checked.hash}
      returning 1 as one)`;
}

/**
 * SQL for whether a password is the last of its identifier, and ended by its user alone. A thief of the user's password can do
 * that; what an administrator has ended stays so.
 */
function isEndedByUser(cred: Statement): Statement {
  return sql`(${cred}.status <> 'active' and ${cred}.identifier_verified_at is not null
    and not exists (select from cred successor where successor.replaces = ${cred}.id)
    and not exists (
      select from cred held where held.type = 'password' and held.identifier = ${cred}.identifier and held.usr_id = ${cred}.usr_id
        and held.id <> ${cred}.id and held.status <> 'revoked' and held.identifier_verified_at is not null)
    and exists (select from aud where ${isEnding(cred)} and aud.occurred_at >= told.since)
    and not exists (select from aud where ${isEnding(cred)} and aud.actor_usr_id is distinct from ${cred}.usr_id))`;
}

/** SQL for when an event ended a credential: one row. */
function endedAt(cred: Statement): Statement {
  return sql`select max(aud.occurred_at) from aud where ${isEnding(cred)}`;
}

/**
 * SQL for whether the address of `told` cannot come back: another account has proved it, or an administrator has suspended its
 * password. A password that its own user has suspended does not block the address.
 */
function isKept(told: Statement): Statement {
  const name = sql`${told}.identifier`;
  const isProvedByAnother = sql`held.usr_id <> ${told}.usr_id and held.identifier_verified_at is not null`;
  return sql`(${hasLookalike(name)} or exists (${holding(name, sql`'active'`)} and ${isProvedByAnother})
          or exists (${holding(name, sql`'suspended'`)} and (${isProvedByAnother} or held.usr_id is distinct from (
            select aud.actor_usr_id from aud where ${isEnding(sql`held`)} order by aud.occurred_at desc, aud.id desc limit 1))))`;
}

/** The password `held` that has an identifier. Each status has its own index: for both at once, every credential is read. */
function holding(identifier: Statement, status: Statement): Statement {
  return sql`select held.id from cred held where held.type = 'password' and held.identifier = ${identifier} and held.status = ${status}`;
}

/** SQL for whether an event of `aud` ended a credential. */
function isEnding(cred: Statement): Statement {
  return sql`aud.target_kind = 'cred' and aud.target_id = ${wireIdOf("cred", sql`${cred}.id`)} and aud.outcome = 'success'
    and aud.action = any(${[suspendCredential.action, revokeCredential.action]}::text[])`;
}

/** The outcome of a use whose reply was lost. */
export function recallDisowned(noticeId: string, auditId: string): Statement<DisownedRow> {
  return sql`
    select null::text as refusal, cred.identifier from aud join mail_message m on m.id = ${noticeId}::uuid join cred on cred.id = m.cred_id
    where aud.id = ${auditId}::uuid and aud.outcome = 'success'`;
}
