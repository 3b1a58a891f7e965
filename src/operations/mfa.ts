import type { Actor } from "../domain/actor.ts";
import { acceptGrace, type MfaPolicy } from "../domain/factor.ts";
import { uuidFor, wireId } from "../domain/id.ts";
import { newAuditId } from "../engine/audit-id.ts";
import type { Core } from "../engine/core.ts";
import { denialOf } from "../engine/denial.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { createMfaCore, type MfaCore, type MfaOptions } from "../engine/mfa-settings.ts";
import { type Operation, type PlannableOperation, plannable } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import * as store from "../store/mfa-policy.ts";
import { sql } from "../store/sql.ts";
import { checkFactor, type FactorProof } from "./factor-check.ts";
import { type FactorOperations, factorOperations } from "./factors.ts";
import { type SecondFactorOperations, secondFactorOperations, stepUpWithPassword } from "./second-factor.ts";

/** Who must have a second factor. */
export interface MfaPolicyOperations {
  /** The policy; of a user for whom none was set, that nothing is required. */
  get: Operation<{ actor: Actor; userId: string }, MfaPolicy>;
  /** Sets it. A user may raise their own and never lower it (S04). */
  set: PlannableOperation<{ actor: Actor; userId: string; required: boolean; graceUntil?: Date | null }, MfaPolicy>;
  /**
   * Lets a user set a first factor up after the grace of their policy has ended: once, within seven days (S32). Tell them by a
   * way that a thief of their password does not read.
   */
  grantEnrollment: PlannableOperation<{ actor: Actor; userId: string }, void>;
}

/** What the feature `mfa` adds to `auth`. */
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
  return { operations, check: () => void core.issuer };
}

function policyOperations(core: MfaCore): MfaPolicyOperations {
  return {
    async get({ actor, userId }) {
      const act = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      return await execute(core, {
        body: store.selectMfaPolicy(act),
        onLostReply: "repeat",
        decode: ([row]) => {
          const policy = row as store.MfaPolicyRow & { refusal: string | null };
          refuse(policy.refusal);
          return toPolicy(policy);
        },
      });
    },

    set: plannable(core, async (_core, { actor, userId, required, graceUntil = null }) => {
      const act = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      const work = {
        locks: [{ on: "usr", key: sql`select ${act.userId}::uuid as id` }] as const,
        body: store.setMfaPolicy({ ...act, required, graceUntil: acceptGrace(graceUntil) }),
        onLostReply: store.recallMfaPolicy(act.userId, act.auditId),
        decode: ([row]: readonly unknown[]) => toPolicy(row as store.MfaPolicyRow),
        denial: denialOf(actor, "identity.mfa_policy.set", "usr", act.userId),
      };
      return { work, known: {} };
    }),

    grantEnrollment: plannable(core, async (_core, { actor, userId }) => {
      const act = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      const work = {
        locks: [{ on: "usr", key: sql`select ${act.userId}::uuid as id` }] as const,
        body: store.grantEnrollment(act),
        onLostReply: store.recallGrant(act.auditId),
        decode: () => undefined,
        denial: denialOf(actor, "identity.mfa.grant_enrollment", "usr", act.userId),
      };
      return { work, known: {} };
    }),
  };
}

function toPolicy(row: store.MfaPolicyRow): MfaPolicy {
  const { userId, required, graceUntil, updatedAt } = row;
  return { userId: wireId("usr", userId), required, graceUntil, updatedAt };
}
