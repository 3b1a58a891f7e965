import { sha256Hex } from "../crypto/digest.ts";
import type { Actor, SystemActor } from "../domain/actor.ts";
import * as acts from "../domain/acts/recovery.ts";
import { generateOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, newUuid, type UserId, uuidFor, wireId } from "../domain/id.ts";
import { oneMailbox } from "../domain/mail.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Executor } from "../engine/core.ts";
import { addressCounters, countedOf, requireAdmitted } from "../engine/counters.ts";
import { denialOf, recordDenial } from "../engine/denial.ts";
import { execute } from "../engine/execute.ts";
import { requireIdentifier } from "../engine/identifiers.ts";
import { locksOf, lockUsersOf } from "../engine/locks.ts";
import type { MailCore } from "../engine/mail-settings.ts";
import { mailboxCounter, mailboxOf } from "../engine/mailbox.ts";
import { newLink } from "../engine/mailed-secrets.ts";
import { acceptPassword, hashNewPassword, requireIdle } from "../engine/passwords.ts";
import { TimeLeft } from "../engine/patience.ts";
import type { Operation } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import type { Counter } from "../store/counters.ts";
import { lockUser } from "../store/locks.ts";
import * as store from "../store/recovery.ts";
import { linkHash, type VerifiedIdentifier } from "./mailed-link.ts";
import { noticeOf } from "./notices.ts";

/** The way back for a user who has lost every other one. */
export interface RecoveryOperations {
  /**
   * Names a new address for a user. Allowed for the application, and for administrators with a fresh second factor, who see no
   * secret. It is refused for the administrator's own account, for every other administrator's, for the last owner of an organization,
   * and for an account that no message can reach: `sallyport recover-account` has those.
   *
   * Every identifier that the user has gets a notice at once, whose link stops it. After `recoveryDelaySeconds` of the feature
   * `mail`, a link goes to the new address, and works once, for three days. A later start replaces an earlier one. Whatever ends
   * the user's links, such as a changed password, ends it too: if another person is in the account, suspend its credentials first.
   *
   * @param identifier The new address.
   * @throws {AuthError} `forbidden`, `invalid_format.identifier`, `conflict.already_terminal`, `conflict.duplicate_credential`,
   *   `precondition.user_not_active`, `too_many_requests`.
   */
  start: Operation<{ actor: Actor; userId: UserId; identifier: string }, void>;
  /**
   * Stops it, with the link of its notice.
   *
   * @throws {AuthError} `unauthorized.invalid_link`.
   */
  cancel: Operation<{ token: string; context?: RequestContext | undefined }, void>;
  /**
   * Spends the link: the new address gets a password, and everything else ends: sessions, tickets, links, personal access tokens,
   * passkeys, factors and old identifiers. It makes no session. A user who loses a second factor may set one up within seven days,
   * as after `auth.mfaPolicies.grantEnrollment`.
   *
   * @throws {AuthError} `unauthorized.invalid_link`, `invalid_format.password`, `conflict.duplicate_credential`,
   *   `too_many_requests`, `unavailable.busy`.
   */
  finish: Operation<{ token: string; password: string; context?: RequestContext | undefined }, VerifiedIdentifier>;
}

export function recoveryOperations(core: MailCore): RecoveryOperations {
  return {
    start: (input) => start(core, input),

    async cancel({ token, context = {} }) {
      const noticeId = await noticeOf(core, token);
      if (noticeId === undefined) throw new AuthError("unauthorized.invalid_link");
      const auditId = newAuditId();
      const row = await execute<{ stopped: boolean } | undefined>(core, {
        locks: locksOf(acts.cancelRecovery, lockUsersOf(store.userOfRecovery(noticeId))),
        body: store.cancelRecovery({ noticeId, context: cleanContext(context), auditId }),
        mustCommit: true,
        onLostReply: store.recallCancelled(auditId),
      });
      if (!row) throw new AuthError("unauthorized.invalid_link");
    },

    finish: ({ token, password, context = {} }) => finish(core, token, password, cleanContext(context)),
  };
}

