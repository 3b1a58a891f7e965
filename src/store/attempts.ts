/**
 * Attempts counted before the secret is looked at, so that a thousand parallel guesses are a thousand counted ones (S21).
 *
 * @module
 */
import { type Statement, sql } from "./sql.ts";

/** How often something may be tried in a window, in seconds. */
export interface AttemptLimit {
  readonly attempts: number;
  readonly windowSeconds: number;
}

/** One counter of an attempt. Its name is a keyed digest. */
export interface Bucket {
  readonly name: string;
  readonly limit: AttemptLimit;
  /**
   * `address` counters only decay. `account` and `device` ones double their window each time that it was exhausted, and
   * close after a hundred failures without a success between (NIST SP 800-63B-4 §3.2.2). Of the two a statement counts
   * one: the device's if it is known for the account, so that a stranger cannot lock the owner out (R014).
   */
  readonly kind: "account" | "device" | "address";
}

const longestWindowSeconds = 86_400;
const failuresThatClose = 100;

/**
 * The CTEs `counted` and `quota`. `quota` is one row: `allowed`, `retry_after`, and `just_limited` for the first refusal
 * of a window, which alone is audited. Rows are taken in order of name, or two attempts could deadlock.
 *
 * @param knownDevice SQL for whether the account's own device asks.
 * @param condition SQL for whether anything is counted; if not, nothing is allowed.
 */
export function countAttempts(
  buckets: readonly Bucket[],
  knownDevice: Statement,
  condition: Statement = sql`true`,
): Statement {
  const text = (field: (bucket: Bucket) => string | number): string[] => buckets.map((bucket) => String(field(bucket)));
  return sql`wanted as (
      select w.name, w.maximum::int, w.seconds::int, w.kind
      from unnest(${text((b) => b.name)}::text[], ${text((b) => b.limit.attempts)}::text[],
        ${text((b) => b.limit.windowSeconds)}::text[], ${text((b) => b.kind)}::text[]) as w(name, maximum, seconds, kind)
      where ${condition} and (w.kind = 'address' or w.kind = case when ${knownDevice} then 'device' else 'account' end)),
    counted as (
      insert into attempt as a (bucket, count, maximum, resets_at, backs_off, streak)
      select name, 1, maximum, sallyport_now() + make_interval(secs => seconds), kind <> 'address', 1
      from wanted order by name
      on conflict (bucket) do update set
        count = case when a.resets_at <= sallyport_now() then 1 else least(a.count + 1, 1000000) end,
        maximum = excluded.maximum,
        level = case
          when a.resets_at > sallyport_now() then a.level
          when a.backs_off and a.count >= a.maximum then least(a.level + 1, 12)
          else 0 end,
        resets_at = case
          when a.resets_at > sallyport_now() then a.resets_at
          when a.backs_off and a.count >= a.maximum then sallyport_now() + least(
            (excluded.resets_at - sallyport_now()) * power(2, least(a.level + 1, 12)),
            make_interval(secs => ${longestWindowSeconds}::int))
          else excluded.resets_at end,
        streak = case
          when a.resets_at <= sallyport_now() or a.count < excluded.maximum then least(a.streak + 1, 1000000)
          else a.streak end
      returning bucket, count, maximum, resets_at, streak, backs_off and streak > ${failuresThatClose}::int as closed),
    quota as materialized (
      select coalesce(bool_and(count <= maximum and not closed), false) as allowed,
        coalesce(bool_or(case
          -- The attempt that finds it closed, and the first one of each window after that.
          when closed then count = 1 or (streak = ${failuresThatClose + 1}::int and count <= maximum)
          else count = maximum + 1 end), false) as just_limited,
        ceil(extract(epoch from max(case when closed then sallyport_now() + interval '1 day'
          when count > maximum then resets_at end) - sallyport_now()))::int as retry_after
      from counted)`;
}

/** The CTE body that gives one reservation back after a success, and ends the run of failures (S22). */
export function refundAttempt(bucket: string, condition: Statement): Statement {
  return sql`
    update attempt set count = greatest(count - 1, 0), streak = 0
    where bucket = ${bucket} and ${condition}`;
}
