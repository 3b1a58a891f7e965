/**
 * A client of OpenID Connect issuers: sign in with an issuer, and get an agent with its organizations and scopes.
 *
 * It needs neither a database nor Hono. `docs/oidc.md` shows how to use it.
 *
 * @module
 */
export type { JwsAlgorithm } from "../crypto/jwk.ts";
export type { ParsedScope } from "../domain/scope.ts";
export { hasAccess, parseScope } from "../domain/scope.ts";
export { type AgentParts, AuthenticatedAgent, type Organization, type PrincipalType } from "./agent.ts";
export type { AuthorizationRequest, AuthorizationTransaction, CallbackAnswer } from "./authorization.ts";
export { createIdpClient, type ExchangedCode, type IdpClient, type LogoutOptions, type UserInfo } from "./client.ts";
export { createDpop, type Dpop } from "./dpop.ts";
export {
  AccountLinkingRequiredError,
  ConfigurationError,
  ConsentRequiredError,
  InsufficientScopeError,
  InteractionRequiredError,
  LoginRequiredError,
  OAuthError,
  RefreshError,
  SessionExpiredError,
  SubjectMismatchError,
  TokenExpiredError,
  TokenParseError,
  UserBlockedError,
} from "./errors.ts";
export type { Claims } from "./id-token.ts";
export type { ClientAuthentication, IdpClientOptions } from "./options.ts";
export type { AgentOptions } from "./sign-in.ts";
export { TokenSet, type TokenSetJson } from "./token-set.ts";
