/**
 * Domains of organizations, as their owners and admins see them.
 *
 * @module
 */
import type { GuardedAct } from "../domain/act.ts";
import * as acts from "../domain/acts/organization-domain.ts";
import { type Joining, mostDomains, organizationDomain } from "../domain/organization-domain.ts";
import type { RowOf } from "../domain/record.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { type Asked, committed, insertAuditEvent, successOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { handle } from "./cte.ts";
import { type Guarded, guardRead } from "./guarded.ts";
import { type OfOrganization, ofOrganization } from "./organizations.ts";
import { type Statement, sql } from "./sql.ts";

export type DomainRow = RowOf<typeof organizationDomain> & { readonly value: string };

/** The columns of a {@link DomainRow}, read from the row called `held`. */
const domainColumns = (): Statement => sql`${columnsOf("held", organizationDomain)}, held.value as "value"`;

export interface OfDomain extends Asked {
  readonly organizationId: string;
  readonly domain: string;
}

/** The domains of an organization, in order. There is always one row, whose `id` is null if there are none. */
export function selectDomains(asked: OfOrganization): Statement<Guarded<DomainRow & { id: string | null }>> {
  return sql`
    with ${guardRead(ofOrganization(acts.listDomains, asked))}
    select verdict.refusal, held.domain as "id", ${domainColumns()}
    from verdict left join org_domain held on held.org_id = verdict.id and verdict.refusal is null order by held.domain`;
}

/** Adds a domain with a new value. One that the organization has is returned as it is. The batch has locked the organization. */
export function insertDomain(asked: OfDomain & { value: string }): Statement<DomainRow> {
  const { organizationId, domain } = asked;
  return changeDomain(acts.addDomain, asked, {
    refusal: sql`case when organization.status = 'revoked' then 'conflict.already_terminal'
        when target.org_id is null and ${mostDomains}::int <= (
          select count(*) from org_domain other where other.org_id = ${organizationId}::uuid) then 'precondition.limit_reached' end`,
    change: sql`
      insert into org_domain (org_id, domain, value)
      select verdict.id, ${domain}, ${asked.value}
      from verdict where verdict.refusal is null and not exists (select from target)
      returning *`,
  });
}

/** Says how users with an address of a domain become members. The batch has locked the organization. */
export function setDomainJoining(asked: OfDomain & { joining: Joining }): Statement<DomainRow> {
  const { joining } = asked;
  return changeDomain(acts.setJoining, asked, {
    refusal: sql`case when target.org_id is null then 'not_found'
        when target.proved_at is null and ${joining} <> 'none' then 'precondition.domain_not_proved' end`,
    change: sql`
      update org_domain set joining = ${joining} from verdict, target
      where verdict.refusal is null and org_domain.org_id = target.org_id and org_domain.domain = target.domain
        and target.joining <> ${joining}
      returning org_domain.*`,
    metadata: sql`jsonb_build_object('domain', changed.domain, 'joining', changed.joining)`,
  });
}

/** Removes a domain, proved or not. Members stay. The batch has locked the organization. */
export function deleteDomain(asked: OfDomain): Statement<unknown> {
  return changeDomain(acts.removeDomain, asked, {
    answer: done(),
    refusal: sql`case when target.org_id is null then 'not_found' end`,
    change: sql`
      delete from org_domain using verdict, target
      where verdict.refusal is null and org_domain.org_id = target.org_id and org_domain.domain = target.domain
      returning org_domain.*`,
  });
}

/** A statement about one domain, with the CTEs `organization`, `target` (the domain as it was), `verdict` and `changed`. */
export function changeDomain(
  act: GuardedAct,
  asked: OfDomain,
  parts: {
    /** CTEs that the refusal reads, each preceded by a comma. */
    readonly before?: Statement;
    /** SQL for a code that follows from `organization` and `target`, or null. */
    readonly refusal: Statement;
    /** CTEs that the change reads, each followed by a comma. */
    readonly first?: Statement;
    readonly change: Statement;
    readonly metadata?: Statement;
    /** SQL for the columns of the answer. Default: those of the domain. */
    readonly answer?: Statement;
  },
): Statement<DomainRow> {
  const { organizationId, domain } = asked;
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    organization as materialized (select id, status from org where id = ${organizationId}::uuid for no key update),
    target as materialized (
      select * from org_domain where org_id = ${organizationId}::uuid and domain = ${domain} for no key update)${parts.before ?? sql``},
    verdict as materialized (
      select organization.id, coalesce(
        ${refusalUnless(act, actor.name, { object: sql`organization.id` })},
        case when organization.id is null then 'not_found' end,
        ${parts.refusal}) as refusal
      from (select 1) one left join organization on true left join target on true left join acting on true),
    ${parts.first ?? sql``}changed as (${parts.change}),
    audit as (${insertAuditEvent(
      {
        ...successOf(act, asked, sql`changed.org_id`),
        metadata: parts.metadata ?? sql`jsonb_build_object('domain', changed.domain)`,
      },
      sql`changed`,
    )})
    select ${parts.answer ?? domainColumns()}
    from verdict left join (select * from changed union all
      select * from target where not exists (select from changed)) held on true
    where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** The domain as it is now, if the operation that made the event committed. */
export function recallDomain({ organizationId, domain, auditId }: OfDomain): Statement<DomainRow> {
  return sql`
    select ${domainColumns()} from org_domain held
    where held.org_id = ${organizationId}::uuid and held.domain = ${domain} and ${committed(auditId)}`;
}

/** One row if an operation without an answer has committed. */
export function recallDone(auditId: string): Statement<unknown> {
  return sql`select ${done()} where ${committed(auditId)}`;
}

/** SQL for the column of an operation without an answer. */
export function done(): Statement {
  return sql`1 as done`;
}
