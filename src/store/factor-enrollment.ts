/**
 * Enrolling factors: the pending factor, and recovery codes.
 *
 * The right comes from a fresh session or from a ticket that serves only to enroll (S28, S32), and every statement checks it.
 *
 * @module
 */
import { enrollmentSeconds, type FactorRow, type FactorType } from "../domain/factor.ts";
import { type AuditEvent, insertAuditEvent } from "./audit.ts";
import { type Admission, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { type Handle, handle, materialized } from "./cte.ts";
import { endings, loginsOf } from "./endings.ts";
import { type FactorAttempt, type FactorHolder, factorEvent, holderOf } from "./factor-holder.ts";
import { factorColumns, registrations } from "./factors.ts";
import { confirmedAtItsEnd, requireActiveFactor } from "./held-factors.ts";
import { type IdempotencyClaim, isUsed, onlyOnce } from "./idempotency.ts";
import { type Statement, sql } from "./sql.ts";
import { ensureHandle, type RegistrationOptionsRow, registrationOptions } from "./webauthn.ts";

/** The user of a ticket: sealing a secret needs the user's id, which the holder of a ticket does not know. */
export function selectTicketUser(holder: FactorHolder & { ticketHash: string }): Statement<{ userId: string | null }> {
  return sql`with ${holderOf({ holder }).define} select usr_id as "userId" from holder`;
}

/** A factor that is enrolled. */
export interface Enrollment extends FactorAttempt {
  readonly factorId: string;
}

type EnrolledRow = FactorRow & { refusal: string | null };

/** An authenticator app that awaits its first code. It replaces an earlier pending one, so that they do not pile up. */
export function insertPendingTotp(
  enrollment: Enrollment & {
    label: string;
    /** Hex. */
    secret: string;
    parameters: { algorithm: string; digits: number; periodSeconds: number };
    claim: IdempotencyClaim | undefined;
  },
): Statement<EnrolledRow> {
  const { algorithm, digits, periodSeconds } = enrollment.parameters;
  const holder = holderOf(enrollment);
  const once = onlyOnce(enrollment.claim, holder.name);
  return sql`
    with ${holder.define},${once.define}
    ${dropPending(holder.name, sql`mfa`, "totp")},
    mfa as (
      insert into mfa (id, usr_id, type, status, identifier, totp_secret, totp_algorithm, totp_digits, totp_period,
        pending_expires_at)
      select ${enrollment.factorId}::uuid, usr_id, 'totp', 'pending', ${enrollment.label}, decode(${enrollment.secret}, 'hex'),
        ${algorithm}, ${digits}::int, ${periodSeconds}::int,
        sallyport_now() + make_interval(secs => ${enrollmentSeconds}::int)
      from holder where refusal is null
      returning *),
    audit as (${insertAuditEvent(enrollmentEvent(enrollment, holder.name), sql`mfa`)})
    select holder.refusal, ${factorColumns()} from holder left join mfa on true where ${once.isFirst}`;
}

/** A pending security key. It replaces an earlier pending one. */
export function insertPendingWebauthn(
  enrollment: Enrollment & { rpId: string; newHandle: string },
): Statement<EnrolledRow & RegistrationOptionsRow> {
  const holder = holderOf(enrollment);
  const webauthn = ensureHandle(holder.name, enrollment.newHandle);
  const { columns, join } = registrationOptions(holder.name, webauthn.name);
  return sql`
    with ${holder.define},
    ${webauthn.define},
    ${dropPending(holder.name, registrations(), "webauthn")},
    -- Not called mfa, which would hide the table from the columns below.
    made as (
      insert into ${registrations()} (id, usr_id, type, status, webauthn_rp_id, pending_expires_at)
      select ${enrollment.factorId}::uuid, usr_id, 'webauthn', 'pending', ${enrollment.rpId},
        sallyport_now() + make_interval(secs => ${enrollmentSeconds}::int)
      from holder where refusal is null
      returning *),
    audit as (${insertAuditEvent(enrollmentEvent(enrollment, holder.name), sql`made mfa`)})
    select holder.refusal, ${factorColumns()}, ${columns} from holder left join made mfa on true ${join}`;
}

/** The pending security key of an enrollment whose reply was lost. */
export function recallPendingWebauthn(enrollment: Enrollment): Statement<EnrolledRow & RegistrationOptionsRow> {
  const holder = holderOf(enrollment);
  const webauthn = materialized<"handle">(
    sql`handle`,
    sql`select w.handle from webauthn_user w join ${holder.name} on ${holder.name}.usr_id = w.usr_id`,
  );
  const { columns, join } = registrationOptions(holder.name, webauthn.name);
  return sql`
    with ${holder.define},
    ${webauthn.define}
    select holder.refusal, ${factorColumns()}, ${columns}
    from holder join ${registrations()} mfa on mfa.id = ${enrollment.factorId}::uuid and mfa.usr_id = holder.usr_id ${join}`;
}

/** The CTE that drops a pending factor of a type, from the table in which it waits. */
function dropPending(holder: Handle<"holder">, table: Statement, type: FactorType): Statement {
  return sql`dropped as (
      delete from ${table} mfa using ${holder}
      where mfa.usr_id = ${holder}.usr_id and ${holder}.refusal is null and mfa.type = ${type} and mfa.status = 'pending')`;
}

/**
 * Checks, before ten hashes are made, that the user has the right to recovery codes and does not request them too often. Always
 * one row. If refused, nothing is counted.
 */
export function reserveRecoveryCodes(
  enrollment: FactorAttempt & { counters: readonly Counter[]; claim: IdempotencyClaim | undefined },
): Statement<Admission & { refusal: string | null }> {
  const holder = holderOf(enrollment);
  return sql`
    with ${holder.define},
    verdict as materialized (
      select holder.usr_id, coalesce(${recoveryRefusal(holder.name)},
        case when ${isUsed(enrollment.claim)} then 'conflict.idempotency_key_used' end) as refusal
      from holder),
    ${countAttempts({
      id: enrollment.auditId,
      counters: enrollment.counters,
      condition: sql`(select refusal is null from verdict)`,
    })}
    select verdict.refusal, ${admissionColumns()} from verdict cross join reserved`;
}

/** SQL for why `holder` may have no recovery codes: they stand in for another factor, so there must be one. */
const recoveryRefusal = (holder: Handle<"holder">) => sql`coalesce(${holder}.refusal, case when not exists (
        select from mfa other where other.usr_id = ${holder}.usr_id and other.status = 'active' and other.type <> 'recovery')
        then 'precondition.factor_needed_first' end)`;

/** Replaces the set of recovery codes. They stand in for another factor, so there must be one. */
export function replaceRecoveryCodes(
  enrollment: Enrollment & { hashes: readonly string[]; claim: IdempotencyClaim | undefined },
): Statement<EnrolledRow> {
  const holder = holderOf(enrollment);
  const once = onlyOnce(enrollment.claim, handle(sql`verdict`));
  return sql`
    with ${holder.define},
    verdict as materialized (
      select holder.usr_id, holder.session_id, ${recoveryRefusal(holder.name)} as refusal from holder),${once.define}
    old as (
      update mfa set status = 'revoked', confirmed_at = ${confirmedAtItsEnd()} from verdict
      where mfa.usr_id = verdict.usr_id and verdict.refusal is null and mfa.type = 'recovery' and mfa.status = 'active'
      returning mfa.id, mfa.created_at),
    mfa as (
      insert into mfa (id, usr_id, type, status, recovery_hashes, recovery_consumed, replaces, confirmed_at, created_at)
      select ${enrollment.factorId}::uuid, usr_id, 'recovery', 'active', ${enrollment.hashes}::text[],
        array_fill(false, array[${enrollment.hashes.length}::int]), old.id, sallyport_now(),
        greatest(sallyport_now(), old.created_at + interval '1 microsecond')
      from verdict left join old on true where refusal is null
      returning *)${endOtherLogins(sql`mfa`, enrollment.auditId, sql`(select session_id from verdict)`)},
    ${requireActiveFactor(sql`mfa`)},
    audit as (${insertAuditEvent(enrollmentEvent(enrollment, holder.name), sql`mfa`)})
    select verdict.refusal, ${factorColumns()} from verdict left join mfa on true where ${once.isFirst}`;
}

/**
 * The CTEs that end the logins from before the change (R047): every session except the given one, and every ticket. A comma
 * precedes each CTE.
 *
 * @param changed The name of a CTE whose rows have the column `usr_id`; without a row nothing ends.
 * @param by The id of the event that ends them.
 * @param kept SQL for the session that stays, or null.
 * @param condition Additional condition for the end of a ticket. Default true.
 */
export function endOtherLogins(
  changed: Statement,
  by: string,
  kept: Statement,
  condition: Statement = sql`true`,
): Statement {
  const { sessions, tickets } = loginsOf(sql`${changed}.usr_id`);
  return endings(changed, by, {
    sessions: sql`${sessions} and ses.id is distinct from ${kept}`,
    tickets: sql`${tickets} and ${condition}`,
  });
}

function enrollmentEvent(enrollment: Enrollment, holder: Handle<"holder">): AuditEvent {
  return {
    ...factorEvent(enrollment, holder),
    outcome: "success",
    targetKind: "mfa",
    targetId: sql`mfa.id`,
    actingUser: sql`mfa.usr_id`,
    metadata: sql`jsonb_build_object('type', mfa.type)`,
  };
}
