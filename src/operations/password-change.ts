import type { SessionActor } from "../domain/actor.ts";
import { changePassword } from "../domain/acts/credential.ts";
import { newAuditId, newUuid } from "../domain/id.ts";
import type { Transport } from "../domain/session.ts";
import type { Core } from "../engine/core.ts";
import { work } from "../engine/execute.ts";
import { issueKnownDevice } from "../engine/known-device.ts";
import { locksOf, lockUsersOf } from "../engine/locks.ts";
import { acceptPassword, hashNewPassword } from "../engine/passwords.ts";
import type { Operation } from "../engine/plan.ts";
import { type IssuedSession, issued, newSession } from "../engine/sessions.ts";
import { userOfCredential } from "../store/credentials.ts";
import * as store from "../store/password-change.ts";
import { recallSession } from "../store/sessions.ts";
import { withOwnPassword } from "./current-password.ts";

/**
 * Replaces the caller's own password. Every session and ticket of the user ends, including the acting session, and the result
 * is a fresh session. It requires the current password and a proof from the last ten minutes.
 *
 * @throws {AuthError} `unauthorized.invalid_credential`, `invalid_format.password`, `too_many_requests`, `unavailable.busy`.
 */
export type ChangePassword = Operation<
  { actor: SessionActor; currentPassword: string; newPassword: string; transport: Transport },
  IssuedSession & { knownDevice: string }
>;

/**
 * Replaces the actor's own password, which requires the current password and a proof from the last ten minutes (R008).
 *
 * Ends every session and ticket of the user, including the acting session, and returns a fresh session (S47).
 */
export function changePasswordOperation(core: Core): ChangePassword {
  return async ({ actor, currentPassword, newPassword, transport }) => {
    // Checked here before an attempt is counted, and again below, because the password to change may have another identifier.
    acceptPassword(core, newPassword, actor.subject);
    const made = await newSession(core, { transport, context: actor.context });
    const check = { actor, currentPassword, act: changePassword };
    const row = await withOwnPassword(core, check, async ({ credentialId, identifier }) => {
      const { needsFactor } = acceptPassword(core, newPassword, identifier);
      await core.acceptance.history?.(core, newPassword, actor.userId);
      const passwordHash = await hashNewPassword(core, newPassword);
      const auditId = newAuditId();
      return work({
        locks: locksOf(changePassword, lockUsersOf(userOfCredential(credentialId))),
        body: store.spendPasswordChange({
          actor,
          credentialId,
          newCredentialId: newUuid(),
          passwordHash,
          needsFactor,
          session: made.session,
          auditId,
        }),
        onLostReply: recallSession(made.session.sessionId, auditId),
        decode: (found) => found,
      });
    });
    const changed = issued(row, made.token);
    return { ...changed, knownDevice: await issueKnownDevice(core, changed.session.credentialId) };
  };
}
