/**
 * Counters. An attempt is counted before the secret is checked, so that a thousand parallel guesses count as a thousand (S21).
 *
 * @module
 */
import { type Statement, sql } from "./sql.ts";

/** The number of attempts that a window allows, and the length of the window in seconds. */
export interface AttemptLimit {
  readonly attempts: number;
  readonly windowSeconds: number;
}

/** One counter of an attempt. Its name holds an id, or a keyed digest of what a client typed or sent. */
export interface Counter {
  readonly name: string;
  readonly limit: AttemptLimit;
  /**
   * `address` counters only decay. The others also count failures in a row: each full limit of them doubles the window, and a
   * hundred close the counter (NIST SP 800-63B-4 §3.2.2). A statement counts either the account's or the device's counter: the
   * device's if the account knows the device, so that a stranger cannot lock the owner out (R014).
   */
  readonly kind: "account" | "device" | "address";
  /** The number of attempts that one attempt counts as, by the work that it needs; at most the limit. Default 1. */
  readonly units?: number;
}

/** A counter as an attempt has raised it. */
export type Counted = Pick<Counter, "name" | "units">;

const longestWindowSeconds = 86_400;
/** How many failures in a row close a counter until it is reset (S22). An index of `attempt` contains the number too. */
const failuresThatClose = 100;

/**
 * The CTEs `counted` and `reserved`. `reserved` is one row: `allowed`; `retry_after`; `refused_by`, the limit that ends last,
 * as `RateLimit-Policy` writes it; `just_limited` for the first refusal of a
 * window, the only one that is audited; and `counter`, the account's or device's counter that was counted.
 *
 * For a closed counter, `just_limited` is true for the attempt that finds it closed, and then for the first of each window.
 *
 * Addresses come first: an attempt that they refuse reveals nothing about the account and does not count against it. Rows are
 * locked in order of name, or two attempts could deadlock.
 *
 * An attempt that is sent again, because its reply was lost, is counted once: each row remembers the last attempts that it
 * counted (S68).
 *
 * @param attempt.id A UUID. The same one for every time that the attempt is sent.
 * @param attempt.account SQL for the name of a known account's counter, or null to use the counter's own name. A new password
 * is a new credential, so it begins with a fresh counter.
 * @param attempt.knownDevice SQL for whether the account knows the device.
 * @param attempt.condition SQL for whether anything is counted. If not, nothing is allowed. Default true.
 */
export function countAttempts(attempt: {
  id: string;
  counters: readonly Counter[];
  account?: Statement;
  knownDevice?: Statement;
  condition?: Statement;
}): Statement {
  const { id, counters, account = sql`null::text`, knownDevice = sql`false`, condition = sql`true` } = attempt;
  const text = (field: (counter: Counter) => string | number): string[] =>
    counters.map((counter) => String(field(counter)));
  return sql`wanted as materialized (
      select case when w.kind = 'account' then coalesce(${account}, w.name) else w.name end as name,
        w.maximum::int, w.seconds::int, w.kind, least(w.units::int, w.maximum::int) as units
      from unnest(${text((c) => c.name)}::text[], ${text((c) => c.limit.attempts)}::text[],
        ${text((c) => c.limit.windowSeconds)}::text[], ${text((c) => c.kind)}::text[], ${text((c) => c.units ?? 1)}::text[])
        as w(name, maximum, seconds, kind, units)
      where ${condition} and (w.kind = 'address' or w.kind = case when ${knownDevice} then 'device' else 'account' end)),
    counted_addresses as (${countInto(id, sql`kind = 'address'`)}),
    admitted as materialized (
      select coalesce(bool_and(count <= maximum), true) as ok from counted_addresses),
    counted_account as (${countInto(id, sql`kind <> 'address' and (select ok from admitted)`)}),
    counted as (select * from counted_addresses union all select * from counted_account),
    reserved as materialized (
      select coalesce(bool_and(count <= maximum and not closed), false) as allowed,
        coalesce(bool_or(case
          when closed then count = 1 or (streak = ${failuresThatClose + 1}::int and count <= maximum)
          else count > maximum and count - units <= maximum end), false) as just_limited,
        ceil(extract(epoch from max(case when closed then sallyport_now() + interval '1 day'
          when count > maximum then resets_at end) - sallyport_now()))::int as retry_after,
        (array_agg('"sallyport";q=' || maximum || ';w=' || seconds order by resets_at desc)
          filter (where closed or count > maximum))[1] as refused_by,
        (select name from wanted where kind <> 'address') as counter
      from counted join (select name, units, seconds from wanted) weighed on weighed.name = counted.bucket)`;
}

/** The outcome of counting: the attempt was counted, or the time to wait. */
export interface Admission {
  readonly allowed: boolean;
  readonly retryAfterSeconds: number | null;
  /**
   * The limit that has refused it, as `RateLimit-Policy` writes it. Absent for an attempt whose reply was lost. All have one name: a
   * name for each counter would tell a known device, or a known account, from the others.
   */
  readonly limit: string | null;
}

