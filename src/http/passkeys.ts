/**
 * Passkeys and security keys: W3C WebAuthn Level 3.
 *
 * @module
 */
export type { Passkey } from "../domain/passkey.ts";
export { type Attestation, type AttestationOptions, attestation } from "../domain/webauthn/attestation.ts";
export type { RelyingParty } from "../domain/webauthn/client-data.ts";
export type { CoseAlgorithm } from "../domain/webauthn/cose-key.ts";
export { sallyportVerifier } from "../domain/webauthn/own-verifier.ts";
export type { WebAuthnCheck } from "../domain/webauthn/refusal.ts";
export type { AuthenticatorTransport } from "../domain/webauthn/response.ts";
export type {
  AssertionCeremony,
  AuthenticatorState,
  CeremonyExpectation,
  CeremonyVerdict,
  RegisteredCredential,
  RegistrationCeremony,
  WebAuthnVerifier,
} from "../domain/webauthn/verifier.ts";
export type { PasskeyOptions, UserVerification } from "../engine/passkey-settings.ts";
export type { WebauthnProof } from "../operations/assertion-check.ts";
export type {
  AssertionOptions,
  PasskeyAuth,
  PasskeyOperations,
  PasskeySignInOperations,
  RegisteredPasskey,
} from "../operations/passkeys.ts";
export type { CredentialDescriptor, RegistrationOptions } from "../operations/registration.ts";
export type { SecurityKeyOperations } from "../operations/security-keys.ts";
export { passkeys } from "./features/passkeys.ts";
export type {
  AssertionOptionsBody,
  AuthenticationResponseBody,
  CredentialDescriptorBody,
  PasskeyBody,
  PasskeysApi,
  RegistrationOptionsBody,
  RegistrationResponseBody,
} from "./generated/api.ts";
