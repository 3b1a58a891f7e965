import type { Audited, GuardedAct } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/credential.ts";
import { uuidFor } from "../domain/id.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { type AuditEvent, insertAuditEvent, successOf } from "./audit.ts";
import {
  type Admission,
  admissionColumns,
  type Counter,
  countAttempts,
  credentialCounter,
  isUsedUp,
} from "./counters.ts";
import { replacePassword } from "./credentials.ts";
import { handle } from "./cte.ts";
import { demandsSecondFactor, hasStrongProof } from "./held-factors.ts";
import { insertSession, type NewSession, type SessionUserRow, sessionUserColumns } from "./sessions.ts";
import { type AllOrNull, type Statement, sql } from "./sql.ts";

export type ReservedChangeRow = ReservedChange &
  AllOrNull<{ readonly credentialId: string; readonly identifier: string; readonly passwordHash: string }>;

interface ReservedChange extends Admission {
  /** Set if the actor may not make an attempt; then nothing was counted. */
  readonly refusal: string | null;
  /** The password that was tried. For a user without a password, the credential that the session was started with. */
  readonly triedId: string | null;
  readonly counter: string;
}

/**
 * Counts an attempt at the current password of a session, on the counter that sign-in uses too (R013). If that counter is used
 * up, the attempt counts for the session's family, as for a known device. So a stranger's guesses do not keep the owner from
 * changing the password (R014), and refreshing a stolen session gives no new guesses. In sessions started with other
 * credentials, attempts share one counter; otherwise each sign-in with a passkey, or with another password, would give new
 * guesses. Always one row.
 *
 * @param change.credentialId The password to prove. Default: the password that the session was started with, or else the user's
 * oldest. A user without a password has no hash, and the attempt counts for the family.
 */
export function reserveCurrentPassword(change: {
  actor: Actor;
  /** The act that the password is proved for. */
  act: Audited;
  /** The act whose guard decides how fresh the session must be. */
  guard: GuardedAct;
  sessionId: string;
  credentialId: string | undefined;
  counters: readonly Counter[];
  auditId: string;
}): Statement<ReservedChangeRow> {
  const own = credentialCounter(sql`target.id`);
  const isNamed = sql`${change.credentialId !== undefined}::boolean`;
  const ofSession = (column: Statement) => sql`(select ${column} from ses where ses.id = ${change.sessionId}::uuid)`;
  const family = ofSession(sql`'family:' || coalesce(family_id, id)::text`);
  const tried = sql`coalesce((select id from target), ${ofSession(sql`cred_id`)})`;
  const actor = acting(change.actor);
  const owner = change.credentialId === undefined ? sql`acting.usr_id` : sql`target.usr_id`;
  return sql`
    with ${actor.define},
    target as materialized (
      select * from cred
      where id = coalesce(${change.credentialId ?? null}::uuid, (
        select own.id from ses join cred own on own.usr_id = ses.usr_id and own.type = 'password'
        where ses.id = ${change.sessionId}::uuid and (own.id = ses.cred_id or own.status = 'active')
        order by own.id <> ses.cred_id, own.id limit 1))),
    verdict as materialized (
      select acting.usr_id, coalesce(
        ${refusalUnless(change.guard, actor.name, { owner })},
        case
          -- A password proves nothing for a user with a stronger proof, and the thief of an old session would use up the
          -- attempts.
          when ${hasStrongProof(sql`acting.usr_id`)} and not acting.fresh then 'unauthorized.reauthentication_required'
          when target.id is null and ${isNamed} then 'not_found'
          when target.status <> 'active' then 'conflict.credential_not_active'
          when target.type <> 'password' and ${isNamed} then 'conflict.credential_type_mismatch'
        end) as refusal
      from (select 1) one left join target on true left join acting on true),
    ${countAttempts({
      id: change.auditId,
      counters: change.counters,
      account: sql`coalesce((
        select case
          when not exists (select from attempt spent where spent.bucket = ${own} and ${isUsedUp(sql`spent`)}) then ${own}
          when target.id = ${ofSession(sql`cred_id`)} then ${family}
          else 'other-session:' || target.id::text end
        from target), ${family})`,
      condition: sql`(select refusal is null from verdict)`,
    })},
    audit as (${insertAuditEvent(
      { ...proofEvent(change, "denied", tried), metadata: sql`jsonb_build_object('reason', 'too_many_requests')` },
      sql`reserved where reserved.just_limited`,
    )})
    select verdict.refusal, ${admissionColumns()}, ${tried} as "triedId",
      target.id as "credentialId", target.identifier, target.password_hash as "passwordHash", reserved.counter
    from verdict cross join reserved left join target on reserved.allowed and verdict.refusal is null`;
}

/**
 * Replaces the password, ends every session and ticket of the user, and makes one fresh session (S47). The batch has locked the
 * user.
 */
export function spendPasswordChange(change: {
  actor: Actor;
  credentialId: string;
  newCredentialId: string;
  passwordHash: string;
  needsFactor: boolean;
  session: NewSession;
  auditId: string;
}): Statement<SessionUserRow> {
  const actor = acting(change.actor);
  const verdict = handle<"verdict">(sql`verdict`);
  const { sessionId } = change.actor;
  return sql`
    with ${actor.define},
    verdict as materialized (
      select target.id, target.usr_id, old.amr, coalesce(old.remember, true) as remember, coalesce(
        ${refusalUnless(acts.changePassword, actor.name, { owner: sql`target.usr_id` })},
        case
          when target.status <> 'active' then 'unauthorized.invalid_credential'
          when ${change.needsFactor}::boolean and not ${demandsSecondFactor(sql`target.usr_id`)}
            then 'invalid_format.password'
        end) as refusal
      from (select 1) one left join (
        select * from cred where id = ${change.credentialId}::uuid for no key update) target on true
      left join acting on true
      left join ses old on old.usr_id = target.usr_id and old.id = ${sessionId === undefined ? null : uuidFor("ses", sessionId)}::uuid),
    ${replacePassword(change, verdict)},
    login as (${insertSession(
      change.session,
      sql`(select cred.id as cred_id, cred.usr_id, verdict.amr, verdict.remember, null::timestamptz as mfa_verified_at, sallyport_now() as auth_time
        from cred cross join verdict)`,
      sql`proof.remember`,
    )}),
    audit as (${insertAuditEvent(
      { ...successOf(acts.changePassword, change, sql`${change.credentialId}::uuid`), session: sql`login.id` },
      sql`replaced cross join login`,
    )})
    select ${sessionUserColumns()}
    from verdict left join login ses on true left join usr on usr.id = ses.usr_id where ${raiseRefusal(verdict)}`;
}

/** The event of a wrong current password. */
export function recordWrongPassword(change: {
  actor: Actor;
  act: Audited;
  auditId: string;
  triedId: string;
}): Statement {
  return insertAuditEvent(proofEvent(change, "failure", sql`${change.triedId}::uuid`), sql`(select 1) one`);
}

/** The event of a current password that was refused; its target is the password. */
function proofEvent(
  change: { actor: Actor; act: Audited; auditId: string },
  outcome: "denied" | "failure",
  credentialId: Statement,
): AuditEvent {
  return { ...successOf(change.act, change, credentialId), outcome, repeatable: true, targetKind: "cred" };
}
