import { type AttestationPolicy, attestationVerifier } from "../../../src/domain/webauthn/attestation.ts";
import type { WebAuthnRefusal } from "../../../src/domain/webauthn/refusal.ts";
import {
  type RegistrationPolicy,
  type VerifiedRegistration,
  verifyRegistration as verify,
} from "../../../src/domain/webauthn/registration.ts";

type Registration = Omit<Parameters<typeof verify>[0], "policy" | "verifyAttestation"> & {
  readonly policy?: RegistrationPolicy & AttestationPolicy;
};

/** Verifies a registration with its attestation, by one policy for both. */
export async function verifyRegistration(registration: Registration): Promise<VerifiedRegistration | WebAuthnRefusal> {
  return await verify({ ...registration, verifyAttestation: attestationVerifier(registration.policy) });
}
