/**
 * The tokens with which an application acts for its users at providers. They are stored sealed, and one isolate at a time refreshes
 * them.
 *
 * @module
 */
import * as acts from "../domain/acts/provider.ts";
import { type Asked, type AskedOfUser, insertAuditEvent, successOf } from "./audit.ts";
import { type Guarded, guardRead, ofUser } from "./guarded.ts";
import { isIssuerListed } from "./issuers.ts";
import { endsWithin, isFree, type LeasedTokens, returnLease, takeLease } from "./leases.ts";
import type { Lock } from "./locks.ts";
import { deleteEnded, type Purge } from "./maintenance.ts";
import { oweRevocation } from "./owed-revocations.ts";
import { type Statement, sql } from "./sql.ts";

/** Tokens as they are stored: sealed, in hex. */
export interface SealedTokens {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  /** How long the access token still lives, in seconds. Null if the provider does not say. */
  readonly seconds: number | null;
  readonly scope: string | null;
}

/** By the database's clock, so that an isolate's does not matter. */
const endOf = ({ seconds }: SealedTokens): Statement => sql`sallyport_now() + make_interval(secs => ${seconds}::int)`;

/**
 * Keeps the tokens of a sign-in. Many providers give a refresh token only the first time: it stays, together with what it grants, if
 * a later sign-in brings none.
 *
 * @param from SQL for the sign-in, with `cred_id`: one row or none.
 */
export function keepTokens(provider: string, tokens: SealedTokens, from: Statement): Statement {
  const scopes = (text: Statement) => sql`string_to_array(coalesce(${text}, ''), ' ')`;
  const isSame = sql`${scopes(sql`excluded.scope`)} @> ${scopes(sql`kept.scope`)} and ${scopes(sql`kept.scope`)} @> ${scopes(sql`excluded.scope`)}`;
  const isRenewed = sql`(excluded.refresh_token is not null or kept.provider <> excluded.provider)`;
  return sql`
      insert into provider_token as kept (cred_id, provider, access_token, refresh_token, expires_at, scope)
      select cred_id, ${provider}, decode(${tokens.accessToken}, 'hex'), decode(${tokens.refreshToken}::text, 'hex'),
        ${endOf(tokens)}, ${tokens.scope}::text
      from ${from} proved
      on conflict (cred_id) do update set provider = excluded.provider, access_token = excluded.access_token,
        refresh_token = case when ${isRenewed} then excluded.refresh_token else kept.refresh_token end,
        expires_at = excluded.expires_at, scope = excluded.scope, updated_at = sallyport_now(),
        -- A caller that is refreshing the former tokens may not replace newer ones.
        lease_id = case when not ${isRenewed} then kept.lease_id end,
        lease_until = case when not ${isRenewed} then kept.lease_until end
      where ${isRenewed} or kept.refresh_token is null or (${isSame})`;
}

/** A user's tokens at one provider. */
export type HeldTokensRow = Guarded<
  LeasedTokens & {
    /** Null if the user has no active identity there. The tokens are null if it has none. */
    readonly credentialId: string | null;
    readonly issuer: string;
    readonly subject: string;
    readonly accessToken: string | null;
    readonly refreshToken: string | null;
    readonly scope: string | null;
    /** True if another caller had the lease, and has not given it back: it may have spent the refresh token. */
    readonly isTakenOver: boolean;
  }
>;

/**
 * Reads a user's tokens at a provider. If the access token ends within `leastSeconds` and no other caller is refreshing it, this
 * caller gets the lease. Of two callers at one moment, one waits for the other's row and then finds its lease.
 */
export function claimTokens(
  asked: AskedOfUser & {
    readonly provider: string;
    /** The provider's issuers. In an earlier release, another one may have had its name: that one's tokens are not for it. */
    readonly issuers: readonly string[];
    /** One of the user's identities there. Default: the oldest that has tokens. */
    readonly credentialId: string | undefined;
    readonly leaseId: string;
    readonly leastSeconds: number;
    /** False if the provider cannot refresh. */
    readonly mayRefresh: boolean;
  },
): Statement<HeldTokensRow> {
  const { provider, issuers, credentialId, leaseId, leastSeconds, mayRefresh } = asked;
  return sql`
    with ${guardRead(ofUser(acts.readProviderToken, asked))},
    held as materialized (
      select cred.id, cred.oidc_issuer, cred.oidc_subject, token.cred_id, token.lease_until is not null as is_leased
      from verdict join usr on usr.id = verdict.id and usr.status = 'active'
        join cred on cred.usr_id = usr.id and cred.type = 'oidc' and cred.status = 'active'
          and ${isIssuerListed(sql`cred.oidc_issuer`, issuers)}
        left join linked_identity l on l.cred_id = cred.id
        left join provider_token token on token.cred_id = cred.id and token.provider = ${provider}
      where verdict.refusal is null and (l.provider = ${provider} or token.cred_id is not null)
        and (${credentialId ?? null}::uuid is null or cred.id = ${credentialId ?? null}::uuid)
      order by token.cred_id nulls last, cred.id limit 1),
    claimed as (
      update provider_token token
      set ${takeLease(leaseId)}
      from held
      where token.cred_id = held.cred_id and ${mayRefresh}::boolean and token.refresh_token is not null
        and token.provider = ${provider} and ${endsWithin(leastSeconds)} and ${isFree(leaseId)}
      returning token.*)
    select verdict.refusal, held.id as "credentialId", held.oidc_issuer as issuer, held.oidc_subject as subject,
      encode(token.access_token, 'hex') as "accessToken", encode(token.refresh_token, 'hex') as "refreshToken",
      token.expires_at as "expiresAt", token.scope, claimed.cred_id is not null as "isClaimed",
      ${mayRefresh}::boolean and token.refresh_token is not null as "isRefreshable",
      coalesce(held.is_leased and claimed.cred_id is not null, false) as "isTakenOver", sallyport_now() as now
    from verdict left join held on true left join claimed on true
      -- What was claimed is newer than what the statement saw, if it had to wait.
      left join lateral (select * from claimed union all
        select * from provider_token where cred_id = held.cred_id and not exists (select from claimed)) token on true`;
}

