/**
 * Personal access tokens: their operations, and the routes for them. Apart from the rest, so that who has none does not carry
 * them: `const auth = { ...createAuth(options), ...createTokens(options) }` and `authRoutes(auth, { routes: tokenRoutes })`.
 *
 * @module
 */
export type { PersonalAccessToken, PersonalAccessTokenStatus } from "../domain/personal-access-token.ts";
export {
  createTokens,
  type IssuedPersonalAccessToken,
  type PersonalAccessTokenOperations,
  type TokenAuth,
  type TokenOptions,
} from "../operations/personal-access-tokens.ts";
export type {
  PresentedPersonalAccessToken,
  VerifiedPersonalAccessToken,
} from "../operations/verify-personal-access-token.ts";
export { tokenRoutes } from "./routes/tokens.ts";
export type { TokenApi, TokenApp } from "./token-api.ts";
export type { IssuedTokenBody, PersonalAccessTokenBody } from "./token-wire.ts";
