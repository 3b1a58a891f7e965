/**
 * Confirming a pending factor: it counts from then on, and the session that confirmed it is fresh.
 *
 * @module
 */
import { type FactorRow, ticketAttempts } from "../domain/factor.ts";
import type { Prefixed } from "../domain/record.ts";
import { insertAuditEvent } from "./audit.ts";
import { type Cte, type Handle, handle } from "./cte.ts";
import { endings } from "./endings.ts";
import { type Enrollment, endOtherLogins } from "./factor-enrollment.ts";
import { factorEvent, holderOf } from "./factor-holder.ts";
import { clearFactorCounter, isCleared } from "./factor-proofs.ts";
import { refundFactor, withMethods } from "./factor-spending.ts";
import { factorColumnsOf, registrations } from "./factors.ts";
import { confirmedAtItsEnd, requireActiveFactor } from "./held-factors.ts";
import {
  endPresentedFamily,
  insertSession,
  type NewSession,
  recalled,
  type SessionUserRow,
  sessionUserColumns,
} from "./sessions.ts";
import { type Statement, sql } from "./sql.ts";
import { claimCredentialId, type RegisteredKey } from "./webauthn.ts";

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
  const holder = holderOf(confirmation, {
    attempts: type === "totp" ? ticketAttempts : undefined,
    makesSession: true,
  });
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
