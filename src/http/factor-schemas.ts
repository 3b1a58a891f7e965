/**
 * The schemas of requests about second factors.
 *
 * @module
 */
import * as v from "valibot";
import type {
  AssertionBody,
  AttestationBody,
  ConfirmFactorBody,
  EnrollFactorBody,
  FactorProofBody,
  MfaPolicyFieldsBody,
  OwnConfirmFactorBody,
  OwnFactorProofBody,
  StepUpBody,
} from "./generated/api.ts";
import type { Schema } from "./schema.ts";
import { authenticationResponseBody, registrationResponseBody } from "./webauthn-schemas.ts";

const text = v.string;

/** The parts of a WebAuthn assertion, each base64url (W3C WebAuthn Level 3 §5.2.2). */
export const assertionBody: Schema<AssertionBody> = () =>
  v.strictObject({
    client_data_json_b64u: text(),
    authenticator_data_b64u: text(),
    signature_b64u: text(),
    credential_id_b64u: text(),
    user_handle_b64u: v.optional(text()),
  });

const totpProof = () => v.strictObject({ type: v.literal("totp"), code: text() });
const recoveryProof = () => v.strictObject({ type: v.literal("recovery"), code: text() });
const webauthnProof = () => v.strictObject({ type: v.literal("webauthn"), assertion: assertionBody() });

/** The same in the browser's JSON. */
const browserProof = () => v.strictObject({ type: v.literal("webauthn"), response: authenticationResponseBody() });

/** A code that a user typed, or an assertion that an authenticator signed, in Flametrench's form. */
export const factorProofBody: Schema<FactorProofBody> = () =>
  v.variant("type", [totpProof(), recoveryProof(), webauthnProof()]);

/** The same in the browser's JSON. */
export const ownFactorProofBody: Schema<OwnFactorProofBody> = () =>
  v.variant("type", [totpProof(), recoveryProof(), browserProof()]);

export const stepUpBody: Schema<StepUpBody> = () =>
  v.variant("type", [
    totpProof(),
    recoveryProof(),
    browserProof(),
    v.strictObject({ type: v.literal("password"), password: text() }),
  ]);

export const enrollFactorBody: Schema<EnrollFactorBody> = () =>
  v.variant("type", [
    v.strictObject({ type: v.literal("totp"), identifier: text() }),
    v.strictObject({ type: v.literal("webauthn"), rp_id: v.optional(text()) }),
    v.strictObject({ type: v.literal("recovery") }),
  ]);

/** An authenticator's response to creating a credential, each part base64url (W3C WebAuthn Level 3 §5.2.1). */
export const attestationBody: Schema<AttestationBody> = () =>
  v.strictObject({
    client_data_json_b64u: text(),
    attestation_object_b64u: text(),
    credential_id_b64u: text(),
    transports: v.optional(v.array(text())),
  });

export const confirmFactorBody: Schema<ConfirmFactorBody> = () =>
  v.variant("type", [totpProof(), v.strictObject({ type: v.literal("webauthn"), attestation: attestationBody() })]);

/** The same in the browser's JSON. */
export const ownConfirmFactorBody: Schema<OwnConfirmFactorBody> = () =>
  v.variant("type", [
    totpProof(),
    v.strictObject({ type: v.literal("webauthn"), response: registrationResponseBody() }),
  ]);

export const mfaPolicyFieldsBody: Schema<MfaPolicyFieldsBody> = () =>
  v.strictObject({
    required: v.boolean(),
    grace_until: v.optional(v.nullable(v.pipe(v.string(), v.isoTimestamp()))),
  });