/** The columns of an {@link Admission}, read from the CTE `reserved`. */
export function admissionColumns(): Statement {
  return sql`reserved.allowed, ${waitColumns()}`;
}

/** The columns of an {@link Admission} but the first, for a statement that decides otherwise what is allowed. */
export function waitColumns(): Statement {
  return sql`reserved.retry_after as "retryAfterSeconds", reserved.refused_by as "limit"`;
}

/**
 * Counts an attempt in a statement of its own, before any work is done for it.
 *
 * @param id As for {@link countAttempts}.
 */
export function countAlone(id: string, counters: readonly Counter[]): Statement<Admission> {
  return sql`with ${countAttempts({ id, counters })} select ${admissionColumns()} from reserved`;
}

/** How many attempts a counter remembers. Past that, one that is sent again counts twice. */
export const rememberedAttempts = 16;

/**
 * `insert into attempt …` for the counters of `wanted` for which `which` is true. Addresses have no streak, because an update
 * that touches no index costs less.
 *
 * @param id As for {@link countAttempts}.
 */
export function countInto(id: string, which: Statement): Statement {
  // The newest version of the row, so that an attempt that was sent twice and runs twice at once is counted once as well.
  const isKnown = sql`${id}::uuid = any(a.recent) and a.resets_at > sallyport_now()`;
  return sql`
      insert into attempt as a (bucket, count, maximum, resets_at, backs_off, streak, recent)
      select name, units, maximum, sallyport_now() + make_interval(secs => seconds), kind <> 'address', 1, array[${id}::uuid]
      from wanted where ${which} order by name
      on conflict (bucket) do update set
        count = case when a.resets_at <= sallyport_now() then excluded.count when ${isKnown} then a.count
          else least(a.count, 1000000) + excluded.count end,
        maximum = excluded.maximum,
        resets_at = case
          when a.resets_at > sallyport_now() then a.resets_at
          else sallyport_now() + least(
            (excluded.resets_at - sallyport_now())
              * case when a.backs_off then power(2, least(a.streak / excluded.maximum, 12)) else 1 end,
            make_interval(secs => ${longestWindowSeconds}::int)) end,
        streak = case when not a.backs_off or ${isKnown} then a.streak
          when a.resets_at <= sallyport_now() or a.count < excluded.maximum then least(a.streak + 1, 1000000)
          else a.streak end,
        recent = case when ${isKnown} then a.recent
          else (excluded.recent || a.recent)[1:${rememberedAttempts}::int] end
      returning bucket, count, maximum, resets_at, streak, backs_off and streak > ${failuresThatClose}::int as closed`;
}

/**
 * SQL for the name of a credential's counter, or null. It does not depend on the identifier, so a new password begins with a
 * fresh counter.
 */
export function credentialCounter(credentialId: Statement): Statement {
  return sql`'credential:' || (${credentialId})::text`;
}

/** SQL for whether a counter has no attempts left now. */
export function isUsedUp(attempt: Statement): Statement {
  return sql`((${attempt}.resets_at > sallyport_now() and ${attempt}.count >= ${attempt}.maximum)
    or (${attempt}.backs_off and ${attempt}.streak >= ${failuresThatClose}::int))`;
}

/** The CTE body that refunds an attempt: a success returns it and ends the run of failures (S22). */
export function refund(counter: string | null, condition: Statement): Statement {
  return sql`
    update attempt set count = greatest(count - 1, 0), streak = 0
    where bucket = ${counter}::text and ${condition}`;
}

/**
 * Gives back the counters of an attempt that the server could not check: it was neither a success nor a failure (S82). The
 * counter `busy` bounds how often; past it, the attempt stays counted.
 *
 * @param id As for {@link countAttempts}, of the busy answer.
 */
export function returnAttempt(id: string, counted: readonly Counted[], busy: Counter): Statement {
  return sql`
    with ${countAttempts({ id, counters: [busy] })},
    ${giveBack(counted, sql`(select allowed from reserved)`)}
    select allowed from reserved`;
}

/**
 * The CTEs `held` and `returned`, which lower counters by what an attempt raised them. Rows are locked in the order in which
 * attempts lock them, addresses first and each kind by name; otherwise two requests could deadlock.
 */
export function giveBack(counted: readonly Counted[], condition: Statement): Statement {
  const [names, units] = [counted.map(({ name }) => name), counted.map((counter) => String(counter.units ?? 1))];
  return sql`held as materialized (
      select a.bucket, raised.units from attempt a
      join unnest(${names}::text[], ${units}::int[]) raised(bucket, units) on raised.bucket = a.bucket
      where ${condition} order by a.backs_off, a.bucket for update of a),
    returned as (
      update attempt a set count = greatest(a.count - held.units, 0),
        streak = case when a.backs_off then greatest(a.streak - 1, 0) else a.streak end
      from held where a.bucket = held.bucket)`;
}
