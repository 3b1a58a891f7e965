/**
 * Messages about what has happened to an account. A trigger on the audit log owes them, in the transaction of the change.
 *
 * @module
 */
import { revokeCredential, suspendCredential } from "../domain/acts/credential.ts";
import { disownNotice } from "../domain/acts/notice.ts";
import type { NoticeKind } from "../domain/notices.ts";
import { unusableHash } from "../domain/password-state.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { freshSeconds, type Transport } from "../domain/session.ts";
import { insertAuditEvent, leavesEvent, wireIdOf } from "./audit.ts";
import { refund } from "./counters.ts";
import { handle } from "./cte.ts";
import { endings, endSessions, loginsOf } from "./endings.ts";
import { factorColumns, type Material } from "./factor-proofs.ts";
import type { CheckedFactor } from "./factor-spending.ts";
import { grantLeave } from "./factors.ts";
import { hasStrongProof } from "./held-factors.ts";
import { restorableSeconds } from "./identifier-change.ts";
import { isWithheld, lockIdentifierOf } from "./identifiers.ts";
import type { Lock } from "./locks.ts";
import { type OwedMessage, oweMessage, oweNotice } from "./mail.ts";
import { type Database, type Statement, sql } from "./sql.ts";

/**
 * The same database, in which each change owes the notices of its event. A change is a batch that begins with a lock.
 *
 * @param kinds The kind of the notice by the action.
 */
export function withNotices(database: Database, kinds: ReadonlyMap<string, NoticeKind>): Database {
  const setting = JSON.stringify(Object.fromEntries(kinds));
  return {
    run: (statement, limit) => database.run(statement, limit),
    async batch(statements, limit) {
      const [first, ...others] = statements;
      // An attempt that is only counted is no change, even if a purge goes with it.
      if (!first || leavesEvent(first) || !others.some(leavesEvent)) return await database.batch(statements, limit);
      // `local`: it ends with the transaction, since a pooler forgets the settings of a connection.
      const set = sql`select set_config('sallyport.notices', ${setting}, true)`;
      const rows = await database.batch([set, ...statements], limit);
      return rows.slice(1);
    },
    ...(database.isNested && { isNested: () => database.isNested!() }),
  };
}

/** The locks for “this was not me”: the address, its holder, and the user of the notice. */
export function lockNotice(id: string): Lock[] {
  const user = sql`select usr_id as id from mail_message where id = ${id}::uuid and event_id is not null`;
  const address = sql`(select cred.identifier from mail_message m join cred on cred.id = m.cred_id where m.id = ${id}::uuid)`;
  return [...lockIdentifierOf(id, address), { on: "user", key: user }];
}

/** How long a notice's link works, in days. */
const noticeDays = 7;

/**
 * The notice of a link that still works, as a row:
 *
 * - `identifier`: the address that the notice went to.
 * - `since`: when its event happened.
 * - `added`: the passkey, factor or password that the event added.
 * - `left_at`: when the account has left the address for a new one. Null if it has not. After three days the mailbox has no more
 *   power over the account.
 * - `had_factor`: before the event, the account had a factor or passkey that was in use when it left the address. Then the old
 *   mailbox alone is not enough (S40).
 */
