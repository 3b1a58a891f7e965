import { type Statement, sql } from "./sql.ts";

/**
 * Removes ended tickets, enrollments, challenges, keys and counters, at most `limit` of each. A run of failures is kept for 90
 * days, and for good once it has closed the counter (S22). The same holds for an identifier that no user has; otherwise a 429
 * would reveal which identifiers exist (R018).
 */
export function purgeExpired(limit: number, purges: readonly Purge[] = []): Statement {
  // The conditions must match those of two indexes, so they have no parameters.
  const counters = (days: number, condition: Statement) =>
    deleteEnded(limit, { ...expiry(sql`attempt`, sql`bucket`, sql`resets_at`), days, condition });
  const all = [
    sql`tickets as ${deleteEnded(limit, expiry(sql`login_ticket`, sql`token_hash`))}`,
    sql`keys as ${deleteEnded(limit, expiry(sql`idempotency`, sql`digest`))}`,
    sql`counters as ${counters(1, sql`not (backs_off and streak > 0)`)}`,
    sql`runs as ${counters(90, sql`backs_off and streak > 0 and streak < 100`)}`,
    ...purges.map((purge) => purge(limit)),
  ];
  return sql`with ${all.reduce((list, one) => sql`${list}, ${one}`)} select 1`;
}

/** An additional purge of a feature: a CTE that deletes at most `limit` rows. */
export type Purge = (limit: number) => Statement;

/** Second factors that were not confirmed in time, and expired permissions to enroll one. */
export const purgeFactors: Purge = (limit) => sql`
  factors as ${deleteEnded(limit, { ...expiry(sql`mfa`, sql`id`, sql`pending_expires_at`), condition: sql`status = 'pending'` })},
  registrations as ${deleteEnded(limit, {
    ...expiry(sql`mfa_registration`, sql`id`, sql`created_at`),
    condition: sql`coalesce(pending_expires_at < sallyport_now(), true)`,
  })},
  leaves as ${deleteEnded(limit, expiry(sql`mfa_enrollment_grant`, sql`usr_id`))}`;

/** Mailed links that have expired, and the traces of messages that ended a month ago. */
export const purgeMail: Purge = (limit) => sql`
  links as ${deleteEnded(limit, expiry(sql`verification_token`, sql`token_hash`))},
  messages as ${deleteEnded(limit, { ...expiry(sql`mail_message`, sql`id`, sql`ended_at`), days: 30, condition: sql`status <> 'owed'` })}`;

/** Invitations that ended or expired a month ago. */
export const purgeInvitations: Purge = (limit) => sql`
  invitations as ${deleteEnded(limit, { ...expiry(sql`deployment_invitation`, sql`id`, sql`coalesce(ended_at, expires_at)`), days: 30 })}`;

/** Invitations to organizations that ended or expired a month ago. Those of another SDK are its own to remove. */
export const purgeOrganizationInvitations: Purge = (limit) => sql`
  organization_invitations as ${deleteEnded(limit, { ...expiry(sql`inv`, sql`id`, sql`coalesce(terminal_at, expires_at)`), days: 30, condition: sql`copied_hash is not null` })}`;

/** Requests to join an organization that no one has decided about for 90 days. */
export const purgeJoinRequests: Purge = (limit) => sql`
  join_requests as ${deleteEnded(limit, { ...expiry(sql`org_join_request`, sql`ctid`, sql`created_at`), days: 90 })}`;

/** WebAuthn challenges that were answered and have expired. */
export const purgeChallenges: Purge = (limit) =>
  sql`challenges as ${deleteEnded(limit, expiry(sql`spent_challenge`, sql`digest`))}`;

/** Sessions at providers whose sessions here have ended. */
export const purgeProviderSessions: Purge = (limit) =>
  sql`provider_sessions as ${deleteEnded(limit, expiry(sql`provider_session`, sql`family_id`))}`;

interface Ended {
  readonly table: Statement;
  readonly key: Statement;
  readonly end: Statement;
  /** How long a row is kept after its end. Default 0. */
  readonly days?: number;
  readonly condition?: Statement;
}

function expiry(table: Statement, key: Statement, end: Statement = sql`expires_at`): Ended {
  return { table, key, end };
}

/** SQL that deletes at most `limit` rows of a table whose end has passed. */
export function deleteEnded(limit: number, { table, key, end, days = 0, condition = sql`true` }: Ended): Statement {
  return sql`(
    delete from ${table} where ${key} in (
      select ${key} from ${table} where ${end} < sallyport_now() - make_interval(days => ${days}::int) and ${condition}
      order by ${end} limit ${limit}::int for update skip locked))`;
}

/** Writes the probe's row. The next read must return it (S50). */
export function writeProbe(id: number, value: string): Statement {
  return sql`
    insert into sallyport_probe (id, value) values (${id}::int, ${value})
    on conflict (id) do update set value = excluded.value`;
}

/** The same text and parameters each time, so that a query cache would answer in place of the database. */
export function readProbe(id: number): Statement<{ value: string }> {
  return sql`select value from sallyport_probe where id = ${id}::int`;
}

export function deleteProbe(id: number): Statement {
  return sql`delete from sallyport_probe where id = ${id}::int`;
}
