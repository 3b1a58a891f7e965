import type { GuardedAct } from "../domain/act.ts";
import * as acts from "../domain/acts/user.ts";
import type { RowOf } from "../domain/record.ts";
import { type Status, user } from "../domain/user.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { type Asked, type AskedOfUser, committed, insertAuditEvent, successOf, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { refund } from "./counters.ts";
import { handle } from "./cte.ts";
import { endings, everythingOf, loginsOf } from "./endings.ts";
import { type Guarded, guardedChange, guardedRead, isAfter, ofUser } from "./guarded.ts";
import { claimedTarget, type IdempotencyClaim } from "./idempotency.ts";
import { organizationEndings } from "./organization-endings.ts";
import { type CurrentPassword, lacksPasswordProof } from "./password-proof.ts";
import { isLastAdministrator } from "./relations.ts";
import { containing } from "./search.ts";
import { type Statement, sql } from "./sql.ts";

export type UserRow = RowOf<typeof user>;

/** The columns of a {@link UserRow}, read from the row called `usr`. */
const columns = () => columnsOf("usr", user);

/**
 * Inserts a user. If the idempotency key has already created a user, returns that user instead. The batch has claimed the key.
 */
export function insertUser(
  asked: AskedOfUser & { displayName: string | null; claim: IdempotencyClaim | undefined },
): Statement<UserRow> {
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select ${refusalUnless(acts.createUser, actor.name, {})} as refusal, ${claimedTarget(asked.claim)} as claimed
      from (select 1) one left join acting on true),
    made as (
      insert into usr (id, display_name) select ${asked.userId}::uuid, ${asked.displayName}::text
      from verdict where refusal is null and coalesce(claimed, ${asked.userId}::uuid) = ${asked.userId}::uuid
        and (claimed is null or not exists (select from usr where id = claimed))
      returning *),
    audit as (${insertAuditEvent(successOf(acts.createUser, asked, sql`made.id`), sql`made`)})
    select ${columns()}
    from verdict left join (select * from made union all select * from usr
      where id = coalesce((select claimed from verdict), ${asked.userId}::uuid) and not exists (select from made)) usr on true
    where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** One row with `refusal` or the user; a read by an administrator leaves an event. */
export function selectUser(asked: AskedOfUser): Statement<Guarded<UserRow>> {
  return guardedRead({ ...ofUser(acts.getUser, asked), columns: columns() });
}

/** `displayName: undefined` leaves the name as it is, null clears it. */
export function updateUser(asked: AskedOfUser & { displayName: string | null | undefined }): Statement<UserRow> {
  return changeUser(acts.updateUser, asked, {
    refusal: ({ target }) => sql`case when ${target}.status = 'revoked' then 'conflict.already_terminal' end`,
    set: sql`display_name = ${asked.displayName ?? null}::text`,
    when: sql`${asked.displayName !== undefined}::boolean`,
  });
}

/** Ends every session and ticket; the credentials stay for a later {@link reinstateUser}. */
export function suspendUser(asked: AskedOfUser): Statement<UserRow> {
  return changeUser(acts.suspendUser, asked, {
    refusal: ({ target }) => sql`case
      when ${target}.status = 'revoked' then 'conflict.already_terminal'
      when ${target}.status = 'active' and ${isLastAdministrator(target)} then 'conflict.last_administrator' end`,
    set: sql`status = 'suspended'`,
    when: sql`target.status = 'active'`,
    also: ({ changed }) => endings(changed, asked.auditId, loginsOf(sql`${changed}.id`)),
  });
}

export function reinstateUser(asked: AskedOfUser): Statement<UserRow> {
  return changeUser(acts.reinstateUser, asked, {
    refusal: ({ target }) => sql`case when ${target}.status <> 'suspended' then 'precondition.invalid_transition' end`,
    set: sql`status = 'active'`,
  });
}