async function start(
  core: MailCore,
  { actor, userId, identifier: typed }: { actor: Actor; userId: UserId; identifier: string },
): Promise<void> {
  const identifier = requireIdentifier(core, typed);
  if (!new RegExp(oneMailbox).test(identifier)) throw new AuthError("invalid_format.identifier");
  const mailbox = await mailboxOf(core, identifier);
  const auditId = newAuditId();
  const asked = { actor, auditId, userId: uuidFor("usr", userId) };
  const row = await execute(core, {
    locks: locksOf(acts.startRecovery, lockUser(asked.userId)),
    body: store.startRecovery({
      ...asked,
      identifier,
      mailbox,
      ...(await newLink(core, "recover_account", store.recoverySeconds)),
      delaySeconds: core.recoveryDelaySeconds,
      lifetimeSeconds: store.recoverySeconds,
      counters: [mailboxCounter(mailbox, "administrator")],
    }),
    mustCommit: true,
    onLostReply: store.recallStartedRecovery(auditId),
  });
  try {
    refuse(row.refusal);
  } catch (refusal) {
    await recordDenial(core, denialOf(actor, acts.startRecovery, asked.userId), refusal);
    throw refusal;
  }
  requireAdmitted(row);
}

/** Counts the attempt, hashes the password, and spends the link. */
async function finish(
  core: MailCore,
  token: string,
  password: string,
  context: RequestContext,
): Promise<VerifiedIdentifier> {
  const time = new TimeLeft(core.patience);
  const tokenHash = await linkHash(token);
  requireIdle(core);
  const own: Counter = { name: `link:${tokenHash}`, limit: core.limits.account, kind: "address" };
  const counters = [own, ...(await addressCounters(core, context.address))];
  const reserved = await execute(core, {
    time,
    body: store.reserveRecovery({ tokenHash, counters, context, auditId: newAuditId() }),
    mustCommit: true,
    onLostReply: "repeat",
  });
  const { userId, identifier } = reserved;
  if (userId === null || identifier === null) throw new AuthError("unauthorized.invalid_link");
  requireAdmitted(reserved);
  // No factor stays beside the password.
  if (acceptPassword(core, password, identifier).needsFactor) {
    throw new AuthError("invalid_format.password", { details: { reason: "too_short" } });
  }
  await core.acceptance.history?.(core, password, wireId("usr", userId));
  const passwordHash = await hashNewPassword(core, password, countedOf(counters, null));
  const [auditId, newCredentialId] = [newAuditId(), newUuid()];
  const row = await execute(core, {
    time,
    locks: locksOf(acts.finishRecovery, ...store.lockRecovery(tokenHash)),
    body: store.finishRecovery({ tokenHash, newCredentialId, passwordHash, context, auditId }),
    mustCommit: true,
    onLostReply: store.recallFinishedRecovery(newCredentialId, auditId),
  });
  refuse(row.refusal);
  return { credentialId: wireId("cred", newCredentialId), identifier };
}

/** How long a link of the command line works, in seconds. */
const handedSeconds = 3_600;

/**
 * Makes the link of a recovery without delay and without mail, for any user, administrators too. It needs access to the database. The
 * new address is not proved by it.
 *
 * @returns The secret of the link. It works once, for an hour.
 */
export async function handOutRecovery(
  core: Executor,
  { actor, userId, identifier }: { actor: SystemActor; userId: UserId; identifier: string },
): Promise<string> {
  const token = generateOpaqueToken();
  const auditId = newAuditId();
  const asked = { actor, auditId, userId: uuidFor("usr", userId) };
  const row = await execute(core, {
    locks: locksOf(acts.startRecovery, lockUser(asked.userId)),
    body: store.startRecovery({
      ...asked,
      identifier,
      mailbox: null,
      message: undefined,
      tokenHash: await sha256Hex(token),
      delaySeconds: 0,
      lifetimeSeconds: handedSeconds,
      counters: [],
    }),
    mustCommit: true,
    onLostReply: store.recallStartedRecovery(auditId),
  });
  refuse(row.refusal);
  return token;
}
