/**
 * Proofs of domains of organizations. The resolver is asked between two statements. The second one saves what it says only if the
 * domain still has the value that was asked for: a domain could be removed and added again meanwhile.
 *
 * @module
 */
import * as acts from "../domain/acts/organization-domain.ts";
import { newAuditId } from "../domain/id.ts";
import { recheckDays } from "../domain/organization-domain.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { committed, insertAuditEvent, successOf } from "./audit.ts";
import { type Admission, type Counter, countAttempts, waitColumns } from "./counters.ts";
import { handle } from "./cte.ts";
import type { Lock } from "./locks.ts";
import { changeDomain, type DomainRow, type OfDomain } from "./organization-domains.ts";
import { type Statement, sql } from "./sql.ts";

/** A value that a record must have for a domain to be an organization's. */
export interface AskedValue {
  readonly organizationId: string;
  readonly value: string;
}

/** What must be looked up to prove a domain, unless the caller has asked too often. */
export interface ToProve extends Admission {
  readonly value: string;
  /** The organization that has proved the domain, if it is another one. */
  readonly rivalId: string | null;
  readonly rivalValue: string | null;
}

/**
 * Counts the attempt, and returns the value that must be looked up for a domain, and that of the organization that has proved it.
 * Raises the refusal.
 *
 * @param asked.counters None for the application.
 */
export function selectToProve(asked: OfDomain & { counters: readonly Counter[] }): Statement<ToProve> {
  const { organizationId, domain, counters, auditId } = asked;
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select own.value, coalesce(
        ${refusalUnless(acts.proveDomain, actor.name, { object: sql`${organizationId}::uuid` })},
        case when own.org_id is null then 'not_found' end) as refusal
      from (select 1) one left join acting on true
      left join org_domain own on own.org_id = ${organizationId}::uuid and own.domain = ${domain}),
    ${countAttempts({ id: auditId, counters, condition: sql`(select refusal is null from verdict)` })},
    audit as (${insertAuditEvent(
      { ...successOf(acts.proveDomain, asked, sql`${organizationId}::uuid`), outcome: "denied", repeatable: true },
      sql`reserved where reserved.just_limited`,
    )})
    select verdict.value as "value", rival.org_id as "rivalId", rival.value as "rivalValue",
      ${counters.length === 0 ? sql`true` : sql`reserved.allowed`} as allowed, ${waitColumns()}
    from verdict cross join reserved left join org_domain rival on rival.domain = ${domain} and rival.proved_at is not null
      and rival.org_id <> ${organizationId}::uuid
    where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** Locks the organizations that have proved a domain: a proof may end that of another one. */
export function lockProver(domain: string): Lock {
  return {
    on: "organization",
    key: sql`select org_id as id from org_domain where domain = ${domain} and proved_at is not null`,
  };
}

/**
 * Saves that the resolver has found the record. Another organization's proof ends if its record was not found. The batch has locked
 * both organizations.
 *
 * @param asked.value The value that was found.
 * @param asked.gone The proof of another organization whose record was not found.
 */
export function saveProof(asked: OfDomain & { value: string; gone: AskedValue | undefined }): Statement<DomainRow> {
  const { domain, value, gone } = asked;
  const isGone = sql`(rival.org_id = ${gone?.organizationId ?? null}::uuid and rival.value = ${gone?.value ?? null}::text)`;
  return changeDomain(acts.proveDomain, asked, {
    before: sql`,
    rival as materialized (
      select * from org_domain where domain = ${domain} and org_id <> ${asked.organizationId}::uuid and proved_at is not null
      for no key update)`,
    refusal: sql`case when target.org_id is null then 'not_found'
        when target.value <> ${value} then 'precondition.domain_not_proved'
        when exists (select from rival where ${isGone} is not true) then 'conflict.domain_proved_elsewhere' end`,
    // The other proof ends first: a domain is unique among those that are proved.
    first: sql`lost as (
      update org_domain set ${ended()} from rival, verdict
      where verdict.refusal is null and org_domain.org_id = rival.org_id and org_domain.domain = rival.domain
      returning org_domain.*),
    lost_audit as (${lossOf(newAuditId(), sql`lost`)}),
    `,
    change: sql`
      update org_domain set proved_at = coalesce(org_domain.proved_at, sallyport_now()), checked_at = sallyport_now(), leased_until = null
      from verdict, target
      where verdict.refusal is null and org_domain.org_id = target.org_id and org_domain.domain = target.domain
        and (select count(*) from lost) >= 0
      returning org_domain.*`,
  });
}

/** A proof that ends lets no one join, also if the domain is proved again: an owner then decides again. */
function ended(): Statement {
  return sql`proved_at = null, joining = 'none', checked_at = sallyport_now(), leased_until = null`;
}

/** The event of each proof that ended. */
function lossOf(id: string, of: Statement): Statement {
  return insertAuditEvent(
    {
      ...{ id, act: acts.loseDomain, outcome: "success", context: {}, targetId: sql`${of}.org_id` },
      metadata: sql`jsonb_build_object('domain', ${of}.domain)`,
    },
    of,
  );
}

/** For how long one caller alone checks a proof again, in seconds. */
const leaseSeconds = 600;

/** A proof to check again. */
export interface DueProof extends AskedValue {
  readonly domain: string;
}

/** Proofs that are due, which this caller has to itself for ten minutes. Those that were not tried yet come first. */
export function leaseDueProofs(limit: number): Statement<DueProof> {
  return sql`
    update org_domain held set leased_until = sallyport_now() + make_interval(secs => ${leaseSeconds}::int)
    from (
      select org_id, domain from org_domain
      where proved_at is not null and checked_at < sallyport_now() - make_interval(days => ${recheckDays}::int)
        and (leased_until is null or leased_until <= sallyport_now())
      order by leased_until nulls first, checked_at limit ${limit}::int for update skip locked) due
    where held.org_id = due.org_id and held.domain = due.domain
    returning held.org_id as "organizationId", held.domain as "domain", held.value as "value"`;
}

/** Saves that the record of a proof is still there, or ends the proof. The batch has locked the organization. */
export function saveCheck({
  organizationId,
  domain,
  value,
  isFound,
  auditId,
}: DueProof & { isFound: boolean; auditId: string }): Statement<{ domain: string }> {
  return sql`
    with checked as (
      update org_domain set ${isFound ? sql`checked_at = sallyport_now(), leased_until = null` : ended()}
      where org_id = ${organizationId}::uuid and domain = ${domain} and value = ${value} and proved_at is not null
      returning *),
    lost as (select * from checked where proved_at is null),
    audit as (${lossOf(auditId, sql`lost`)})
    select lost.domain as "domain" from lost`;
}

/** The domain of a proof that ended, if the check that ended it has committed. */
export function recallLoss({ domain, auditId }: { domain: string; auditId: string }): Statement<{ domain: string }> {
  return sql`select ${domain}::text as "domain" where ${committed(auditId)}`;
}
