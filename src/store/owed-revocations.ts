/**
 * Tokens of providers whose identity or user has ended: triggers owe their revocation, whoever ends them.
 *
 * @module
 */
import { deleteEnded, type Purge } from "./maintenance.ts";
import { type Statement, sql } from "./sql.ts";

/** A token that is to be revoked at its provider. */
export interface OwedRevocation {
  readonly id: string;
  readonly provider: string;
  readonly issuer: string;
  readonly subject: string;
  readonly kind: "access_token" | "refresh_token";
  /** Sealed, in hex. */
  readonly token: string;
}

/**
 * Leases tokens that are due, the most overdue first: no other caller gets them for a minute, and for twice as long with each attempt.
 *
 * @param providers The providers that the application lists. Tokens of others wait.
 */
export function leaseRevocations(providers: readonly string[], limit: number): Statement<OwedRevocation> {
  return sql`
    with due as materialized (
      select id from provider_revocation
      where due_at <= sallyport_now() and expires_at > sallyport_now() and provider = any(${providers}::text[])
      order by due_at limit ${limit}::int for update skip locked)
    update provider_revocation r
    set attempts = r.attempts + 1, due_at = sallyport_now() + make_interval(mins => power(2, least(r.attempts, 10))::int)
    from due where r.id = due.id
    returning r.id, r.provider, r.issuer, r.subject, r.kind, encode(r.token, 'hex') as token`;
}

/** Forgets tokens that are revoked. */
export function settleRevocations(ids: readonly string[]): Statement {
  return sql`delete from provider_revocation where id = any(${ids}::uuid[])`;
}

/** Tokens that could not be revoked for a week. */
export const purgeRevocations: Purge = (limit) => sql`
  provider_revocations as ${deleteEnded(limit, {
    table: sql`provider_revocation`,
    key: sql`id`,
    end: sql`expires_at`,
  })}`;
