import { accessRules } from "../domain/access-rules.ts";
import type { Actor } from "../domain/actor.ts";
import { mfaPolicy } from "../domain/factor.ts";
import type { RowOf } from "../domain/record.ts";
import { acting, activeFactorTypes, hasStrongProof, raiseRefusal, refusalUnless } from "./access.ts";
import { committed, insertAuditEvent } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { clearFactorCounter } from "./factor-proofs.ts";
import { grantLeave } from "./factors.ts";
import { guardRead, ofUser } from "./guarded.ts";
import { type Statement, sql } from "./sql.ts";

export type MfaPolicyRow = RowOf<typeof mfaPolicy>;

/** The columns of a {@link MfaPolicyRow}, of whatever row is called `policy`. */
const columns = () => columnsOf("policy", mfaPolicy);

interface PolicyAct {
  readonly actor: Actor;
  readonly auditId: string;
  readonly userId: string;
}

/** The policy of a user, who has one that requires nothing until it is set. */
export function selectMfaPolicy(act: PolicyAct): Statement<MfaPolicyRow & { refusal: string | null }> {
  return sql`
    with ${guardRead(ofUser(act, "identity.mfa_policy.read", accessRules.getMfaPolicy))}
    select verdict.refusal, ${columnsOf("policy", mfaPolicy, {
      userId: sql`verdict.id`,
      required: sql`coalesce(policy.required, false)`,
      updatedAt: sql`coalesce(policy.updated_at, usr.created_at)`,
    })}
    from verdict left join usr on usr.id = verdict.id
    left join usr_mfa_policy policy on policy.usr_id = verdict.id and verdict.refusal is null`;
}

/**
 * Sets the policy. Its own user may raise it: require a factor, and sooner; and never lower it (S04). The batch has locked the
 * user.
 */
export function setMfaPolicy(act: PolicyAct & { required: boolean; graceUntil: Date | null }): Statement<MfaPolicyRow> {
  const soonest = (at: Statement): Statement => sql`coalesce(${at}, '-infinity'::timestamptz)`;
  return sql`
    with acting as materialized (${acting(act.actor)}),
    verdict as materialized (
      select target.id, coalesce(
        ${refusalUnless(accessRules.setMfaPolicy, sql`target.id`)},
        case
          when target.id is null then 'not_found'
          when target.status = 'revoked' then 'conflict.already_terminal'
          -- Who requires of themself what they do not have may be locked out for ever.
          when acting.usr_id = target.id and ${act.required}::boolean and not ${hasStrongProof(sql`target.id`)}
            then 'precondition.factor_needed_first'
          when acting.usr_id = target.id and before.required and (not ${act.required}::boolean
            or ${soonest(sql`${act.graceUntil}::timestamptz`)} > ${soonest(sql`before.grace_until`)}) then 'forbidden'
        end) as refusal
      from (select 1) one left join usr target on target.id = ${act.userId}::uuid
      left join usr_mfa_policy before on before.usr_id = target.id left join acting on true),
    policy as (
      insert into usr_mfa_policy (usr_id, required, grace_until)
      select id, ${act.required}::boolean, ${act.graceUntil}::timestamptz from verdict where refusal is null
      on conflict (usr_id) do update set required = excluded.required, grace_until = excluded.grace_until
      returning *),
    audit as (${insertAuditEvent(
      {
        id: act.auditId,
        action: "identity.mfa_policy.set",
        outcome: "success",
        actor: act.actor,
        context: act.actor.context,
        targetKind: "usr",
        targetId: sql`policy.usr_id`,
        metadata: sql`jsonb_build_object('required', policy.required)`,
      },
      sql`policy`,
    )})
    select ${columns()}
    from verdict left join policy on true where ${raiseRefusal()}`;
}

/** The policy as it is now, if the operation that made the event committed. */
export function recallMfaPolicy(userId: string, auditId: string): Statement<MfaPolicyRow> {
  return sql`
    select ${columns()}
    from usr_mfa_policy policy where policy.usr_id = ${userId}::uuid and ${committed(auditId)}`;
}

/**
 * Leave for a user to set a first factor up after the grace of their policy has ended (S32). The batch has locked the user.
 * Whoever has a factor needs none, and would keep it for a thief of the password until that one is lost.
 */
export function grantEnrollment(act: PolicyAct): Statement<{ granted: boolean }> {
  return sql`
    with acting as materialized (${acting(act.actor)}),
    verdict as materialized (
      select target.id as usr_id, acting.usr_id as granted_by, coalesce(
        ${refusalUnless(accessRules.grantEnrollment, sql`null::uuid`)},
        case when target.id is null then 'not_found' end,
        case when target.status <> 'active' then 'precondition.user_not_active' end,
        case when ${activeFactorTypes(sql`target.id`)} <> '{}' then 'precondition.invalid_transition' end) as refusal
      from (select 1) one left join usr target on target.id = ${act.userId}::uuid left join acting on true),
    leave as (${grantLeave(sql`granted_by`, sql`verdict where refusal is null`)}),
    granted as (select usr_id from verdict where refusal is null),
    ${clearFactorCounter(sql`granted`)},
    audit as (${insertAuditEvent(
      {
        id: act.auditId,
        action: "identity.mfa.grant_enrollment",
        outcome: "success",
        actor: act.actor,
        context: act.actor.context,
        targetKind: "usr",
        targetId: sql`verdict.usr_id`,
      },
      sql`verdict where verdict.refusal is null`,
    )})
    select true as granted from verdict where ${raiseRefusal()}`;
}

/** Whether the leave has been given. */
export function recallGrant(auditId: string): Statement<{ granted: boolean }> {
  return sql`select true as granted where ${committed(auditId)}`;
}
