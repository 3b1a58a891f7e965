import { type AttemptLimit, countInto, isUsedUp } from "./counters.ts";
import { type Statement, sql } from "./sql.ts";

/** How many of a user's refusals are recorded individually. */
const denialLimit: AttemptLimit = { attempts: 20, windowSeconds: 900 };
/** The same as `RateLimit-Policy` writes it. It is the only limit whose refusals the database raises. */
export const denialPolicy = '"sallyport";q=20;w=900';

/** The CTEs that count a user's refusal, once for each `id`, and `recorded`: one row if it is to be recorded (S41). */
export function countDenial(id: string, userId: string): Statement {
  const { attempts, windowSeconds } = denialLimit;
  return sql`wanted as (
      select ${`denial:${userId}`} as name, ${attempts}::int as maximum, ${windowSeconds}::int as seconds, 'address' as kind, 1 as units),
    counted as (${countInto(id, sql`true`)}),
    recorded as (select count > maximum as last from counted where count <= maximum + 1)`;
}

/** SQL for whether a user has been refused so often that nothing more is recorded. */
export function hasUsedUpDenials(userId: string | undefined): Statement {
  return sql`exists (
    select from attempt spent where spent.bucket = ${userId === undefined ? null : `denial:${userId}`}::text
      and ${isUsedUp(sql`spent`)})`;
}
