import type { GuardedAct } from "../domain/act.ts";
import * as acts from "../domain/acts/organization.ts";
import { membership } from "../domain/membership.ts";
import { organization } from "../domain/organization.ts";
import type { Prefixed, RowOf } from "../domain/record.ts";
import type { Status } from "../domain/user.ts";
import { acting, refusalUnless } from "./access.ts";
import { type Asked, committed, insertAuditEvent, successOf, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { countInto, isUsedUp } from "./counters.ts";
import { type Guarded, type GuardedRow, guardedChange, guardedInsert, guardedRead, isAfter } from "./guarded.ts";
import type { IdempotencyClaim } from "./idempotency.ts";
import type { Lock } from "./locks.ts";
import type { MembershipRow } from "./memberships.ts";
import { organizationEndings } from "./organization-endings.ts";
import { containing } from "./search.ts";
import { type Statement, sql } from "./sql.ts";

export type OrganizationRow = RowOf<typeof organization>;

/** The columns of an {@link OrganizationRow}, read from the row called `org`. */
const columns = () => columnsOf("org", organization);

/** A new organization, with the membership of its first owner. */
export type CreatedOrganizationRow = OrganizationRow & Prefixed<MembershipRow, "membership">;

const createdColumns = () => sql`${columns()}, ${columnsOf("mem", membership, {}, "membership.")}`;

export interface OfOrganization extends Asked {
  readonly organizationId: string;
}

/** The organization of an act. Its members with the act's role may act on it. */
export function ofOrganization(act: GuardedAct, { actor, auditId, organizationId }: OfOrganization): GuardedRow {
  const object = sql`target.id`;
  return { act, actor, auditId, table: sql`org`, id: organizationId, owner: sql`null::uuid`, object };
}

/** In a day, a user may form twice as many organizations as they may own. */
const formingLimit = { perOwned: 2, windowSeconds: 86_400 };

/**
 * Makes an organization, with its first owner and the owner's tuple. The batch has locked the owner, so that the number of their
 * organizations is right, and the counter of those that they formed. The counter is needed because the slug of an organization that has
 * ended stays taken. A refusal counts nothing.
 *
 * @param asked.most How many organizations the user may own, besides those that others gave them: otherwise others could use up the
 * number. They may form twice as many in a day. Undefined if the application makes it.
 */
export function insertOrganization(
  asked: OfOrganization & {
    userId: string;
    name: string | null;
    slug: string | null;
    membershipId: string;
    tupleId: string;
    most: number | undefined;
    claim: IdempotencyClaim | undefined;
  },
): Statement<CreatedOrganizationRow> {
  const { userId, name, slug, most = null } = asked;
  const counter = `organizations:${userId}`;
  return guardedInsert({
    ...asked,
    act: acts.createOrganization,
    table: sql`org`,
    refusal: () => sql`
        case when ${most}::int <= (
          select count(*) from mem
          where mem.usr_id = ${userId}::uuid and mem.role = 'owner' and mem.status = 'active' and mem.invited_by is null)
          then 'precondition.limit_reached'
        when ${most}::int is not null and exists (select from attempt a where a.bucket = ${counter}::text and ${isUsedUp(sql`a`)})
          then 'too_many_requests' end`,
    into: sql`
      insert into org (id, name, slug) select ${asked.organizationId}::uuid, ${name}::text, ${slug}::text
      from verdict where refusal is null
      on conflict (slug) where slug is not null do nothing
      returning *`,
    also: sql`,
    wanted as materialized (
      select ${counter}::text as name, ${most}::int * ${formingLimit.perOwned}::int as maximum, ${formingLimit.windowSeconds}::int as seconds, 'address' as kind, 1 as units
      from org where ${most}::int is not null),
    counted as (${countInto(asked.auditId, sql`true`)}),
    mem as (
      insert into mem (id, usr_id, org_id, role)
      select ${asked.membershipId}::uuid, ${userId}::uuid, org.id, 'owner' from org returning *),
    companion as (
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id, created_by)
      select ${asked.tupleId}::uuid, 'usr', mem.usr_id, mem.role, 'org', mem.org_id, acting.usr_id from mem cross join acting)`,
    otherwise: "conflict.org_slug",
    metadata: sql`jsonb_build_object('owner', ${wireIdOf("usr", sql`${userId}::uuid`)})`,
    columns: createdColumns(),
    join: sql`left join mem on true`,
  });
}

/** The organization and its first membership as they are now, if the operation that made the event committed. */
export function recallCreated(membershipId: string, auditId: string): Statement<CreatedOrganizationRow> {
  return sql`
    select ${createdColumns()} from mem join org on org.id = mem.org_id
    where mem.id = ${membershipId}::uuid and ${committed(auditId)}`;
}

/** One row with `refusal` or the organization; a read by an administrator leaves an event. */
export function selectOrganization(asked: OfOrganization): Statement<Guarded<OrganizationRow>> {
  return guardedRead({ ...ofOrganization(acts.getOrganization, asked), columns: columns() });
}

/** A page of organizations in order of their ids, as `selectUsers` gives users. */
export function selectOrganizations(
  asked: Asked & { after: string | undefined; limit: number; query: string | undefined; status: Status | undefined },
): Statement<Guarded<OrganizationRow>> {
  const { after, limit, query, status = null } = asked;
  const pattern = containing(query);
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select ${refusalUnless(acts.listOrganizations, actor.name, {})} as refusal from (select 1) one left join acting on true),
    audit as (${insertAuditEvent(
      { ...successOf(acts.listOrganizations, asked, sql`'organizations'`), repeatable: true },
      sql`verdict cross join acting where verdict.refusal is null and not acting.trusted`,
    )}),
    page as (
      select org.* from org, verdict
      where verdict.refusal is null and ${isAfter(sql`org.id`, after)}
        and (${status}::text is null or org.status = ${status}::text)
        and (${pattern}::text is null or org.name ilike ${pattern}::text escape '\\' or org.slug ilike ${pattern}::text escape '\\')
      order by org.id limit ${limit}::int + 1)
    select verdict.refusal, ${columns()} from verdict left join page org on true order by org.id`;
}

/** `undefined` leaves a member as it is, null clears it. The batch has locked the organization. */
export function updateOrganization(
  asked: OfOrganization & { name: string | null | undefined; slug: string | null | undefined },
): Statement<OrganizationRow> {
  const { name, slug } = asked;
  return change(acts.updateOrganization, asked, {
    refusal: ({ target }) => sql`case when ${target}.status = 'revoked' then 'conflict.already_terminal' end`,
    set: sql`
        name = case when ${name !== undefined}::boolean then ${name ?? null}::text else org.name end,
        slug = case when ${slug !== undefined}::boolean then ${slug ?? null}::text else org.slug end`,
    when: sql`${name !== undefined || slug !== undefined}::boolean`,
  });
}

/** Memberships and their tuples stay, and grant nothing meanwhile. */
export function suspendOrganization(asked: OfOrganization): Statement<OrganizationRow> {
  return change(acts.suspendOrganization, asked, {
    refusal: ({ target }) => sql`case when ${target}.status = 'revoked' then 'conflict.already_terminal' end`,
    set: sql`status = 'suspended'`,
    when: sql`target.status = 'active'`,
  });
}

export function reinstateOrganization(asked: OfOrganization): Statement<OrganizationRow> {
  return change(acts.reinstateOrganization, asked, {
    refusal: ({ target }) => sql`case when ${target}.status <> 'suspended' then 'precondition.invalid_transition' end`,
    set: sql`status = 'active'`,
  });
}

/** Ends an organization for good, with every membership, every invitation that waits, every tuple on the organization, and its policy. */
export function revokeOrganization(asked: OfOrganization): Statement<OrganizationRow> {
  return change(acts.revokeOrganization, asked, {
    refusal: ({ target }) => sql`case when ${target}.status = 'revoked' then 'conflict.already_terminal' end`,
    set: sql`status = 'revoked'`,
    also: ({ changed, acting }) => organizationEndings(changed, acting),
  });
}

/** The organization as it is now, if the operation that made the event committed. */
export function recallOrganization(organizationId: string, auditId: string): Statement<OrganizationRow> {
  return sql`select ${columns()} from org where org.id = ${organizationId}::uuid and ${committed(auditId)}`;
}

/** Locks one organization, so that only one statement at a time changes its members or its state. */
export function lockOrganization(organizationId: string): Lock {
  return { on: "organization", key: sql`select ${organizationId}::uuid as id` };
}

function change(
  act: GuardedAct,
  asked: OfOrganization,
  parts: Pick<Parameters<typeof guardedChange<OrganizationRow>>[0], "refusal" | "set" | "when" | "also">,
): Statement<OrganizationRow> {
  return guardedChange({ ...ofOrganization(act, asked), ...parts, columns: columns() });
}
