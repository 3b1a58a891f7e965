/**
 * Discord as a provider, by OAuth 2.0 and its user API.
 *
 * @module
 */
import type { IdentityProvider } from "../domain/identity-provider.ts";
import { checkNames } from "../oidc/provider-options.ts";
import { isVerified, textOf } from "../oidc/standard-claims.ts";
import { type OAuth2ProviderOptions, oauth2 } from "./oauth2.ts";

export type { IdentityProvider, ProvedIdentity, ProviderNotice } from "../domain/identity-provider.ts";

/** The options of {@link discord}. */
export interface DiscordOptions
  extends Pick<
    OAuth2ProviderOptions,
    "clientId" | "clientSecret" | "label" | "mark" | "scope" | "timeoutMs" | "fetch"
  > {
  /** Default `discord`. */
  readonly name?: string;
}

/**
 * A provider for Discord. The subject is the user's id, and never the user name, which changes hands.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function discord(options: DiscordOptions): IdentityProvider {
  checkNames(options, "oauth2Site");
  return oauth2({
    name: "discord",
    label: "Discord",
    scope: "identify email",
    ...options,
    authorizeUrl: "https://discord.com/oauth2/authorize",
    accessTokenUrl: "https://discord.com/api/oauth2/token",
    userinfoUrl: "https://discord.com/api/v10/users/@me",
    revocationUrl: "https://discord.com/api/oauth2/token/revoke",
    issuer: "https://discord.com",
    subjectClaim: "id",
    identityOf: (claims) => ({
      emailVerified: isVerified(claims.get("verified")),
      name: textOf(claims, "global_name") ?? textOf(claims, "username"),
    }),
  });
}
