/**
 * Personal access tokens: a user's long-lived secrets for programs.
 *
 * @module
 */
export type { PersonalAccessToken, PersonalAccessTokenStatus } from "../domain/personal-access-token.ts";
export type {
  IssuedPersonalAccessToken,
  OfToken,
  PersonalAccessTokenAuth,
  PersonalAccessTokenOperations,
  PersonalAccessTokenOptions,
} from "../operations/personal-access-tokens.ts";
export type {
  PresentedPersonalAccessToken,
  VerifiedPersonalAccessToken,
} from "../operations/verify-personal-access-token.ts";
export { personalAccessTokens } from "./features/personal-access-tokens.ts";
export type { PersonalAccessTokensApi } from "./generated/api.ts";
export type { IssuedPersonalAccessTokenBody, PersonalAccessTokenBody } from "./personal-access-token-wire.ts";
