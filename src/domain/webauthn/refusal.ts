/**
 * The refusals of a ceremony: one row for each check.
 *
 * The reason is public: `webauthn.<reason>`, ten of which are Flametrench's (ADR 0008). The check says more precisely what
 * failed. It is for the audit log and for tests, and does not leave the process. The numbers are steps of WebAuthn L3 §7.1 and
 * §7.2, editor's draft of 30 July 2026.
 *
 * @module
 */

/** A check, the reason it refuses with, and its step in either section. */
export const webAuthnChecks = {
  credential_id: { reason: "malformed", registration: 3 },
  client_data_text: { reason: "malformed", registration: 5, authentication: 8 },
  client_data_json: { reason: "malformed", registration: 6, authentication: 9 },
  type: { reason: "type_mismatch", registration: 7, authentication: 10 },
  challenge: { reason: "challenge_mismatch", registration: 8, authentication: 11 },
  origin: { reason: "origin_mismatch", registration: 9, authentication: 12 },
  cross_origin: { reason: "origin_mismatch", registration: 10, authentication: 13 },
  top_origin: { reason: "origin_mismatch", registration: 11, authentication: 14 },
  attestation_object: { reason: "malformed", registration: 13 },
  authenticator_data: { reason: "malformed", registration: 13, authentication: 15 },
  rp_id: { reason: "rp_id_mismatch", registration: 14, authentication: 15 },
  user_present: { reason: "user_not_present", registration: 15, authentication: 16 },
  user_verified: { reason: "user_not_verified", registration: 16, authentication: 17 },
  backup_flags: { reason: "malformed", registration: 17, authentication: 18 },
  backup_policy: { reason: "backup_not_allowed", registration: 18 },
  backup_eligibility: { reason: "malformed", authentication: 19 },
  sign_count: { reason: "counter_regression", authentication: 22 },
  sign_count_claimed: { reason: "counter_regression", authentication: 22 },
  public_key: { reason: "unsupported_key", registration: 20, authentication: 21 },
  algorithm: { reason: "unsupported_key", registration: 20 },
  attestation_format: { reason: "unsupported_attestation", registration: 21 },
  attestation_statement: { reason: "attestation_invalid", registration: 22 },
  attestation_trust: { reason: "attestation_untrusted", registration: 24 },
  extensions: { reason: "extension_not_allowed", registration: 28, authentication: 23 },
  signature: { reason: "signature_invalid", authentication: 21 },
} as const;

/** A check of a ceremony that a response can fail. */
export type WebAuthnCheck = keyof typeof webAuthnChecks;

/** The checks of one ceremony: those with a step in it. */
export type CheckOf<Ceremony extends "registration" | "authentication"> = {
  [Check in WebAuthnCheck]: (typeof webAuthnChecks)[Check] extends Readonly<Record<Ceremony, number>> ? Check : never;
}[WebAuthnCheck];

export type CommonCheck = CheckOf<"registration"> & CheckOf<"authentication">;

export interface WebAuthnRefusal<Check extends WebAuthnCheck = WebAuthnCheck> {
  readonly ok: false;
  readonly reason: (typeof webAuthnChecks)[Check]["reason"];
  readonly check: Check;
}

export function refuseCeremony<Check extends WebAuthnCheck>(check: Check): WebAuthnRefusal<Check> {
  return { ok: false, reason: webAuthnChecks[check].reason, check };
}
