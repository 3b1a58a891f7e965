/**
 * GitHub as a provider. GitHub has no OpenID Connect for users: its identities are the numeric ids of its user API, because login
 * names change hands.
 *
 * @module
 */
import { membersOf } from "../crypto/json.ts";
import type { IdentityProvider } from "../domain/identity-provider.ts";
import { TokenParseError } from "../oidc/errors.ts";
import { checkNames } from "../oidc/provider-options.ts";
import { textOf } from "../oidc/standard-claims.ts";
import { type OAuth2ProviderOptions, oauth2 } from "./oauth2.ts";

export type { IdentityProvider, ProvedIdentity, ProviderNotice } from "../domain/identity-provider.ts";

/** The options of {@link github}. */
export interface GithubOptions
  extends Pick<
    OAuth2ProviderOptions,
    "clientId" | "clientSecret" | "label" | "mark" | "scope" | "timeoutMs" | "fetch"
  > {
  /** Default `github`. */
  readonly name?: string;
}

/**
 * A provider for GitHub. The address is the primary one of the user's list, and counts only if GitHub has verified it.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function github(options: GithubOptions): IdentityProvider {
  checkNames(options, "oauth2Site");
  return oauth2({
    name: "github",
    label: "GitHub",
    scope: "read:user user:email",
    ...options,
    authorizeUrl: "https://github.com/login/oauth/authorize",
    accessTokenUrl: "https://github.com/login/oauth/access_token",
    userinfoUrl: "https://api.github.com/user",
    issuer: "https://github.com",
    responseIssuer: "https://github.com/login/oauth",
    subjectClaim: "id",
    async identityOf(claims, read) {
      if (typeof claims.get("id") !== "number") throw new TokenParseError("userinfo.id");
      const list = await read("https://api.github.com/user/emails?per_page=100");
      const address = (Array.isArray(list) ? list.map(membersOf) : []).find(
        (entry) => entry?.get("primary") === true && entry.get("verified") === true,
      );
      // The profile's own address is a text that the user wrote.
      const email = address && textOf(address, "email");
      return { email, emailVerified: email !== undefined, name: textOf(claims, "name") ?? textOf(claims, "login") };
    },
  });
}
