import { anyFactor, type Factor, factorTypes, type MfaPolicy, mfaPolicy } from "../domain/factor.ts";
import { type RecordTable, toBody, toSparseBody, type WireOf } from "../domain/record.ts";
import type { TotpEnrollment } from "../operations/factors.ts";
import type { RegistrationOptions } from "../operations/registration.ts";
import type { VerifiedFactor } from "../operations/second-factor.ts";
import type { EnrolledFactorBody, FactorBody, OwnEnrolledFactorBody, VerifiedFactorBody } from "./generated/api.ts";
import { registrationOptionsBody } from "./passkey-wire.ts";

export type MfaPolicyBody = WireOf<typeof mfaPolicy>;

/** A factor in the specification's form: no additional members, and no null members. */
export function factorBody(factor: Factor): FactorBody {
  const own: RecordTable = factorTypes[factor.type];
  return { ...toSparseBody(anyFactor, factor), ...toSparseBody(own, { ...factor }) } as FactorBody;
}

export function totpEnrollmentBody(enrollment: TotpEnrollment): EnrolledFactorBody {
  const { factor, secretBase32, otpauthUri, parameters } = enrollment;
  const { periodSeconds, digits, algorithm } = parameters;
  return {
    factor: factorBody(factor),
    totp_enrollment: { secret_b32: secretBase32, otpauth_uri: otpauthUri, period: periodSeconds, digits, algorithm },
  };
}

/** A pending key, and the options with which a browser creates it. */
export interface KeyEnrollment {
  readonly factor: Factor;
  readonly options: RegistrationOptions;
}

/** In the browser's form. */
export function ownKeyEnrollmentBody({ factor, options }: KeyEnrollment): OwnEnrolledFactorBody {
  return { factor: factorBody(factor), webauthn_enrollment: registrationOptionsBody(options) };
}

/** In the specification's form. */
export function keyEnrollmentBody({ factor, options }: KeyEnrollment): EnrolledFactorBody {
  return {
    factor: factorBody(factor),
    webauthn_enrollment: {
      challenge_b64u: options.challenge,
      rp_id: options.rp.id,
      user_id_b64u: options.user.id,
      pub_key_cred_params: options.pubKeyCredParams.map((parameters) => ({ ...parameters })),
      timeout_ms: options.timeout,
    },
  };
}

export function mfaPolicyBody(policy: MfaPolicy): MfaPolicyBody {
  return toBody(mfaPolicy, policy);
}

export function verifiedFactorBody({ factorId, type, verifiedAt, newSignCount }: VerifiedFactor): VerifiedFactorBody {
  return {
    ok: true,
    mfa_id: factorId,
    type,
    mfa_verified_at: verifiedAt.toISOString(),
    ...(newSignCount !== undefined && { new_sign_count: newSignCount }),
  };
}
