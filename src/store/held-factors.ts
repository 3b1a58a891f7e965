/**
 * Conditions: the second factors that a user has, and those that are required.
 *
 * @module
 */
import type { Handle } from "./cte.ts";
import { isAdministrator } from "./relations.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * SQL for the policies as they were set. In the table, an active factor makes each policy require one at once, because another
 * SDK looks at nothing else (S67).
 */
export function setPolicies(source: Statement = sql`usr_mfa_policy`): Statement {
  return sql`(select p.usr_id, p.required and not p.by_factor as required, coalesce(p.waived_grace_until, p.grace_until) as grace_until,
      p.updated_at from ${source} p)`;
}

/** The CTE `policy_of_factor`: the policy of the user of each row of `factors`, a CTE of active factors, requires one at once. */
export function requireActiveFactor(factors: Statement): Statement {
  return sql`policy_of_factor as (
      insert into usr_mfa_policy as p (usr_id, required, by_factor) select usr_id, true, true from ${factors}
      on conflict (usr_id) do update set required = true, by_factor = p.by_factor or not p.required, grace_until = null,
        waived_grace_until = coalesce(p.waived_grace_until, p.grace_until), own_changes = p.own_changes + 1
      where not p.required or p.grace_until is not null)`;
}

/** True if a user has a second factor. Every session of the user then needs it (S12). */
export function hasActiveFactor(userId: Statement): Statement {
  return sql`exists (select from mfa where mfa.usr_id = ${userId} and mfa.status = 'active')`;
}

/** True if a user has an active password. */
export function hasPassword(userId: Statement): Statement {
  return sql`exists (select from cred pwd where pwd.usr_id = ${userId} and pwd.type = 'password' and pwd.status = 'active')`;
}

/** True if the user has a factor or passkey. If so, account changes require a fresh proof of it (S04). */
export function hasStrongProof(userId: Statement): Statement {
  return sql`(${hasActiveFactor(userId)} or ${hasPasskey(userId)})`;
}

/** True if a user has a passkey or a security key, whose proof works on no other site. */
export function hasKey(userId: Statement): Statement {
  return sql`(exists (
    select from mfa where mfa.usr_id = ${userId} and mfa.type = 'webauthn' and mfa.status = 'active')
    or ${hasPasskey(userId)})`;
}

/** True if a user has a passkey in use. */
function hasPasskey(userId: Statement): Statement {
  return sql`exists (
    select from cred key where key.usr_id = ${userId} and key.type = 'passkey' and key.status = 'active')`;
}

/** True if policy or an active factor requires a second factor from a user now. */
export function demandsSecondFactor(userId: Statement): Statement {
  return sql`(${hasActiveFactor(userId)} or exists (
    select from ${setPolicies()} policy
    where policy.usr_id = ${userId} and policy.required
      and (policy.grace_until is null or policy.grace_until <= sallyport_now())))`;
}

/** SQL for a list of the proofs that a user has besides a password, each type once. A passkey counts as a security key. */
export function activeFactorTypes(userId: Statement): Statement {
  return sql`array(
    select mfa.type from mfa where mfa.usr_id = ${userId} and mfa.status = 'active'
    union
    select 'webauthn' from cred key
    where key.usr_id = ${userId} and key.type = 'passkey' and key.status = 'active' order by 1)`;
}

/**
 * True if a user who has proved a credential, and has no required second factor, may enroll one: with an administrator's
 * permission, or if they never had one and no grace of the policy has ended (S32).
 */
export function mayEnroll(userId: Statement): Statement {
  return sql`(exists (
      select from mfa_enrollment_grant leave where leave.usr_id = ${userId} and leave.expires_at > sallyport_now())
    or (not ${hasHadFactor(userId)} and not exists (
      select from ${setPolicies()} policy
      where policy.usr_id = ${userId} and policy.required and policy.grace_until <= sallyport_now())))`;
}

/**
 * SQL for when an ending factor was confirmed. Another SDK does not record it, but makes no unconfirmed factor active. A factor
 * that was only pending was never confirmed.
 */
export function confirmedAtItsEnd(): Statement {
  return sql`case when mfa.status in ('active', 'suspended') then coalesce(mfa.confirmed_at, mfa.created_at)
    else mfa.confirmed_at end`;
}

/** True if a user has, or ever had, a factor or a passkey in use. */
function hasHadFactor(userId: Statement): Statement {
  return sql`(exists (
      select from mfa where mfa.usr_id = ${userId}
        and (mfa.confirmed_at is not null or mfa.status in ('active', 'suspended')))
    or exists (select from cred key where key.usr_id = ${userId} and key.type = 'passkey'))`;
}

/** True if the user of `target` has another active factor, for which recovery codes can stand in. */
export function hasOtherFactor(target: Handle<"target">): Statement {
  return sql`exists (
    select from mfa other where other.usr_id = ${target}.usr_id and other.id <> ${target}.id and other.status = 'active'
      and other.type <> 'recovery')`;
}

/** True if a user would have no proof of a second factor left without the row `target`. */
export function isLastProof(target: Handle<"target">): Statement {
  return sql`(${target}.status = 'active' and not ${hasOtherFactor(target)}
    and not exists (
      select from cred other where other.usr_id = ${target}.usr_id and other.id <> ${target}.id and other.type = 'passkey'
        and other.status = 'active'))`;
}

/**
 * True if a user must keep a second factor: by policy, for a password that is too short on its own (R001), or as an
 * administrator (S05).
 */
export function mustKeepFactor(userId: Statement): Statement {
  return sql`(${isAdministrator(userId)} or exists (select from ${setPolicies()} policy where policy.usr_id = ${userId} and policy.required)
    or exists (
      select from cred short where short.usr_id = ${userId} and short.type = 'password' and short.status = 'active'
        and short.needs_factor))`;
}
