import { constantTimeEqual, fromBase64Url, fromHex } from "../crypto/bytes.ts";
import { signInWithPasskey } from "../domain/acts/sign-in.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId } from "../domain/id.ts";
import type { RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { verifyAssertion } from "../domain/webauthn/assertion.ts";
import { parseAuthenticatorData } from "../domain/webauthn/authenticator-data.ts";
import { type AssertionResponse, parseAssertionResponse } from "../domain/webauthn/response.ts";
import { type CeremonyBinding, challengeOf, verifyChallenge } from "../engine/challenges.ts";
import { addressCounters, requireAdmitted } from "../engine/counters.ts";
import { execute } from "../engine/execute.ts";
import type { PasskeyCore, UserVerification } from "../engine/passkey-settings.ts";
import { TimeLeft } from "../engine/patience.ts";
import { executeAndPurge } from "../engine/purge.ts";
import type { IssuedSession } from "../engine/sessions.ts";
import { digestOfToken } from "../engine/token-digest.ts";
import type { FactorHolder } from "../store/factor-holder.ts";
import type { CheckedFactor } from "../store/factor-spending.ts";
import * as store from "../store/webauthn.ts";
import { type FactorUse, type ProvedFactor, reserveAndCheck, type Verdict } from "./factor-check.ts";
import { spendOnSession } from "./second-factor.ts";

/** An assertion as the browser returns it, `AuthenticationResponseJSON`. */
export interface WebauthnProof {
  readonly type: "webauthn";
  readonly response: unknown;
}

/** Counts an attempt and checks an assertion with one of the holder's passkeys or security keys. */
export async function checkAssertion(
  core: PasskeyCore,
  { proof, ...use }: FactorUse & { proof: WebauthnProof },
): Promise<ProvedFactor> {
  const response = parseAssertionResponse(proof.response);
  const { secondFactorVerification: userVerification } = core;
  requireVerification(response, userVerification);
  return await reserveAndCheck<store.AssertionMaterial>(core, {
    ...use,
    type: "webauthn",
    units: 1,
    isStepUp: true,
    material: store.assertionMaterial(response?.credentialId ?? ""),
    // The holder is already known, so the authenticator need not name a user. If it does, it must name the holder (step 6).
    verdictOn: async (material) =>
      await verdictOn(core, material, response, {
        binding: proofBinding(use.holder),
        needsHandle: false,
        userVerification,
      }),
  });
}

/** Signs in with any user's passkey: reserve, verify, spend. */
export async function signInChecked(
  core: PasskeyCore,
  attempt: {
    response: AssertionResponse | undefined;
    transport: Transport;
    context: RequestContext;
    presentedToken?: string | undefined;
    remember?: boolean | undefined;
  },
): Promise<IssuedSession> {
  const { response, transport, context, presentedToken, remember } = attempt;
  requireVerification(response, "required");
  const credentialId = response?.credentialId ?? "";
  const attempted = { context, credentialDigest: await core.keys.digest("passkey", credentialId) };
  const time = new TimeLeft(core.patience);
  const reserved = await executeAndPurge(core, {
    time,
    body: store.reservePasskeySignIn({
      ...attempted,
      auditId: newAuditId(),
      credentialId,
      counters: await addressCounters(core, context.address),
    }),
    mustCommit: true,
    onLostReply: "repeat",
  });
  requireAdmitted(reserved);
  // A discoverable credential must name its user (§7.2 step 6).
  const ceremony = { binding: ["sign_in"], needsHandle: true, userVerification: "required" } as const;
  const verdict = await verdictOn(core, reserved, response, ceremony);
  if (typeof verdict === "string") {
    await execute(core, {
      time,
      body: store.recordFailedPasskey({ ...attempted, auditId: newAuditId(), reason: verdict }),
      onLostReply: "repeat",
    });
    throw new AuthError("unauthorized.invalid_credential");
  }
  const holder: FactorHolder = { passkeyId: verdict.factorId };
  const presentedTokenHash = await digestOfToken(presentedToken);
  const use = { holder, context, act: signInWithPasskey, checked: verdict, counter: "", time };
  try {
    return await spendOnSession(core, { ...use, transport, remember, presentedTokenHash });
  } catch (error) {
    const isSpent = error instanceof AuthError && error.code === "unauthorized.invalid_factor";
    throw isSpent ? new AuthError("unauthorized.invalid_credential", { cause: error }) : error;
  }
}

/** A challenge is bound to the login or session that requested it (R040). */
export function proofBinding(holder: FactorHolder): CeremonyBinding {
  if ("ticketHash" in holder) return ["prove", "ticket", holder.ticketHash];
  return ["prove", "session", "sessionId" in holder ? holder.sessionId : ""];
}

/**
 * Judges the flag before anything is looked up or counted, so that the reason depends on the request alone: it is the same for
 * known and unknown credentials. The flag is judged again with the signature.
 *
 * @throws {AuthError} `unauthorized.user_not_verified`.
 */
function requireVerification(response: AssertionResponse | undefined, userVerification: UserVerification): void {
  const data = response && parseAuthenticatorData(response.authenticatorData);
  if (data && !data.userVerified && userVerification === "required") {
    throw new AuthError("unauthorized.user_not_verified");
  }
}

/** What a ceremony's options have demanded. */
interface Ceremony {
  readonly binding: CeremonyBinding;
  readonly needsHandle: boolean;
  readonly userVerification: UserVerification;
}

async function verdictOn(
  core: PasskeyCore,
  material: store.AssertionMaterial,
  response: AssertionResponse | undefined,
  { binding, needsHandle, userVerification }: Ceremony,
): Promise<Exclude<Verdict, CheckedFactor> | (CheckedFactor & { type: "webauthn" })> {
  const challenge = response && fromBase64Url(challengeOf(response.clientDataJson) ?? "");
  const spent = challenge && (await verifyChallenge(core, challenge, binding));
  if (!response) return "malformed";
  if (!spent) return "challenge_mismatch";
  const { factorId, publicKey, signCount, backupEligible } = material;
  if (factorId === null) return "unknown_credential";
  const handle = material.handle === null ? undefined : fromHex(material.handle);
  const said = response.userHandle;
  // A credential that another SDK registered has a handle that only that SDK knows. Its id alone names the user (S67).
  const isComparable = backupEligible !== null;
  if (said ? isComparable && (!handle || !constantTimeEqual(said, handle)) : needsHandle) return "user_handle";

  const verified = await verifyAssertion({
    response,
    challenge,
    relyingParty: core.relyingParty,
    policy: { userVerification },
    verifier: core.verifier,
    credential: {
      publicKey: fromHex(publicKey)!,
      signCount: Number(signCount),
      ...(backupEligible !== null && { backupEligible }),
    },
  });
  // This reason is more precise than the public one. Only `sign_count` is backed by a signature, so only it indicates a clone.
  if (!verified.ok) return verified.check;
  const { newSignCount, backedUp } = verified;
  return { type: "webauthn", factorId, credentialId: response.credentialId, newSignCount, backedUp, challenge: spent };
}
