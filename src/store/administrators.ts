import * as acts from "../domain/acts/administrator.ts";
import { administratorRelation, systemObjectId, systemObjectType } from "../domain/administrator.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { type AskedOfUser, committed, insertAuditEvent, successOf } from "./audit.ts";
import { handle } from "./cte.ts";
import { hasStrongProof } from "./held-factors.ts";
import { isAdministrator, isLastAdministrator } from "./relations.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * Makes a user an administrator; a user who already is one stays one. Only the application or another administrator may. The
 * user must already have a second factor: otherwise an attacker with the password could enroll the first factor and would have
 * the right (S05).
 */
export function grantAdministrator(asked: AskedOfUser & { tupleId: string }): Statement<{ granted: boolean }> {
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select target.id, coalesce(
        ${refusalUnless(acts.grantAdministrator, actor.name, {})},
        case when target.id is null then 'not_found' end,
        case when target.status <> 'active' then 'precondition.user_not_active' end,
        case when not ${isAdministrator(sql`target.id`)} and not ${hasStrongProof(sql`target.id`)}
          then 'precondition.factor_needed_first' end) as refusal
      from (select 1) one left join usr target on target.id = ${asked.userId}::uuid left join acting on true),
    tup as (
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id, created_by)
      select ${asked.tupleId}::uuid, 'usr', verdict.id, ${administratorRelation}, ${systemObjectType}, ${systemObjectId}::uuid,
        acting.usr_id
      from verdict cross join acting where verdict.refusal is null
      on conflict (object_type, object_id, relation, subject_type, subject_id) do nothing
      returning *),
    audit as (${insertAuditEvent(successOf(acts.grantAdministrator, asked, sql`tup.subject_id`), sql`tup`)})
    select tup.id is not null or ${committed(asked.auditId)} as granted
    from verdict left join tup on true where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** Removes the relation, but never from the last active administrator. The batch has locked all administrators. */
export function removeAdministrator(asked: AskedOfUser): Statement<{ removed: boolean }> {
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select target.id, coalesce(
        ${refusalUnless(acts.removeAdministrator, actor.name, {})},
        case
          when target.id is null then 'not_found'
          when ${isLastAdministrator(handle(sql`target`))} then 'conflict.last_administrator'
        end) as refusal
      from (select 1) one left join usr target on target.id = ${asked.userId}::uuid left join acting on true),
    gone as (
      delete from tup using verdict
      where verdict.refusal is null and tup.object_type = ${systemObjectType} and tup.object_id = ${systemObjectId}::uuid
        and tup.relation = ${administratorRelation} and tup.subject_type = 'usr' and tup.subject_id = verdict.id
      returning tup.*),
    audit as (${insertAuditEvent(successOf(acts.removeAdministrator, asked, sql`tup.subject_id`), sql`gone tup`)})
    select gone.id is not null or ${committed(asked.auditId)} as removed
    from verdict left join gone on true where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** Finds out whether a change of the administrators has committed. A row means that it changed something. */
export function recallAdministrator(auditId: string): Statement<{ granted: boolean; removed: boolean }> {
  return sql`select true as granted, true as removed from aud where id = ${auditId}::uuid`;
}
