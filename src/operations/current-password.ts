import { type AccessRule, accessRules } from "../domain/access-rules.ts";
import type { Actor } from "../domain/actor.ts";
import { AuthError } from "../domain/error.ts";
import { uuidFor } from "../domain/id.ts";
import { newAuditId } from "../engine/audit-id.ts";
import type { Core } from "../engine/core.ts";
import { attemptBuckets } from "../engine/counters.ts";
import { denialOf, isDenial, recordDenial } from "../engine/denial.ts";
import { execute, type Work, work } from "../engine/execute.ts";
import { returningOnBusy, verifyPasswordHash } from "../engine/passwords.ts";
import { refuse } from "../engine/refuse.ts";
import { refundAttempt } from "../store/counters.ts";
import * as store from "../store/password-change.ts";
import type { CurrentPassword } from "../store/password-proof.ts";
import { isReplyLost } from "../store/refusals.ts";
import { sql } from "../store/sql.ts";

/** A password that the isolate has checked: what the statement that spends it must still find. */
export interface CheckedPassword extends CurrentPassword {
  readonly identifier: string;
}

/**
 * Runs what an owner may do to their account only with their current password. A right one gives its attempt back, whatever
 * comes of the rest, unless nobody knows what did: the work that `prepare` gives does so in its statement, and needs the counter's lock for it, or else
 * replaces the password and the counter with it. Throws as {@link checkCurrentPassword} does.
 */
export async function withOwnPassword<Result>(
  core: Core,
  input: { actor: Actor; currentPassword: string; credentialId?: string; action: string },
  prepare: (proof: CheckedPassword) => Work<Result> | Promise<Work<Result>>,
): Promise<Result> {
  const { currentPassword: password, ...check } = input;
  const proof = await checkCurrentPassword(core, { ...check, password, rule: accessRules.changePassword });
  let prepared: Work<Result> | undefined;
  try {
    prepared = await prepare(proof);
    return await execute(core, prepared);
  } catch (error) {
    const refusal = error instanceof AuthError ? error : undefined;
    if (prepared && (!refusal || (refusal.status >= 500 && isReplyLost(refusal.cause)))) throw error;
    // What was refused undid its own refund, and what was not sent had none. The log says that the password was right.
    const isToBeWritten = refusal && refusal.status < 500 && !(prepared?.denial && isDenial(refusal.code));
    const denial = isToBeWritten && denialOf(input.actor, input.action, "cred", proof.credentialId)?.(refusal.code);
    const refund = refundAttempt(proof.bucket, sql`true`);
    await core.database.batch(denial ? [refund, denial] : [refund]).catch(core.onError);
    throw error;
  }
}

/**
 * Whether it is the actor's password, after counting the attempt.
 *
 * @param check.credentialId The password to prove; if it is left out, the one that the session came of, or else the user's
 *   oldest.
 * @throws {AuthError} What the rule refuses with, `too_many_requests`, `unavailable.busy`, `unauthorized.invalid_credential`.
 */
export async function checkCurrentPassword(
  core: Core,
  check: { actor: Actor; password: string; credentialId?: string | undefined; rule: AccessRule; action: string },
): Promise<CheckedPassword> {
  const { actor, password, credentialId, rule, action } = check;
  const { subject, context } = actor;
  if (!("userId" in subject)) throw new TypeError("Only the user of a session has a current password.");
  const { identifier, sessionId } = subject;
  const { buckets } = await attemptBuckets(core, { identifier, address: context.address });

  const reserved = await execute(
    core,
    work({
      body: store.reserveCurrentPassword({
        actor,
        rule,
        action,
        sessionId: uuidFor("ses", sessionId),
        credentialId: credentialId === undefined ? undefined : uuidFor("cred", credentialId),
        buckets,
        auditId: newAuditId(),
      }),
      onLostReply: "refuse",
      answer: (row) => row,
    }),
  );
  try {
    refuse(reserved.refusal);
  } catch (refusal) {
    const [kind, target] = credentialId === undefined ? ["ses", sessionId] : ["cred", credentialId];
    await recordDenial(core, denialOf(actor, action, kind!, target!.slice(target!.indexOf("_") + 1)), refusal);
    throw refusal;
  }
  if (!reserved.allowed) {
    throw new AuthError("too_many_requests", { retryAfterSeconds: reserved.retryAfterSeconds ?? 1 });
  }

  const matches = await returningOnBusy(core, reserved.bucket, () =>
    verifyPasswordHash(core, reserved.passwordHash, password),
  );
  if (!matches || reserved.credentialId === null || reserved.passwordHash === null) {
    await execute(
      core,
      work({
        body: store.recordWrongPassword({ actor, action, triedId: reserved.triedId!, auditId: newAuditId() }),
        onLostReply: "repeat",
        decode: () => undefined,
      }),
    );
    throw new AuthError("unauthorized.invalid_credential");
  }
  const { passwordHash, bucket } = reserved;
  return {
    credentialId: reserved.credentialId,
    identifier: reserved.identifier ?? identifier,
    passwordHash,
    bucket,
  };
}
