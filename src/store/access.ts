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

/** Whether a user can prove more than a password: what then must be fresh for changes of the account (S04). */
export function hasStrongProof(userId: Statement): Statement {
  return sql`(${hasActiveFactor(userId)} or exists (
    select from cred key where key.usr_id = ${userId} and key.type = 'passkey' and key.status = 'active'))`;
}

/** Whether policy or an active factor demands a second factor from a user now. */
export function demandsSecondFactor(userId: Statement): Statement {
  return sql`(${hasActiveFactor(userId)} or exists (
    select from usr_mfa_policy policy
    where policy.usr_id = ${userId} and policy.required
      and (policy.grace_until is null or policy.grace_until <= sallyport_now())))`;
}

/** SQL for the types of what a user can prove beside a password, each once, in a list: a passkey serves as a security key does. */
export function activeFactorTypes(userId: Statement): Statement {
  return sql`array(
    select mfa.type from mfa where mfa.usr_id = ${userId} and mfa.status = 'active'
    union
    select 'webauthn' from cred key
    where key.usr_id = ${userId} and key.type = 'passkey' and key.status = 'active' order by 1)`;
}

/**
 * Whether somebody who has proved a credential, and must have a second factor and has none, may set one up: by an
 * administrator's leave; or if they never had one and the policy gave no grace that has ended (S32).
 */
export function mayEnroll(userId: Statement): Statement {
  return sql`(exists (
      select from mfa_enrollment_grant leave where leave.usr_id = ${userId} and leave.expires_at > sallyport_now())
    or (not ${hasHadFactor(userId)} and not exists (
      select from usr_mfa_policy policy
      where policy.usr_id = ${userId} and policy.required and policy.grace_until <= sallyport_now())))`;
}

/**
 * SQL for when a factor that ends was confirmed: another SDK does not say, but makes none active that is not. One that was only
 * pending was no factor.
 */
export function confirmedAtItsEnd(): Statement {
  return sql`case when mfa.status in ('active', 'suspended') then coalesce(mfa.confirmed_at, mfa.created_at)
    else mfa.confirmed_at end`;
}

/** Whether a user has, or ever had, a factor or a passkey in use. */
function hasHadFactor(userId: Statement): Statement {
  return sql`(exists (
      select from mfa where mfa.usr_id = ${userId}
        and (mfa.confirmed_at is not null or mfa.status in ('active', 'suspended')))
    or exists (select from cred key where key.usr_id = ${userId} and key.type = 'passkey'))`;
}

/** Whether a user would have nothing left to prove a second factor with, without the row `target`. */
export function isLastProof(): Statement {
  return sql`(target.status = 'active' and not exists (
      select from mfa other where other.usr_id = target.usr_id and other.id <> target.id and other.status = 'active'
        and other.type <> 'recovery')
    and not exists (
      select from cred other where other.usr_id = target.usr_id and other.id <> target.id and other.type = 'passkey'
        and other.status = 'active'))`;
}

/**
 * Whether a user must keep a second factor: by policy, for a password that is too short to stand alone (R001), or as an
 * administrator (S05).
 */
export function mustKeepFactor(userId: Statement): Statement {
  return sql`(${isAdministrator(userId)} or exists (select from usr_mfa_policy policy where policy.usr_id = ${userId} and policy.required)
    or exists (
      select from cred short where short.usr_id = ${userId} and short.type = 'password' and short.status = 'active'
        and short.needs_factor))`;
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
          or not (${hasStrongProof(sql`u.id`)} or ${demandsSecondFactor(sql`u.id`)})) as fresh,
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
