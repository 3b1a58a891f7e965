import { accessRules } from "../domain/access-rules.ts";
import type { Actor } from "../domain/actor.ts";
import { administratorRelation, systemObjectId, systemObjectType } from "../domain/administrator.ts";
import { acting, hasStrongProof, isAdministrator, raiseRefusal, refusalUnless } from "./access.ts";
import { committed, insertAuditEvent } from "./audit.ts";
import type { Lock } from "./locks.ts";
import { type Statement, sql } from "./sql.ts";

/** Who holds what on which object; ids are UUIDs. */
export interface TupleKey {
  readonly subjectType: string;
  readonly subjectId: string;
  readonly relations: readonly string[];
  readonly objectType: string;
  readonly objectId: string;
}

/** The first tuple that matches exactly, in the order of the relations asked for. No row if there is none. */
export function selectMatchingTuple(question: TupleKey): Statement<{ id: string }> {
  return sql`
    select id from tup
    where object_type = ${question.objectType} and object_id = ${question.objectId}::uuid
      and relation = any(${question.relations}::text[])
      and subject_type = ${question.subjectType} and subject_id = ${question.subjectId}::uuid
    order by array_position(${question.relations}::text[], relation)
    limit 1`;
}

/** What every change of the administrators takes. */
interface AdministratorAct {
  readonly actor: Actor;
  readonly auditId: string;
  readonly userId: string;
}

/**
 * Makes a user an administrator; one already stays one. Only the application or another administrator may (S06). Whoever is one
 * has a second factor before: with the first one to come, a thief of the password would set it up, and have the right (S05).
 */
export function grantAdministrator(act: AdministratorAct & { tupleId: string }): Statement<{ granted: boolean }> {
  return sql`
    with acting as materialized (${acting(act.actor)}),
    verdict as materialized (
      select target.id, coalesce(
        ${refusalUnless(accessRules.grantAdministrator, undefined)},
        case when target.id is null then 'not_found' end,
        case when target.status <> 'active' then 'precondition.user_not_active' end,
        case when not ${isAdministrator(sql`target.id`)} and not ${hasStrongProof(sql`target.id`)}
          then 'precondition.factor_needed_first' end) as refusal
      from (select 1) one left join usr target on target.id = ${act.userId}::uuid left join acting on true),
    tup as (
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id, created_by)
      select ${act.tupleId}::uuid, 'usr', verdict.id, ${administratorRelation}, ${systemObjectType}, ${systemObjectId}::uuid,
        acting.usr_id
      from verdict cross join acting where verdict.refusal is null
      on conflict (object_type, object_id, relation, subject_type, subject_id) do nothing
      returning *),
    audit as (${insertAuditEvent(administratorEvent(act, "grant"), sql`tup`)})
    select tup.id is not null or ${committed(act.auditId)} as granted
    from verdict left join tup on true where ${raiseRefusal()}`;
}

/** Takes the relation away, but never from the last active administrator. The batch has locked all of them. */
export function removeAdministrator(act: AdministratorAct): Statement<{ removed: boolean }> {
  return sql`
    with acting as materialized (${acting(act.actor)}),
    verdict as materialized (
      select target.id, coalesce(
        ${refusalUnless(accessRules.removeAdministrator, undefined)},
        case
          when target.id is null then 'not_found'
          when ${isAdministrator(sql`target.id`)} and not exists (
            select from usr other
            where other.status = 'active' and other.id <> target.id and ${isAdministrator(sql`other.id`)})
            then 'conflict.last_administrator'
        end) as refusal
      from (select 1) one left join usr target on target.id = ${act.userId}::uuid left join acting on true),
    gone as (
      delete from tup using verdict
      where verdict.refusal is null and tup.object_type = ${systemObjectType} and tup.object_id = ${systemObjectId}::uuid
        and tup.relation = ${administratorRelation} and tup.subject_type = 'usr' and tup.subject_id = verdict.id
      returning tup.*),
    audit as (${insertAuditEvent(administratorEvent(act, "remove"), sql`gone tup`)})
    select gone.id is not null or ${committed(act.auditId)} as removed
    from verdict left join gone on true where ${raiseRefusal()}`;
}

/** Whether a change of the administrators has committed, and then that it changed something. */
export function recallAdministrator(auditId: string): Statement<{ granted: boolean; removed: boolean }> {
  return sql`select true as granted, true as removed from aud where id = ${auditId}::uuid`;
}

/** Locks every administrator's tuple, so that the last two cannot both leave. Whoever adds one disturbs nobody. */
export function lockAdministrators(): Lock {
  const statement = sql`
    select id from tup
    where object_type = ${systemObjectType} and object_id = ${systemObjectId}::uuid and relation = ${administratorRelation}
    order by id for update`;
  return { on: "2 administrators", statement };
}

function administratorEvent(act: AdministratorAct, verb: string): Parameters<typeof insertAuditEvent>[0] {
  return {
    id: act.auditId,
    action: `authz.administrator.${verb}`,
    outcome: "success",
    actor: act.actor,
    context: act.actor.context,
    targetKind: "usr",
    targetId: sql`tup.subject_id`,
  };
}
