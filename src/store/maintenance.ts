import { failuresThatClose } from "./attempts.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * Removes tickets, enrolments, challenges, keys and counters that have ended, at most `limit` of each. A run of failures at somebody's
 * credential or factor is remembered for 90 days, and for good once it has closed the way (S22); of names that nobody has, which
 * a stranger can make up, only a full counter is.
 */
export function purgeExpired(limit: number): Statement {
  return sql`
    with tickets as (
      delete from login_ticket where token_hash in (
        select token_hash from login_ticket where expires_at < sallyport_now()
        order by expires_at limit ${limit}::int for update skip locked)),
    factors as (
      delete from mfa where id in (
        select id from mfa where status = 'pending' and pending_expires_at < sallyport_now()
        order by pending_expires_at limit ${limit}::int for update skip locked)),
    leaves as (
      delete from mfa_enrollment_grant where usr_id in (
        select usr_id from mfa_enrollment_grant where expires_at < sallyport_now()
        order by expires_at limit ${limit}::int for update skip locked)),
    challenges as (
      delete from spent_challenge where digest in (
        select digest from spent_challenge where expires_at < sallyport_now()
        order by expires_at limit ${limit}::int for update skip locked)),
    keys as (
      delete from idempotency where digest in (
        select digest from idempotency where expires_at < sallyport_now()
        order by expires_at limit ${limit}::int for update skip locked)),
    counters as (
      delete from attempt where bucket in (
        select bucket from attempt
        -- Here and below the condition of an index.
        where not (backs_off and (streak >= maximum or (streak > 0 and bucket ~ '^(credential|factor):')))
          and resets_at < sallyport_now() - interval '1 day'
        order by resets_at limit ${limit}::int for update skip locked)),
    runs as (
      delete from attempt where bucket in (
        select bucket from attempt
        where resets_at < sallyport_now() - interval '90 days'
          and backs_off and (streak >= maximum or (streak > 0 and bucket ~ '^(credential|factor):'))
          and not (streak >= ${failuresThatClose}::int and bucket ~ '^(credential|factor):')
        order by resets_at limit ${limit}::int for update skip locked))
    select 1`;
}

/** Writes the probe's row; what is read next must be it (S50). */
export function writeProbe(id: number, value: string): Statement {
  return sql`
    insert into sallyport_probe (id, value) values (${id}::int, ${value})
    on conflict (id) do update set value = excluded.value`;
}

/** The same text and parameters each time, so that a query cache in between would answer for the database. */
export function readProbe(id: number): Statement<{ value: string }> {
  return sql`select value from sallyport_probe where id = ${id}::int`;
}

export function deleteProbe(id: number): Statement {
  return sql`delete from sallyport_probe where id = ${id}::int`;
}

/** Active passwords' identifiers, in pages. */
export function selectIdentifiers(
  after: string | undefined,
  limit: number,
): Statement<{ id: string; identifier: string }> {
  return sql`
    select id, identifier from cred
    where type = 'password' and status = 'active' and (${after ?? null}::uuid is null or id > ${after ?? null}::uuid)
    order by id limit ${limit}::int`;
}
