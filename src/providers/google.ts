/**
 * Google as a provider.
 *
 * @module
 */
import type { IdentityProvider } from "../domain/identity-provider.ts";
import { OAuthError, requireSetting } from "../oidc/errors.ts";
import { issuerProvider, type KnownProviderOptions } from "../oidc/provider.ts";

export type { IdentityProvider, ProvedIdentity } from "../domain/identity-provider.ts";

/** The options of {@link google}. */
export interface GoogleOptions extends KnownProviderOptions {
  /** Accepts only accounts of this Workspace domain, such as `example.com`. Default: every account. */
  readonly hostedDomain?: string;
}

const issuerUrl = "https://accounts.google.com";

/**
 * A provider for Google accounts.
 *
 * Google's tokens name it in two ways, with and without `https://`. Both are one identity, which has the form with it.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function google({ hostedDomain, ...options }: GoogleOptions): IdentityProvider {
  const isDomain = hostedDomain === undefined || /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(hostedDomain);
  requireSetting(isDomain, "hostedDomain", hostedDomain, "a domain in lower case");
  return issuerProvider(
    { name: "google", label: "Google", ...options, issuerUrl, algorithms: ["RS256"] },
    {
      variant: { isIssuerOf: (claims) => [issuerUrl, "accounts.google.com"].includes(claims.get("iss") as string) },
      // Only a hint: the user can take it out of the URL, so that the claim is checked.
      parameters: { hd: hostedDomain },
      identityOf(claims) {
        const isMember = hostedDomain === undefined || claims.get("hd") === hostedDomain;
        if (!isMember) throw new OAuthError("account_not_allowed");
        return {};
      },
    },
  );
}
