import { type AccessRule, accessRules } from "../domain/access-rules.ts";
import type { Actor } from "../domain/actor.ts";
import { anyFactor, type FactorRow, factorTypes } from "../domain/factor.ts";
import { confirmedAtItsEnd, isLastProof, mustKeepFactor } from "./access.ts";
import { committed } from "./audit.ts";
import { columnsBeside } from "./columns.ts";
import { clearFactorCounter, isCleared } from "./factor-proofs.ts";
import { type GuardedRow, guardedChange, guardRead, ofUser } from "./guarded.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * The columns of a {@link FactorRow}, of whatever row is called `mfa`. A security key has neither an id nor a count before its
 * confirmation.
 */
export const factorColumns = (): Statement => factorColumnsOf("mfa", { prefix: "" });

/** The same of a row of another name, with names that begin with a prefix. */
export function factorColumnsOf(of: "mfa" | "factor", naming: { readonly prefix: string }): Statement {
  const row = of === "mfa" ? sql`mfa` : sql`factor`;
  return sql`${columnsBeside(of, anyFactor, naming)},
    ${columnsBeside(of, factorTypes.webauthn, naming, {
      identifier: sql`coalesce(${row}.identifier, '')`,
      rpId: sql`${row}.webauthn_rp_id`,
      signCount: sql`coalesce(${row}.webauthn_sign_count, 0)::text`,
      aaguid: sql`${row}.webauthn_aaguid::text`,
      transports: sql`${row}.webauthn_transports`,
    })},
    ${columnsBeside(of, { remaining: factorTypes.recovery.remaining }, naming, {
      remaining: sql`case when ${row}.type = 'recovery'
        then (select count(*)::int from unnest(${row}.recovery_consumed) as used where not used) end`,
    })}`;
}

interface FactorAct {
  readonly actor: Actor;
  readonly auditId: string;
  readonly factorId: string;
}

/** A user's factors that are active or wait for their confirmation, with one row that holds the refusal where there are none. */
export function selectFactorsOfUser(
  act: Omit<FactorAct, "factorId"> & { userId: string },
): Statement<FactorRow & { refusal: string | null }> {
  return sql`
    with ${guardRead(ofUser(act, "identity.mfa.list", accessRules.listFactors))}
    select verdict.refusal, ${factorColumns()}
    from verdict left join mfa on mfa.usr_id = verdict.id and verdict.refusal is null
      and (mfa.status = 'active' or (mfa.status = 'pending' and mfa.pending_expires_at > sallyport_now()))
    order by mfa.id`;
}

/**
 * Ends a factor. A user whom it leaves without any loses the recovery codes too, which stand in for another factor.
 *
 * Its owner stays signed in here and nowhere else, and keeps the last factor where the policy requires one (S33). From an
 * administrator it is a reset: it ends sessions, tickets and tokens, and gives leave to set a factor up (S32).
 */
export function revokeFactor(act: FactorAct & { rule: AccessRule }): Statement<FactorRow> {
  /** What recovery codes stand in for. */
  const others = sql`exists (
    select from mfa other where other.usr_id = target.usr_id and other.id <> target.id and other.status = 'active'
      and other.type <> 'recovery')`;
  const wasActive = sql`(select status = 'active' from target)`;
  const byOwner = sql`(select usr_id from acting) is not distinct from changed.usr_id`;
  return guardedChange({
    ...guarded(act, "revoke", act.rule),
    refusal: sql`case
      when target.status = 'revoked' then 'conflict.already_terminal'
      when acting.usr_id = target.usr_id and target.type <> 'recovery' and ${isLastProof()}
        and ${mustKeepFactor(sql`target.usr_id`)} then 'conflict.last_factor' end`,
    set: sql`status = 'revoked', pending_expires_at = null, confirmed_at = ${confirmedAtItsEnd()}`,
    when: sql`true`,
    cascade: sql`,
      ended_recovery as (
        update mfa set status = 'revoked', confirmed_at = ${confirmedAtItsEnd()} from changed, target
        where mfa.usr_id = changed.usr_id and mfa.type = 'recovery' and mfa.status = 'active' and mfa.id <> changed.id
          and ${wasActive} and not ${others}),
      reset as (
        select changed.usr_id from changed where ${wasActive} and not ${byOwner}),
      ${clearFactorCounter(sql`reset`)},
      ended_sessions as (
        update ses set revoked_at = greatest(sallyport_now(), ses.created_at) from changed
        where ses.usr_id = changed.usr_id and ses.revoked_at is null and ${wasActive}
          and not (${byOwner} and ses.id = ${act.actor.sessionId?.slice(4) ?? null}::uuid)),
      ended_tickets as (
        delete from login_ticket using changed
        where login_ticket.usr_id = changed.usr_id and ${wasActive} and ${isCleared()}),
      ended_tokens as (
        update pat set revoked_at = greatest(sallyport_now(), pat.created_at) from changed
        where pat.usr_id = changed.usr_id and pat.revoked_at is null and ${wasActive} and not ${byOwner}),
      leave as (${grantLeave(
        sql`(select usr_id from acting)`,
        sql`(select changed.usr_id from changed, target where not ${byOwner} and ${isLastProof()}) unproved`,
      )})`,
    columns: factorColumns(),
  });
}

/** The factor as it is now, if the operation that made the event committed. */
export function recallFactor(factorId: string, auditId: string): Statement<FactorRow & { refusal: string | null }> {
  return sql`select null::text as refusal, ${factorColumns()} from mfa where mfa.id = ${factorId}::uuid and ${committed(auditId)}`;
}

/** The key of the lock for a change of one factor: its user. */
export function userOfFactor(factorId: string): Statement<{ id: string }> {
  return sql`select usr_id as id from mfa where id = ${factorId}::uuid`;
}

/** For how long leave to set a factor up stands, in seconds. */
const leaveSeconds = 7 * 86_400;

/** `insert into mfa_enrollment_grant …` for each row of `from`, which has the column `usr_id`. */
export function grantLeave(grantedBy: Statement, from: Statement): Statement {
  return sql`
        insert into mfa_enrollment_grant (usr_id, granted_by, expires_at)
        select usr_id, ${grantedBy}, sallyport_now() + make_interval(secs => ${leaveSeconds}::int) from ${from}
        on conflict (usr_id) do update set granted_by = excluded.granted_by, created_at = sallyport_now(),
          expires_at = excluded.expires_at`;
}

function guarded(act: FactorAct, verb: string, rule: AccessRule): GuardedRow {
  const { actor, auditId, factorId: id } = act;
  const action = `identity.mfa.${verb}`;
  return { actor, auditId, rule, table: sql`mfa`, id, owner: sql`target.usr_id`, action, targetKind: "mfa" };
}
