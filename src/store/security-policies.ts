import * as acts from "../domain/acts/organization.ts";
import type { RowOf } from "../domain/record.ts";
import { requirements, type SecuritySettings, securityPolicy } from "../domain/security-policy.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { committed, insertAuditEvent, successOf, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { handle } from "./cte.ts";
import { type Guarded, guardedRead } from "./guarded.ts";
import { type OfOrganization, ofOrganization } from "./organizations.ts";
import { hasOwnerIn, standingOf } from "./session-standing.ts";
import { type Statement, sql } from "./sql.ts";

export type SecurityPolicyRow = RowOf<typeof securityPolicy>;

/** SQL for the end of the grace for those who were members when `policy` began to require it. */
const graceUntil = () => sql`case when policy.require <> 'none'
      then policy.required_since + make_interval(hours => 24 * policy.grace_days) end`;

/** SQL for the list of a policy, in the form that every driver reads. */
const breakGlass = () => sql`policy.break_glass::text[]`;

/** What is set, with UUIDs. */
interface StoredSettings extends Omit<Required<SecuritySettings>, "breakGlass"> {
  readonly breakGlass: readonly string[] | null;
}

/** The columns of a {@link SecurityPolicyRow}, read from the row called `policy`. */
const columns = () => columnsOf("policy", securityPolicy, { breakGlass: breakGlass(), graceUntil: graceUntil() });

/** The policy of an organization. Until it is set, it asks for nothing. */
export function selectSecurityPolicy(asked: OfOrganization): Statement<Guarded<SecurityPolicyRow>> {
  return guardedRead({
    ...ofOrganization(acts.getSecurityPolicy, asked),
    columns: columnsOf("policy", securityPolicy, {
      organizationId: sql`verdict.id`,
      require: sql`coalesce(policy.require, 'none')`,
      graceDays: sql`coalesce(policy.grace_days, 0)`,
      breakGlass: breakGlass(),
      graceUntil: graceUntil(),
      updatedAt: sql`coalesce(policy.updated_at, org.created_at)`,
    }),
    join: sql`left join org_security_policy policy on policy.org_id = verdict.id and verdict.refusal is null`,
  });
}

/**
 * Sets the policy. An owner's own session must have what it asks for, without a grace: otherwise they would lock themselves out. The
 * batch has locked the organization.
 */
export function setSecurityPolicy(asked: OfOrganization & StoredSettings): Statement<SecurityPolicyRow> {
  const { organizationId, require: required, graceDays, maxAgeSeconds, maxIdleSeconds, allowedProviders } = asked;
  const actor = acting(asked.actor);
  const values = sql`${organizationId}::uuid as org_id, ${required}::text as require, sallyport_now() as required_since,
      ${maxAgeSeconds}::int as max_age_seconds, ${maxIdleSeconds}::int as max_idle_seconds,
      ${allowedProviders}::text[] as allowed_providers, ${asked.breakGlass}::uuid[] as break_glass`;
  const standing = standingOf({
    policy: sql`(select ${values}, 0 as grace_days)`,
    organization: sql`target.id`,
    user: sql`acting.usr_id`,
    session: sql`acting.ses_id`,
  });
  const strength = (of: Statement) => sql`array_position(${requirements}::text[], ${of}.require)`;
  return sql`
    with ${actor.define},
    target as materialized (select id, status from org where id = ${organizationId}::uuid for no key update),
    verdict as materialized (
      select target.id, coalesce(
        ${refusalUnless(acts.setSecurityPolicy, actor.name, { object: sql`target.id` })},
        case when target.id is null then 'not_found'
          when target.status = 'revoked' then 'conflict.already_terminal' end,
        case when ${asked.breakGlass !== null}::boolean and not ${hasOwnerIn(sql`target.id`, sql`${asked.breakGlass}::uuid[]`)}
          then 'precondition.mem_not_active'
          when not acting.trusted then (select standing.refusal from (${standing}) standing) end) as refusal
      from (select 1) one left join target on true left join acting on true),
    policy as (
      insert into org_security_policy as p (org_id, require, required_since, max_age_seconds, max_idle_seconds,
        allowed_providers, break_glass, grace_days, updated_at)
      select given.*, ${graceDays}::int, sallyport_now() from (select ${values}) given cross join verdict where verdict.refusal is null
      on conflict (org_id) do update set require = excluded.require, grace_days = excluded.grace_days,
        required_since = case when ${strength(sql`excluded`)} > ${strength(sql`p`)} then excluded.required_since
          else p.required_since end,
        max_age_seconds = excluded.max_age_seconds, max_idle_seconds = excluded.max_idle_seconds,
        allowed_providers = excluded.allowed_providers, break_glass = excluded.break_glass, updated_at = excluded.updated_at
      returning p.*),
    audit as (${insertAuditEvent(
      {
        ...successOf(acts.setSecurityPolicy, asked, sql`policy.org_id`),
        metadata: sql`jsonb_strip_nulls(jsonb_build_object('require', policy.require, 'grace_days', policy.grace_days,
          'max_age_seconds', policy.max_age_seconds, 'max_idle_seconds', policy.max_idle_seconds,
          'allowed_providers', to_jsonb(policy.allowed_providers),
          'break_glass', (select jsonb_agg(${wireIdOf("usr", sql`id`)}) from unnest(policy.break_glass) id)))`,
      },
      sql`policy`,
    )})
    select ${columns()} from verdict left join policy on true where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** The policy as it is now, if the operation that made the event committed. */
export function recallSecurityPolicy(organizationId: string, auditId: string): Statement<SecurityPolicyRow> {
  return sql`
    select ${columns()} from org_security_policy policy
    where policy.org_id = ${organizationId}::uuid and ${committed(auditId)}`;
}
