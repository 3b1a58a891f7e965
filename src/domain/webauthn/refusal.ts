/**
 * The refusals of a ceremony: one row for each check.
 *
 * The reason is public: `webauthn.<reason>`, ten of which are Flametrench's (ADR 0008). The check says more precisely what
 * failed. It is for the audit log and for tests, and no client sees it. The numbers are steps of WebAuthn L3 §7.1 and
 * §7.2, editor's draft of 30 July 2026.
 *
 * @module
 */

/** A check: the reason it refuses with, and its steps in §7.1 (registration) and §7.2; 0 if it is none of them. */
export const webAuthnChecks = {
  credential_id: ["malformed", 3, 0],
  client_data_text: ["malformed", 5, 8],
  client_data_json: ["malformed", 6, 9],
  type: ["type_mismatch", 7, 10],
  challenge: ["challenge_mismatch", 8, 11],
  origin: ["origin_mismatch", 9, 12],
  cross_origin: ["origin_mismatch", 10, 13],
  top_origin: ["origin_mismatch", 11, 14],
  attestation_object: ["malformed", 13, 0],
  authenticator_data: ["malformed", 13, 15],
  rp_id: ["rp_id_mismatch", 14, 15],
  user_present: ["user_not_present", 15, 16],
  user_verified: ["user_not_verified", 16, 17],
  backup_flags: ["malformed", 17, 18],
  backup_policy: ["backup_not_allowed", 18, 0],
  backup_eligibility: ["malformed", 0, 19],
  sign_count: ["counter_regression", 0, 22],
  sign_count_claimed: ["counter_regression", 0, 22],
  public_key: ["unsupported_key", 20, 21],
  algorithm: ["unsupported_key", 20, 0],
  attestation_format: ["unsupported_attestation", 21, 0],
  attestation_statement: ["attestation_invalid", 22, 0],
  attestation_trust: ["attestation_untrusted", 24, 0],
  extensions: ["extension_not_allowed", 28, 23],
  signature: ["signature_invalid", 0, 21],
} as const;

/** A check of a ceremony that a response can fail. */
export type WebAuthnCheck = keyof typeof webAuthnChecks;

/** The checks of one ceremony: those with a step in it. */
export type CheckOf<Ceremony extends "registration" | "authentication"> = {
  [Check in WebAuthnCheck]: (typeof webAuthnChecks)[Check][Ceremony extends "registration" ? 1 : 2] extends 0
    ? never
    : Check;
}[WebAuthnCheck];

export type CommonCheck = CheckOf<"registration"> & CheckOf<"authentication">;

export interface WebAuthnRefusal<Check extends WebAuthnCheck = WebAuthnCheck> {
  readonly ok: false;
  readonly reason: (typeof webAuthnChecks)[Check][0];
  readonly check: Check;
}

export function refuseCeremony<Check extends WebAuthnCheck>(check: Check): WebAuthnRefusal<Check> {
  return { ok: false, reason: webAuthnChecks[check][0], check };
}
