import type { Factor, FactorStatus, MfaPolicy } from "../domain/factor.ts";
import type { TotpEnrollment } from "../operations/factors.ts";
import type { RegistrationOptions } from "../operations/registration.ts";
import type { VerifiedFactor } from "../operations/second-factor.ts";

interface AnyFactorBody {
  id: string;
  status: FactorStatus;
  replaces?: string;
  created_at: string;
  updated_at: string;
}

export interface TotpFactorBody extends AnyFactorBody {
  type: "totp";
  identifier: string;
}

export interface WebauthnFactorBody extends AnyFactorBody {
  type: "webauthn";
  identifier: string;
  rp_id: string;
  sign_count: number;
  aaguid?: string;
  transports?: string[];
}

export interface RecoveryFactorBody extends AnyFactorBody {
  type: "recovery";
  remaining: number;
}

/** A factor as the specification has it: no member more. */
export type FactorBody = TotpFactorBody | WebauthnFactorBody | RecoveryFactorBody;

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

/** What enrolment begins with: one of the three, told this once. */
export interface EnrolledFactorBody {
  factor: FactorBody;
  totp_enrollment?: TotpEnrollmentBody;
  webauthn_enrollment?: WebauthnEnrollmentBody;
  recovery_codes?: string[];
}

export interface MfaPolicyBody {
  usr_id: string;
  required: boolean;
  grace_until: string | null;
  updated_at: string;
}

export interface VerifiedFactorBody {
  ok: true;
  mfa_id: string;
  type: "totp" | "webauthn" | "recovery";
  mfa_verified_at: string;
  new_sign_count?: number;
}

export function factorBody(factor: Factor): FactorBody {
  const common = {
    id: factor.id,
    status: factor.status,
    ...(factor.replaces !== null && { replaces: factor.replaces }),
    created_at: factor.createdAt.toISOString(),
    updated_at: factor.updatedAt.toISOString(),
  };
  switch (factor.type) {
    case "totp":
      return { ...common, type: "totp", identifier: factor.identifier ?? "" };
    case "recovery":
      return { ...common, type: "recovery", remaining: factor.remaining ?? 0 };
    case "webauthn":
      return {
        ...common,
        type: "webauthn",
        identifier: factor.identifier ?? "",
        rp_id: factor.rpId ?? "",
        sign_count: factor.signCount ?? 0,
        ...(factor.aaguid !== null && { aaguid: factor.aaguid }),
        ...(factor.transports !== null && { transports: [...factor.transports] }),
      };
  }
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
  const { userId, required, graceUntil, updatedAt } = policy;
  return {
    usr_id: userId,
    required,
    grace_until: graceUntil?.toISOString() ?? null,
    updated_at: updatedAt.toISOString(),
  };
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
