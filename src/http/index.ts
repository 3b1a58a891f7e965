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
  type MaybeUserVariables,
  requireUser,
  type SessionVerifier,
  type UserVariables,
} from "./authenticate.ts";
export { type AuthSource, type ClientAddress, cloudflareAddress, forwardedAddress } from "./environment.ts";
export { authErrorResponse } from "./problem.ts";
export type {
  AccountSessionBody,
  CredentialBody,
  PageBody,
  SessionBody,
  SignedInBody,
  UserBody,
} from "./wire.ts";
