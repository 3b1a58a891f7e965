import type { Answers, TicketHeader, WithUser } from "./api.ts";
import type * as schemas from "./factor-schemas.ts";
import type { EnrolledFactorBody, FactorBody, MfaPolicyBody, VerifiedFactorBody } from "./factor-wire.ts";
import type { SignedInBody } from "./wire.ts";

type WithFactor = { param: { mfa_id: string } };

/** The routes of `mfaRoutes` as types, for Hono's client: `hc<Hono<object, AuthApi & MfaApi>>(baseUrl)`. */
export type MfaApi = {
  "/auth/sign-in/factor": {
    $post: Answers<Partial<TicketHeader> & { json: schemas.FactorProofBody }, SignedInBody, 200>;
  };
  "/auth/sign-in/enroll": {
    $post: Answers<Partial<TicketHeader> & { json: schemas.EnrollFactorBody }, EnrolledFactorBody, 201>;
  };
  "/auth/sign-in/enroll/:mfa_id/confirm": {
    $post: Answers<WithFactor & Partial<TicketHeader> & { json: schemas.ConfirmFactorBody }, SignedInBody, 200>;
  };
  "/auth/step-up": { $post: Answers<{ json: schemas.StepUpBody }, SignedInBody, 200> };
  "/auth/factors": {
    $get: Answers<object, { factors: FactorBody[] }, 200>;
    $post: Answers<{ json: schemas.EnrollFactorBody }, EnrolledFactorBody, 201>;
  };
  "/auth/factors/:mfa_id/confirm": {
    $post: Answers<WithFactor & { json: schemas.ConfirmFactorBody }, SignedInBody, 200>;
  };
  "/auth/factors/:mfa_id/revoke": { $post: Answers<WithFactor, FactorBody, 200> };

  "/v1/users/:usr_id/mfa-factors": {
    $get: Answers<WithUser, { factors: FactorBody[] }, 200>;
    $post: Answers<WithUser & { json: schemas.EnrollFactorBody }, EnrolledFactorBody, 201>;
  };
  "/v1/mfa-factors/:mfa_id/confirm": {
    $post: Answers<WithFactor & { json: schemas.ConfirmFactorBody }, FactorBody, 200>;
  };
  "/v1/mfa-factors/:mfa_id/revoke": { $post: Answers<WithFactor, FactorBody, 200> };
  "/v1/users/:usr_id/mfa/verify": {
    $post: Answers<WithUser & TicketHeader & { json: schemas.FactorProofBody }, VerifiedFactorBody, 200>;
  };
  "/v1/users/:usr_id/mfa-policy": {
    $get: Answers<WithUser, MfaPolicyBody, 200>;
    $put: Answers<WithUser & { json: schemas.MfaPolicyFieldsBody }, MfaPolicyBody, 200>;
  };
  "/v1/users/:usr_id/mfa-policy/grant-enrollment": { $post: Answers<WithUser, null, 204, "body"> };
};
