/**
 * Second factors: authenticator apps, recovery codes, and the policy that requires a factor.
 *
 * @module
 */
export type {
  Factor,
  FactorStatus,
  FactorType,
  MfaPolicy,
  RecoveryFactor,
  TotpFactor,
  WebauthnFactor,
} from "../domain/factor.ts";
export type { FactorId } from "../domain/id.ts";
export type { TotpAlgorithm, TotpParameters } from "../domain/totp.ts";
export type { MfaOptions } from "../engine/mfa-settings.ts";
export type { EnrollmentAuthority } from "../operations/enrollment-authority.ts";
export type { FactorProof } from "../operations/factor-check.ts";
export type { ConfirmedFactor } from "../operations/factor-confirmation.ts";
export type { FactorOperations, TotpEnrollment } from "../operations/factors.ts";
export type { MfaAuth, MfaPolicyOperations } from "../operations/mfa.ts";
export type {
  PresentedTicket,
  SecondFactorOperations,
  StepUpProof,
  VerifiedFactor,
} from "../operations/second-factor.ts";
export { mfa } from "./features/mfa.ts";
export type {
  EnrolledFactorBody,
  FactorBody,
  MfaApi,
  OwnEnrolledFactorBody,
  VerifiedFactorBody,
} from "./generated/api.ts";
