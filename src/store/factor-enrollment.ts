/**
 * Enrolling factors: the pending factor, and its confirmation.
 *
 * The right comes from a fresh session or from a ticket that serves only to enroll (S28, S32), and every statement checks it.
 *
 * @module
 */
import { enrollmentSeconds, type FactorRow, type FactorType, ticketAttempts } from "../domain/factor.ts";
import type { Prefixed } from "../domain/record.ts";
import { type AuditEvent, insertAuditEvent } from "./audit.ts";
import { type Admission, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { type Cte, type Handle, handle, materialized } from "./cte.ts";
import { endings, loginsOf } from "./endings.ts";
import { type FactorAttempt, type FactorHolder, factorEvent, holderOf } from "./factor-holder.ts";
import { clearFactorCounter, isCleared } from "./factor-proofs.ts";
import { refundFactor, withMethods } from "./factor-spending.ts";
import { factorColumns, factorColumnsOf, registrations } from "./factors.ts";
import { confirmedAtItsEnd, requireActiveFactor } from "./held-factors.ts";
import { type IdempotencyClaim, isUsed, onlyOnce } from "./idempotency.ts";
import {
  endPresentedFamily,
  insertSession,
  type NewSession,
  recalled,
  type SessionUserRow,
  sessionUserColumns,
} from "./sessions.ts";
import { type Statement, sql } from "./sql.ts";
import {
  claimCredentialId,
  ensureHandle,
  type RegisteredKey,
  type RegistrationOptionsRow,
  registrationOptions,
} from "./webauthn.ts";

/** The user of a ticket: sealing a secret needs the user's id, which the holder of a ticket does not know. */
export function selectTicketUser(holder: FactorHolder & { ticketHash: string }): Statement<{ userId: string | null }> {
  return sql`with ${holderOf({ holder }).define} select usr_id as "userId" from holder`;
}

interface Enrollment extends FactorAttempt {
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

/** The fresh session after a confirmation, and the confirmed factor. */
export type ConfirmedRow = SessionUserRow & Prefixed<FactorRow, "factor"> & { readonly refusal: string | null };

const confirmedColumns = () => factorColumnsOf("factor", "factor.");

/**
 * Makes a pending factor active. Ends every session and ticket of the user and returns one fresh session that includes the
 * factor (S14, S32). The batch has locked the user.
 */
export function confirmFactor(
  confirmation: Enrollment & {
    activation: Activation;
    refund: string;
    session: NewSession;
    presentedTokenHash: string | undefined;
  },
): Statement<ConfirmedRow> {
  const { session, activation, factorId } = confirmation;
  const { type } = activation;
  const holder = holderOf(confirmation, { attempts: type === "totp" ? ticketAttempts : undefined });
  const factor = activate(activation, holder.name, handle(sql`target`));
  const cleared = clearFactorCounter(factor.name);
  // A code is already counted as an attempt.
  const refusal = sql`coalesce(holder.refusal, case
        when not exists (select from target) then 'precondition.factor_not_pending'
        when factor.id is null then ${type === "webauthn" ? "conflict.duplicate_credential" : "precondition.factor_not_pending"}
      end)`;
  return sql`
    with ${holder.define},
    target as materialized (
      select mfa.id, mfa.usr_id from ${type === "webauthn" ? registrations() : sql`mfa`} mfa join holder on holder.usr_id = mfa.usr_id and holder.refusal is null
      where mfa.id = ${factorId}::uuid and mfa.type = ${type} and mfa.status = 'pending'
        and mfa.pending_expires_at > sallyport_now()),
    ${factor.define},
    ${cleared.define}${endOtherLogins(factor.name, confirmation.auditId, sql`null::uuid`, isCleared(cleared.name))}${endings(
      factor.name,
      confirmation.auditId,
      {
        grants: sql`mfa_enrollment_grant.usr_id = factor.usr_id`,
      },
    )},
    opened as (${insertSession(
      session,
      sql`(select holder.usr_id, holder.cred_id, holder.remember, holder.family_id, holder.family_expires_at,
          ${withMethods(sql`holder.amr`, { type })} as amr, sallyport_now() as auth_time, sallyport_now() as mfa_verified_at
        from holder cross join factor)`,
      sql`proof.remember`,
      { id: sql`proof.family_id`, endsAt: sql`proof.family_expires_at` },
    )}),
    replaced as (${endPresentedFamily(
      { tokenHash: confirmation.presentedTokenHash, transport: session.transport, auditId: confirmation.auditId },
      sql`exists (select from factor)`,
    )}),
    ${requireActiveFactor(factor.name)},
    ${refundFactor(factor.name, confirmation.refund)},
    audit as (${insertAuditEvent(
      {
        ...factorEvent(confirmation, holder.name),
        outcome: sql`case when factor.id is null then 'failure' else 'success' end`,
        targetKind: "mfa",
        targetId: sql`${factorId}::uuid`,
        actingUser: sql`case when factor.id is not null then holder.usr_id end`,
        session: sql`ses.id`,
        metadata: sql`jsonb_strip_nulls(jsonb_build_object('type', ${type}::text, 'reason', ${refusal}))`,
      },
      sql`holder left join factor on true left join opened ses on true where holder.usr_id is not null`,
    )})
    select ${refusal} as refusal, ${confirmedColumns()}, ${sessionUserColumns()}
    from holder left join factor on true left join opened ses on true left join usr on usr.id = ses.usr_id`;
}

/** The proof that makes a pending factor active: the step of its first code, or the key that an authenticator created. */
export type Activation =
  | { readonly type: "totp"; readonly step: number }
  | { readonly type: "webauthn"; readonly key: RegisteredKey; readonly name: string | null };

/** The CTE `factor`: the `target`, active. An authenticator app replaces the earlier one. */
function activate(activation: Activation, holder: Handle<"holder">, target: Handle<"target">): Cte<"factor"> {
  const name = handle<"factor">(sql`factor`);
  if (activation.type === "totp") {
    const define = sql`old as (
      update mfa set status = 'revoked', confirmed_at = ${confirmedAtItsEnd()} from ${target}
      where mfa.usr_id = ${target}.usr_id and mfa.type = 'totp' and mfa.status = 'active'
      returning mfa.id),
    factor as (
      update mfa set status = 'active', pending_expires_at = null, confirmed_at = sallyport_now(),
        totp_last_step = ${String(activation.step)}::bigint, replaces = (select id from old)
      from ${target} where mfa.id = ${target}.id
      returning mfa.*)`;
    return { define, name };
  }
  const { key } = activation;
  const { define: claim, claimed } = claimCredentialId(holder, key, activation.name);
  const define = sql`${claim},
    registered as (
      delete from ${registrations()} waiting using ${target}, ${claimed} where waiting.id = ${target}.id
      returning waiting.*),
    factor as (
      insert into mfa (id, usr_id, type, status, confirmed_at, identifier, webauthn_public_key, webauthn_sign_count,
        webauthn_rp_id, webauthn_aaguid, webauthn_transports, created_at)
      select registered.id, registered.usr_id, 'webauthn', 'active', sallyport_now(), ${claimed}.credential_id,
        decode(${key.publicKey}, 'hex'), ${String(key.signCount)}::bigint, ${key.rpId}, ${key.aaguid}::uuid,
        ${key.transports}::text[], registered.created_at
      from registered cross join ${claimed}
      returning mfa.*)`;
  return { define, name };
}

/** Finds the outcome of a confirmation whose reply was lost. */
export function recallConfirmation({ factorId, auditId }: Enrollment, sessionId: string): Statement<ConfirmedRow> {
  return sql`
    select aud.metadata ->> 'reason' as refusal, ${confirmedColumns()},
      ${sessionUserColumns()}
    ${recalled({ auditId, sessionId }, sql`left join mfa factor on factor.id = ${factorId}::uuid`)}`;
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
function endOtherLogins(changed: Statement, by: string, kept: Statement, condition: Statement = sql`true`): Statement {
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
