/**
 * GitLab as a provider: gitlab.com, or an instance of your own.
 *
 * @module
 */
import type { IdentityProvider } from "../domain/identity-provider.ts";
import { issuerProvider, type KnownProviderOptions, type OidcProviderOptions } from "../oidc/provider.ts";
import { checkNames } from "../oidc/provider-options.ts";

export type { IdentityProvider, ProvedIdentity, ProviderNotice } from "../domain/identity-provider.ts";

/** The options of {@link gitlab}. */
export interface GitlabOptions extends KnownProviderOptions, Pick<OidcProviderOptions, "privateHosts"> {
  /** The instance. Default `https://gitlab.com`. */
  readonly issuerUrl?: string;
}

/**
 * A provider for GitLab. The subject is the user's numeric id, and never the user name, which changes hands.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function gitlab(options: GitlabOptions): IdentityProvider {
  checkNames(options, "site", "issuerUrl privateHosts");
  return issuerProvider({
    name: "gitlab",
    label: "GitLab",
    issuerUrl: "https://gitlab.com",
    ...options,
    algorithms: ["RS256"],
  });
}
