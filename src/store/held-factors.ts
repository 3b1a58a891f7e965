/**
 * What second factors a user has, and what is demanded of them, as conditions.
 *
 * @module
 */
import type { Handle } from "./cte.ts";
import { isAdministrator } from "./relations.ts";
import { type Statement, sql } from "./sql.ts";

/** Whether a user has a second factor, which then every session of theirs needs (S12). */
function hasActiveFactor(userId: Statement): Statement {
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
export function isLastProof(target: Handle<"target">): Statement {
  return sql`(${target}.status = 'active' and not exists (
      select from mfa other where other.usr_id = ${target}.usr_id and other.id <> ${target}.id and other.status = 'active'
        and other.type <> 'recovery')
    and not exists (
      select from cred other where other.usr_id = ${target}.usr_id and other.id <> ${target}.id and other.type = 'passkey'
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
