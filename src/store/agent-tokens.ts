/**
 * Tokens of users who have signed in at an issuer, by the application's session. They are stored sealed, and one isolate at a time
 * refreshes them.
 *
 * @module
 */
import { endsWithin, isFree, type LeasedTokens, returnLease, takeLease } from "./leases.ts";
import { deleteEnded } from "./maintenance.ts";
import { type Statement, sql } from "./sql.ts";

/** Tokens as they are stored. */
export interface SealedSet {
  /** Names the tokens. */
  readonly setId: string;
  /** Sealed, in hex. */
  readonly tokens: string;
  /** How long the access token still lives, in seconds. */
  readonly seconds: number;
  readonly isRefreshable: boolean;
  /** For how long the row counts, in seconds. */
  readonly lifetimeSeconds: number;
}

/** By the database's clock, so that an isolate's does not matter. */
const after = (seconds: number): Statement => sql`sallyport_now() + make_interval(secs => ${seconds}::int)`;

/** Each write deletes so many rows that have ended, because an application with this client alone has no other purge. */
const deletedWithEach = 20;

/** Stores a session's tokens in place of former ones, and ends the lease on those. */
export function writeAgentTokens(id: string, set: SealedSet): Statement {
  return sql`
    with ended as ${deleteEnded(deletedWithEach, {
      table: sql`agent_token`,
      key: sql`id`,
      end: sql`ends_at`,
      condition: sql`id <> ${id}::uuid`,
    })}
    insert into agent_token (id, set_id, tokens, expires_at, is_refreshable, ends_at)
    values (${id}::uuid, ${set.setId}::uuid, decode(${set.tokens}, 'hex'), ${after(set.seconds)},
      ${set.isRefreshable}::boolean, ${after(set.lifetimeSeconds)})
    on conflict (id) do update set set_id = excluded.set_id, tokens = excluded.tokens, expires_at = excluded.expires_at,
      is_refreshable = excluded.is_refreshable, ends_at = excluded.ends_at, updated_at = sallyport_now(), ${returnLease()}`;
}

/** A session's tokens. */
export interface AgentTokensRow extends LeasedTokens {
  readonly setId: string;
  /** Sealed, in hex. */
  readonly tokens: string;
  readonly expiresAt: Date;
  /** True if another caller had the lease, and has not given it back: it may have spent the refresh token. */
  readonly isTakenOver: boolean;
}

/**
 * Reads a session's tokens. If the access token ends within `leastSeconds` and no other caller is refreshing it, this caller gets
 * the lease. It may write, so no cache between the application and the database answers it.
 *
 * @param asked.leastSeconds Undefined: it only reads.
 */
export function claimAgentTokens(
  id: string,
  { leaseId, leastSeconds }: { readonly leaseId: string; readonly leastSeconds: number | undefined },
): Statement<AgentTokensRow> {
  return sql`
    with held as materialized (
      select token.id, token.lease_id from agent_token token
      where token.id = ${id}::uuid and token.ends_at > sallyport_now()),
    claimed as (
      update agent_token token set ${takeLease(leaseId)}
      from held
      where token.id = held.id and ${leastSeconds !== undefined}::boolean and token.is_refreshable
        and ${endsWithin(leastSeconds ?? 0)} and ${isFree(leaseId)}
      returning token.*)
    select token.set_id as "setId", encode(token.tokens, 'hex') as tokens, token.expires_at as "expiresAt",
      token.is_refreshable as "isRefreshable", claimed.id is not null as "isClaimed",
      coalesce(claimed.id is not null and held.lease_id <> ${leaseId}::uuid, false) as "isTakenOver", sallyport_now() as now
    from held left join claimed on true
      -- What was claimed is newer than what the statement saw, if it had to wait.
      cross join lateral (select * from claimed union all
        select * from agent_token where id = held.id and not exists (select from claimed)) token`;
}

/** The tokens that a caller refreshes. */
export interface AgentLease {
  readonly id: string;
  readonly leaseId: string;
  /** The tokens whose refresh token it spends. */
  readonly setId: string;
}

const ofLease = ({ id, leaseId, setId }: AgentLease): Statement =>
  sql`token.id = ${id}::uuid and token.set_id = ${setId}::uuid and token.lease_id = ${leaseId}::uuid`;

/**
 * Stores refreshed tokens, and gives the lease back. Tokens that come late count while those that they replace are stored.
 *
 * @returns No row if the session has ended, or has other tokens by now: newer ones, or these after a reply that was lost.
 */
export function storeRefreshedAgent({ id, setId }: AgentLease, set: SealedSet): Statement<{ readonly id: string }> {
  return sql`
    update agent_token token set set_id = ${set.setId}::uuid, tokens = decode(${set.tokens}, 'hex'),
      expires_at = ${after(set.seconds)}, is_refreshable = ${set.isRefreshable}::boolean,
      ends_at = ${after(set.lifetimeSeconds)}, updated_at = sallyport_now(), ${returnLease()}
    where token.id = ${id}::uuid and token.set_id = ${setId}::uuid
    returning token.id`;
}

/** Gives the lease back without new tokens: the next caller tries again. */
export function releaseAgentLease(lease: AgentLease): Statement {
  return sql`update agent_token token set ${returnLease()} where ${ofLease(lease)}`;
}

/**
 * Deletes tokens whose refresh token the issuer has refused for good, if nothing has changed since.
 *
 * @returns No row if they have changed.
 */
export function dropAgentTokens(lease: AgentLease): Statement<{ readonly id: string }> {
  return sql`delete from agent_token token where ${ofLease(lease)} returning token.id`;
}

/** Deletes a session's tokens, and returns them if they still counted. */
export function deleteAgentTokens(id: string): Statement<{ readonly tokens: string | null }> {
  return sql`
    delete from agent_token where id = ${id}::uuid
    returning case when ends_at > sallyport_now() then encode(tokens, 'hex') end as tokens`;
}
