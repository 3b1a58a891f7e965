import type { GuardedAct } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/membership.ts";
import { memberOrganization, membership, memberUser, type Role } from "../domain/membership.ts";
import { organization } from "../domain/organization.ts";
import type { Prefixed, RowOf } from "../domain/record.ts";
import type { Status } from "../domain/user.ts";
import { rightsOf } from "./access.ts";
import { type Asked, type AskedOfUser, committed, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import type { Handle } from "./cte.ts";
import {
  type Guarded,
  type GuardedRow,
  guardedChange,
  guardedInsert,
  guardedList,
  guardedRead,
  guardRead,
  ofUser,
} from "./guarded.ts";
import type { Lock } from "./locks.ts";
import { lockOwners } from "./relations.ts";
import { type StandingRow, standingIn } from "./session-standing.ts";
import { type Statement, sql } from "./sql.ts";

export type MembershipRow = RowOf<typeof membership>;

/** The columns of a {@link MembershipRow}, read from the row called `mem`. */
export const membershipColumns = (): Statement => columnsOf("mem", membership);

export interface OfMembership extends Asked {
  readonly membershipId: string;
  /** If given, a membership in another organization is absent. */
  readonly organizationId: string | undefined;
}

/** A new row that a statement makes: its id, and the id of its tuple. */
export interface Made {
  readonly id: string;
  readonly tupleId: string;
}

/** The membership of an act. Its user and its organization's members with the act's role may act on it. */
function ofMembership(act: GuardedAct, asked: OfMembership): GuardedRow {
  const { actor, auditId, membershipId: id } = asked;
  const owner = sql`target.usr_id`;
  return { act, actor, auditId, table: sql`mem`, id, within: within(asked), owner, object: sql`target.org_id` };
}

/** SQL for whether a membership is in the organization that the caller names. */
export function within({ organizationId }: OfMembership): Statement {
  return organizationId === undefined ? sql`true` : sql`org_id = ${organizationId}::uuid`;
}

/** SQL for the state of the organization of a membership. */
export const organizationStatus = (mem: Statement): Statement =>
  sql`(select org.status from org where org.id = ${mem}.org_id)`;

/** SQL for whether a membership is that of its organization's last active owner. */
export const isSoleOwner = (mem: Statement): Statement =>
  sql`(${mem}.role = 'owner' and ${mem}.status = 'active' and not sallyport_has_other_owner(${mem}.org_id, ${mem}.usr_id))`;

/** `insert into tup …`: the companions of the memberships in `of`. A tuple that exists already serves. */
export function insertCompanions(of: Statement, tupleId: Statement, acting: Handle<"acting">): Statement {
  return sql`
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id, created_by)
      select ${tupleId}, 'usr', ${of}.usr_id, ${of}.role, 'org', ${of}.org_id, ${acting}.usr_id from ${of} cross join ${acting}
      on conflict do nothing`;
}

/** `delete from tup …`: the companions of the memberships in `of`. */
export function deleteCompanions(of: Statement): Statement {
  return sql`
      delete from tup using ${of}
      where tup.object_type = 'org' and tup.object_id = ${of}.org_id and tup.relation = ${of}.role
        and tup.subject_type = 'usr' and tup.subject_id = ${of}.usr_id`;
}

/** Makes a user a member. The batch has locked the user and the organization. */
export function insertMembership(
  asked: Asked & Made & { organizationId: string; userId: string; role: Role },
): Statement<MembershipRow> {
  const { organizationId, userId, role } = asked;
  return guardedInsert({
    ...asked,
    act: acts.addMember,
    table: sql`mem`,
    about: { object: sql`${organizationId}::uuid`, relations: sql`array[${role}::text]` },
    refusal: () => sql`
        (select case when org.id is null then 'not_found' when org.status <> 'active' then 'precondition.org_not_active'
          when exists (${livingOf(sql`org.id`, sql`${userId}::uuid`)}) then 'conflict.duplicate_membership' end
        from (select 1) one left join org on org.id = ${organizationId}::uuid)`,
    into: sql`
      insert into mem (id, usr_id, org_id, role, invited_by)
      select ${asked.id}::uuid, verdict.usr_id, ${organizationId}::uuid, ${role}, acting.usr_id
      from verdict left join acting on true where verdict.refusal is null
      returning *`,
    also: sql`,
    companion as (${insertCompanions(sql`mem`, sql`${asked.tupleId}::uuid`, sql`acting` as Handle<"acting">)})`,
    metadata: sql`jsonb_build_object('org', ${wireIdOf("org", sql`mem.org_id`)}, 'usr', ${wireIdOf("usr", sql`mem.usr_id`)},
      'role', mem.role)`,
    columns: membershipColumns(),
  });
}

/** A user's membership that has not ended. One that is suspended counts: otherwise it could be replaced by a new one. */
export function livingOf(organizationId: Statement, userId: Statement): Statement {
  return sql`
          select from mem held
          where held.org_id = ${organizationId} and held.usr_id = ${userId} and held.status <> 'revoked'`;
}

export type MemberRow = MembershipRow & Prefixed<RowOf<typeof memberUser>, "user">;

/** The columns of a {@link MemberRow}, and where they come from. */
const ofMember = () => ({
  columns: sql`${membershipColumns()}, ${columnsOf("usr", memberUser, {}, "user.")}`,
  join: sql`left join usr on usr.id = mem.usr_id`,
});

/** One row with `refusal` or the membership. A member's look at another member leaves no event. */
export function selectMembership(asked: OfMembership): Statement<Guarded<MemberRow>> {
  return guardedRead({ ...ofMembership(acts.getMembership, asked), ...ofMember() });
}

/** A page of an organization's memberships, in order of their ids. */
export function selectMembers(
  asked: Asked & {
    organizationId: string;
    after: string | undefined;
    limit: number;
    status: Status | undefined;
  },
): Statement<Guarded<MemberRow>> {
  const { actor, auditId, organizationId: id, status } = asked;
  const owner = sql`null::uuid`;
  return guardedList({
    ...{ act: acts.listMembers, actor, auditId, table: sql`org`, id, owner, object: sql`target.id` },
    of: sql`mem`,
    by: sql`org_id`,
    where: status === undefined ? sql`true` : sql`mem.status = ${status}`,
    page: asked,
    ...ofMember(),
  });
}

export type MembershipOfUserRow = MembershipRow & Prefixed<RowOf<typeof memberOrganization>, "organization">;

/** A page of a user's memberships that have not ended, in order of their ids. */
export function selectMembershipsOfUser(
  asked: AskedOfUser & { after: string | undefined; limit: number; organizationId: string | undefined },
): Statement<Guarded<MembershipOfUserRow>> {
  const { organizationId = null } = asked;
  return guardedList({
    ...ofUser(acts.listMemberships, asked),
    of: sql`mem`,
    where: sql`mem.status <> 'revoked' and (${organizationId}::uuid is null or mem.org_id = ${organizationId}::uuid)`,
    page: asked,
    columns: sql`${membershipColumns()}, ${columnsOf("org", memberOrganization, {}, "organization.")}`,
    join: sql`left join org on org.id = mem.org_id`,
  });
}

/** How a caller names an organization: by its id or by its slug. */
export type NamedOrganization = { readonly organizationId: string } | { readonly slug: string };

export type FoundMembershipRow = MembershipRow &
  Prefixed<RowOf<typeof organization>, "organization"> &
  Prefixed<StandingRow, "standing">;

/**
 * The active membership of a user in an organization, with the organization, and how the session stands with its security policy. No
 * row if there is none.
 *
 * @param caller SQL for the user `usr_id` and the session `ses_id`: one row or none.
 */
export function selectMembershipIn(named: NamedOrganization, caller: Statement): Statement<FoundMembershipRow> {
  const which = "slug" in named ? sql`org.slug = ${named.slug}` : sql`org.id = ${named.organizationId}::uuid`;
  return sql`
    select ${membershipColumns()}, ${columnsOf("org", organization, {}, "organization.")}, standing.refusal as "standing.refusal",
      standing.require as "standing.require", standing."maxAgeSeconds" as "standing.maxAgeSeconds",
      standing."maxIdleSeconds" as "standing.maxIdleSeconds", standing."graceUntil" as "standing.graceUntil"
    from (${caller}) caller join mem on mem.usr_id = caller.usr_id and mem.status = 'active'
    join org on org.id = mem.org_id and ${which} and org.status <> 'revoked'
    left join lateral (${standingIn(sql`org.id`, sql`caller.usr_id`, sql`caller.ses_id`)}) standing on true`;
}

/** The actor's user and session if it is still live, for {@link selectMembershipIn}. */
export function liveCallerOf(actor: Actor): Statement {
  return sql`select rights.usr_id, rights.ses_id from (${rightsOf(actor)}) rights`;
}

/** How many memberships a history holds. */
const longestHistory = 200;

/** A membership and those that it replaced, newest first. There is always one row. */
export function selectMembershipHistory(asked: OfMembership): Statement<Guarded<MembershipRow>> {
  return sql`
    with recursive ${guardRead(ofMembership(acts.getMembershipHistory, asked))},
    chain as (
      select mem.*, 1 as place from verdict join mem on mem.id = verdict.id and verdict.refusal is null
      union all
      select mem.*, chain.place + 1 from chain join mem on mem.id = chain.replaces where chain.place < ${longestHistory}::int)
    select verdict.refusal, ${membershipColumns()} from verdict left join chain mem on true order by mem.place`;
}

/** Takes a member's role away until it is given back. The batch has locked the organization. */
export function suspendMembership(asked: OfMembership): Statement<MembershipRow> {
  return changeState(acts.suspendMembership, asked, {
    refusal: ({ target }) => sql`case
      when ${organizationStatus(target)} <> 'active' then 'precondition.org_not_active'
      when ${target}.status = 'revoked' then 'conflict.already_terminal'
      when ${target}.status = 'suspended' then 'precondition.mem_not_active'
      when ${isSoleOwner(target)} then 'conflict.sole_owner' end`,
    set: sql`status = 'suspended'`,
    also: ({ changed }) => sql`,
    companion as (${deleteCompanions(changed)})`,
  });
}

/** The batch has locked the user and the organization. */
export function reinstateMembership(asked: OfMembership & Pick<Made, "tupleId">): Statement<MembershipRow> {
  return changeState(acts.reinstateMembership, asked, {
    refusal: ({ target }) => sql`case
      when ${organizationStatus(target)} <> 'active' then 'precondition.org_not_active'
      when ${target}.status <> 'suspended' then 'precondition.invalid_transition'
      when (select usr.status from usr where usr.id = ${target}.usr_id) <> 'active' then 'precondition.user_not_active'
      when exists (select from mem held where held.org_id = ${target}.org_id and held.usr_id = ${target}.usr_id
        and held.status = 'active') then 'conflict.duplicate_membership' end`,
    set: sql`status = 'active'`,
    also: ({ changed, acting }) => sql`,
    companion as (${insertCompanions(changed, sql`${asked.tupleId}::uuid`, acting)})`,
  });
}

function changeState(
  act: GuardedAct,
  asked: OfMembership,
  parts: Pick<Parameters<typeof guardedChange<MembershipRow>>[0], "refusal" | "set" | "also">,
): Statement<MembershipRow> {
  return guardedChange({
    ...ofMembership(act, asked),
    relations: sql`array[target.role]`,
    ...parts,
    columns: membershipColumns(),
  });
}

/** The membership as it is now, if the operation that made the event committed. */
export function recallMembership(membershipId: string, auditId: string): Statement<MembershipRow> {
  return sql`select ${membershipColumns()} from mem where mem.id = ${membershipId}::uuid and ${committed(auditId)}`;
}

/** Locks the organization of a membership. */
export function lockOrganizationOf(membershipId: string): Lock {
  return { on: "organization", key: organizationOf(membershipId) };
}

/** Locks the owners of the organization of a membership, for a change that may take one of them away. */
export function lockOwnersOf(membershipId: string): Lock {
  return lockOwners(organizationOf(membershipId), membershipId);
}

const organizationOf = (membershipId: string) => sql`select org_id as id from mem where id = ${membershipId}::uuid`;

/** The lock for giving a membership back: its user, who must not end meanwhile. */
export function userOfMembership(membershipId: string): Statement<{ id: string }> {
  return sql`select usr_id as id from mem where id = ${membershipId}::uuid`;
}
