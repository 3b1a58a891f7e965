import type { Audited, GuardedAct } from "../domain/act.ts";
import { type SessionActor, sessionOf } from "../domain/actor.ts";
import { changePassword } from "../domain/acts/credential.ts";
import { AuthError } from "../domain/error.ts";
import { type CredentialId, newAuditId, uuidFor } from "../domain/id.ts";
import type { Core } from "../engine/core.ts";
import { attemptCounters, countedOf, requireAdmitted } from "../engine/counters.ts";
import { denialOf, isDenial, recordDenial } from "../engine/denial.ts";
import { execute, type Work } from "../engine/execute.ts";
import { requireIdle, returningOnBusy, verifyPasswordHash } from "../engine/passwords.ts";
import { TimeLeft } from "../engine/patience.ts";
import { refuse } from "../engine/refuse.ts";
import { refund } from "../store/counters.ts";
import * as store from "../store/password-change.ts";
import type { CurrentPassword } from "../store/password-proof.ts";
import { isReplyLost } from "../store/refusals.ts";
import { sql } from "../store/sql.ts";

/** A password that the isolate has checked. The statement that spends it must find it unchanged. */
export interface CheckedPassword extends CurrentPassword {
  readonly identifier: string;
  /** The time that is left to spend it. */
  readonly time: TimeLeft;
}

/**
 * Runs an act that an owner may do to their account only with their current password. A right password refunds its attempt
 * whatever the outcome, unless the outcome is unknown. On success, the work from `prepare` refunds it in its own statement, for
 * which it locks the counter; or it replaces the password, and with it the counter. Throws as {@link checkCurrentPassword}
 * does.
 */
export async function withOwnPassword<Result>(
  core: Core,
  input: { actor: SessionActor; currentPassword: string; credentialId?: CredentialId; act: Audited },
  prepare: (proof: CheckedPassword) => Work<Result> | Promise<Work<Result>>,
): Promise<Result> {
  const { currentPassword: password, ...check } = input;
  const proof = await checkCurrentPassword(core, { ...check, password, guard: changePassword });
  let prepared: Work<Result> | undefined;
  try {
    prepared = await prepare(proof);
    return await execute(core, { ...prepared, time: proof.time });
  } catch (error) {
    const refusal = error instanceof AuthError ? error : undefined;
    const isOutage = refusal?.status === 503;
    if (prepared && (!refusal || (isOutage && isReplyLost(refusal.cause)))) throw error;
    // A refused statement undid its own refund, and work that was not sent made no refund. The event shows that the password
    // was right.
    const isToBeWritten = refusal && !isOutage && !(prepared?.denial && isDenial(refusal.code));
    const denial = isToBeWritten && denialOf(input.actor, input.act, proof.credentialId, "cred")?.(refusal.code);
    const refunded = refund(proof.counter, sql`true`);
    await core.database.batch(denial ? [refunded, denial] : [refunded]).catch(core.onError);
    throw error;
  }
}

/**
 * Counts an attempt, then checks that the password is the actor's.
 *
 * @param check.credentialId The password to prove. Default: the password that the session was started with, or else the user's
 * oldest.
 * @throws {AuthError} The guard's refusals, `too_many_requests`, `unavailable.busy`, `unauthorized.invalid_credential`.
 */
export async function checkCurrentPassword(
  core: Core,
  check: {
    actor: SessionActor;
    password: string;
    credentialId?: CredentialId | undefined;
    act: Audited;
    guard: GuardedAct;
  },
): Promise<CheckedPassword> {
  requireIdle(core);
  const { actor, password, credentialId, act, guard } = check;
  const { context } = actor;
  const { identifier, sessionId } = sessionOf(actor);
  const { counters } = await attemptCounters(core, { identifier, address: context.address });

  const time = new TimeLeft(core.patience);
  const reserved = await execute(core, {
    time,
    body: store.reserveCurrentPassword({
      actor,
      act,
      guard,
      sessionId: uuidFor("ses", sessionId),
      credentialId: credentialId === undefined ? undefined : uuidFor("cred", credentialId),
      counters,
      auditId: newAuditId(),
    }),
    mustCommit: true,
    onLostReply: "repeat",
  });
  try {
    refuse(reserved.refusal);
  } catch (refusal) {
    const denial =
      credentialId === undefined
        ? denialOf(actor, act, uuidFor("ses", sessionId), "ses")
        : denialOf(actor, act, uuidFor("cred", credentialId), "cred");
    await recordDenial(core, denial, refusal);
    throw refusal;
  }
  requireAdmitted(reserved);

  const counted = countedOf(counters, reserved.counter);
  const matches = await returningOnBusy(core, counted, () => verifyPasswordHash(core, reserved.passwordHash, password));
  if (!matches || reserved.credentialId === null) {
    await execute(core, {
      time,
      body: store.recordWrongPassword({ actor, act, triedId: reserved.triedId!, auditId: newAuditId() }),
      onLostReply: "repeat",
    });
    throw new AuthError("unauthorized.invalid_credential");
  }
  const { passwordHash, counter } = reserved;
  return { credentialId: reserved.credentialId, identifier: reserved.identifier, passwordHash, counter, time };
}
