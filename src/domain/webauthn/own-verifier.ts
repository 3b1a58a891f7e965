import { verifyAssertion } from "./assertion.ts";
import { checkClientData, type RelyingParty } from "./client-data.ts";
import { contentOf, readNewCredential } from "./registration.ts";
import type { CeremonyExpectation, WebAuthnVerifier } from "./verifier.ts";

/** Sallyport's own checks as a verifier, for one that asks several. `passkeys()` makes these checks by default. */
export const sallyportVerifier: WebAuthnVerifier = {
  async registration({ response: { clientDataJson, ...response }, expected }) {
    const { challenge, rpId, algorithms } = expected;
    const given = { type: "webauthn.create", challenge, relyingParty: relyingPartyOf(expected) } as const;
    const refusal = checkClientData(clientDataJson, given);
    if (refusal) return refusal;
    const policy = { algorithms, userVerification: userVerificationOf(expected) };
    const made = await readNewCredential({ ...response, rpId, policy });
    return made.ok ? { ok: true, ...contentOf(made.data) } : made;
  },

  async assertion({ response, expected, publicKey }) {
    const verified = await verifyAssertion({
      response,
      challenge: expected.challenge,
      relyingParty: relyingPartyOf(expected),
      policy: { userVerification: userVerificationOf(expected) },
      // The caller judges the counter.
      credential: { publicKey, signCount: 0 },
    });
    if (!verified.ok) return verified;
    const { newSignCount: signCount, userVerified, backupEligible, backedUp } = verified;
    return { ok: true, signCount, userVerified, backupEligible, backedUp };
  },
};

function relyingPartyOf({ rpId, origins, topOrigins }: CeremonyExpectation): RelyingParty {
  return { rpId, origins, ...(topOrigins && { crossOrigin: { topOrigins } }) };
}

function userVerificationOf({ userVerified }: CeremonyExpectation): "required" | "discouraged" {
  return userVerified ? "required" : "discouraged";
}
