/**
 * Signing in with providers: sites where users have an account already.
 *
 * @module
 */
export { isDomainName } from "../domain/domain-name.ts";
export type {
  IdentityProvider,
  LinkedIdentity,
  ProvedIdentity,
  ProviderAttempt,
  ProviderNotice,
  ProviderTokens,
} from "../domain/identity-provider.ts";
export type {
  FederationOptions,
  LinkingPolicy,
  ProviderPlaces,
  TrustedFactor,
} from "../engine/federation-settings.ts";
export type { AccessTokenRequest, ProviderAccessToken, TokenKeeping } from "../engine/kept-tokens.ts";
export type { ProviderPurpose } from "../engine/provider-attempts.ts";
export type {
  FederationAuth,
  FederationOperations,
  LinkingRequired,
  ListedProvider,
  ProviderAnswer,
  StartedSignIn,
} from "../operations/federation-operations.ts";
export type { ImportedIdentity, ImportOperations } from "../operations/identity-import.ts";
export type { DiscoveryOperations } from "../operations/provider-discovery.ts";
export { federation } from "./features/federation.ts";
export type { FederationApi } from "./generated/api.ts";
export type { LinkedIdentityBody } from "./linked-identity-wire.ts";
