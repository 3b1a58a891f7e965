import { toBase32 } from "../crypto/base32.ts";
import { toHex } from "../crypto/bytes.ts";
import type { Actor, SessionActor } from "../domain/actor.ts";
import * as acts from "../domain/acts/factor.ts";
import { AuthError } from "../domain/error.ts";
import { type Factor, type FactorRow, toFactor } from "../domain/factor.ts";
import { type FactorId, newAuditId, newUuid, type UserId, uuidFor } from "../domain/id.ts";
import { generateRecoveryCodes, recoveryCodeCount } from "../domain/recovery-code.ts";
import type { Transport } from "../domain/session.ts";
import { acceptName } from "../domain/text.ts";
import { defaultTotp, generateTotpSecret, otpauthUri, type TotpParameters } from "../domain/totp.ts";
import { addressCounters, requireAdmitted } from "../engine/counters.ts";
import { execute } from "../engine/execute.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { claimFor } from "../engine/idempotency.ts";
import { locksOf, lockUsersOf } from "../engine/locks.ts";
import { type MfaCore, sealSecret, totpPlace } from "../engine/mfa-settings.ts";
import type { Page } from "../engine/page.ts";
import { hashPassword } from "../engine/passwords.ts";
import { TimeLeft } from "../engine/patience.ts";
import { type Operation, type PlannableOperation, plannableChange } from "../engine/plan.ts";
import { readAll } from "../engine/reads.ts";
import { refuseHolder } from "../engine/refuse-holder.ts";
import type { Counted, Counter } from "../store/counters.ts";
import * as enrollment from "../store/factor-enrollment.ts";
import { type FactorAttempt, type FactorHolder, userOfHolder } from "../store/factor-holder.ts";
import * as store from "../store/factors.ts";
import type { IdempotencyClaim } from "../store/idempotency.ts";
import type { Statement } from "../store/sql.ts";
import { type EnrollmentAuthority, enrollmentBy } from "./enrollment-authority.ts";
import { checkFactor } from "./factor-check.ts";
import { type ConfirmedFactor, finishEnrollment } from "./factor-confirmation.ts";
import type { OnlyOwn } from "./only-own.ts";

/** A pending authenticator app. Its secret is shown only once. */
export interface TotpEnrollment {
  readonly factor: Factor;
  readonly secretBase32: string;
  /** The content of a QR code for authenticator apps. */
  readonly otpauthUri: string;
  readonly parameters: TotpParameters;
}

/** Second factors (Flametrench ADR 0008 and 0010). */
export interface FactorOperations {
  /** A user's factors, active and awaiting confirmation, in one page. */
  list: Operation<{ actor: Actor; userId: UserId }, Page<Factor>>;
  /**
   * Starts enrolling an authenticator app. The app becomes a factor once {@link FactorOperations.confirmTotp} has checked its
   * first code, within ten minutes. An earlier app that awaits confirmation is dropped.
   *
   * @param input.label The user's name for it, 1 to 120 characters; apps show it beside the site's name.
   * @param input.idempotencyKey 1 to 255 visible ASCII characters. For 24 hours, a repeat of the key by the same user or ticket
   *   changes nothing and throws `conflict.idempotency_key_used`, because a secret is shown only once. Default: none.
   * @throws {AuthError} `invalid_format.name`, `invalid_format.rp_id`, `forbidden`, `precondition.factor_needed_first`,
   *   `invalid_format.idempotency_key`, `conflict.idempotency_key_used`.
   */
  enrollTotp: Operation<EnrollmentAuthority & { label: string; idempotencyKey?: string | undefined }, TotpEnrollment>;
  /**
   * Finishes enrollment: the app becomes active and replaces an earlier app. Every session of the user ends, and a fresh
   * session, which counts as proved by the factor, replaces them.
   *
   * @throws {AuthError} `forbidden`, `invalid_format.webauthn`, `invalid_format.user_not_verified`,
   *   `conflict.duplicate_credential`, `precondition.factor_not_pending`, `precondition.factor_code_invalid`,
   *   `too_many_requests`.
   */
  confirmTotp: Operation<
    EnrollmentAuthority & { factorId: FactorId; code: string; transport: Transport },
    ConfirmedFactor
  >;
  /**
   * Creates ten recovery codes, with which a user who has lost the other factor can sign in. The codes are shown once; earlier
   * codes stop working. Ends all other sessions.
   *
   * @param input.idempotencyKey 1 to 255 visible ASCII characters. For 24 hours, a repeat of the key by the same user or ticket
   *   changes nothing and throws `conflict.idempotency_key_used`, because a secret is shown only once. Default: none.
   * @throws {AuthError} `precondition.factor_needed_first`, `too_many_requests`, `unavailable.busy`.
   */
  replaceRecoveryCodes: Operation<
    { actor: SessionActor; userId?: UserId; idempotencyKey?: string | undefined },
    { factor: Factor; codes: readonly string[] }
  >;
  /**
   * Ends a factor and all other sessions. If an administrator ends another user's factor, all of the user's sessions and tokens
   * end, and the user may enroll a new factor.
   *
   * @param input.onlyOwn If true, even an administrator cannot end another user's factor. Default false.
   * @throws {AuthError} `conflict.already_terminal`, `conflict.last_factor`.
   */
  revoke: PlannableOperation<{ actor: Actor; factorId: FactorId } & OnlyOwn, Factor>;
}

