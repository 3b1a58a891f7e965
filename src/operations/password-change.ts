import type { Actor } from "../domain/actor.ts";
import { AuthError } from "../domain/error.ts";
import { generateId, uuidFor } from "../domain/id.ts";
import type { Transport } from "../domain/session.ts";
import * as store from "../store/password-change.ts";
import type { SessionUserRow } from "../store/sessions.ts";
import { sql } from "../store/sql.ts";
import { attemptBuckets } from "./buckets.ts";
import type { Core } from "./core.ts";
import { execute } from "./execute.ts";
import { issueKnownDevice } from "./known-device.ts";
import { acceptPassword, hashPassword, verifyPasswordHash } from "./passwords.ts";
import type { Operation } from "./plan.ts";
import { refuse } from "./refuse.ts";
import { type IssuedSession, issued, newSession } from "./session-values.ts";
import { newAuditId } from "./user-values.ts";

export type ChangePassword = Operation<
  { actor: Actor; currentPassword: string; newPassword: string; transport: Transport },
  IssuedSession & { knownDevice: string }
>;

/**
 * Replaces the actor's own password, given the current one and a session of the last ten minutes (R008).
 *
 * Ends every session and ticket of the user, the acting one included, and gives a fresh session (S47).
 *
 * @throws {AuthError} `unauthorized.reauthentication_required`, `unauthorized.invalid_credential` (the current password is
 *   wrong), `invalid_format.password`, `too_many_requests`.
 */
export function changePasswordOperation(core: Core): ChangePassword {
  return async ({ actor, currentPassword, newPassword, transport }) => {
    const { subject, context } = actor;
    if (!("userId" in subject)) throw new TypeError("Only the user of a session changes their own password.");
    const counters = await attemptBuckets(core, { identifier: subject.identifier, address: context.address });
    const { needsFactor } = await acceptPassword(core, newPassword, subject);
    const event = { actor, identifierDigest: counters.identifierDigest };

    const reserved = await execute(core, {
      body: store.reservePasswordChange({
        ...event,
        sessionId: uuidFor("ses", subject.sessionId),
        buckets: counters.buckets,
        auditId: newAuditId(),
      }),
      onLostReply: "refuse",
      decode: ([row]) => row as store.ReservedChangeRow,
    });
    refuse(reserved.refusal);
    if (!reserved.allowed) {
      throw new AuthError("too_many_requests", { retryAfterSeconds: reserved.retryAfterSeconds ?? 1 });
    }

    const matches = await verifyPasswordHash(core, reserved.passwordHash, currentPassword);
    if (!matches || reserved.credentialId === null) {
      await execute(core, {
        body: store.recordFailedPasswordChange({ ...event, auditId: newAuditId() }),
        onLostReply: "repeat",
        decode: () => undefined,
      });
      throw new AuthError("unauthorized.invalid_credential");
    }

    const passwordHash = await hashPassword(core, newPassword);
    const made = await newSession(core, { transport, context });
    const auditId = newAuditId();
    const row = await execute(core, {
      locks: [{ on: "usr", key: sql`select ${uuidFor("usr", subject.userId)}::uuid as id` }],
      body: store.spendPasswordChange({
        actor,
        credentialId: reserved.credentialId,
        newCredentialId: uuidFor("cred", generateId("cred")),
        passwordHash,
        needsFactor,
        session: made.session,
        refund: counters.account,
        auditId,
      }),
      onLostReply: store.recallPasswordChange(made.session.sessionId, auditId),
      decode: ([found]) => found as SessionUserRow & { refusal: string | null },
    });
    refuse(row.refusal);
    const changed = issued(row, made.token);
    return { ...changed, knownDevice: await issueKnownDevice(core, changed.session.credentialId) };
  };
}
