/**
 * A notice whose link still works, and the factor that its use asks for.
 *
 * @module
 */
import { factorColumns, type Material } from "./factor-proofs.ts";
import { restorableSeconds } from "./identifier-change.ts";
import { lockIdentifierOf } from "./identifiers.ts";
import type { Lock } from "./locks.ts";
import { type Statement, sql } from "./sql.ts";

/** The locks for “this was not me”: the address, its holder, and the user of the notice. */
export function lockNotice(id: string): Lock[] {
  const user = sql`select usr_id as id from mail_message where id = ${id}::uuid and event_id is not null`;
  const address = sql`(select cred.identifier from mail_message m join cred on cred.id = m.cred_id where m.id = ${id}::uuid)`;
  return [...lockIdentifierOf(id, address), { on: "user", key: user }];
}

/** How long a notice's link works, in days. */
export const noticeDays = 7;

/**
 * The notice of a link that still works, as a row:
 *
 * - `identifier`: the address that the notice went to.
 * - `since`: when its event happened.
 * - `added`: the passkeys, factors, passwords and identities that the event added.
 * - `left_at`: when the account has left the address for a new one. Null if it has not. After three days the mailbox has no more
 *   power over the account.
 * - `left_id`: the password of the address that the new address replaced.
 * - `until`: when the account was still its owner's. That is when it left the address, but before the event if it is a new factor.
 * - `had_factor`: the account had a factor or passkey between the event and `until`. Then the old mailbox alone is not enough (S40).
 */
export function toldBy(noticeId: string): Statement {
  const seconds = sql`make_interval(secs => ${restorableSeconds}::int)`;
  return sql`
      select m.id, m.usr_id, m.kind, told.identifier, aud.occurred_at as since, event.added, gone.at as left_at, gone.left_id,
        event.adds_factor, span.until,
        gone.at is not null and (
          exists (select from mfa old where old.type <> 'recovery' and ${wasActive(sql`old`, sql`m.usr_id`, sql`span`)})
          or exists (
            select from cred key where key.usr_id = m.usr_id and key.type = 'passkey' and not key.id = any(event.added)
              and key.created_at <= span.until and ${isLaterEnded(sql`key`, sql`span.since`)})) as had_factor
      from mail_message m join aud on aud.id = m.event_id join cred told on told.id = m.cred_id
      join usr on usr.id = m.usr_id and usr.status = 'active'
      cross join lateral (
        select m.kind in ('passkey_added', 'factor_added') as adds_factor,
          case when m.kind in ('passkey_added', 'factor_added', 'recovery_codes_made', 'password_added', 'identity_linked')
            then array[right(aud.target_id, 32)::uuid]
          when m.kind = 'accounts_merged' then array(
            select came.id from cred came join cred gone on gone.id = came.replaces
            where came.usr_id = m.usr_id and gone.usr_id = right(aud.metadata ->> 'merged', 32)::uuid)
          else '{}' end as added) event
      left join lateral (${leavingOf(sql`told`)}) gone on true
      cross join lateral (
        select event.added, aud.occurred_at as since,
          case when event.adds_factor then aud.occurred_at else greatest(gone.at, aud.occurred_at) end as until) span
      where m.id = ${noticeId}::uuid and m.used_at is null and m.kind <> 'recovery_started'
        and m.created_at > sallyport_now() - case when m.kind = 'address_replaced' then ${seconds}
          else make_interval(days => ${noticeDays}::int) end
        and coalesce(gone.at > sallyport_now() - ${seconds}, true)
        -- The account has the address, or has ended it in the last three days.
        and exists (
          select from cred held where held.usr_id = m.usr_id and held.type = 'password' and held.identifier = told.identifier
            and (held.status <> 'revoked' or held.updated_at > sallyport_now() - ${seconds}))`;
}

/**
 * SQL for when an account has left the address of a password, and its last password there: one row or none. It follows what replaced
 * the password, so a password that was only added, with the same address, does not hide that the address was left.
 */
function leavingOf(password: Statement): Statement {
  return sql`
        with recursive line as (
          select null::uuid as replaces, ${password}.id, ${password}.identifier, ${password}.created_at
          union
          select line.id, successor.* from line cross join lateral (
            select cred.id, cred.identifier, cred.created_at from cred
            where cred.replaces = line.id and line.identifier = ${password}.identifier
            order by cred.created_at desc, cred.id desc limit 1) successor)
        select line.created_at as at, line.replaces as left_id from line where line.identifier <> ${password}.identifier
        -- There is one at most, and the planner does not know it.
        limit 1`;
}

/** SQL for whether a row is not revoked, or was revoked after a time. */
export function isLaterEnded(row: Statement, time: Statement): Statement {
  return sql`(${row}.status <> 'revoked' or ${row}.updated_at >= ${time})`;
}

/**
 * SQL for whether a user's factor, other than the one that was `added`, was in use between two times. A pending one was not.
 *
 * @param span A row with `added`, `since` and `until`.
 */
function wasActive(factor: Statement, user: Statement, span: Statement): Statement {
  return sql`${factor}.usr_id = ${user} and not ${factor}.id = any(${span}.added)
            and coalesce(${factor}.confirmed_at, case when ${factor}.status in ('active', 'suspended')
              then ${factor}.created_at end) <= ${span}.until
            and ${isLaterEnded(factor, sql`${span}.since`)}`;
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

/** The factor of a type that the user of a notice had while the account was theirs, also if it has ended since. */
export function factorOfNotice(noticeId: string, type: "totp" | "recovery"): Material {
  return {
    columns: factorColumns(),
    join: (holder) => sql`left join lateral (
        select old.* from (${toldBy(noticeId)}) told
        join mfa old on old.type = ${type} and ${wasActive(sql`old`, sql`${holder}.usr_id`, sql`told`)}
        where told.usr_id = ${holder}.usr_id
        order by old.created_at desc limit 1) mfa on true`,
  };
}
