/**
 * Who may do it, decided inside the statement that does it. One statement or batch, so nothing changes in between.
 *
 * @module
 */
import type { AccessRule } from "../domain/access-rules.ts";
import { Actor } from "../domain/actor.ts";
import { administratorRelation, systemObjectId, systemObjectType } from "../domain/administrator.ts";
import { uuidFor } from "../domain/id.ts";
import { administratorFreshSeconds, freshSeconds } from "../domain/session.ts";
import { type Statement, sql } from "./sql.ts";

/** Whether a user holds the administrator relation. Compared whole: subject, relation and the one reserved object (S06). */
export function isAdministrator(userId: Statement): Statement {
  return sql`exists (
    select from tup
    where tup.object_type = ${systemObjectType} and tup.object_id = ${systemObjectId}::uuid
      and tup.relation = ${administratorRelation}
      and tup.subject_type = 'usr' and tup.subject_id = ${userId})`;
}

/** Whether a user has a second factor, which then every session of theirs needs (S12). */
export function hasActiveFactor(userId: Statement): Statement {
  return sql`exists (select from mfa where mfa.usr_id = ${userId} and mfa.status = 'active')`;
}

/** Whether policy or an active factor demands a second factor from a user now. */
export function demandsSecondFactor(userId: Statement): Statement {
  return sql`(${hasActiveFactor(userId)} or exists (
    select from usr_mfa_policy policy
    where policy.usr_id = ${userId} and policy.required
      and (policy.grace_until is null or policy.grace_until <= sallyport_now())))`;
}

/**
 * The CTE body `acting`: one row with the rights of the actor now, none if its session has ended.
 *
 * @throws {TypeError} If it only looks like an actor.
 */
export function acting(actor: Actor): Statement {
  const subject = Actor.subjectOf(actor);
  if ("system" in subject) {
    return sql`select null::uuid as usr_id, true as trusted, true as fresh, true as administrator, true as elevated`;
  }
  return sql`
    select u.id as usr_id, false as trusted,
      coalesce(s.auth_time > sallyport_now() - make_interval(secs => ${freshSeconds}::int), false)
        and (coalesce(s.mfa_verified_at > sallyport_now() - make_interval(secs => ${freshSeconds}::int), false)
          or not ${hasActiveFactor(sql`u.id`)}) as fresh,
      ${isAdministrator(sql`u.id`)} as administrator,
      coalesce(s.mfa_verified_at > sallyport_now() - make_interval(secs => ${administratorFreshSeconds}::int), false)
        as elevated
    from ses s join usr u on u.id = s.usr_id
    where s.id = ${uuidFor("ses", subject.sessionId)}::uuid
      and s.revoked_at is null and s.expires_at > sallyport_now() and u.status = 'active'`;
}

/**
 * SQL for the code of the refusal, or null: needs `acting` in the `from` list, left joined.
 *
 * Whoever may not know an object gets the answer that an absent one gets; a request that is about no one object is
 * plainly forbidden.
 *
 * @param owner SQL for the object's user, or `undefined` if the operation is about no one object.
 */
export function refusalUnless(rule: AccessRule, owner: Statement | undefined): Statement {
  return sql`case
    when acting.trusted then null
    when acting.usr_id is null then 'unauthorized.invalid_token'
    when acting.usr_id = ${owner ?? sql`null::uuid`} and ${rule.owner !== false}::boolean then
      case when ${rule.owner === "fresh"}::boolean and not acting.fresh
        then 'unauthorized.reauthentication_required' end
    when not acting.administrator then ${owner ? "not_found" : "forbidden"}
    when not ${rule.administrator}::boolean then 'forbidden'
    when not acting.elevated then 'unauthorized.reauthentication_required'
  end`;
}

/** The tail of a statement that may be planned: raises the verdict's refusal, which undoes the whole batch. */
export function raiseRefusal(): Statement {
  return sql`case when verdict.refusal is null then true else sallyport_refuse(verdict.refusal) end`;
}

/** Whether the actor read what belongs to somebody else, which the audit log keeps (S41). */
export function readsAnothersData(owner: Statement): Statement {
  return sql`(verdict.refusal is null and not acting.trusted and acting.usr_id is distinct from ${owner})`;
}
