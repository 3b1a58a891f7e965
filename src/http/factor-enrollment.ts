import { AuthError } from "../domain/error.ts";
import type { FactorId } from "../domain/id.ts";
import type { Transport } from "../domain/session.ts";
import { acceptTypedName } from "../domain/text.ts";
import type { WebauthnProof } from "../operations/assertion-check.ts";
import type { EnrollmentAuthority } from "../operations/enrollment-authority.ts";
import type { ConfirmedFactor } from "../operations/factor-confirmation.ts";
import type { MfaAuth } from "../operations/mfa.ts";
import type { PasskeyAuth } from "../operations/passkeys.ts";
import { factorBody, type KeyEnrollment, totpEnrollmentBody } from "./factor-wire.ts";
import type {
  AssertionBody,
  AttestationBody,
  AuthenticationResponseBody,
  ConfirmFactorBody,
  EnrolledFactorBody,
  EnrollFactorBody,
  OwnConfirmFactorBody,
  OwnEnrolledFactorBody,
  RegistrationResponseBody,
} from "./generated/api.ts";
import { keyOf } from "./request-values.ts";
import type { Call } from "./route.ts";

/** The operations that these rows need. Without the feature `passkeys`, security keys are refused. */
export type FactorRouteAuth = MfaAuth & Partial<Pick<PasskeyAuth, "webauthn" | "securityKeys">>;

export function webauthnOf(auth: FactorRouteAuth): PasskeyAuth["webauthn"] {
  if (!auth.webauthn) throw new AuthError("unauthorized.invalid_factor");
  return auth.webauthn;
}

/** An assertion as a browser writes it (WebAuthn L3 §5.1.8), from that form or from the specification's. */
export function assertionOf(
  body: { readonly response: AuthenticationResponseBody } | { readonly assertion: AssertionBody },
): WebauthnProof {
  if ("response" in body) return { type: "webauthn", response: body.response };
  const { assertion } = body;
  const { credential_id_b64u: id, user_handle_b64u: userHandle } = assertion;
  const response = {
    clientDataJSON: assertion.client_data_json_b64u,
    authenticatorData: assertion.authenticator_data_b64u,
    signature: assertion.signature_b64u,
    ...(userHandle !== undefined && { userHandle }),
  };
  return { type: "webauthn", response: { id, rawId: id, type: "public-key", response } };
}

/** The same for a registration. */
function registrationOf(
  body: { readonly response: RegistrationResponseBody } | { readonly attestation: AttestationBody },
): unknown {
  if ("response" in body) return body.response;
  const { attestation } = body;
  const { credential_id_b64u: id, transports = [] } = attestation;
  const response = {
    clientDataJSON: attestation.client_data_json_b64u,
    attestationObject: attestation.attestation_object_b64u,
    transports,
  };
  return { id, rawId: id, type: "public-key", response };
}

export async function confirm(
  auth: FactorRouteAuth,
  body: ConfirmFactorBody | OwnConfirmFactorBody,
  factorId: FactorId,
  authority: EnrollmentAuthority,
  transport: Transport,
): Promise<ConfirmedFactor> {
  if (body.type === "totp")
    return await auth.factors.confirmTotp({ ...authority, factorId, transport, code: body.code });
  if (!auth.securityKeys) throw new AuthError("forbidden");
  return await auth.securityKeys.confirm({
    ...authority,
    factorId,
    transport,
    response: registrationOf(body),
  });
}

/** A request under `/auth`, whose label a person has typed (S63). */
export function withTypedLabel(body: EnrollFactorBody): EnrollFactorBody {
  return body.type === "totp" ? { ...body, identifier: acceptTypedName(body.identifier) } : body;
}

/**
 * Starts an enrollment.
 *
 * @param keyEnrollmentBody Writes a key's options, in the browser's form or in the specification's.
 */
export async function enroll(
  { c, auth, body }: Pick<Call<EnrollFactorBody, undefined, FactorRouteAuth>, "c" | "auth" | "body">,
  authority: EnrollmentAuthority,
  keyEnrollmentBody: (enrollment: KeyEnrollment) => EnrolledFactorBody | OwnEnrolledFactorBody,
): Promise<EnrolledFactorBody | OwnEnrolledFactorBody> {
  const key = keyOf(c);
  switch (body.type) {
    case "totp":
      return totpEnrollmentBody(await auth.factors.enrollTotp({ ...authority, label: body.identifier, ...key }));
    case "recovery": {
      if (!("actor" in authority)) throw new AuthError("precondition.factor_needed_first");
      const { factor, codes } = await auth.factors.replaceRecoveryCodes({ ...authority, ...key });
      return { factor: factorBody(factor), recovery_codes: [...codes] };
    }
    case "webauthn":
      if (!auth.securityKeys) throw new AuthError("forbidden");
      // S45: the relying party comes from the configuration. A request that names another one is refused.
      if (body.rp_id !== undefined) auth.securityKeys.requireRpId(body.rp_id);
      return keyEnrollmentBody(await auth.securityKeys.enroll(authority));
  }
}