/**
 * Revokes a user for good. Ends everything that any chapter of the specification names: see `docs/decisions.md`. The batch has locked the
 * user's organizations.
 *
 * @param asked.endOrganizations Whether the organizations end that have no other owner.
 */
export function revokeUser(
  asked: AskedOfUser & { proof: CurrentPassword | undefined; endOrganizations: boolean },
): Statement<UserRow> {
  const { endOrganizations } = asked;
  return changeUser(acts.revokeUser, asked, {
    refusal: ({ acting, target }) => sql`case
      when ${target}.status = 'revoked' then 'conflict.already_terminal'
      when ${isLastAdministrator(target)} then 'conflict.last_administrator'
      when not ${endOrganizations}::boolean and sallyport_owns_alone(${target}.id) then 'conflict.sole_owner'
      when ${acting}.usr_id = ${target}.id and exists (
        select from cred held where held.usr_id = ${target}.id and held.type in ('password', 'oidc') and held.status = 'suspended')
        then 'forbidden'
      when ${lacksPasswordProof(acting, sql`${target}.id`, asked.proof)} then 'unauthorized.invalid_credential' end`,
    set: sql`status = 'revoked'`,
    also: ({ acting, changed }) => sql`${endings(changed, asked.auditId, everythingOf(sql`${changed}.id`))},
      ended_organizations as (
        update org set status = 'revoked' from ${changed}
        where ${endOrganizations}::boolean and org.status <> 'revoked' and not sallyport_has_other_owner(org.id, ${changed}.id)
          and org.id in (
            select mem.org_id from mem where mem.usr_id = ${changed}.id and mem.role = 'owner' and mem.status = 'active')
        returning org.*)${organizationEndings(sql`ended_organizations`, acting)},
      refunded as (${refund(asked.proof?.counter ?? "", sql`exists (select from ${changed})`)})`,
    metadata: sql`(
      select jsonb_strip_nulls(jsonb_build_object('organizations', jsonb_agg(${wireIdOf("org", sql`o.id`)} order by o.id)))
      from ended_organizations o)`,
  });
}

/** The user as it is now, if the operation that made the event committed. */
export function recallUser(userId: string, auditId: string): Statement<UserRow> {
  return sql`select ${columns()} from usr where usr.id = ${userId}::uuid and ${committed(auditId)}`;
}

/**
 * A page of users in order of their ids. One additional row shows that others follow. There is always at least one row: if no
 * user matches or the actor may not ask, it holds the refusal and no user.
 */
export function selectUsers(
  asked: Asked & {
    after: string | undefined;
    limit: number;
    query: string | undefined;
    status: Status | undefined;
  },
): Statement<Guarded<UserRow>> {
  const pattern = containing(asked.query);
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select ${refusalUnless(acts.listUsers, actor.name, {})} as refusal from (select 1) one left join acting on true),
    audit as (${insertAuditEvent(
      { ...successOf(acts.listUsers, asked, sql`'users'`), repeatable: true },
      sql`verdict cross join acting where verdict.refusal is null and not acting.trusted`,
    )}),
    page as (
      select usr.* from usr, verdict
      where verdict.refusal is null
        and ${isAfter(sql`usr.id`, asked.after)}
        and (${asked.status ?? null}::text is null or usr.status = ${asked.status ?? null}::text)
        and (${pattern}::text is null or exists (
          select from cred
          where cred.usr_id = usr.id and cred.status = 'active' and cred.identifier ilike ${pattern}::text escape '\\'))
      order by usr.id
      limit ${asked.limit}::int + 1)
    select verdict.refusal, ${columns()} from verdict left join page usr on true order by usr.id`;
}

function changeUser(
  act: GuardedAct,
  asked: AskedOfUser,
  change: Pick<Parameters<typeof guardedChange<UserRow>>[0], "refusal" | "set" | "when" | "also" | "metadata">,
): Statement<UserRow> {
  return guardedChange({ ...ofUser(act, asked), ...change, columns: columns() });
}