function toldBy(noticeId: string): Statement {
  const seconds = sql`make_interval(secs => ${restorableSeconds}::int)`;
  return sql`
      select m.id, m.usr_id, m.kind, told.identifier, aud.occurred_at as since, event.added, gone.at as left_at,
        gone.at is not null and (
          exists (select from mfa old where old.type <> 'recovery' and ${wasActive(sql`old`)})
          or exists (
            select from cred key where key.usr_id = m.usr_id and key.type = 'passkey' and key.id is distinct from event.added
              and key.created_at <= aud.occurred_at and ${isLaterEnded(sql`key`, sql`aud.occurred_at`)})) as had_factor
      from mail_message m join aud on aud.id = m.event_id join cred told on told.id = m.cred_id
      join usr on usr.id = m.usr_id and usr.status = 'active'
      cross join lateral (
        select case when m.kind in ('passkey_added', 'factor_added', 'password_added') then right(aud.target_id, 32)::uuid end
          as added) event
      left join lateral (
        select successor.created_at as at from (
          select own.id from cred own
          where own.usr_id = m.usr_id and own.type = 'password' and own.identifier = told.identifier
          order by own.created_at desc, own.id desc limit 1) newest
        join cred successor on successor.replaces = newest.id and successor.identifier <> told.identifier
        order by successor.created_at limit 1) gone on true
      where m.id = ${noticeId}::uuid and m.used_at is null and m.kind <> 'recovery_started'
        and m.created_at > sallyport_now() - case when m.kind = 'address_replaced' then ${seconds}
          else make_interval(days => ${noticeDays}::int) end
        and coalesce(gone.at > sallyport_now() - ${seconds}, true)`;
}

/** SQL for whether a row is not revoked, or was revoked after a time. */
function isLaterEnded(row: Statement, time: Statement): Statement {
  return sql`(${row}.status <> 'revoked' or ${row}.updated_at >= ${time})`;
}

/** SQL for whether a factor was in use before the event of {@link toldBy}. A pending one was not. */
function wasActive(factor: Statement): Statement {
  return sql`${factor}.usr_id = m.usr_id and ${factor}.id is distinct from event.added
            and coalesce(${factor}.confirmed_at, case when ${factor}.status in ('active', 'suspended')
              then ${factor}.created_at end) <= aud.occurred_at
            and ${isLaterEnded(factor, sql`aud.occurred_at`)}`;
}

/**
 * The holder of a code beside a notice's link: the user, if the notice asks for a factor.
 *
 * @returns As the CTE `holder` of `factor-holder.ts`.
 */
export function holderOfNotice(noticeId: string): Statement {
  return sql`
      select told.usr_id, null::uuid as cred_id, '{}'::text[] as amr, null::boolean as remember, null::uuid as session_id, null::uuid as family_id,
        null::timestamptz as family_expires_at, case when told.usr_id is null then 'unauthorized.invalid_link' end as refusal
      from (select 1) one left join (select * from (${toldBy(noticeId)}) told where told.had_factor) told on true`;
}

