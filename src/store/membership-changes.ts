/**
 * Changes that end memberships and may make new ones: another role, leaving, removal, and handing over ownership. A membership keeps
 * its role for ever; another role is another membership.
 *
 * @module
 */
import type { GuardedAct } from "../domain/act.ts";
import * as acts from "../domain/acts/membership.ts";
import { membership, type Role, roles } from "../domain/membership.ts";
import type { Prefixed } from "../domain/record.ts";
import { type About, acting, raiseRefusal, refusalUnless, unmetIn } from "./access.ts";
import { type Asked, committed, insertAuditEvent, successOf, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { type Handle, handle } from "./cte.ts";
import {
  deleteCompanions,
  insertCompanions,
  isSoleOwner,
  type Made,
  type MembershipRow,
  membershipColumns,
  type OfMembership,
  organizationStatus,
  within,
} from "./memberships.ts";
import { weakestInviter } from "./organization-invitations.ts";
import { type Statement, sql } from "./sql.ts";

/** A statement that ends memberships, and may put others in their place. */
interface Replacement extends Asked {
  readonly act: GuardedAct;
  /** SQL for the row that the verdict is about, with at least `org_id`. It locks the row, because another SDK may lock the row alone. */
  readonly target: Statement;
  /** CTEs that read `target` and lock other memberships, each followed by a comma. Default: none. */
  readonly besides?: Statement;
  readonly about: About;
  /** SQL for a code that follows from `target`, or null. */
  readonly refusal: (target: Handle<"target">, acting: Handle<"acting">) => Statement;
  /**
   * SQL for the memberships that end, from `verdict`, `target` and `acting`: `id`, `removed_by`, and of the membership in its place
   * `next_id`, `next_tuple_id` and `next_role`, or nulls.
   */
  readonly changes: Statement;
  /** True if open invitations of the member's identifiers end too: they would be a way back to what is taken away. */
  readonly endsInvitations?: true;
  /** SQL for the target of the event. */
  readonly event: Statement;
  readonly metadata: Statement;
  /** SQL for the columns of the answer, and where they come from. */
  readonly columns: Statement;
  readonly join: Statement;
}

function replaceMemberships<Row>(change: Replacement): Statement<Row> {
  const actor = acting(change.actor);
  const target = handle<"target">(sql`target`);
  return sql`
    with ${actor.define},
    target as materialized (${change.target}),${change.besides ?? sql``}
    verdict as materialized (
      select target.org_id, coalesce(
        ${refusalUnless(change.act, actor.name, change.about)},
        case when target.org_id is null then 'not_found' end,
        ${change.refusal(target, actor.name)}) as refusal
      from (select 1) one left join target on true left join acting on true),
    change as materialized (${change.changes}),
    ended as (
      update mem set status = 'revoked', removed_by = change.removed_by from change where mem.id = change.id
      returning mem.*, change.next_id, change.next_tuple_id, change.next_role),
    made as (
      insert into mem (id, usr_id, org_id, role, replaces, invited_by)
      select next_id, usr_id, org_id, next_role, id, invited_by from ended where next_id is not null
      returning *),
    parted as (${deleteCompanions(sql`ended`)}),${endInvitations(actor.name, change.endsInvitations === true)}
    named as (select made.*, ended.next_tuple_id from made join ended on ended.next_id = made.id),
    companion as (${insertCompanions(sql`named`, sql`named.next_tuple_id`, actor.name)}),
    audit as (${insertAuditEvent(
      { ...successOf(change.act, change, change.event), metadata: change.metadata },
      sql`verdict cross join target where verdict.refusal is null and exists (select from ended)`,
    )})
    select ${change.columns} from verdict ${change.join} where ${raiseRefusal(handle(sql`verdict`))}`;
}

/**
 * The CTEs that end open invitations with the memberships that have `ended`, each followed by a comma: those that the member made and with
 * the next role could not make, which would open again if the member got the role back; and, if asked, those of the member's identifiers.
 */
function endInvitations(acting: Handle<"acting">, ofMemberToo: boolean): Statement {
  const rankOf = (role: Statement) => sql`array_position(${roles}::text[], ${role})`;
  const ofMember = sql`
        union
        select inv.id from ended cross join lateral (
          select cred.identifier from cred where cred.usr_id = ended.usr_id and cred.type = 'password' and cred.status = 'active'
          union
          select l.email from linked_identity l join cred on cred.id = l.cred_id
          where cred.usr_id = ended.usr_id and cred.status = 'active') known
        join inv on inv.org_id = ended.org_id and inv.identifier = known.identifier`;
  return sql`
    uninvited as (
      update inv set status = 'revoked', terminal_at = greatest(sallyport_now(), inv.created_at), terminal_by = ${acting}.usr_id
      from ${acting} cross join (
        select inv.id from ended join inv on inv.org_id = ended.org_id and inv.invited_by = ended.usr_id and not inv.is_trusted
        where coalesce(${rankOf(sql`ended.next_role`)} > ${weakestInviter(sql`inv.role`)}, true)${ofMemberToo ? ofMember : sql``}) gone
      where inv.id = gone.id and inv.status = 'pending'),`;
}

/** The membership of an act, as its target. */
function one(asked: OfMembership): Statement {
  return sql`select mem.* from mem where mem.id = ${asked.membershipId}::uuid and ${within(asked)} for no key update`;
}

const aboutOne: About = { owner: sql`target.usr_id`, object: sql`target.org_id` };

/** SQL for the metadata of an event about `target`'s membership. */
function metadataOf(more: Statement): Statement {
  return sql`jsonb_build_object('org', ${wireIdOf("org", sql`target.org_id`)}, 'usr', ${wireIdOf("usr", sql`target.usr_id`)}, ${more})`;
}

/** Gives a member another role. With the role that they have, nothing changes. The batch has locked the organization. */
export function changeRole(asked: OfMembership & Made & { role: Role }): Statement<MembershipRow> {
  const { role } = asked;
  return replaceMemberships({
    ...asked,
    act: acts.changeRole,
    endsInvitations: true,
    target: one(asked),
    about: { ...aboutOne, relations: sql`array[target.role, ${role}::text]` },
    refusal: (target) => sql`case
        when ${organizationStatus(target)} <> 'active' then 'precondition.org_not_active'
        when ${target}.status <> 'active' then 'precondition.mem_not_active'
        when ${role} <> 'owner' and ${isSoleOwner(target)} then 'conflict.sole_owner' end`,
    changes: sql`
      select target.id, null::uuid as removed_by, ${asked.id}::uuid as next_id, ${asked.tupleId}::uuid as next_tuple_id,
        ${role}::text as next_role
      from target cross join verdict where verdict.refusal is null and target.role <> ${role}`,
    event: sql`target.id`,
    metadata: metadataOf(sql`'from', target.role, 'to', ${role}::text`),
    columns: membershipColumns(),
    join: sql`left join lateral (select * from made union all
      select * from target where not exists (select from made)) mem on true`,
  });
}

/**
 * Ends the caller's own membership. If they are the last owner, the heir becomes one first, as only their role lets them decide; otherwise
 * the heir is not read. The batch has locked the organization.
 */
export function leaveOrganization(
  asked: OfMembership & Made & { heirId: string | undefined },
): Statement<MembershipRow> {
  const { heirId = null } = asked;
  const bequeaths = sql`(${heirId}::uuid is not null and ${isSoleOwner(sql`target`)})`;
  return replaceMemberships({
    ...asked,
    act: acts.leaveOrganization,
    target: one(asked),
    besides: sql`
    heir as materialized (
      select mem.* from mem join target on mem.org_id = target.org_id and ${bequeaths}
      join usr on usr.id = mem.usr_id and usr.status = 'active'
      where mem.usr_id = ${heirId}::uuid and mem.status = 'active' for no key update of mem),`,
    about: { owner: sql`target.usr_id` },
    refusal: (target, acting) => sql`case
        when ${target}.status <> 'active' then 'precondition.mem_not_active'
        when not ${isSoleOwner(target)} then null
        when ${heirId}::uuid is null then 'conflict.sole_owner'
        when ${heirId}::uuid = ${target}.usr_id then 'precondition.self_transfer'
        when not exists (select from heir) then 'not_found'
        when not ${acting}.fresh then 'unauthorized.reauthentication_required'
        else ${unmetIn(sql`${target}.org_id`, acting)} end`,
    changes: sql`
      select target.id, null::uuid as removed_by, null::uuid as next_id, null::uuid as next_tuple_id, null::text as next_role
      from target cross join verdict where verdict.refusal is null
      union all
      select heir.id, null, ${asked.id}::uuid, ${asked.tupleId}::uuid, 'owner'
      from heir cross join verdict where verdict.refusal is null and heir.role <> 'owner'`,
    event: sql`target.id`,
    metadata: sql`${metadataOf(sql`'role', target.role`)} || coalesce(
      (select jsonb_build_object('heir', ${wireIdOf("usr", sql`heir.usr_id`)}) from heir), '{}')`,
    columns: membershipColumns(),
    join: endedTarget(),
  });
}

/** Ends another user's membership. An owner is never removed. The batch has locked the organization. */
export function removeMember(asked: OfMembership): Statement<MembershipRow> {
  return replaceMemberships({
    ...asked,
    act: acts.removeMember,
    endsInvitations: true,
    target: one(asked),
    about: { ...aboutOne, relations: sql`array[target.role]` },
    refusal: (target) => sql`case
        when ${organizationStatus(target)} <> 'active' then 'precondition.org_not_active'
        when ${target}.status = 'revoked' then 'conflict.already_terminal'
        when ${target}.role = 'owner' then 'forbidden.role_hierarchy' end`,
    changes: sql`
      select target.id, acting.usr_id as removed_by, null::uuid as next_id, null::uuid as next_tuple_id, null::text as next_role
      from target cross join verdict cross join acting where verdict.refusal is null`,
    event: sql`target.id`,
    metadata: metadataOf(sql`'role', target.role`),
    columns: membershipColumns(),
    join: endedTarget(),
  });
}

/** The one membership of the target, as it has ended. */
function endedTarget(): Statement {
  return sql`left join target on true left join ended mem on mem.id = target.id`;
}

/** The memberships after a handover: of the owner before, who is a member now, and of the new owner. */
export type TransferRow = Prefixed<MembershipRow, "from"> & Prefixed<MembershipRow, "to">;

interface Handover extends Asked {
  readonly organizationId: string;
  readonly fromId: string;
  readonly toId: string;
  readonly from: Made;
  readonly to: Made;
}

const transferColumns = () =>
  sql`${columnsOf("giver", membership, {}, "from.")}, ${columnsOf("taker", membership, {}, "to.")}`;

/** Makes one owner a member and another member an owner. The batch has locked the organization. */
export function transferOwnership(asked: Handover): Statement<TransferRow> {
  const { organizationId, fromId, toId, from, to } = asked;
  return replaceMemberships({
    ...asked,
    act: acts.transferOwnership,
    target: sql`select id as org_id, status from org where id = ${organizationId}::uuid`,
    besides: sql`
    pair as materialized (
      select mem.* from mem join target on mem.org_id = target.org_id
      where mem.id in (${fromId}::uuid, ${toId}::uuid) order by mem.id for no key update of mem),
    giver_before as materialized (select * from pair where id = ${fromId}::uuid),
    taker_before as materialized (select * from pair where id = ${toId}::uuid),`,
    about: { object: sql`target.org_id` },
    refusal: (target, acting) => sql`(
        select case
          when ${target}.status <> 'active' then 'precondition.org_not_active'
          when ${fromId}::uuid = ${toId}::uuid then 'precondition.self_transfer'
          when giver_before.id is null or taker_before.id is null then 'not_found'
          when giver_before.status <> 'active' then 'precondition.from_not_active'
          when giver_before.role <> 'owner' then 'precondition.from_not_owner'
          when taker_before.status <> 'active' or not exists (
            select from usr where usr.id = taker_before.usr_id and usr.status = 'active') then 'precondition.to_not_active'
          when giver_before.usr_id <> ${acting}.usr_id and not (${acting}.administrator and ${acting}.elevated) then 'forbidden' end
        from (select 1) one left join giver_before on true left join taker_before on true)`,
    changes: sql`
      select pair.id, null::uuid as removed_by,
        case when pair.id = ${fromId}::uuid then ${from.id}::uuid else ${to.id}::uuid end as next_id,
        case when pair.id = ${fromId}::uuid then ${from.tupleId}::uuid else ${to.tupleId}::uuid end as next_tuple_id,
        case when pair.id = ${fromId}::uuid then 'member' else 'owner' end as next_role
      from pair cross join verdict
      where verdict.refusal is null and not (pair.id = ${toId}::uuid and pair.role = 'owner')`,
    event: sql`target.org_id`,
    metadata: sql`(select jsonb_build_object('from', ${wireIdOf("usr", sql`giver_before.usr_id`)},
      'to', ${wireIdOf("usr", sql`taker_before.usr_id`)}) from giver_before cross join taker_before)`,
    columns: transferColumns(),
    join: sql`left join made giver on giver.id = ${from.id}::uuid
      left join (select * from made union all select * from taker_before where role = 'owner') taker
        on taker.id in (${to.id}::uuid, ${toId}::uuid)`,
  });
}

/** Both memberships as they are now, if the operation that made the event committed. */
export function recallTransfer({ from, to, toId, auditId }: Handover): Statement<TransferRow> {
  return sql`
    select ${transferColumns()} from mem giver, mem taker
    where giver.id = ${from.id}::uuid and (taker.id = ${to.id}::uuid or (taker.id = ${toId}::uuid and taker.status <> 'revoked'))
      and ${committed(auditId)}`;
}
