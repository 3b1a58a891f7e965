import { anyFactor, type Factor, type FactorType, factorTypes, type MfaPolicy, mfaPolicy } from "../domain/factor.ts";
import { type RecordTable, type SparseWireOf, toBody, toSparseBody, type WireOf } from "../domain/record.ts";
import type { TotpEnrollment } from "../operations/factors.ts";
import type { RegistrationOptions } from "../operations/registration.ts";
import type { VerifiedFactor } from "../operations/second-factor.ts";

/** A factor as the specification has it: no additional members, and none that is null. */
export type FactorBody = {
  [Type in FactorType]: SparseWireOf<typeof anyFactor & (typeof factorTypes)[Type]>;
}[FactorType];

export interface TotpEnrollmentBody {
  secret_b32: string;
  otpauth_uri: string;
  period: number;
  digits: number;
  algorithm: "sha1" | "sha256" | "sha512";
}

/** What a browser needs to make a key, in the specification's words. */
export interface WebauthnEnrollmentBody {
  challenge_b64u: string;
  rp_id: string;
  user_id_b64u: string;
  pub_key_cred_params: { type: "public-key"; alg: -7 | -8 | -257 }[];
  timeout_ms: number;
}

/** The answer that starts an enrollment: one of the three. Its secret is shown only this once. */
export interface EnrolledFactorBody {
  factor: FactorBody;
  totp_enrollment?: TotpEnrollmentBody;
  webauthn_enrollment?: WebauthnEnrollmentBody;
  recovery_codes?: string[];
}

export type MfaPolicyBody = WireOf<typeof mfaPolicy>;

export interface VerifiedFactorBody {
  ok: true;
  mfa_id: string;
  type: "totp" | "webauthn" | "recovery";
  mfa_verified_at: string;
  new_sign_count?: number;
}

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

export function webauthnEnrollmentBody({
  factor,
  options,
}: {
  factor: Factor;
  options: RegistrationOptions;
}): EnrolledFactorBody {
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
