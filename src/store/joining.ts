/**
 * How users become members by the domain of their verified address.
 *
 * @module
 */
import type { GuardedAct } from "../domain/act.ts";
import * as acts from "../domain/acts/organization-domain.ts";
import { type JoinableOrganization, joinRequest, mostJoinRequests } from "../domain/organization-domain.ts";
import type { Prefixed, RowOf } from "../domain/record.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { type Asked, committed, insertAuditEvent, successOf, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { type Handle, handle } from "./cte.ts";
import { type Guarded, guardRead, isAfter } from "./guarded.ts";
import { insertCompanions, livingOf, type Made, type MembershipRow, membershipColumns } from "./memberships.ts";
import { done } from "./organization-domains.ts";
import { type OfOrganization, ofOrganization } from "./organizations.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * SQL for the active organizations that a user may join, or ask to join, by a verified address of an active password: `org_id`, one
 * such address as `identifier`, and `is_automatic`. A former member only asks, because an owner may have removed them.
 *
 * @param userId SQL for the user. May be null.
 * @param of SQL for whether an organization counts, by `domain.org_id`. Default: each.
 */
function waysIn(userId: Statement, of: Statement = sql`true`): Statement {
  return sql`
      select domain.org_id, min(cred.identifier) as identifier,
        bool_or(domain.joining = 'automatic') and not exists (
          select from mem former where former.org_id = domain.org_id and former.usr_id = ${userId}) as is_automatic
      from cred join org_domain domain on domain.domain = substring(cred.identifier from '@([^@]*)$')
        and domain.proved_at is not null and domain.joining <> 'none' and ${of}
      join org on org.id = domain.org_id and org.status = 'active'
      where cred.usr_id = ${userId} and cred.type = 'password' and cred.status = 'active' and cred.identifier_verified_at is not null
      group by domain.org_id`;
}

export interface JoinableRow {
  readonly id: string | null;
  readonly name: string | null;
  readonly how: JoinableOrganization["how"];
  readonly requestedAt: Date | null;
}