export function factorOperations(core: MfaCore): FactorOperations {
  return {
    async list({ actor, userId }) {
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      return await readAll(core, store.selectFactorsOfUser(asked), toFactor);
    },

    async enrollTotp({ label, idempotencyKey, ...authority }) {
      acceptName(label);
      const attempt = await enrollmentBy(core, authority, acts.enrollFactor);
      const userId = await userOf(attempt.holder);
      const factorId = newUuid();
      const secret = generateTotpSecret();
      const sealed = await sealSecret(core, totpPlace(factorId, userId), secret);
      const claim = await claimFor(core, attempt.holder, acts.enrollFactor, idempotencyKey, ["totp"], factorId);
      const row = await enroll(
        attempt,
        factorId,
        enrollment.insertPendingTotp({
          ...attempt,
          factorId,
          label,
          secret: toHex(sealed),
          parameters: defaultTotp,
          claim,
        }),
      );
      return {
        factor: toFactor(row),
        secretBase32: toBase32(secret),
        otpauthUri: otpauthUri({ issuer: core.issuer, label, secret, parameters: defaultTotp }),
        parameters: defaultTotp,
      };
    },

    async confirmTotp({ factorId: id, code, transport, ...authority }) {
      const factorId = uuidFor("mfa", id);
      const attempt = await enrollmentBy(
        core,
        "ticket" in authority ? { ...authority, transport } : authority,
        acts.confirmFactor,
        store.userOfFactor(factorId),
      );
      const proof = { type: "totp", code } as const;
      const proved = await checkFactor(core, { ...attempt, proof, pendingId: factorId }).catch((error: unknown) => {
        const isWrong = error instanceof AuthError && error.code === "unauthorized.invalid_factor";
        // The specification makes this a conflict with the pending factor, not a failed login.
        throw isWrong ? new AuthError("precondition.factor_code_invalid", { cause: error }) : error;
      });
      if (proved.checked.type !== "totp") throw new TypeError("Only an authenticator app waits for a code.");
      const activation = { type: "totp", step: proved.checked.step } as const;
      return await finishEnrollment(core, authority, {
        ...attempt,
        factorId,
        transport,
        activation,
        refund: proved.counter,
        time: proved.time,
      });
    },

    async replaceRecoveryCodes({ idempotencyKey, ...authority }) {
      const attempt = await enrollmentBy(core, authority, acts.enrollFactor);
      const time = new TimeLeft(core.patience);
      const factorId = newUuid();
      const claim = await claimFor(core, attempt.holder, acts.enrollFactor, idempotencyKey, ["recovery"], factorId);
      const counted = await reserveRecoveryCodes(attempt, authority.actor, time, claim);
      const codes = generateRecoveryCodes();
      const hashes: string[] = [];
      for (const code of codes) hashes.push(await hashPassword(core, code, counted));
      const body = enrollment.replaceRecoveryCodes({ ...attempt, factorId, hashes, claim });
      return { factor: toFactor(await enroll(attempt, factorId, body, time)), codes };
    },

    revoke: plannableChange(core, ({ actor, factorId, onlyOwn = false }) => {
      const asked = { actor, onlyOwn, auditId: newAuditId(), factorId: uuidFor("mfa", factorId) };
      return guardedWork(acts.revokeFactor, asked, asked.factorId, {
        locks: [lockUsersOf(store.userOfFactor(asked.factorId))],
        body: store.revokeFactor(asked),
        onLostReply: store.recallFactor(asked.factorId, asked.auditId),
        decode: toFactor,
      });
    }),
  };

  /** Hashes ten codes only for a user with the right to them, and not again and again (S24). Returns what it has counted. */
  async function reserveRecoveryCodes(
    attempt: FactorAttempt,
    actor: SessionActor,
    time: TimeLeft,
    claim: IdempotencyClaim | undefined,
  ): Promise<readonly Counted[]> {
    const own: Counter = {
      name: `recovery-codes:${uuidFor("usr", actor.userId)}`,
      limit: core.limits.account,
      kind: "address",
    };
    const counters = [...(await addressCounters(core, attempt.context.address, recoveryCodeCount)), own];
    const reserved = await execute(core, {
      time,
      body: enrollment.reserveRecoveryCodes({ ...attempt, counters, claim }),
      mustCommit: true,
      onLostReply: "repeat",
    });
    await refuseHolder(core, attempt.holder, attempt.act, reserved.refusal);
    requireAdmitted(reserved);
    return counters;
  }

  /** For a ticket this is a request of its own, because the secret is sealed for the ticket's user. */
  async function userOf(holder: FactorHolder): Promise<string> {
    if (!("ticketHash" in holder)) return uuidFor("usr", "actor" in holder ? holder.actor.userId! : "");
    const { userId } = await execute(core, {
      body: enrollment.selectTicketUser(holder),
      onLostReply: "repeat",
    });
    if (userId === null) throw new AuthError("unauthorized.invalid_ticket");
    return userId;
  }

  async function enroll(
    { holder, auditId, act }: FactorAttempt,
    factorId: string,
    body: Statement<FactorRow & { refusal: string | null }>,
    time?: TimeLeft,
  ): Promise<FactorRow> {
    const row = await execute(core, {
      time,
      locks: locksOf(acts.enrollFactor, lockUsersOf(userOfHolder(holder))),
      body,
      // It returns a secret only once, so no transaction of the caller may undo it afterwards.
      mustCommit: true,
      onLostReply: store.recallFactor(factorId, auditId),
    });
    await refuseHolder(core, holder, act, row.refusal);
    return row;
  }
}
