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

/**
 * Locks the organizations that a user is a member of, also suspended: the end of the user ends the memberships, and could leave
 * an organization without an owner. It ends their requests to join, too.
 */
export function lockOrganizationsOf(userId: string): readonly Lock[] {
  const key = sql`select org_id as id from mem where usr_id = ${userId}::uuid and status <> 'revoked'`;
  const asked = sql`select org_id as id from org_join_request where usr_id = ${userId}::uuid`;
  return [{ on: "organization", key: sql`${key} union ${asked}` }, lockOwners(key, userId)];
}

/**
 * Locks the memberships of the owners of organizations that are locked: another SDK locks only the membership of an owner who
 * leaves. So the last two owners cannot leave at once, whichever SDK they use.
 *
 * @param key A query for the organizations, in a column `id`.
 * @param name The name of the lock: whose organizations they are.
 */
export function lockOwners(key: Statement, name: string): Lock {
  const statement = sql`
    select id from mem where org_id in (${key}) and role = 'owner' and status = 'active' order by id for no key update`;
  return { on: "owners", name, statement };
}

/**
 * SQL for the rank of the strongest relation that a user holds on an object, from 1, among a row's relations; or null. On an
 * organization, a tuple counts only with the active membership whose companion it is: other writers of the table give no role.
 */
export function strongestRelation({ on, among }: RelationOnObject, userId: Statement, object: Statement): Statement {
  return sql`(
    select min(array_position(${among}::text[], tup.relation)) from tup
    where tup.object_type = ${on} and tup.object_id = ${object} and tup.relation = any(${among}::text[])
      and tup.subject_type = 'usr' and tup.subject_id = ${userId}
      and (${on !== "org"}::boolean or exists (
        select from mem where mem.usr_id = tup.subject_id and mem.org_id = tup.object_id and mem.role = tup.relation
          and mem.status = 'active')))`;
}

/**
 * SQL for whether a user may give a relation on an object to others, by a relation of their own there: an `owner` any, an `admin`
 * any but `owner`. The object is no organization.
 *
 * @param asked SQL for a row with `relation`, `object_type` and `object_id`.
 */
export function mayGrant(userId: Statement, asked: Statement): Statement {
  return sql`exists (
    select from tup
    where tup.object_type = ${asked}.object_type and tup.object_id = ${asked}.object_id
      and tup.subject_type = 'usr' and tup.subject_id = ${userId}
      and (tup.relation = 'owner' or (tup.relation = 'admin' and ${asked}.relation <> 'owner')))`;
}
