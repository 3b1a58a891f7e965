/**
 * Access is decided inside the statement that acts. It is one statement or batch, so nothing changes in between.
 *
 * @module
 */
import type { GuardedAct, RelationOnObject } from "../domain/act.ts";
import { Actor } from "../domain/actor.ts";
import { uuidFor } from "../domain/id.ts";
import { administratorFreshSeconds, freshSeconds } from "../domain/session.ts";
import { type Cte, type Handle, materialized } from "./cte.ts";
import { demandsSecondFactor, hasStrongProof } from "./held-factors.ts";
import { isAdministrator, strongestRelation } from "./relations.ts";
import { standingIn } from "./session-standing.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * The CTE `acting`: one row with the actor's current rights, none if the session has ended.
 *
 * @throws {TypeError} If the actor is not genuine.
 */
export function acting(actor: Actor): Cte<"acting"> {
  return materialized(sql`acting`, rightsOf(actor));
}

/**
 * SQL for the row of `acting`.
 *
 * @throws {TypeError} If the actor is not genuine.
 */
export function rightsOf(actor: Actor): Statement {
  const subject = Actor.subjectOf(actor);
  if ("system" in subject) {
    return sql`select null::uuid as usr_id, null::uuid as ses_id, true as trusted, true as fresh, true as administrator, true as elevated`;
  }
  return sql`
    select u.id as usr_id, s.id as ses_id, false as trusted,
      coalesce(s.auth_time > sallyport_now() - make_interval(secs => ${freshSeconds}::int), false)
        and (coalesce(s.mfa_verified_at > sallyport_now() - make_interval(secs => ${freshSeconds}::int), false)
          or not (${hasStrongProof(sql`u.id`)} or ${demandsSecondFactor(sql`u.id`)})) as fresh,
      ${isAdministrator(sql`u.id`)} as administrator,
      coalesce(s.mfa_verified_at > sallyport_now() - make_interval(secs => ${administratorFreshSeconds}::int)
        -- A provider's factor is older than the session, which the column cannot say.
        and coalesce(s.auth_time, s.mfa_verified_at) > sallyport_now() - make_interval(secs => ${administratorFreshSeconds}::int), false)
        as elevated
    from ses s join usr u on u.id = s.usr_id
    where s.id = ${uuidFor("ses", subject.sessionId)}::uuid
      and s.revoked_at is null and s.expires_at > sallyport_now() and u.status = 'active'`;
}

/** The object of an act, as the rows of the statement name it. Absent if the act is about no single object. */
export interface About {
  /** SQL for the object's user. */
  readonly owner?: Statement | undefined;
  /** SQL for the UUID of the object that relations are held on. */
  readonly object?: Statement;
  /** SQL for the relations that the act gives or takes, as an array of texts. */
  readonly relations?: Statement;
  /** SQL for whether the user is one of the act's writers: `held`, `none`, or `limited` if the rules lead too far. */
  readonly writer?: Statement;
}

/**
 * SQL for the code of the refusal, or null: needs `acting` in the `from` list, left joined.
 *
 * An actor who may not know an object gets the answer for an absent one. An act that is about no single object is refused as
 * forbidden.
 */
export function refusalUnless({ who }: GuardedAct, acting: Handle<"acting">, about: About): Statement {
  const isAboutOne = about.owner !== undefined || about.object !== undefined || about.writer !== undefined;
  const byRight = sql`case
    when not ${acting}.administrator then ${isAboutOne ? "not_found" : "forbidden"}
    when not ${who.administrator === true}::boolean then 'forbidden'
    when not ${acting}.elevated then 'unauthorized.reauthentication_required' end`;
  return sql`case
    when ${acting}.trusted then null
    when ${acting}.usr_id is null then 'unauthorized.invalid_token'
    when ${acting}.usr_id = ${about.owner ?? sql`null::uuid`} and ${who.owner !== undefined}::boolean then
      case when ${who.owner === "fresh"}::boolean and not ${acting}.fresh
        then 'unauthorized.reauthentication_required' end
    ${refusalOfHolder(who, acting, about)}
    else ${
      who.writer && about.writer
        ? sql`case ${about.writer} when 'held' then null when 'none' then ${byRight}
      else case when ${acting}.administrator and ${who.administrator === true}::boolean then ${byRight}
        else 'evaluation_limit_exceeded' end end`
        : byRight
    }
  end`;
}

/**
 * The branch of a `case` for a user with a relation on the object, if the row names one. A relation that does not suffice takes
 * nothing from an administrator: otherwise an owner could make them a guest, and escape them. Nor does a session that lacks what the
 * organization's security policy asks for.
 */
function refusalOfHolder(
  { relation, administrator }: GuardedAct["who"],
  acting: Handle<"acting">,
  about: About,
): Statement {
  if (!relation || !about.object) return sql``;
  const { among, atLeast, fresh, notAboveOwn } = relation;
  const held = strongestRelation(relation, sql`${acting}.usr_id`, about.object);
  const strongest = sql`(
      select min(array_position(${among}::text[], touched)) from unnest(${about.relations ?? sql`'{}'::text[]`}) touched)`;
  const weakest = among.indexOf(atLeast) + 1;
  const needsProof = fresh === "strongest" ? sql`coalesce(${strongest} = 1, false)` : sql`${fresh === true}::boolean`;
  return sql`when ${held} <= case when ${acting}.administrator and ${administrator === true}::boolean
        then ${weakest}::int else ${among.length}::int end then (
      select case when own.rank > ${weakest}::int then 'forbidden'
        when own.unmet is not null then case
          when not (${acting}.administrator and ${administrator === true}::boolean) then own.unmet
          when not ${acting}.elevated then 'unauthorized.reauthentication_required' end
        ${notAboveOwn ? sql`when own.rank > ${strongest} then 'forbidden.role_hierarchy'` : sql``}
        when ${needsProof} and not ${acting}.fresh then 'unauthorized.reauthentication_required' end
      from (select ${held} as rank, ${unmetBy(relation, acting, about.object)} as unmet) own)`;
}

/** SQL for the code of what the actor's session lacks to use a relation on an object, or null. */
export function unmetBy(relation: RelationOnObject, acting: Handle<"acting">, object: Statement): Statement {
  if (relation.on !== "org") return sql`null::text`;
  const unmet = unmetIn(object, acting);
  return relation.freesLastOwner
    ? sql`case when sallyport_has_other_owner(${object}, ${acting}.usr_id) then ${unmet} end`
    : unmet;
}

/** SQL for the code of what the actor's session lacks to use a role in an organization, or null. */
export function unmetIn(organization: Statement, acting: Handle<"acting">): Statement {
  const standing = standingIn(organization, sql`${acting}.usr_id`, sql`${acting}.ses_id`);
  return sql`case when not ${acting}.trusted then (select standing.refusal from (${standing}) standing) end`;
}

/** The tail of a statement that may be planned. It raises the verdict's refusal, which undoes the whole batch. */
export function raiseRefusal(verdict: Handle<"verdict">): Statement {
  return sql`case when ${verdict}.refusal is null then true else sallyport_refuse(${verdict}.refusal) end`;
}

/** True if the actor read another user's data, which the audit log records. */
export function readsAnothersData(verdict: Handle<"verdict">, acting: Handle<"acting">, owner: Statement): Statement {
  return sql`(${verdict}.refusal is null and not ${acting}.trusted and ${acting}.usr_id is distinct from ${owner})`;
}