/** The factor of a type that the user of a notice had before its event, also if it has ended since. */
export function factorOfNotice(noticeId: string, type: "totp" | "recovery"): Material {
  return {
    columns: factorColumns(),
    join: (holder) => sql`left join lateral (
        select old.* from mail_message m join aud on aud.id = m.event_id cross join (select null::uuid as added) event
        join mfa old on old.type = ${type} and ${wasActive(sql`old`)}
        where m.id = ${noticeId}::uuid and m.usr_id = ${holder}.usr_id
        order by old.created_at desc limit 1) mfa on true`,
  };
}

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
 * If the account has left the address since, the address comes back, and everything that was added since then goes. Notices to
 * addresses that go have no more power. Another account loses the address if it has never proved it.
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
  const isPredecessor = (row: Statement): Statement =>
    sql`${row}.status = 'revoked' and ${row}.created_at < notice.since
            and ${row}.updated_at >= notice.since - make_interval(days => ${noticeDays}::int)`;
  const hasLeft = sql`notice.left_at is not null`;
  const hasCome = (
    factor: Statement,
  ): Statement => sql`(${factor}.status = 'pending' or ${factor}.id is not distinct from notice.added
              or coalesce(${factor}.confirmed_at, ${factor}.created_at) > notice.since)`;
  return sql`
    with told as materialized (${toldBy(noticeId)}),
    verdict as materialized (
      select told.*, case
        when told.id is null then 'unauthorized.invalid_link'
        when told.had_factor and not ${isProved(proof)} then 'unauthorized.reauthentication_required'
        when told.left_at is not null and (${isWithheld(sql`told.identifier`)} or exists (
          select from cred held where held.type = 'password' and held.identifier = told.identifier and held.status = 'active'
            and held.identifier_verified_at is not null))
          then 'conflict.duplicate_credential' end as refusal
      from (select 1) one left join told on true),
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
    -- Whoever has taken the address without a proof: a thief would keep the owner out with it.
    evicted as (
      update cred set status = 'revoked' from notice
      where ${hasLeft} and cred.type = 'password' and cred.identifier = notice.identifier and cred.status = 'active'
      returning cred.id),
    evicted_sessions as (${endSessions(sql`evicted`, sql`ses.cred_id = evicted.id`, auditId)}),
    -- The password of the address: the account has left it, or a session of the user has ended it. In the second case, the mailbox
    -- alone is no way around a passkey.
    lost as materialized (
      select cred.* from notice join cred on cred.usr_id = ${user} and cred.type = 'password'
        and cred.identifier = notice.identifier
      where ${hasLeft} or (${isEndedByUser(sql`cred`)} and not exists (
        select from cred key where key.usr_id = ${user} and key.type = 'passkey' and key.status = 'active'
          and key.id is distinct from notice.added))
      order by cred.created_at desc, cred.id desc limit 1),
    loser as materialized (
      select notice.usr_id from notice where ${hasLeft} and ${hasStrongProof(user)}
        and not exists (
          select from mfa where mfa.usr_id = ${user} and mfa.status = 'active' and mfa.type <> 'recovery' and not ${hasCome(sql`mfa`)})
        and not exists (
          select from cred where cred.usr_id = ${user} and cred.type = 'passkey' and cred.status = 'active'
            and cred.created_at <= notice.since and cred.id is distinct from notice.added))${endings(
              handle(sql`notice`),
              auditId,
              {
                ...loginsOf(user),
                tokens: sql`pat.usr_id = ${user}`,
                factors: sql`mfa.usr_id = ${user} and case when ${hasLeft}
              then ${hasCome(sql`mfa`)}
              else mfa.id = notice.added
            and not exists (select from mfa other where other.usr_id = ${user} and other.type <> 'recovery' and ${isPredecessor(sql`other`)})
            and not exists (select from cred other where other.usr_id = ${user} and other.type = 'passkey' and ${isPredecessor(sql`other`)}) end`,
                registrations: sql`mfa_registration.usr_id = ${user}`,
                grants: sql`mfa_enrollment_grant.usr_id = ${user} and not exists (select from loser)`,
              },
            )},
    leave as (${grantLeave(sql`null::uuid`, sql`loser`)}),
    closed as (
      update cred set status = 'revoked' from notice
      where cred.usr_id = ${user} and cred.status = 'active' and (cred.type = 'password' or cred.id = notice.added
        or (${hasLeft} and cred.created_at > notice.since))
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
        select * from closed where closed.type = 'password' and (closed.identifier = notice.identifier
          or (closed.id is distinct from notice.added and ${wasOwn(sql`closed`)}))
        union all select * from lost) old
      where (select count(*) from evicted) >= 0
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
          'evicted', (select ${wireIdOf("cred", sql`evicted.id`)} from evicted)))`,
      },
      sql`verdict left join notice on true where verdict.refusal is null`,
    )})
    select verdict.refusal, notice.identifier from verdict left join notice on true`;
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
            and ses.mfa_verified_at > sallyport_now() - make_interval(secs => ${freshSeconds}::int))`;
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
      select from cred held where held.type = 'password' and held.identifier = ${cred}.identifier
        and held.id <> ${cred}.id and held.status <> 'revoked')
    and exists (select from aud where ${isEnding(cred)} and aud.occurred_at >= notice.since)
    and not exists (select from aud where ${isEnding(cred)} and aud.actor_usr_id is distinct from ${cred}.usr_id))`;
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
