/**
 * The tokens with which an application acts for its users at providers. They are stored sealed, and one isolate at a time refreshes
 * them.
 *
 * @module
 */
import * as acts from "../domain/acts/provider.ts";
import { type Asked, type AskedOfUser, insertAuditEvent, successOf } from "./audit.ts";
import { type Guarded, guardRead, ofUser } from "./guarded.ts";
import { deleteEnded, type Purge } from "./maintenance.ts";
import { type Statement, sql } from "./sql.ts";

/** Tokens as they are stored: sealed, in hex. */
export interface SealedTokens {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  /** Null if the provider states none. */
  readonly expiresAt: Date | null;
  readonly scope: string | null;
}

/** SQL for stored tokens, as {@link SealedTokens}. */
const tokenColumns = (row: Statement): Statement => sql`
      encode(${row}.access_token, 'hex') as "accessToken", encode(${row}.refresh_token, 'hex') as "refreshToken",
      ${row}.expires_at as "expiresAt", ${row}.scope`;

/**
 * Keeps the tokens of a sign-in. Many providers give a refresh token only the first time: it stays, together with what it grants, if
 * a later sign-in brings none.
 *
 * @param from SQL for the sign-in, with `cred_id`: one row or none.
 */
export function keepTokens(tokens: SealedTokens, from: Statement): Statement {
  const scopes = (text: Statement) => sql`string_to_array(coalesce(${text}, ''), ' ')`;
  const isRenewed = sql`excluded.refresh_token is not null`;
  return sql`
      insert into provider_token as kept (cred_id, access_token, refresh_token, expires_at, scope)
      select cred_id, decode(${tokens.accessToken}, 'hex'), decode(${tokens.refreshToken}::text, 'hex'),
        ${tokens.expiresAt}::timestamptz, ${tokens.scope}::text
      from ${from} proved
      on conflict (cred_id) do update set access_token = excluded.access_token,
        refresh_token = coalesce(excluded.refresh_token, kept.refresh_token), expires_at = excluded.expires_at,
        scope = excluded.scope, updated_at = sallyport_now(),
        -- Whoever refreshes the former tokens now has no right to replace newer ones.
        lease_id = case when ${isRenewed} then null else kept.lease_id end,
        lease_until = case when ${isRenewed} then null else kept.lease_until end
      where ${isRenewed} or kept.refresh_token is null or ${scopes(sql`excluded.scope`)} @> ${scopes(sql`kept.scope`)}`;
}

/** A user's tokens at one provider. */
export type HeldTokensRow = Guarded<{
  /** Null if the user has no active identity there. The other members are null if it has no tokens. */
  readonly credId: string | null;
  readonly issuer: string;
  readonly subject: string;
  readonly accessToken: string | null;
  readonly refreshToken: string | null;
  readonly expiresAt: Date | null;
  readonly scope: string | null;
  /** True if the access token ends soon, and the caller is the one that refreshes it. */
  readonly isClaimed: boolean;
  readonly now: Date;
}>;

/** For how long one caller alone refreshes tokens, in seconds. */
const leaseSeconds = 10;

/**
 * Reads a user's tokens at a provider. If the access token ends within `leastSeconds` and nobody refreshes it, the caller has the
 * lease: of two callers at one moment, one waits for the row of the other and then finds its lease.
 */
export function claimTokens(
  asked: AskedOfUser & { readonly provider: string; readonly leaseId: string; readonly leastSeconds: number },
): Statement<HeldTokensRow> {
  const { provider, leaseId, leastSeconds } = asked;
  return sql`
    with ${guardRead(ofUser(acts.readProviderToken, asked))},
    held as materialized (
      select cred.id, cred.oidc_issuer, cred.oidc_subject
      from verdict join usr on usr.id = verdict.id and usr.status = 'active'
        join cred on cred.usr_id = usr.id and cred.type = 'oidc' and cred.status = 'active'
        join linked_identity l on l.cred_id = cred.id and l.provider = ${provider}
        left join provider_token token on token.cred_id = cred.id
      where verdict.refusal is null
      order by token.updated_at desc nulls last, cred.id limit 1),
    claimed as (
      update provider_token token
      set lease_id = ${leaseId}::uuid, lease_until = sallyport_now() + make_interval(secs => ${leaseSeconds}::int)
      from held
      where token.cred_id = held.id and token.refresh_token is not null
        and token.expires_at <= sallyport_now() + make_interval(secs => ${leastSeconds}::int)
        and (token.lease_until is null or token.lease_until <= sallyport_now() or token.lease_id = ${leaseId}::uuid)
      returning token.*)
    select verdict.refusal, held.id as "credId", held.oidc_issuer as issuer, held.oidc_subject as subject,
      ${tokenColumns(sql`token`)}, claimed.cred_id is not null as "isClaimed", sallyport_now() as now
    from verdict left join held on true left join claimed on true
      -- What was claimed is newer than what the statement saw, if it had to wait.
      left join lateral (select * from claimed union all
        select * from provider_token where cred_id = held.id and not exists (select from claimed)) token on true`;
}

/** The tokens that a caller refreshes. */
export interface Lease extends Asked {
  readonly credentialId: string;
  readonly leaseId: string;
}

const ofLease = ({ credentialId, leaseId }: Lease): Statement =>
  sql`token.cred_id = ${credentialId}::uuid and token.lease_id = ${leaseId}::uuid`;

/**
 * Stores refreshed tokens, and gives the lease back.
 *
 * @returns `isKept` is false if the user or the identity has ended meanwhile.
 */
export function storeRefreshed(lease: Lease, tokens: SealedTokens): Statement<{ readonly isKept: boolean }> {
  return sql`
    with stored as (
      update provider_token token set access_token = decode(${tokens.accessToken}, 'hex'),
        refresh_token = coalesce(decode(${tokens.refreshToken}::text, 'hex'), token.refresh_token),
        expires_at = ${tokens.expiresAt}::timestamptz, scope = coalesce(${tokens.scope}::text, token.scope),
        lease_until = null, updated_at = sallyport_now()
      where ${ofLease(lease)}
      returning token.cred_id),
    audit as (${insertAuditEvent(
      { ...successOf(acts.refreshProviderToken, lease, sql`stored.cred_id`), repeatable: true },
      sql`stored`,
    )})
    select exists (select from provider_token where cred_id = ${lease.credentialId}::uuid) as "isKept"`;
}

/** Gives the lease back without new tokens: the next caller tries again. */
export function releaseLease(lease: Lease): Statement {
  return sql`update provider_token token set lease_until = null where ${ofLease(lease)}`;
}

/** Drops tokens whose refresh token the provider has refused for good. */
export function dropTokens(lease: Lease): Statement {
  return sql`
    with dropped as (delete from provider_token token where ${ofLease(lease)} returning token.cred_id),
    audit as (${insertAuditEvent(
      { ...successOf(acts.dropProviderToken, lease, sql`dropped.cred_id`), repeatable: true },
      sql`dropped`,
    )})
    select 1`;
}

/** Access tokens that have expired and cannot be refreshed. */
export const purgeProviderTokens: Purge = (limit) => sql`
  provider_tokens as ${deleteEnded(limit, {
    table: sql`provider_token`,
    key: sql`cred_id`,
    end: sql`expires_at`,
    condition: sql`refresh_token is null`,
  })}`;
