/**
 * Conditions: whether a session has what an organization's security policy asks for.
 *
 * @module
 */
import type { SecurityPolicy } from "../domain/security-policy.ts";
import { hasKey, hasStrongProof } from "./held-factors.ts";
import { type Statement, sql } from "./sql.ts";

/** How a session stands with a policy. */
export interface StandingRow {
  /** The code of what it lacks, or null. */
  readonly refusal: string | null;
  readonly require: SecurityPolicy["require"];
  readonly maxAgeSeconds: number | null;
  readonly maxIdleSeconds: number | null;
  /** Until when it may lack the required proof, if it does. */
  readonly graceUntil: Date | null;
}

/** How many memberships of one user, each of which replaced the one before, are followed. */
const longestChain = 200;

/**
 * SQL for one row of a {@link StandingRow}, or none if there is no policy. A session that is not found has nothing.
 *
 * @param asked.policy SQL for the policy, as an item of a `from` list without its alias.
 */
export function standingOf(asked: {
  policy: Statement;
  organization: Statement;
  user: Statement;
  session: Statement;
}): Statement<StandingRow> {
  const { user } = asked;
  const atMost = (limit: Statement, isKept: Statement) => sql`(${limit} is null or coalesce(${isKept}, false))`;
  return sql`
    select case
        when not shown.is_allowed then 'forbidden.provider_not_allowed'
        when shown.grace_until <= sallyport_now() then 'unauthorized.enrollment_required'
        when shown.is_unproved and shown.grace_until is null or not shown.is_recent
          then 'unauthorized.reauthentication_required' end as refusal,
      shown.require, shown.max_age_seconds as "maxAgeSeconds", shown.max_idle_seconds as "maxIdleSeconds",
      case when shown.grace_until > sallyport_now() then shown.grace_until end as "graceUntil"
    from (
      select policy.require, policy.max_age_seconds, policy.max_idle_seconds, has.is_unproved,
        -- The provider of a step-up is not recorded, so it counts as none of them.
        policy.allowed_providers is null or ${isExempt(asked)}
          or coalesce(policy.break_glass is null and made.type <> 'oidc' and not 'fed' = any(held.amr), false)
          or coalesce(linked.provider = any(policy.allowed_providers), false) as is_allowed,
        ${atMost(
          sql`policy.max_age_seconds`,
          sql`held.auth_time > sallyport_now() - make_interval(secs => policy.max_age_seconds)`,
        )}
          and ${atMost(
            sql`policy.max_idle_seconds`,
            sql`held.longest_idle_seconds <= policy.max_idle_seconds
            and coalesce(held.last_seen_at, held.created_at) >= sallyport_now() - make_interval(secs => policy.max_idle_seconds)`,
          )} as is_recent,
        -- Members who can prove it are asked at once. The others set something up first.
        case when has.is_unproved and not case policy.require
            when 'mfa' then ${hasStrongProof(user)} else ${hasKey(user)} end
          then greatest(policy.required_since, ${memberSince(asked)}) + make_interval(hours => 24 * policy.grace_days)
          end as grace_until
      from ${asked.policy} policy
      left join ses held on held.id = ${asked.session}
      left join cred made on made.id = held.cred_id
      left join linked_identity linked on linked.cred_id = made.id
      cross join lateral (
        select case policy.require when 'none' then false
          else not coalesce(case policy.require when 'mfa' then 'mfa' else 'pop' end = any(held.amr), false) end as is_unproved) has
      where policy.org_id = ${asked.organization}) shown`;
}

/** SQL for how the session of a user stands with an organization's policy. */
export function standingIn(organization: Statement, user: Statement, session: Statement): Statement<StandingRow> {
  return standingOf({ policy: sql`org_security_policy`, organization, user, session });
}

/**
 * SQL for whether a user needs no allowed provider, because `policy` lists them. While no active owner is on the list, each owner counts as
 * listed: owners leave, lose the role or close their accounts, and no list may lock the organization out.
 */
function isExempt({ organization, user }: { organization: Statement; user: Statement }): Statement {
  const owners = (users: Statement) => hasOwnerIn(organization, users);
  return sql`(policy.break_glass is not null and (${user} = any(policy.break_glass)
            or (not ${owners(sql`policy.break_glass`)} and ${owners(sql`array[${user}]`)})))`;
}

/** SQL for whether one of some users is an active owner of an organization, with an active account. */
export function hasOwnerIn(organization: Statement, users: Statement): Statement {
  return sql`exists (
          select from mem join usr on usr.id = mem.usr_id and usr.status = 'active'
          where mem.org_id = ${organization} and mem.role = 'owner' and mem.status = 'active' and mem.usr_id = any(${users}))`;
}

/** SQL for when a user became a member. Another role is another membership, and no new beginning. */
function memberSince({ organization, user }: { organization: Statement; user: Statement }): Statement {
  return sql`(
            with recursive chain as (
              select mem.replaces, mem.created_at, 1 as place from mem
              where mem.usr_id = ${user} and mem.org_id = ${organization} and mem.status = 'active'
              union all
              select mem.replaces, mem.created_at, chain.place + 1 from chain join mem on mem.id = chain.replaces
              where chain.place < ${longestChain}::int)
            select min(chain.created_at) from chain)`;
}
