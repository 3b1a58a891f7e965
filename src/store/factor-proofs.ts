/**
 * Second factors are proved in two statements (S02, S21). The first, in this file, counts the attempt and returns the material.
 * The second spends the proof and acts on it (`factor-spending.ts`, `factor-sign-in.ts`).
 *
 * @module
 */
import { type FactorType, ticketAttempts } from "../domain/factor.ts";
import type { TotpAlgorithm } from "../domain/totp.ts";
import { insertAuditEvent } from "./audit.ts";
import { type Admission, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { type Cte, cte, type Handle } from "./cte.ts";
import {
  type FactorAttempt,
  type FactorHolder,
  factorEvent,
  holderOf,
  type LinkHolder,
  type TicketHolder,
} from "./factor-holder.ts";
import { type AllOrNull, type Statement, sql } from "./sql.ts";

/** The data with which the isolate checks a factor. The columns of other types are null. */
export type FactorMaterial = AllOrNull<{
  /** Hex, sealed or plain. */
  readonly totpSecret: string;
  readonly totpAlgorithm: TotpAlgorithm;
  readonly totpDigits: number;
  readonly totpPeriod: number;
}> & {
  readonly factorId: string | null;
  /** A number as text, because it may exceed 32 bits. */
  readonly totpLastStep: string | null;
  readonly recoveryHashes: readonly string[] | null;
  /** `true` or `false` for each hash. */
  readonly recoveryConsumed: readonly string[] | null;
};

/** The columns that reserving an attempt returns in addition to the material. */
export interface Reserved extends Admission {
  readonly refusal: string | null;
  /** The counter that was counted in addition to the addresses' counters. Null for a proof that cannot be guessed. */
  readonly counter: string | null;
  readonly userId: string;
  /** Seconds since 1970 by the database's clock, in text. */
  readonly now: string;
}

/** The data to check a proof: the columns of the answer, and the join that reads them for a holder. */
export interface Material {
  readonly columns: Statement;
  readonly join: (holder: Handle<"holder">) => Statement;
}

export type ReservedFactorRow = Reserved & FactorMaterial;

/** The columns of {@link FactorMaterial}, read from the row called `mfa`. */
export const factorColumns = (): Statement => sql`mfa.id as "factorId", encode(mfa.totp_secret, 'hex') as "totpSecret",
    mfa.totp_algorithm as "totpAlgorithm", mfa.totp_digits as "totpDigits", mfa.totp_period as "totpPeriod",
    mfa.totp_last_step::text as "totpLastStep", mfa.recovery_hashes as "recoveryHashes",
    mfa.recovery_consumed::text[] as "recoveryConsumed"`;

/**
 * Counts an attempt at a factor and returns its material. Always one row. A ticket allows five attempts. A user has as many as
 * the account's limit, in a counter for factors only, because a proved password resets the password's counter. A session's
 * attempts count for its family, so that neither counter locks out the other (R014). Attempts at a pending factor count for
 * that factor. A device on which the user proved a factor before counts for itself, so that a stranger with the password
 * cannot close the owner's second factor (S22).
 *
 * @param attempt.isStepUp True if a live session suffices. To change factors, the session must be fresh.
 */
export function reserveFactor<Found>(
  attempt: FactorAttempt<FactorHolder | LinkHolder> & {
    material: Material;
    isStepUp: boolean;
    counters: readonly Counter[];
    /** The credential of the known device, if there is a counter for the device. */
    deviceCredentialId: string | undefined;
    /** A pending factor. */
    pendingId?: string | undefined;
  },
): Statement<Reserved & Found> {
  const { holder, material } = attempt;
  const whose = holderOf(attempt, { isStepUp: attempt.isStepUp });
  return sql`
    with ${whose.define},
    ${countAttempts({
      id: attempt.auditId,
      counters: attempt.counters,
      account: counterOf(attempt, whose.name),
      knownDevice: knowsDevice(attempt, whose.name),
      condition: sql`(select refusal is null from holder)`,
    })},
    admitted_try as (${
      "ticketHash" in holder
        ? sql`update login_ticket t set last_attempt = ${attempt.auditId}::uuid,
              attempts = t.attempts + case when t.last_attempt = ${attempt.auditId}::uuid then 0 else 1 end
            from reserved
            where t.token_hash = decode(${holder.ticketHash}, 'hex') and reserved.allowed
              and (t.attempts < ${ticketAttempts}::int or t.last_attempt = ${attempt.auditId}::uuid) returning 1 as one`
        : sql`select 1 as one from reserved where reserved.allowed`
    }),
    audit as (${insertAuditEvent(
      {
        ...factorEvent(attempt, whose.name),
        outcome: "denied",
        repeatable: true,
        metadata: sql`'{"reason": "too_many_requests"}'::jsonb`,
      },
      sql`holder cross join reserved where reserved.just_limited`,
    )})
    select coalesce(who.refusal, case when reserved.allowed and admitted_try.one is null
        then 'unauthorized.invalid_ticket' end) as refusal,
      ${admissionColumns()}, reserved.counter, who.usr_id as "userId", ${material.columns},
      floor(extract(epoch from sallyport_now()))::bigint::text as now
    from holder who cross join reserved left join admitted_try on true
    left join holder on admitted_try.one is not null ${material.join(whose.name)}`;
}

/** Gives a ticket the attempt back that the server could not check (S82). */
export function returnTicketAttempt({ ticketHash }: TicketHolder): Statement {
  return sql`
    update login_ticket set attempts = greatest(attempts - 1, 0) where token_hash = decode(${ticketHash}, 'hex')`;
}

/** SQL for whether an attempt comes from a device of the holder, which has a counter. */
function knowsDevice(
  { counters, deviceCredentialId }: { counters: readonly Counter[]; deviceCredentialId: string | undefined },
  whose: Handle<"holder">,
): Statement {
  if (!counters.some(({ kind }) => kind === "device")) return sql`false`;
  return sql`exists (select from cred join ${whose} on ${whose}.usr_id = cred.usr_id
        where cred.id = ${deviceCredentialId ?? null}::uuid and cred.status = 'active')`;
}

/** SQL for the name of the counter of an attempt. */
function counterOf(
  { holder, pendingId }: { holder: FactorHolder | LinkHolder; pendingId?: string | undefined },
  whose: Handle<"holder">,
): Statement {
  if (pendingId !== undefined) return sql`${`pending-factor:${pendingId}`}::text`;
  return "actor" in holder
    ? sql`(select 'family-factor:' || family_id::text from ${whose} where refusal is null)`
    : sql`(select 'factor:' || usr_id::text from ${whose} where refusal is null)`;
}

/** The CTE `cleared`: a user with new factors or a new password begins with a fresh counter. */
export function clearFactorCounter(users: Statement): Cte<"cleared"> {
  const body = sql`
      delete from attempt using ${users} where attempt.bucket = 'factor:' || ${users}.usr_id::text
      returning attempt.bucket`;
  return cte(sql`cleared`, body);
}

/**
 * A condition, always true, for a CTE that must run after `cleared`. Counters are locked before tickets, as in the statement
 * that reserves an attempt; otherwise the two statements could deadlock. Postgres runs a CTE that nothing reads at the end.
 */
export function isCleared(cleared: Handle<"cleared">): Statement {
  return sql`(select count(*) from ${cleared}) >= 0`;
}

/** Reads the user's active factor of a type, or the pending authenticator app. */
export function factorMaterial(factor: { readonly type: FactorType } | { readonly pendingId: string }): Material {
  return {
    columns: factorColumns(),
    join: (holder) =>
      "type" in factor
        ? sql`left join mfa on mfa.usr_id = ${holder}.usr_id and mfa.type = ${factor.type} and mfa.status = 'active'`
        : sql`left join mfa on mfa.usr_id = ${holder}.usr_id and mfa.id = ${factor.pendingId}::uuid and mfa.type = 'totp'
      and mfa.status = 'pending' and mfa.pending_expires_at > sallyport_now()`,
  };
}

/** The event of a wrong factor. The attempt is already counted. */
export function recordFailedFactor(
  attempt: FactorAttempt<FactorHolder | LinkHolder> & { type: FactorType; reason: string },
): Statement {
  const whose = holderOf(attempt, { attempts: ticketAttempts });
  return sql`
    with ${whose.define}
    ${insertAuditEvent(
      {
        ...factorEvent(attempt, whose.name),
        outcome: "failure",
        repeatable: true,
        metadata: sql`jsonb_build_object('type', ${attempt.type}::text, 'reason', ${attempt.reason}::text)`,
      },
      sql`holder where holder.usr_id is not null`,
    )}`;
}
