import type { Audited } from "../domain/act.ts";
import { AuthError } from "../domain/error.ts";
import type { FactorType } from "../domain/factor.ts";
import { newAuditId } from "../domain/id.ts";
import { normalizeRecoveryCode } from "../domain/recovery-code.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { matchTotpStep, normalizeTotpCode } from "../domain/totp.ts";
import type { Core } from "../engine/core.ts";
import { addressCounters, countedOf, factorCounters, requireAdmitted } from "../engine/counters.ts";
import { execute } from "../engine/execute.ts";
import { verifyKnownDevice } from "../engine/known-device.ts";
import { type MfaCore, openSecret, totpPlace } from "../engine/mfa-settings.ts";
import { requireIdle, returningOnBusy, verifyPasswordHash } from "../engine/passwords.ts";
import { TimeLeft } from "../engine/patience.ts";
import { refuseHolder } from "../engine/refuse-holder.ts";
import type { FactorHolder, LinkHolder } from "../store/factor-holder.ts";
import * as store from "../store/factor-proofs.ts";
import type { CheckedFactor } from "../store/factor-spending.ts";

/** A code that a user typed: from an authenticator app, or a recovery code. */
export type FactorProof = { readonly type: "totp" | "recovery"; readonly code: string };

/** Checks a code against the stored factor. The result is the proof to spend, or the reason for a failure. */
export type CheckCode = (material: store.ReservedFactorRow, proof: FactorProof) => Promise<CheckedFactor | string>;

/** A correct proof that is not spent yet. */
export interface ProvedFactor {
  readonly checked: CheckedFactor;
  readonly userId: string;
  /** The counter that a success refunds. */
  readonly counter: string;
  /** The time that is left to spend it. */
  readonly time: TimeLeft;
}

/** How many attempts a check counts as. Ten hashes are ten times the work (S24). */
export function unitsOf(type: FactorProof["type"]): number {
  return type === "recovery" ? 10 : 1;
}

/**
 * Counts an attempt and checks the proof against the database: the first half of every use of a factor.
 *
 * @param attempt.pendingId A factor that awaits confirmation, to check instead of the active factor.
 * @throws {AuthError} `unauthorized.invalid_factor`, `unauthorized.replayed_totp`, `unauthorized.invalid_ticket`,
 * `too_many_requests`, `unavailable.busy`, and the refusals of the holder's session.
 */
export async function checkFactor(
  core: MfaCore,
  attempt: FactorUse & { proof: FactorProof; pendingId?: string },
): Promise<ProvedFactor> {
  const { proof, pendingId, ...use } = attempt;
  if (proof.type === "recovery") requireIdle(core);
  return await reserveAndCheck<store.FactorMaterial>(core, {
    ...use,
    type: proof.type,
    units: unitsOf(proof.type),
    isStepUp: pendingId === undefined,
    pendingId,
    material: store.factorMaterial(pendingId === undefined ? { type: proof.type } : { pendingId }),
    verdictOn: (material) => {
      if (pendingId !== undefined && material.factorId === null) throw new AuthError("precondition.factor_not_pending");
      return verdictOn(core, material, proof);
    },
  });
}

/** Who uses a factor, and for which act. */
export interface FactorUse<Holder = FactorHolder> {
  readonly holder: Holder;
  readonly context: RequestContext;
  readonly act: Audited;
  /** The value of the known-device cookie, at a sign-in. */
  readonly knownDevice?: string | undefined;
}

/** The outcome of a check: the factor to spend, or the reason for a failure, for the audit log. */
export type Verdict = CheckedFactor | string;

/** Counts an attempt, and has `verdictOn` check what the database returns for it. */
export async function reserveAndCheck<Material>(
  core: Core,
  attempt: FactorUse<FactorHolder | LinkHolder> & {
    type: FactorType;
    units: number;
    isStepUp: boolean;
    pendingId?: string | undefined;
    material: ReturnType<typeof store.factorMaterial>;
    verdictOn: (material: store.Reserved & Material) => Promise<Verdict>;
  },
): Promise<ProvedFactor> {
  const { holder, context, act, type } = attempt;
  const use = { holder, context, act };
  const device = await verifyKnownDevice(core, attempt.knownDevice);
  // Signatures cannot be guessed, so they count at the address only (S22).
  const counters =
    type === "webauthn"
      ? await addressCounters(core, context.address)
      : await factorCounters(core, context.address, attempt.units, device);
  const time = new TimeLeft(core.patience);
  const reserved = await execute(core, {
    time,
    body: store.reserveFactor<Material>({
      ...use,
      auditId: newAuditId(),
      material: attempt.material,
      isStepUp: attempt.isStepUp,
      pendingId: attempt.pendingId,
      counters,
      deviceCredentialId: device?.credentialId,
    }),
    mustCommit: true,
    onLostReply: "repeat",
  });
  await refuseHolder(core, holder, act, reserved.refusal);
  requireAdmitted(reserved);

  const counted = countedOf(counters, reserved.counter);
  const also = "ticketHash" in holder ? [store.returnTicketAttempt(holder)] : [];
  const verdict = await returningOnBusy(core, counted, () => attempt.verdictOn(reserved), also);
  if (typeof verdict !== "string")
    return { checked: verdict, userId: reserved.userId, counter: reserved.counter ?? "", time };
  await execute(core, {
    time,
    body: store.recordFailedFactor({ ...use, auditId: newAuditId(), type, reason: verdict }),
    onLostReply: "repeat",
  });
  throw new AuthError(verdict === "replayed" ? "unauthorized.replayed_totp" : "unauthorized.invalid_factor");
}

/** Checks a code against the stored factor. */
export async function verdictOn(
  core: MfaCore,
  material: store.ReservedFactorRow,
  proof: FactorProof,
): Promise<Verdict> {
  if (material.factorId === null) return "wrong";
  return proof.type === "totp"
    ? await verdictOnTotp(core, material, material.factorId, proof.code)
    : await verdictOnRecovery(core, material, material.factorId, proof.code);
}

async function verdictOnTotp(
  core: MfaCore,
  material: store.ReservedFactorRow,
  factorId: string,
  typed: string,
): Promise<Verdict> {
  const { totpSecret, totpAlgorithm, totpDigits, totpPeriod, totpLastStep, userId } = material;
  const code = normalizeTotpCode(typed);
  if (!code || totpSecret === null) return "wrong";
  const secret = await openSecret(core, totpPlace(factorId, userId), totpSecret);
  const parameters = { algorithm: totpAlgorithm, digits: totpDigits, periodSeconds: totpPeriod };
  const step = await matchTotpStep(secret, code, Number(material.now), parameters);
  if (step === undefined) return "wrong";
  return totpLastStep !== null && step <= Number(totpLastStep) ? "replayed" : { type: "totp", factorId, step };
}

/**
 * Verifies all hashes, including those of used codes and after a match, so that the time reveals neither the matching code nor
 * the number of codes.
 */
async function verdictOnRecovery(
  core: MfaCore,
  { recoveryHashes, recoveryConsumed }: store.ReservedFactorRow,
  factorId: string,
  typed: string,
): Promise<Verdict> {
  const code = normalizeRecoveryCode(typed);
  if (!code || !recoveryHashes) return "wrong";
  let matched: Verdict = "wrong";
  for (const [slot, hash] of recoveryHashes.entries()) {
    const matches = await verifyPasswordHash(core, hash, code);
    if (matches && recoveryConsumed?.[slot] === "false") matched = { type: "recovery", factorId, slot, hash };
  }
  return matched;
}
