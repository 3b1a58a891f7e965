/**
 * Sallyport for Hono: guards, routes, and the routes' types for Hono's client.
 *
 * @module
 */
export type { ClientAddress } from "../engine/options.ts";
export { acrossRotation } from "./across-rotation.ts";
export type { ActivityEventBody } from "./activity-wire.ts";
export type { AuthApp, HealthApi } from "./api.ts";
export { authRoutes, flametrenchRoutes, healthRoutes } from "./auth-routes.ts";
export type { AuthSource } from "./auth-source.ts";
export {
  authenticate,
  type MaybeScopedVariables,
  type MaybeUserVariables,
  requireUser,
  type ScopedOptions,
  type ScopedToken,
  type ScopedVariables,
  type SessionVerifier,
  type TokenVerifier,
  type UserVariables,
} from "./authenticate.ts";
export { type PresentedSession, presentedSession } from "./bearer.ts";
export { cloudflareAddress, forwardedAddress, sharedByAllClients, socketAddress } from "./client-address.ts";
export { type FreshMfaOptions, requireFreshMfa } from "./fresh-mfa.ts";
export type {
  AccountsApi,
  ActivityApi,
  AuthorizationApi,
  CoreApi,
  LimitsApi,
  MergingApi,
  PasswordsApi,
  SignUpApi,
  TermsApi,
} from "./generated/api.ts";
export type { LimitBody } from "./limit-wire.ts";
export { type RelationVariables, type RelationVerifier, requireRelation } from "./require-relation.ts";
export { requireTerms, type TermsVerifier } from "./require-terms.ts";
export { requireSameOrigin } from "./same-origin.ts";
export { endSession, startSession } from "./session-cookie.ts";
export type { CheckBody, TupleBody } from "./tuple-wire.ts";
export type {
  AccountSessionBody,
  CredentialBody,
  PageBody,
  SessionBody,
  SignedInBody,
  SignedInUserBody,
  UserBody,
} from "./wire.ts";
