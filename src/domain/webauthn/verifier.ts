/**
 * The port for another implementation of the checks: WebAuthn L3 §7.1 and §7.2, from the client data to the signature.
 *
 * Sallyport reads each response itself and applies its own rules first. Then it asks the verifier, with the same bytes, and
 * compares the answer with what it has read. So a verifier can refuse more, and the signature alone is left to it. Policy stays
 * outside: whose challenge and credential it is, counters, backup eligibility, attestation.
 *
 * @module
 */
import type { Bytes } from "../../crypto/bytes.ts";
import type { AuthenticatorData } from "./authenticator-data.ts";
import type { RelyingParty } from "./client-data.ts";
import type { CoseAlgorithm } from "./cose-key.ts";
import { refuseCeremony, type WebAuthnCheck, type WebAuthnRefusal } from "./refusal.ts";

/** What a response must match. It comes from the configuration and from the ceremony's options. */
export interface CeremonyExpectation extends RelyingParty {
  /** The bytes that were sent to this client only. */
  readonly challenge: Bytes;
  /** Whether the authenticator must have verified its user. It must always have noticed a present user. */
  readonly userVerified: boolean;
}

/** A registration to verify. */
export interface RegistrationCeremony {
  readonly response: {
    /** Base64url, as the client names it. */
    readonly credentialId: string;
    readonly clientDataJson: Bytes;
    /** Without the attestation statement: attestation is policy, and its certificates name URLs. */
    readonly authenticatorData: Bytes;
  };
  readonly expected: CeremonyExpectation & {
    /** COSE identifiers. */
    readonly algorithms: readonly CoseAlgorithm[];
  };
}

/** An assertion to verify. */
export interface AssertionCeremony {
  readonly response: { readonly clientDataJson: Bytes; readonly authenticatorData: Bytes; readonly signature: Bytes };
  readonly expected: CeremonyExpectation;
  /** The stored COSE_Key, as it was registered. */
  readonly publicKey: Bytes;
}

/** What accepted authenticator data says. */
export interface AuthenticatorState {
  readonly signCount: number;
  readonly userVerified: boolean;
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
}

/** What an accepted registration contains. */
export interface RegisteredCredential extends AuthenticatorState {
  /** Base64url, as the authenticator names it. */
  readonly credentialId: string;
  /** The COSE_Key as it was sent. */
  readonly publicKey: Bytes;
  /** The model, as a UUID in lower case. Any client can claim any model, so it is trusted only with attestation. */
  readonly aaguid: string;
}

/** An accepted response with its content, or the check that it fails. */
export type CeremonyVerdict<Accepted> =
  | ({ readonly ok: true } & Accepted)
  | { readonly ok: false; readonly check: WebAuthnCheck };

/**
 * Verifies WebAuthn ceremonies.
 *
 * Sallyport's own rules hold with any verifier, except that the verifier alone checks the signature. A verifier refuses a wrong
 * response with a verdict, whatever was sent. If it throws, the request fails with 500.
 */
export interface WebAuthnVerifier {
  /** Checks that a new credential was made for this site and challenge. */
  registration(ceremony: RegistrationCeremony): Promise<CeremonyVerdict<RegisteredCredential>>;
  /** Checks that the stored key has signed this challenge for this site. Its counter is Sallyport's to judge. */
  assertion(ceremony: AssertionCeremony): Promise<CeremonyVerdict<AuthenticatorState>>;
}

/** The refusal in a verdict, or of a verdict that does not repeat what Sallyport has read and stores. */
export function refusalIn<Read extends object>(
  verdict: CeremonyVerdict<Read>,
  read: NoInfer<Read>,
): WebAuthnRefusal | undefined {
  if (!verdict.ok) return refuseCeremony(verdict.check);
  const accepted: Readonly<Record<string, unknown>> = { ...verdict };
  const differs = Object.entries(read).some(([name, value]) => `${accepted[name]}` !== `${value}`);
  return differs ? refuseCeremony("authenticator_data") : undefined;
}

/** The part of authenticator data that a verdict repeats. */
export function stateOf({ signCount, userVerified, backupEligible, backedUp }: AuthenticatorData): AuthenticatorState {
  return { signCount, userVerified, backupEligible, backedUp };
}

/** True if the authenticator must have verified its user, as it must by default. */
export function requiresVerification({
  userVerification = "required",
}: {
  readonly userVerification?: "required" | "preferred" | "discouraged";
} = {}): boolean {
  return userVerification === "required";
}
