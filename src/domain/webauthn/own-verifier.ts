import { verifyAssertion } from "./assertion.ts";
import { parseAuthenticatorData } from "./authenticator-data.ts";
import { formatAaguid, verifyRegistration } from "./registration.ts";
import { unattested } from "./unattested.ts";
import type { CeremonyExpectation, WebAuthnVerifier } from "./verifier.ts";

/** Sallyport's own checks as a verifier, for one that asks several. `passkeys()` makes these checks by default. */
export const sallyportVerifier: WebAuthnVerifier = {
  async registration({ response: { authenticatorData, ...response }, expected }) {
    const verified = await verifyRegistration({
      response: { ...response, attestationObject: unattested(authenticatorData), transports: [] },
      challenge: expected.challenge,
      relyingParty: expected,
      policy: { algorithms: expected.algorithms, ...policyOf(expected) },
    });
    if (!verified.ok) return verified;
    const { credentialId, publicKey, signCount, userVerified, backupEligible, backedUp } = verified;
    const aaguid = formatAaguid(parseAuthenticatorData(authenticatorData)!.attested!.aaguid);
    return { ok: true, credentialId, publicKey, aaguid, signCount, userVerified, backupEligible, backedUp };
  },

  async assertion({ response, expected, publicKey }) {
    const verified = await verifyAssertion({
      response,
      challenge: expected.challenge,
      relyingParty: expected,
      policy: policyOf(expected),
      // The caller judges the counter.
      credential: { publicKey, signCount: 0 },
    });
    if (!verified.ok) return verified;
    const { newSignCount: signCount, userVerified, backupEligible, backedUp } = verified;
    return { ok: true, signCount, userVerified, backupEligible, backedUp };
  },
};

const policyOf = ({ userVerified }: CeremonyExpectation) =>
  ({ userVerification: userVerified ? "required" : "discouraged" }) as const;
