import { type Statement, sql } from "./sql.ts";

/**
 * Removes tickets, enrolments, challenges, keys and counters that have ended, at most `limit` of each. A run of failures is
 * remembered for 90 days, and for good once it has closed the way (S22); at a name that nobody has as well, or what 429 says
 * would tell which names somebody has (R018).
 */
export function purgeExpired(limit: number): Statement {
  const ended = (table: Statement, key: Statement, end: Statement, days = 0, condition = sql`true`) => sql`(
      delete from ${table} where ${key} in (
        select ${key} from ${table} where ${end} < sallyport_now() - make_interval(days => ${days}::int) and ${condition}
        order by ${end} limit ${limit}::int for update skip locked))`;
  // The conditions are those of two indexes, and so without parameters.
  const counters = (days: number, condition: Statement) =>
    ended(sql`attempt`, sql`bucket`, sql`resets_at`, days, condition);
  return sql`
    with tickets as ${ended(sql`login_ticket`, sql`token_hash`, sql`expires_at`)},
    factors as ${ended(sql`mfa`, sql`id`, sql`pending_expires_at`, 0, sql`status = 'pending'`)},
    leaves as ${ended(sql`mfa_enrollment_grant`, sql`usr_id`, sql`expires_at`)},
    challenges as ${ended(sql`spent_challenge`, sql`digest`, sql`expires_at`)},
    keys as ${ended(sql`idempotency`, sql`digest`, sql`expires_at`)},
    counters as ${counters(1, sql`not (backs_off and streak > 0)`)},
    runs as ${counters(90, sql`backs_off and streak > 0 and streak < 100`)}
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
