/**
 * Tokens of providers whose identity or user has ended: triggers owe their revocation, also if another SDK ends them.
 *
 * @module
 */
import { type IdentityProvider, issuerPattern } from "../domain/identity-provider.ts";
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
 * A token waits while its identity has newer ones here. Providers may end the whole grant with one token (RFC 7009 §2.1), so the
 * person who has linked the identity again would lose them.
 *
 * @param providers The providers that the application lists. Tokens of others wait, and those of another issuer that had a provider's
 *   name in an earlier release.
 */
export function leaseRevocations(
  providers: readonly Pick<IdentityProvider, "name" | "issuers">[],
  limit: number,
): Statement<OwedRevocation> {
  const own = providers.flatMap(({ name, issuers }) => issuers.map((issuer) => [name, issuerPattern(issuer)] as const));
  return sql`
    with due as materialized (
      select id from provider_revocation
      where due_at <= sallyport_now() and expires_at > sallyport_now() and exists (
          select from unnest(${own.map(([name]) => name)}::text[], ${own.map(([, issuer]) => issuer)}::text[]) as own(name, issuer)
          where own.name = provider_revocation.provider and provider_revocation.issuer like own.issuer)
        and not exists (
          select from cred join provider_token newer on newer.cred_id = cred.id
          where cred.type = 'oidc' and cred.oidc_issuer = provider_revocation.issuer
            and cred.oidc_subject = provider_revocation.subject and newer.provider = provider_revocation.provider)
      order by due_at limit ${limit}::int for update skip locked)
    update provider_revocation r
    set attempts = r.attempts + 1, due_at = sallyport_now() + make_interval(mins => power(2, least(r.attempts, 10))::int)
    from due where r.id = due.id
    returning r.id, r.provider, r.issuer, r.subject, r.kind, encode(r.token, 'hex') as token`;
}

/**
 * Owes the revocation of refreshed tokens that came too late to be stored.
 *
 * @param late SQL for their identity, with `oidc_issuer` and `oidc_subject`: one row or none.
 */
export function oweRevocation(
  owed: Pick<OwedRevocation, "id" | "provider" | "kind" | "token">,
  late: Statement,
): Statement {
  return sql`
      insert into provider_revocation (id, provider, issuer, subject, kind, token)
      select ${owed.id}::uuid, ${owed.provider}, oidc_issuer, oidc_subject, ${owed.kind}, decode(${owed.token}, 'hex') from ${late} late
      on conflict (id) do nothing`;
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
