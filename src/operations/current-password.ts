import type { Actor } from "../domain/actor.ts";
import { AuthError } from "../domain/error.ts";
import { uuidFor } from "../domain/id.ts";
import * as store from "../store/password-change.ts";
import { attemptBuckets } from "./buckets.ts";
import type { Core } from "./core.ts";
import { denialOf, recordDenial } from "./denial.ts";
import { execute } from "./execute.ts";
import { acceptPassword, returningOnBusy, verifyPasswordHash } from "./passwords.ts";
import { refuse } from "./refuse.ts";
import { newAuditId } from "./user-values.ts";

/** A current password that was proved just now, and whether the new one may stand without a second factor. */
export interface ProvedPassword {
  readonly credentialId: string;
  readonly needsFactor: boolean;
}

/**
 * Holds a change of password to both of its conditions: a session of the last ten minutes and the current password (R008).
 *
 * @param change.credentialId The password to change; the one that the session came of if it is left out.
 */
export async function proveCurrentPassword(
  core: Core,
  change: { actor: Actor; currentPassword: string; newPassword: string; credentialId?: string },
): Promise<ProvedPassword> {
  const { actor, currentPassword, newPassword, credentialId } = change;
  const { subject, context } = actor;
  if (!("userId" in subject)) throw new TypeError("Only the user of a session changes their own password.");
  const { identifier, sessionId } = subject;
  const { buckets, identifierDigest } = await attemptBuckets(core, { identifier, address: context.address });
  await acceptPassword(core, newPassword, identifier);

  const reserved = await execute(core, {
    body: store.reservePasswordChange({
      actor,
      sessionId: uuidFor("ses", sessionId),
      credentialId: credentialId === undefined ? undefined : uuidFor("cred", credentialId),
      buckets,
      auditId: newAuditId(),
      identifierDigest,
    }),
    onLostReply: "refuse",
    decode: ([row]) => row as store.ReservedChangeRow,
  });
  try {
    refuse(reserved.refusal);
  } catch (refusal) {
    const [kind, target] = credentialId === undefined ? ["ses", sessionId] : ["cred", credentialId];
    await recordDenial(
      core,
      denialOf(actor, "identity.password.change", kind!, target!.slice(target!.indexOf("_") + 1)),
      refusal,
    );
    throw refusal;
  }
  if (!reserved.allowed || reserved.credentialId === null) {
    throw new AuthError("too_many_requests", { retryAfterSeconds: reserved.retryAfterSeconds ?? 1 });
  }

  const matches = await returningOnBusy(core, reserved.bucket, () =>
    verifyPasswordHash(core, reserved.passwordHash, currentPassword),
  );
  if (!matches) {
    await execute(core, {
      body: store.recordFailedPasswordChange({ actor, identifierDigest, auditId: newAuditId() }),
      onLostReply: "repeat",
      decode: () => undefined,
    });
    throw new AuthError("unauthorized.invalid_credential");
  }
  const { needsFactor } = await acceptPassword(core, newPassword, reserved.identifier ?? identifier);
  return { credentialId: reserved.credentialId, needsFactor };
}
