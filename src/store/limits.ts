/**
 * The counters, as an administrator sees them. Both statements read the whole table, which is purged: nobody waits for them at
 * a form.
 *
 * @module
 */
import * as acts from "../domain/acts/limit.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { type Asked, insertAuditEvent, successOf } from "./audit.ts";
import { isUsedUp } from "./counters.ts";
import { handle } from "./cte.ts";
import { type Statement, sql } from "./sql.ts";

/** Which counters are meant. Without any of the three, none. */
export interface CountersOf {
  /** Keyed digests of an identifier, an address or a key: a part of the names of its counters. */
  readonly digests: readonly string[];
  /** Identifiers, whose passwords, users and sessions have counters under their ids. */
  readonly identifiers: readonly string[];
  /** The whole name of a counter. */
  readonly name: string | undefined;
}

/** A counter as a list shows it. */
export interface LimitRow {
  readonly refusal: string | null;
  readonly id: string | null;
  readonly count: number;
  readonly maximum: number;
  readonly failures: number;
  readonly usedUp: boolean;
  readonly closed: boolean;
  readonly resetsAt: Date;
}

/** How many counters a list has at most. */
const longestLimitList = 200;

/**
 * The counters that are meant and still count, or every counter that is used up: those that end last come first. There is always
 * one row, which holds the refusal if there are no counters.
 */
export function selectLimits(asked: Asked & { of: CountersOf | undefined }): Statement<LimitRow> {
  const actor = acting(asked.actor);
  const usedUp = isUsedUp(sql`attempt`);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select ${refusalUnless(acts.listLimits, actor.name, {})} as refusal from (select 1) one left join acting on true),
    audit as (${insertAuditEvent(
      { ...successOf(acts.listLimits, asked, sql`'limits'`), repeatable: true },
      sql`verdict cross join acting where verdict.refusal is null and not acting.trusted`,
    )}),
    page as (
      select attempt.*, ${usedUp} as used_up from attempt, verdict
      where verdict.refusal is null and (attempt.resets_at > sallyport_now() or (attempt.backs_off and attempt.streak > 0))
        and ${asked.of ? isOneOf(asked.of) : usedUp}
      order by attempt.resets_at desc, attempt.bucket limit ${longestLimitList}::int)
    select verdict.refusal, page.bucket as id, page.count, page.maximum, page.used_up as "usedUp", page.resets_at as "resetsAt",
      case when page.backs_off then page.streak else 0 end as failures, page.backs_off and page.streak >= 100 as closed
    from verdict left join page on true order by page.resets_at desc, page.bucket`;
}

/** Removes counters, so that they begin again. Rows are locked in the order in which attempts lock them. Raises the refusal. */
export function deleteLimits(asked: Asked & { of: CountersOf }): Statement<{ lifted: number }> {
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select ${refusalUnless(acts.liftLimit, actor.name, {})} as refusal from (select 1) one left join acting on true),
    held as materialized (
      select attempt.bucket from attempt, verdict where verdict.refusal is null and ${isOneOf(asked.of)}
      order by attempt.backs_off, attempt.bucket for update of attempt),
    lifted as (delete from attempt using held where attempt.bucket = held.bucket returning attempt.bucket),
    names as materialized (select count(*)::int as lifted, coalesce(jsonb_agg(bucket order by bucket), '[]'::jsonb) as list from lifted),
    audit as (${insertAuditEvent(
      {
        ...successOf(acts.liftLimit, asked, sql`'limits'`),
        metadata: sql`jsonb_build_object('counters', (select list from names))`,
      },
      sql`verdict where verdict.refusal is null`,
    )})
    select names.lifted from verdict cross join names where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** Finds out whether a lifting has committed. */
export function recallLift(auditId: string): Statement<{ lifted: number }> {
  return sql`select jsonb_array_length(metadata->'counters') as lifted from aud where id = ${auditId}::uuid`;
}

/** A counter's name is its kind and what it is for, in parts that colons separate: `credential:<id>`, `busy:address:<digest>`. */
function isOneOf({ digests, identifiers, name }: CountersOf): Statement {
  return sql`(attempt.bucket = ${name ?? null}::text or string_to_array(attempt.bucket, ':') && (
    select ${digests}::text[] || coalesce(array_agg(own.id::text), '{}')
    from cred
    cross join lateral (
      select cred.id union all select cred.usr_id
      union all select coalesce(ses.family_id, ses.id) from ses where ses.usr_id = cred.usr_id and ses.revoked_at is null
    ) own
    where cred.identifier = any(${identifiers}::text[])))`;
}
