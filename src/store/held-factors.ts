/**
 * Conditions: the second factors that a user has, and those that are required.
 *
 * @module
 */
import type { Handle } from "./cte.ts";
import { isAdministrator } from "./relations.ts";
import { type Statement, sql } from "./sql.ts";

/** True if a user has a second factor. Every session of the user then needs it (S12). */
function hasActiveFactor(userId: Statement): Statement {
  return sql`exists (select from mfa where mfa.usr_id = ${userId} and mfa.status = 'active')`;
}

/** True if the user has a factor or passkey. If so, account changes require a fresh proof of it (S04). */
export function hasStrongProof(userId: Statement): Statement {
  return sql`(${hasActiveFactor(userId)} or exists (
    select from cred key where key.usr_id = ${userId} and key.type = 'passkey' and key.status = 'active'))`;
}

/** True if policy or an active factor requires a second factor from a user now. */
export function demandsSecondFactor(userId: Statement): Statement {
  return sql`(${hasActiveFactor(userId)} or exists (
    select from usr_mfa_policy policy
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
      select from usr_mfa_policy policy
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

/** True if a user would have no proof of a second factor left without the row `target`. */
export function isLastProof(target: Handle<"target">): Statement {
  return sql`(${target}.status = 'active' and not exists (
      select from mfa other where other.usr_id = ${target}.usr_id and other.id <> ${target}.id and other.status = 'active'
        and other.type <> 'recovery')
    and not exists (
      select from cred other where other.usr_id = ${target}.usr_id and other.id <> ${target}.id and other.type = 'passkey'
        and other.status = 'active'))`;
}

/**
 * True if a user must keep a second factor: by policy, for a password that is too short on its own (R001), or as an
 * administrator (S05).
 */
export function mustKeepFactor(userId: Statement): Statement {
  return sql`(${isAdministrator(userId)} or exists (select from usr_mfa_policy policy where policy.usr_id = ${userId} and policy.required)
    or exists (
      select from cred short where short.usr_id = ${userId} and short.type = 'password' and short.status = 'active'
        and short.needs_factor))`;
}