/** The tokens that a caller refreshes. */
export interface Lease extends Asked {
  readonly credentialId: string;
  readonly leaseId: string;
  readonly provider: string;
  /** The sealed refresh token that it spends, in hex. */
  readonly refreshToken: string;
}

/** The lock for storing tokens: a merge moves them, and must not move the ones that have just been spent. */
export function lockHolder({ credentialId }: Lease): Lock {
  return { on: "user", key: sql`select usr_id as id from cred where id = ${credentialId}::uuid` };
}

/** The tokens of the identity, also if a merge of two accounts has moved them meanwhile. */
const ofIdentity = ({ credentialId }: Lease): Statement => sql`token.cred_id = any(array(
        select ${credentialId}::uuid union all select moved.id from cred moved where moved.replaces = ${credentialId}::uuid))`;
const ofLease = (lease: Lease): Statement => sql`${ofIdentity(lease)} and token.lease_id = ${lease.leaseId}::uuid`;
/**
 * The row, if its refresh token is still the one that was spent. Then what came for it counts, even if it came late. While the lease
 * stands, only its seal can have changed, by a newer key.
 */
const ofSpent = (lease: Lease): Statement =>
  sql`(${ofIdentity(lease)}
        and (token.lease_id = ${lease.leaseId}::uuid or token.refresh_token = decode(${lease.refreshToken}, 'hex')))`;

/**
 * Stores refreshed tokens, and gives the lease back. If the identity has ended or has newer tokens, their revocation is owed: nobody
 * else knows them. The batch has locked the user.
 *
 * @returns No row if the user or the identity has ended meanwhile.
 */
export function storeRefreshed(lease: Lease, tokens: SealedTokens): Statement<{ readonly expiresAt: Date | null }> {
  return sql`
    with stored as (
      update provider_token token set access_token = decode(${tokens.accessToken}, 'hex'),
        refresh_token = coalesce(decode(${tokens.refreshToken}::text, 'hex'), token.refresh_token),
        expires_at = ${endOf(tokens)}, scope = coalesce(${tokens.scope}::text, token.scope),
        updated_at = sallyport_now(), ${returnLease()}
      where ${ofSpent(lease)}
      returning token.cred_id),
    owed as (${oweRevocation(
      {
        ...{ id: lease.leaseId, provider: lease.provider },
        kind: tokens.refreshToken === null ? "access_token" : "refresh_token",
        token: tokens.refreshToken ?? tokens.accessToken,
      },
      // The second time, after a lost reply, they are in the row.
      sql`(select oidc_issuer, oidc_subject from cred
        where id = ${lease.credentialId}::uuid and not exists (select from stored) and not exists (
          select from provider_token token
          where ${ofIdentity(lease)} and token.access_token = decode(${tokens.accessToken}, 'hex')))`,
    )}),
    audit as (${insertAuditEvent(
      { ...successOf(acts.refreshProviderToken, lease, sql`stored.cred_id`), repeatable: true },
      sql`stored`,
    )})
    select ${endOf(tokens)} as "expiresAt" from provider_token where cred_id = ${lease.credentialId}::uuid`;
}

/** Gives the lease back without new tokens: the next caller tries again. */
export function releaseLease(lease: Lease): Statement {
  return sql`update provider_token token set ${returnLease()} where ${ofLease(lease)}`;
}

/**
 * Drops tokens whose refresh token the provider has refused for good, if nothing has changed since.
 *
 * @returns No row if they have changed.
 */
export function dropTokens(lease: Lease): Statement<{ readonly id: string }> {
  return sql`
    with dropped as (delete from provider_token token where ${ofLease(lease)} returning token.cred_id),
    audit as (${insertAuditEvent(
      { ...successOf(acts.dropProviderToken, lease, sql`dropped.cred_id`), repeatable: true },
      sql`dropped`,
    )})
    select cred_id as id from dropped`;
}

/** The answer of a drop whose reply was lost. */
export function recallDrop({ auditId }: Lease): Statement<{ readonly id: string }> {
  return sql`select id from aud where id = ${auditId}::uuid`;
}

/** Access tokens that have expired and cannot be refreshed. */
export const purgeProviderTokens: Purge = (limit) => sql`
  provider_tokens as ${deleteEnded(limit, {
    table: sql`provider_token`,
    key: sql`cred_id`,
    end: sql`expires_at`,
    condition: sql`refresh_token is null`,
  })}`;
