/**
 * SimpleWebAuthn as the verifier of passkeys. Install `@simplewebauthn/server`.
 *
 * @module
 */
import { toBase64Url } from "../crypto/bytes.ts";
import { unattested } from "../domain/webauthn/unattested.ts";
import type { CeremonyExpectation, WebAuthnVerifier } from "../domain/webauthn/verifier.ts";

/**
 * Verifies ceremonies with SimpleWebAuthn, besides Sallyport's own rules: `passkeys({ verifier: simpleWebAuthn() })`.
 *
 * The signature is SimpleWebAuthn's to verify, and it checks everything else a second time. It never receives an attestation
 * statement, so it fetches nothing and trusts none of its built-in certificates. Counters stay with Sallyport. The package is
 * loaded at the first ceremony.
 */
export function simpleWebAuthn(): WebAuthnVerifier {
  return {
    async registration({ response, expected }) {
      const { verifyRegistrationResponse } = await import("@simplewebauthn/server");
      const { credentialId, clientDataJson, authenticatorData } = response;
      try {
        const { registrationInfo: info } = await verifyRegistrationResponse({
          ...sharedOptions(expected),
          response: {
            ...credentialOf(credentialId),
            response: {
              clientDataJSON: toBase64Url(clientDataJson),
              attestationObject: toBase64Url(unattested(authenticatorData)),
            },
          },
          supportedAlgorithmIDs: [...expected.algorithms],
        });
        if (!info) return { ok: false, check: "authenticator_data" };
        const { credential, aaguid, userVerified } = info;
        const { id, publicKey, counter: signCount } = credential;
        return { ok: true, credentialId: id, publicKey, signCount, aaguid, userVerified, ...backupOf(info) };
      } catch {
        // Every refusal is an exception, and only its text says why.
        return { ok: false, check: "authenticator_data" };
      }
    },

    async assertion({ response, expected, publicKey }) {
      const { verifyAuthenticationResponse } = await import("@simplewebauthn/server");
      const { clientDataJson, authenticatorData, signature } = response;
      // The caller has found the key by the credential's id, so any id will do here.
      const id = "AA";
      try {
        const { verified, authenticationInfo: info } = await verifyAuthenticationResponse({
          ...sharedOptions(expected),
          ...(expected.crossOrigin && { expectedTopOrigin: [...expected.crossOrigin.topOrigins] }),
          response: {
            ...credentialOf(id),
            response: {
              clientDataJSON: toBase64Url(clientDataJson),
              authenticatorData: toBase64Url(authenticatorData),
              signature: toBase64Url(signature),
            },
          },
          // No counter is too low for a stored 0: the caller judges it.
          credential: { id, publicKey, counter: 0 },
        });
        if (!verified) return { ok: false, check: "signature" };
        const { newCounter: signCount, userVerified } = info;
        return { ok: true, signCount, userVerified, ...backupOf(info) };
      } catch {
        // As above. Runtimes also throw for some signatures that are too short.
        return { ok: false, check: "signature" };
      }
    },
  };
}

/** The options of both ceremonies. */
function sharedOptions({ challenge, origins, rpId, userVerified }: CeremonyExpectation): {
  readonly expectedChallenge: string;
  readonly expectedOrigin: string[];
  readonly expectedRPID: string;
  readonly requireUserVerification: boolean;
} {
  return {
    expectedChallenge: toBase64Url(challenge),
    expectedOrigin: [...origins],
    expectedRPID: rpId,
    requireUserVerification: userVerified,
  };
}

/** The members of `PublicKeyCredentialJSON` besides the response. */
function credentialOf(id: string): {
  readonly id: string;
  readonly rawId: string;
  readonly type: "public-key";
  readonly clientExtensionResults: object;
} {
  return { id, rawId: id, type: "public-key", clientExtensionResults: {} };
}

function backupOf(info: { readonly credentialDeviceType: string; readonly credentialBackedUp: boolean }): {
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
} {
  return { backupEligible: info.credentialDeviceType === "multiDevice", backedUp: info.credentialBackedUp };
}
