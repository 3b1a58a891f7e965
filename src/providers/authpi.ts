/**
 * AuthPI as a provider.
 *
 * @module
 */
import type { IdentityProvider } from "../domain/identity-provider.ts";
import { parseOrganizations, principalTypeOf } from "../oidc/agent.ts";
import { OAuthError } from "../oidc/errors.ts";
import { issuerProvider, type KnownProviderOptions } from "../oidc/provider.ts";
import { checkNames } from "../oidc/provider-options.ts";

export type { IdentityProvider, ProvedIdentity, ProviderNotice } from "../domain/identity-provider.ts";

/** The options of {@link authpi}. */
export interface AuthpiOptions extends KnownProviderOptions {
  /** Your issuer, exactly as it writes itself. */
  readonly issuerUrl: string;
  /** Accepts only members of this organization. Default: every user. */
  readonly org?: string;
}

/**
 * A provider for an AuthPI issuer. Only users sign in, whose subjects begin with `usr_`: a key, a token or an agent does not.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function authpi({ org, ...options }: AuthpiOptions): IdentityProvider {
  checkNames(options, "site", "issuerUrl");
  return issuerProvider(
    { name: "authpi", label: "AuthPI", ...options },
    {
      parameters: { org },
      identityOf(claims) {
        const isUser = principalTypeOf(claims.get("sub") as string, undefined) === "user";
        const organizations = parseOrganizations(claims.get("organizations"), "id_token.organizations");
        // The parameter is in a URL that the user can change.
        const isMember = org === undefined || organizations.some(({ id }) => id === org);
        if (!isUser || !isMember) throw new OAuthError("account_not_allowed");
        return {};
      },
    },
  );
}
