/**
 * Any OpenID Connect issuer as a provider: Keycloak, Okta, Auth0, another company's.
 *
 * @module
 */
import type { IdentityProvider } from "../domain/identity-provider.ts";
import { issuerProvider, type OidcProviderOptions } from "../oidc/provider.ts";
import { checkNames } from "../oidc/provider-options.ts";

export type { IdentityProvider, ProvedIdentity, ProviderNotice } from "../domain/identity-provider.ts";
export type { OidcProviderOptions } from "../oidc/provider.ts";

/**
 * A provider for an OpenID Connect issuer. Its identities are the issuer and the subject of verified ID tokens.
 *
 * If the ID token has no address, the userinfo endpoint is asked.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function oidc(options: OidcProviderOptions): IdentityProvider {
  checkNames(options, "oidc");
  return issuerProvider(options);
}
