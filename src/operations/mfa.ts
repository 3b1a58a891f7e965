import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/factor.ts";
import { acceptGrace, type MfaPolicy, mfaPolicy } from "../domain/factor.ts";
import { newAuditId, type UserId, uuidFor } from "../domain/id.ts";
import { toValue } from "../domain/record.ts";
import type { Core } from "../engine/core.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { createMfaCore, type MfaCore, type MfaOptions } from "../engine/mfa-settings.ts";
import { type Operation, type PlannableOperation, plannableChange } from "../engine/plan.ts";
import { readOne } from "../engine/reads.ts";
import { lockUser } from "../store/locks.ts";
import { purgeFactors } from "../store/maintenance.ts";
import * as store from "../store/mfa-policy.ts";
import { type CheckCode, checkFactor, type FactorProof, verdictOn } from "./factor-check.ts";
import { type FactorOperations, factorOperations } from "./factors.ts";
import { type SecondFactorOperations, secondFactorOperations, stepUpWithPassword } from "./second-factor.ts";

/** The policy that says whether a user must have a second factor. */
export interface MfaPolicyOperations {
  /** Returns the policy. A user whose policy was never set need not have a second factor. */
  get: Operation<{ actor: Actor; userId: UserId }, MfaPolicy>;
  /**
   * Sets the policy. Users may raise their own and never lower it.
   *
   * @throws {AuthError} `forbidden`, `conflict.already_terminal`, `precondition.factor_needed_first`.
   */
  set: PlannableOperation<{ actor: Actor; userId: UserId; required: boolean; graceUntil?: Date | null }, MfaPolicy>;
  /**
   * Lets a user enroll a first factor after the grace period of their policy has ended: once, within seven days. Notify the
   * user through a channel that an attacker who knows the password cannot read.
   *
   * @throws {AuthError} `precondition.user_not_active`, `precondition.invalid_transition`.
   */
  grantEnrollment: PlannableOperation<{ actor: Actor; userId: UserId }, void>;
}

/** The operations that the feature `mfa` adds to `auth`. */
export interface MfaAuth extends Pick<SecondFactorOperations, "verifyMfa" | "stepUp"> {
  readonly signIn: { readonly factor: SecondFactorOperations["signInWithFactor"] };
  readonly factors: FactorOperations;
  readonly mfaPolicies: MfaPolicyOperations;
}

/** The operations on second factors. */
export function mfaParts(settings: Core, options: MfaOptions): FeatureParts<MfaAuth> {
  const core = createMfaCore(settings, options);
  const proofs = secondFactorOperations<FactorProof>(core, (attempt) => checkFactor(core, attempt));
  const operations: MfaAuth = {
    signIn: { factor: proofs.signInWithFactor },
    verifyMfa: proofs.verifyMfa,
    stepUp: ({ proof, ...acting }) =>
      proof.type === "password"
        ? stepUpWithPassword(core, { ...acting, password: proof.password })
        : proofs.stepUp({ ...acting, proof }),
    factors: factorOperations(core),
    mfaPolicies: policyOperations(core),
  };
  const keys = () => (core.sealingKeys ? { sealingKeys: core.sealingKeys.all } : {});
  return { operations, check: () => void core.issuer, keys, purges: [purgeFactors] };
}

/** How other features check codes. */
export function codesOf(settings: Core, options: MfaOptions): CheckCode {
  const core = createMfaCore(settings, options);
  return (material, proof) => verdictOn(core, material, proof);
}

function policyOperations(core: MfaCore): MfaPolicyOperations {
  return {
    async get({ actor, userId }) {
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      return await readOne(core, store.selectMfaPolicy(asked), toPolicy);
    },

    set: plannableChange(core, ({ actor, userId, required, graceUntil = null }) => {
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      return guardedWork(acts.setMfaPolicy, asked, asked.userId, {
        locks: [lockUser(asked.userId)],
        body: store.setMfaPolicy({ ...asked, required, graceUntil: acceptGrace(graceUntil) }),
        onLostReply: store.recallMfaPolicy(asked.userId, asked.auditId),
        decode: toPolicy,
      });
    }),

    grantEnrollment: plannableChange(core, ({ actor, userId }) => {
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      return guardedWork(acts.grantEnrollment, asked, asked.userId, {
        locks: [lockUser(asked.userId)],
        body: store.grantEnrollment(asked),
        onLostReply: store.recallGrant(asked.auditId),
        decode: () => undefined,
      });
    }),
  };
}

function toPolicy(row: store.MfaPolicyRow): MfaPolicy {
  return toValue(mfaPolicy, row);
}
