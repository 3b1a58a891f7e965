/**
 * Leases on rows of tokens: one caller at a time refreshes them. The row is `token`, with `lease_id` and `lease_until`.
 *
 * @module
 */
import { type Statement, sql } from "./sql.ts";

/** Tokens of which one caller has the lease. */
export interface LeasedTokens {
  /** True if this caller has it, and refreshes the tokens. */
  readonly isClaimed: boolean;
  readonly isRefreshable: boolean;
  /** The access token's end. Null if it has none. */
  readonly expiresAt: Date | null;
  /** By the database's clock. */
  readonly now: Date;
}

/** For how long one caller alone refreshes tokens, in seconds: longer than the requests that a refresh takes. */
const leaseSeconds = 30;

/** SQL that gives a caller the lease. */
export function takeLease(leaseId: string): Statement {
  return sql`lease_id = ${leaseId}::uuid, lease_until = sallyport_now() + make_interval(secs => ${leaseSeconds}::int)`;
}

/** SQL that gives the lease back. */
export function returnLease(): Statement {
  return sql`lease_id = null, lease_until = null`;
}

/** SQL that is true if no other caller has the lease. */
export function isFree(leaseId: string): Statement {
  return sql`(token.lease_until is null or token.lease_until <= sallyport_now() or token.lease_id = ${leaseId}::uuid)`;
}

/** SQL that is true if the access token ends within this time. */
export function endsWithin(seconds: number): Statement {
  return sql`token.expires_at <= sallyport_now() + make_interval(secs => ${seconds}::int)`;
}
