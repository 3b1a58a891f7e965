/**
 * Sallyport for Hono: middleware, routes, and the routes' types for Hono's client.
 *
 * @module
 */
export type { AuthApi, AuthApp } from "./api.ts";
export { type AuthRoutesOptions, authRoutes } from "./auth-routes.ts";
export {
  type AuthenticateOptions,
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
export {
  type AuthSource,
  type ClientAddress,
  cloudflareAddress,
  forwardedAddress,
  perEnvironment,
} from "./environment.ts";
export { type FreshMfaOptions, requireFreshMfa } from "./fresh-mfa.ts";
export { authErrorResponse } from "./problem.ts";
export type {
  AccountSessionBody,
  CredentialBody,
  PageBody,
  SessionBody,
  SignedInBody,
  UserBody,
} from "./wire.ts";