/** The organizations that the acting user may join. There is always one row, whose `id` is null if there are none. */
export function selectJoinable({ actor: by }: Asked): Statement<Guarded<JoinableRow>> {
  const actor = acting(by);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select acting.usr_id, ${refusalUnless(acts.listJoinable, actor.name, { owner: sql`acting.usr_id` })} as refusal
      from (select 1) one left join acting on true),
    way as materialized (${waysIn(sql`(select usr_id from verdict where refusal is null)`)})
    select verdict.refusal, org.id as "id", org.name as "name", request.created_at as "requestedAt",
      case when way.is_automatic then 'automatic' else 'request' end as "how"
    from verdict left join way on not exists (${livingOf(sql`way.org_id`, sql`verdict.usr_id`)})
    left join org on org.id = way.org_id
    left join org_join_request request on request.org_id = way.org_id and request.usr_id = verdict.usr_id
    order by org.id`;
}

/** The membership that was made; all null if the user has asked, or had. */
export type JoinedRow = { readonly [Name in keyof MembershipRow]: MembershipRow[Name] | null };

export interface Joining extends OfOrganization {
  readonly made: Made;
}

/**
 * Makes the acting user a member, or records that they ask. Without a way in, the answer is that for an organization that does not
 * exist. The batch has locked the user and the organization.
 */
export function join(asked: Joining): Statement<JoinedRow> {
  const { made, organizationId } = asked;
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    way as materialized (${waysIn(sql`(select usr_id from acting)`, sql`domain.org_id = ${organizationId}::uuid`)}),
    asked as materialized (
      select * from org_join_request where usr_id = (select usr_id from acting)),
    verdict as materialized (
      select acting.usr_id, way.org_id, way.is_automatic, coalesce(
        ${refusalUnless(acts.joinByDomain, actor.name, { owner: sql`acting.usr_id` })},
        case when way.org_id is null then 'not_found'
          when exists (${livingOf(sql`way.org_id`, sql`acting.usr_id`)}) then 'conflict.duplicate_membership'
          when not way.is_automatic and (select count(*) from asked) >= ${mostJoinRequests}::int
            and not exists (select from asked where asked.org_id = way.org_id) then 'precondition.limit_reached' end) as refusal
      from (select 1) one left join acting on true left join way on true),
    ${member(made, actor.name, sql`verdict where verdict.refusal is null and verdict.is_automatic`, sql`null::uuid`)},
    requested as (
      insert into org_join_request (org_id, usr_id)
      select verdict.org_id, verdict.usr_id from verdict where verdict.refusal is null and not verdict.is_automatic
      on conflict do nothing
      returning *),
    audit as (${insertAuditEvent(memberEvent(acts.joinByDomain, asked), sql`mem`)}),
    request_audit as (${insertAuditEvent(successOf(acts.requestToJoin, asked, sql`requested.org_id`), sql`requested`)})
    select ${membershipColumns()} from verdict left join mem on true where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** The membership as it is now, or nulls for a request, if the operation that made the event committed. */
export function recallJoining({ made, auditId }: Joining): Statement<JoinedRow> {
  return sql`
    select ${membershipColumns()} from (select 1) one left join mem on mem.id = ${made.id}::uuid where ${committed(auditId)}`;
}

/** The CTEs `mem` and `companion`: a membership for each `usr_id` and `org_id` of a source. A trigger ends the user's request. */
function member(made: Made, actor: Handle<"acting">, from: Statement, invitedBy: Statement): Statement {
  return sql`mem as (
      insert into mem (id, usr_id, org_id, role, invited_by)
      select ${made.id}::uuid, verdict.usr_id, verdict.org_id, 'member', ${invitedBy} from ${from}
      returning *),
    companion as (${insertCompanions(sql`mem`, sql`${made.tupleId}::uuid`, actor)})`;
}

function memberEvent(act: GuardedAct, asked: Asked) {
  const metadata = sql`jsonb_build_object('org', ${wireIdOf("org", sql`mem.org_id`)}, 'usr', ${wireIdOf("usr", sql`mem.usr_id`)},
      'role', mem.role, 'by', 'domain')`;
  return { ...successOf(act, asked, sql`mem.id`), metadata };
}

export type RequestRow = Prefixed<RowOf<typeof joinRequest>, "request"> & { readonly id: string | null };

/** A page of the requests that can be approved, in order of their users' ids. There is always one row. */
export function selectRequests(
  asked: OfOrganization & { after: string | undefined; limit: number },
): Statement<Guarded<RequestRow>> {
  return sql`
    with ${guardRead(ofOrganization(acts.listRequests, asked))},
    page as (
      select request.*, way.identifier, usr.display_name
      from verdict join org_join_request request on request.org_id = verdict.id
      join usr on usr.id = request.usr_id and usr.status = 'active'
      cross join lateral (${waysIn(sql`request.usr_id`, sql`domain.org_id = request.org_id`)}) way
      where verdict.refusal is null and ${isAfter(sql`request.usr_id`, asked.after)}
      order by request.usr_id limit ${asked.limit}::int + 1)
    select verdict.refusal, page.usr_id as "id", ${columnsOf("page", joinRequest, {}, "request.")}
    from verdict left join page on true order by page.usr_id`;
}

export interface OfRequest extends OfOrganization {
  readonly userId: string;
}

/** Makes a user who asked a member, if their address is still one of a proved domain. The batch has locked the user and the organization. */
export function approveRequest(asked: OfRequest & { made: Made }): Statement<MembershipRow> {
  const { organizationId, userId, made } = asked;
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    request as materialized (
      select r.* from org_join_request r join usr on usr.id = r.usr_id and usr.status = 'active'
      where r.org_id = ${organizationId}::uuid and r.usr_id = ${userId}::uuid for no key update of r),
    way as materialized (
      select way.* from request
      cross join lateral (${waysIn(sql`request.usr_id`, sql`domain.org_id = request.org_id`)}) way),
    verdict as materialized (
      select request.usr_id, request.org_id, coalesce(
        ${refusalUnless(acts.approveRequest, actor.name, { object: sql`${organizationId}::uuid` })},
        case when org.id is null then 'not_found'
          when org.status <> 'active' then 'precondition.org_not_active'
          when not exists (select from way) then 'not_found' end) as refusal
      from (select 1) one left join acting on true left join org on org.id = ${organizationId}::uuid left join request on true),
    ${member(made, actor.name, sql`verdict cross join acting where verdict.refusal is null`, sql`acting.usr_id`)},
    audit as (${insertAuditEvent(memberEvent(acts.approveRequest, asked), sql`mem`)})
    select ${membershipColumns()} from verdict left join mem on true where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** Removes a request without making a member. The batch has locked the user and the organization. */
export function declineRequest(asked: OfRequest): Statement<unknown> {
  const about = { object: sql`${asked.organizationId}::uuid` };
  return removeRequest(acts.declineRequest, asked, about, sql`${asked.userId}::uuid`);
}

/** Removes the acting user's own request. The batch has locked the user and the organization. */
export function withdrawRequest(asked: OfOrganization): Statement<unknown> {
  return removeRequest(acts.withdrawRequest, asked, { owner: sql`acting.usr_id` }, sql`(select usr_id from acting)`);
}

function removeRequest(
  act: GuardedAct,
  asked: OfOrganization,
  about: Parameters<typeof refusalUnless>[2],
  userId: Statement,
): Statement<unknown> {
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    target as materialized (
      select * from org_join_request where org_id = ${asked.organizationId}::uuid and usr_id = ${userId} for update),
    verdict as materialized (
      select target.org_id, target.usr_id, coalesce(
        ${refusalUnless(act, actor.name, about)}, case when target.org_id is null then 'not_found' end) as refusal
      from (select 1) one left join acting on true left join target on true),
    request as (
      delete from org_join_request using verdict
      where verdict.refusal is null and org_join_request.org_id = verdict.org_id and org_join_request.usr_id = verdict.usr_id
      returning org_join_request.*),
    audit as (${insertAuditEvent(
      {
        ...successOf(act, asked, sql`request.org_id`),
        metadata: sql`jsonb_build_object('usr', ${wireIdOf("usr", sql`request.usr_id`)})`,
      },
      sql`request`,
    )})
    select ${done()} from verdict where ${raiseRefusal(handle(sql`verdict`))}`;
}
