import * as acts from "../domain/acts/factor.ts";
import { anyFactor, type FactorRow, factorTypes } from "../domain/factor.ts";
import { uuidFor } from "../domain/id.ts";
import { type Asked, type AskedOfUser, committed } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { endings, loginsOf } from "./endings.ts";
import { clearFactorCounter, isCleared } from "./factor-proofs.ts";
import { bothOf, type ChangeHandles, type Guarded, guardedChange, guardedList, ofOwned, ofUser } from "./guarded.ts";
import { confirmedAtItsEnd, hasOtherFactor, isLastProof, mustKeepFactor } from "./held-factors.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * The columns of a {@link FactorRow}, read from the row called `mfa`. Before its confirmation, a security key has neither an id
 * nor a count.
 */
export const factorColumns = (): Statement => factorColumnsOf("mfa", "");

/** The same columns from a row of another name, with a prefix. */
export function factorColumnsOf(of: "mfa" | "factor", prefix: string): Statement {
  const row = of === "mfa" ? sql`mfa` : sql`factor`;
  const { webauthn, recovery } = factorTypes;
  const ofWebauthn = {
    identifier: sql`coalesce(${row}.identifier, '')`,
    rpId: sql`${row}.webauthn_rp_id`,
    signCount: sql`coalesce(${row}.webauthn_sign_count, 0)::text`,
    aaguid: sql`${row}.webauthn_aaguid::text`,
    transports: sql`${row}.webauthn_transports`,
  };
  const remaining = sql`case when ${row}.type = 'recovery'
      then (select count(*)::int from unnest(${row}.recovery_consumed) as used where not used) end`;
  return sql`${columnsOf(of, anyFactor, {}, prefix)}, ${columnsOf(of, webauthn, ofWebauthn, prefix)},
    ${columnsOf(of, { remaining: recovery.remaining }, { remaining }, prefix)}`;
}

/**
 * SQL for the table of security keys that await their registration. It has the columns of `mfa`, in which the reference schema
 * allows no key without its public key (S66).
 */
export const registrations = (): Statement => sql`mfa_registration`;

/** SQL for all factors and registrations, as rows called `mfa`. */
const everyFactor = (): Statement => bothOf(sql`mfa`, registrations());

interface OfFactor extends Asked {
  readonly factorId: string;
}

/** A user's factors that are active or await confirmation. If there are none, one row holds the refusal. */
export function selectFactorsOfUser(asked: AskedOfUser): Statement<Guarded<FactorRow>> {
  return guardedList({
    ...ofUser(acts.listFactors, asked),
    of: sql`mfa`,
    twin: registrations(),
    where: sql`(mfa.status = 'active' or (mfa.status = 'pending' and mfa.pending_expires_at > sallyport_now()))`,
    columns: factorColumns(),
  });
}

/**
 * Ends a factor. If the user then has no other factor, the recovery codes end too, because they only stand in for one.
 *
 * The owner stays signed in with this session only, and must keep the last factor if the policy requires one (S33). If an
 * administrator ends the factor, it is a reset: it also ends tickets and tokens, and lets the user enroll a factor (S32).
 */
export function revokeFactor(asked: OfFactor): Statement<FactorRow> {
  return guardedChange({
    ...ofOwned(acts.revokeFactor, asked, sql`mfa`, asked.factorId),
    twin: registrations(),
    refusal: ({ acting, target }) => sql`case
      when ${target}.status = 'revoked' then 'conflict.already_terminal'
      when ${acting}.usr_id = ${target}.usr_id and ${target}.type <> 'recovery' and ${isLastProof(target)}
        and ${mustKeepFactor(sql`${target}.usr_id`)} then 'conflict.last_factor' end`,
    set: sql`status = 'revoked', pending_expires_at = null, confirmed_at = ${confirmedAtItsEnd()}`,
    also: (handles) => endWithFactor(handles, asked),
    columns: factorColumns(),
  });
}

/** The CTEs that end everything that depends on an active factor, and give the permission to enroll after a reset. */
function endWithFactor({ acting, target, changed }: ChangeHandles, { actor, auditId }: Asked): Statement {
  const wasActive = sql`(select status = 'active' from ${target})`;
  const byOwner = sql`(select usr_id from ${acting}) is not distinct from ${changed}.usr_id`;
  const kept = sql`${actor.sessionId === undefined ? null : uuidFor("ses", actor.sessionId)}::uuid`;
  const cleared = clearFactorCounter(sql`reset`);
  const logins = loginsOf(sql`${changed}.usr_id`);
  return sql`,
      ended_recovery as (
        update mfa set status = 'revoked', confirmed_at = ${confirmedAtItsEnd()} from ${changed}, ${target}
        where mfa.usr_id = ${changed}.usr_id and mfa.type = 'recovery' and mfa.status = 'active' and mfa.id <> ${changed}.id
          and ${wasActive} and not ${hasOtherFactor(target)}),
      reset as (
        select ${changed}.usr_id from ${changed} where ${wasActive} and not ${byOwner}),
      ${cleared.define}${endings(changed, auditId, {
        sessions: sql`${logins.sessions} and ${wasActive} and not (${byOwner} and ses.id = ${kept})`,
        tickets: sql`${logins.tickets} and ${wasActive} and ${isCleared(cleared.name)}`,
        tokens: sql`pat.usr_id = ${changed}.usr_id and ${wasActive} and not ${byOwner}`,
      })},
      leave as (${grantLeave(
        sql`(select usr_id from ${acting})`,
        sql`(select ${changed}.usr_id from ${changed}, ${target} where not ${byOwner} and ${isLastProof(target)}) unproved`,
      )})`;
}

/** The factor as it is now, if the operation that made the event committed. */
export function recallFactor(factorId: string, auditId: string): Statement<Guarded<FactorRow>> {
  return sql`select null::text as refusal, ${factorColumns()} from ${everyFactor()} where mfa.id = ${factorId}::uuid and ${committed(auditId)}`;
}

/** The lock for a change of one factor: its user. */
export function userOfFactor(factorId: string): Statement<{ id: string }> {
  return sql`select usr_id as id from ${everyFactor()} where id = ${factorId}::uuid`;
}

/** How long the permission to enroll a factor lasts, in seconds. */
const leaveSeconds = 7 * 86_400;

/** `insert into mfa_enrollment_grant …` for each row of `from`, which has the column `usr_id`. */
export function grantLeave(grantedBy: Statement, from: Statement): Statement {
  return sql`
        insert into mfa_enrollment_grant (usr_id, granted_by, expires_at)
        select usr_id, ${grantedBy}, sallyport_now() + make_interval(secs => ${leaveSeconds}::int) from ${from}
        on conflict (usr_id) do update set granted_by = excluded.granted_by, created_at = sallyport_now(),
          expires_at = excluded.expires_at`;
}
