/**
 * Relations of the tuple table as conditions. Subject, relation and object are each compared as a whole.
 *
 * @module
 */
import type { RelationOnObject } from "../domain/act.ts";
import { administratorRelation, systemObjectId, systemObjectType } from "../domain/administrator.ts";
import type { Handle } from "./cte.ts";
import type { Lock } from "./locks.ts";
import { type Statement, sql } from "./sql.ts";

/** True if a user holds the administrator relation on the one reserved object. */
export function isAdministrator(userId: Statement): Statement {
  return sql`exists (
    select from tup
    where tup.object_type = ${systemObjectType} and tup.object_id = ${systemObjectId}::uuid
      and tup.relation = ${administratorRelation}
      and tup.subject_type = 'usr' and tup.subject_id = ${userId})`;
}

/** True if the user `target` is the last active administrator. The batch has locked all administrators' tuples. */
export function isLastAdministrator(target: Handle<"target">): Statement {
  return sql`(${isAdministrator(sql`${target}.id`)} and not exists (
    select from usr other where other.status = 'active' and other.id <> ${target}.id and ${isAdministrator(sql`other.id`)}))`;
}

/** Locks every administrator's tuple, so that the last two cannot both leave. Adding an administrator conflicts with nothing. */
export function lockAdministrators(): Lock {
  const statement = sql`
    select id from tup
    where object_type = ${systemObjectType} and object_id = ${systemObjectId}::uuid and relation = ${administratorRelation}
    order by id for update`;
  return { on: "administrators", name: "", statement };
}

/** SQL for the rank of the strongest relation that a user holds on an object, from 1, among a row's relations; or null. */
export function strongestRelation({ on, anyOf }: RelationOnObject, userId: Statement, object: Statement): Statement {
  return sql`(
    select min(array_position(${anyOf}::text[], tup.relation)) from tup
    where tup.object_type = ${on} and tup.object_id = ${object} and tup.relation = any(${anyOf}::text[])
      and tup.subject_type = 'usr' and tup.subject_id = ${userId})`;
}
