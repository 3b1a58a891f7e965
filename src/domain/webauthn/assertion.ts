/**
 * Authentication: verifying an assertion, WebAuthn L3 §7.2 steps 8 to 23, in the order that Flametrench gives (ADR 0008).
 *
 * Left to the caller, who has the records: that the credential is one that was asked for and is the user's, that the user
 * handle is theirs (steps 5 and 6), that the challenge is spent only once (step 11), and that the new counter is stored under a
 * condition, or two assertions at the same time both pass (steps 22 and 24).
 *
 * @module
 */
import type { Bytes } from "../../crypto/bytes.ts";
import {
  type AuthenticatorData,
  checkAuthenticatorData,
  parseAuthenticatorData,
  signedBytes,
} from "./authenticator-data.ts";
import { checkClientData, type RelyingParty } from "./client-data.ts";
import { isSignatureForm, parseCoseKey, verifyCoseSignature } from "./cose-key.ts";
import { refuseCeremony, type WebAuthnRefusal } from "./refusal.ts";
import { refusalIn, requiresVerification, stateOf, type WebAuthnVerifier } from "./verifier.ts";

/** The data of the stored credential. */
export interface AssertionKey {
  /** The COSE_Key as it was registered. */
  readonly publicKey: Bytes;
  readonly signCount: number;
  /** As it was registered; leave it out only if it is not known. */
  readonly backupEligible?: boolean | undefined;
}

export interface AssertionPolicy {
  /** Whether the authenticator must have verified the user. Default `required`: without it a passkey is one factor. */
  readonly userVerification?: "required" | "preferred" | "discouraged";
  /** WebAuthn always requires a present user; `unchecked` is for signatures that are not WebAuthn. Default `required`. */
  readonly userPresence?: "required" | "unchecked";
  /** Whether an authenticator may add extensions that were not requested. Default `ignored`, as §7.2 step 23 advises. */
  readonly extensions?: "ignored" | "refused";
}

export interface VerifiedAssertion {
  readonly ok: true;
  /** Store this if the stored one is smaller, or if both are 0. */
  readonly newSignCount: number;
  readonly userPresent: boolean;
  readonly userVerified: boolean;
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
}

interface Assertion {
  readonly response: { readonly clientDataJson: Bytes; readonly authenticatorData: Bytes; readonly signature: Bytes };
  readonly challenge: Bytes;
  readonly relyingParty: RelyingParty;
  readonly credential: AssertionKey;
  readonly policy?: AssertionPolicy;
  readonly verifier?: WebAuthnVerifier | undefined;
}

/**
 * Checks whether an assertion answers our challenge with this key. Never throws, whatever was sent.
 *
 * A counter that does not rise is reported before the signature is checked, as Flametrench requires. Only the check
 * `sign_count` is evidence of a clone. `sign_count_claimed` is not signed with the key, so any client can send it, and could
 * otherwise put any credential under suspicion.
 *
 * @param assertion.challenge The bytes that were sent to this client only.
 * @param assertion.verifier Another implementation that verifies the signature, and must accept the response as a whole.
 */
export async function verifyAssertion(assertion: Assertion): Promise<VerifiedAssertion | WebAuthnRefusal> {
  const { response, challenge, relyingParty, credential, policy = {} } = assertion;

  // Steps 8 to 14.
  const clientDataRefusal = checkClientData(response.clientDataJson, { type: "webauthn.get", challenge, relyingParty });
  if (clientDataRefusal) return clientDataRefusal;

  // Steps 15 to 18.
  const data = parseAuthenticatorData(response.authenticatorData);
  if (!data) return refuseCeremony("authenticator_data");
  const dataRefusal = await checkAuthenticatorData(data, {
    rpId: relyingParty.rpId,
    userPresent: (policy.userPresence ?? "required") === "required",
    userVerified: requiresVerification(policy),
  });
  if (dataRefusal) return dataRefusal;

  // Step 19: eligibility never changes, so a difference means another key or another record.
  if (credential.backupEligible !== undefined && credential.backupEligible !== data.backupEligible)
    return refuseCeremony("backup_eligibility");

  // Step 22. A synced passkey has no counter and sends 0; a counter that stands still or falls is a clone's.
  const counts = data.signCount !== 0 || credential.signCount !== 0;
  const regresses = counts && data.signCount <= credential.signCount;

  // Steps 20 and 21.
  const refusal = await refusalOfSignature(assertion, data);
  if (regresses) return refuseCeremony(refusal ? "sign_count_claimed" : "sign_count");
  if (refusal) return refusal;

  // Step 23.
  if (policy.extensions === "refused" && data.extensions) return refuseCeremony("extensions");

  const { userPresent, userVerified, backupEligible, backedUp, signCount } = data;
  return { ok: true, newSignCount: signCount, userPresent, userVerified, backupEligible, backedUp };
}

/** Why the key has not signed the response, in the judgement of the verifier if there is one. */
async function refusalOfSignature(
  { response, challenge, relyingParty, credential, policy, verifier }: Assertion,
  data: AuthenticatorData,
): Promise<WebAuthnRefusal | undefined> {
  const { publicKey } = credential;
  const { authenticatorData, clientDataJson, signature } = response;
  const key = parseCoseKey(publicKey);
  if (!key) return refuseCeremony("public_key");
  if (!verifier) {
    const signed = await signedBytes(authenticatorData, clientDataJson);
    return (await verifyCoseSignature(key, signature, signed)) ? undefined : refuseCeremony("signature");
  }
  if (!isSignatureForm(key, signature)) return refuseCeremony("signature");
  const expected = { ...relyingParty, challenge, userVerified: requiresVerification(policy) };
  return refusalIn(await verifier.assertion({ response, expected, publicKey }), stateOf(data));
}
