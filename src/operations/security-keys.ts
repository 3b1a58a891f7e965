import { randomBytes, toHex } from "../crypto/bytes.ts";
import * as acts from "../domain/acts/factor.ts";
import { AuthError } from "../domain/error.ts";
import { type Factor, toFactor } from "../domain/factor.ts";
import { type FactorId, newUuid, uuidFor } from "../domain/id.ts";
import type { Transport } from "../domain/session.ts";
import { type CeremonyBinding, issueChallenge } from "../engine/challenges.ts";
import { execute } from "../engine/execute.ts";
import { locksOf, lockUsersOf } from "../engine/locks.ts";
import type { PasskeyCore } from "../engine/passkey-settings.ts";
import type { Operation } from "../engine/plan.ts";
import { refuseHolder } from "../engine/refuse-holder.ts";
import * as enrollment from "../store/factor-enrollment.ts";
import { type FactorHolder, userOfHolder } from "../store/factor-holder.ts";
import * as store from "../store/factors.ts";
import { type EnrollmentAuthority, enrollmentBy } from "./enrollment-authority.ts";
import { type ConfirmedFactor, finishEnrollment } from "./factor-confirmation.ts";
import { creationOptions, type RegistrationOptions, verifyKey } from "./registration.ts";

/** Security keys as second factors (Flametrench ADR 0010). Unlike passkeys, they never sign a user in by themselves. */
export interface SecurityKeyOperations {
  /**
   * Refuses a relying party that is not the configured one.
   *
   * @throws {AuthError} `invalid_format.rp_id`.
   */
  requireRpId(rpId: string): void;
  /**
   * Starts enrollment, and returns the options with which a browser creates the key. The key becomes a factor once
   * {@link SecurityKeyOperations.confirm} has checked the browser's response.
   *
   * @throws {AuthError} `invalid_format.name`, `invalid_format.rp_id`, `forbidden`, `precondition.factor_needed_first`,
   *   `invalid_format.idempotency_key`, `conflict.idempotency_key_used`.
   */
  enroll: Operation<EnrollmentAuthority, { factor: Factor; options: RegistrationOptions }>;
  /**
   * Finishes enrollment, as `factors.confirmTotp` does: every session of the user ends, and a fresh session replaces them.
   *
   * @throws {AuthError} `forbidden`, `invalid_format.webauthn`, `invalid_format.user_not_verified`,
   *   `conflict.duplicate_credential`, `precondition.factor_not_pending`, `precondition.factor_code_invalid`,
   *   `too_many_requests`.
   */
  confirm: Operation<
    EnrollmentAuthority & { factorId: FactorId; response: unknown; transport: Transport },
    ConfirmedFactor
  >;
}

export function securityKeyOperations(core: PasskeyCore): SecurityKeyOperations {
  return {
    requireRpId(rpId) {
      if (rpId !== core.relyingParty.rpId) throw new AuthError("invalid_format.rp_id");
    },

    async enroll(authority) {
      const attempt = await enrollmentBy(core, authority, acts.enrollFactor);
      const { holder } = attempt;
      const factorId = newUuid();
      const row = await execute(core, {
        locks: locksOf(acts.enrollFactor, lockUsersOf(userOfHolder(holder))),
        body: enrollment.insertPendingWebauthn({
          ...attempt,
          factorId,
          rpId: core.relyingParty.rpId,
          newHandle: toHex(randomBytes(32)),
        }),
        mustCommit: true,
        onLostReply: enrollment.recallPendingWebauthn({ ...attempt, factorId }),
      });
      await refuseHolder(core, holder, attempt.act, row.refusal);
      const challenge = await issueChallenge(core, bindingOf(holder, factorId), row.now);
      const options = creationOptions(core, row, challenge, core.secondFactorVerification);
      return { factor: toFactor(row), options };
    },

    async confirm({ factorId: id, response, transport, ...authority }) {
      const factorId = uuidFor("mfa", id);
      const attempt = await enrollmentBy(
        core,
        { ...authority, transport },
        acts.confirmFactor,
        store.userOfFactor(factorId),
      );
      const { holder } = attempt;
      const binding = bindingOf(holder, factorId);
      const userVerification = core.secondFactorVerification;
      const key = await verifyKey(core, { response, binding, holder, userVerification });
      const activation = { type: "webauthn", key, name: null } as const;
      // No attempt was reserved, because a key cannot be guessed.
      return await finishEnrollment(core, authority, { ...attempt, factorId, transport, activation, refund: "" });
    },
  };
}

/** A challenge is bound to the pending factor, and to the session or ticket that started the enrollment (S28). */
function bindingOf(holder: FactorHolder, factorId: string): CeremonyBinding {
  const place = "ticketHash" in holder ? holder.ticketHash : "sessionId" in holder ? holder.sessionId : "";
  return ["register_factor", factorId, place];
}
