import * as acts from "../domain/acts/factor.ts";
import { mfaPolicy } from "../domain/factor.ts";
import type { RowOf } from "../domain/record.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { type AskedOfUser, committed, insertAuditEvent, successOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { handle } from "./cte.ts";
import { clearFactorCounter } from "./factor-proofs.ts";
import { grantLeave } from "./factors.ts";
import { type Guarded, guardedRead, ofUser } from "./guarded.ts";
import { activeFactorTypes, hasActiveFactor, hasStrongProof, setPolicies } from "./held-factors.ts";
import { type Statement, sql } from "./sql.ts";

export type MfaPolicyRow = RowOf<typeof mfaPolicy>;

/** The columns of a {@link MfaPolicyRow}, read from the row called `policy`. */
const columns = () => columnsOf("policy", mfaPolicy);

/** The policy of a user. Until it is set, it requires nothing. */
export function selectMfaPolicy(asked: AskedOfUser): Statement<Guarded<MfaPolicyRow>> {
  return guardedRead({
    ...ofUser(acts.getMfaPolicy, asked),
    columns: columnsOf("policy", mfaPolicy, {
      userId: sql`verdict.id`,
      required: sql`coalesce(policy.required, false)`,
      updatedAt: sql`coalesce(policy.updated_at, usr.created_at)`,
    }),
    join: sql`left join ${setPolicies()} policy on policy.usr_id = verdict.id and verdict.refusal is null`,
  });
}

/**
 * Sets the policy. A user may raise their own, by requiring a factor or requiring it sooner, and never lower it (S04). The
 * batch has locked the user.
 */
export function setMfaPolicy(
  asked: AskedOfUser & { required: boolean; graceUntil: Date | null },
): Statement<MfaPolicyRow> {
  const soonest = (at: Statement): Statement => sql`coalesce(${at}, '-infinity'::timestamptz)`;
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select target.id, coalesce(
        ${refusalUnless(acts.setMfaPolicy, actor.name, { owner: sql`target.id` })},
        case
          when target.id is null then 'not_found'
          when target.status = 'revoked' then 'conflict.already_terminal'
          -- A user who requires a proof that they do not have could be locked out for ever.
          when acting.usr_id = target.id and ${asked.required}::boolean and not ${hasStrongProof(sql`target.id`)}
            then 'precondition.factor_needed_first'
          when acting.usr_id = target.id and before.required and (not ${asked.required}::boolean
            or ${soonest(sql`${asked.graceUntil}::timestamptz`)} > ${soonest(sql`before.grace_until`)}) then 'forbidden'
        end) as refusal
      from (select 1) one left join usr target on target.id = ${asked.userId}::uuid
      left join ${setPolicies()} before on before.usr_id = target.id left join acting on true),
    held as materialized (select ${hasActiveFactor(sql`verdict.id`)} as now from verdict),
    written as (
      insert into usr_mfa_policy as p (usr_id, required, grace_until, by_factor, waived_grace_until)
      select id, ${asked.required}::boolean or held.now, case when not held.now then ${asked.graceUntil}::timestamptz end,
        held.now and not ${asked.required}::boolean, case when held.now then ${asked.graceUntil}::timestamptz end
      from verdict cross join held where refusal is null
      on conflict (usr_id) do update set required = excluded.required, grace_until = excluded.grace_until,
        by_factor = excluded.by_factor, waived_grace_until = excluded.waived_grace_until, own_changes = p.own_changes + 1
      returning p.*),
    policy as (select * from ${setPolicies(sql`written`)} policy),
    audit as (${insertAuditEvent(
      {
        ...successOf(acts.setMfaPolicy, asked, sql`policy.usr_id`),
        metadata: sql`jsonb_strip_nulls(jsonb_build_object('required', policy.required, 'grace_until', policy.grace_until))`,
      },
      sql`policy`,
    )})
    select ${columns()}
    from verdict left join policy on true where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** The policy as it is now, if the operation that made the event committed. */
export function recallMfaPolicy(userId: string, auditId: string): Statement<MfaPolicyRow> {
  return sql`
    select ${columns()}
    from ${setPolicies()} policy where policy.usr_id = ${userId}::uuid and ${committed(auditId)}`;
}

/**
 * Lets a user enroll a first factor after the grace period of their policy has ended (S32). The batch has locked the user. A
 * user with a factor needs no permission. If one were given, it would last until that factor is lost and serve an attacker who
 * knows the password.
 */
export function grantEnrollment(asked: AskedOfUser): Statement<{ granted: boolean }> {
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select target.id as usr_id, acting.usr_id as granted_by, coalesce(
        ${refusalUnless(acts.grantEnrollment, actor.name, { owner: sql`null::uuid` })},
        case when target.id is null then 'not_found' end,
        case when target.status <> 'active' then 'precondition.user_not_active' end,
        case when ${activeFactorTypes(sql`target.id`)} <> '{}' then 'precondition.invalid_transition' end) as refusal
      from (select 1) one left join usr target on target.id = ${asked.userId}::uuid left join acting on true),
    leave as (${grantLeave(sql`granted_by`, sql`verdict where refusal is null`)}),
    granted as (select usr_id from verdict where refusal is null),
    ${clearFactorCounter(sql`granted`).define},
    audit as (${insertAuditEvent(
      successOf(acts.grantEnrollment, asked, sql`verdict.usr_id`),
      sql`verdict where verdict.refusal is null`,
    )})
    select true as granted from verdict where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** True if the permission was given. */
export function recallGrant(auditId: string): Statement<{ granted: boolean }> {
  return sql`select true as granted where ${committed(auditId)}`;
}
