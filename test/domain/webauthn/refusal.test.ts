/** The table of checks against the standard. */
import { expect, test } from "vitest";
import { refuseCeremony, type WebAuthnCheck, webAuthnChecks } from "../../../src/domain/webauthn/refusal.ts";

/** The steps of WebAuthn L3 §7.1 (registration), then of §7.2 (authentication), editor's draft of 30 July 2026. */
const steps: Readonly<Record<WebAuthnCheck, string>> = {
  credential_id: "3 and none",
  client_data_text: "5 and 8",
  client_data_json: "6 and 9",
  type: "7 and 10",
  challenge: "8 and 11",
  origin: "9 and 12",
  cross_origin: "10 and 13",
  top_origin: "11 and 14",
  attestation_object: "13 and none",
  authenticator_data: "13 and 15",
  rp_id: "14 and 15",
  user_present: "15 and 16",
  user_verified: "16 and 17",
  backup_flags: "17 and 18",
  backup_policy: "18 and none",
  backup_eligibility: "none and 19",
  sign_count: "none and 22",
  sign_count_claimed: "none and 22",
  public_key: "20 and 21",
  algorithm: "20 and none",
  attestation_format: "21 and none",
  attestation_statement: "22 and none",
  attestation_trust: "24 and none",
  extensions: "28 and 23",
  signature: "none and 21",
};

test.each(Object.entries(webAuthnChecks))("%s: its reason and its steps in both ceremonies", (check, row) => {
  const [reason, registration, authentication] = row;
  expect(`${registration || "none"} and ${authentication || "none"}`).toBe(steps[check as WebAuthnCheck]);
  expect(refuseCeremony(check as WebAuthnCheck)).toEqual({ ok: false, reason, check });
});
