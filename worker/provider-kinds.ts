import type { IdentityProvider } from "../src/http/federation.ts";
import { apple } from "../src/providers/apple.ts";
import { authpi } from "../src/providers/authpi.ts";
import { discord } from "../src/providers/discord.ts";
import { github } from "../src/providers/github.ts";
import { gitlab } from "../src/providers/gitlab.ts";
import { google } from "../src/providers/google.ts";
import { microsoft } from "../src/providers/microsoft.ts";
import { oidc } from "../src/providers/oidc.ts";

/** Variables, and the options that they set. */
type Variables = Readonly<Record<string, string>>;

/** A kind of provider: what makes it, and what it is made of. */
export interface ProviderKind {
  /** The provider checks its options itself. */
  readonly make: (options: never) => IdentityProvider;
  readonly needs: Variables;
  readonly takes: Variables;
}

const client = { CLIENT_ID: "clientId" };
const secret = { CLIENT_SECRET: "clientSecret" };
const button = { LABEL: "label", MARK: "mark", SCOPES: "scopes" };
const again = { PROVES_AGAIN: "provesAgain" };

/** The values of `OIDC_<NAME>_KIND`. A secret is needed where a site gives one to every application with a server. */
export const providerKinds: ReadonlyMap<string, ProviderKind> = new Map<string, ProviderKind>([
  ["oidc", { make: oidc, needs: { ISSUER: "issuerUrl", ...client }, takes: { ...secret, ...button, ...again } }],
  ["google", { make: google, needs: { ...client, ...secret }, takes: { ...button, HOSTED_DOMAIN: "hostedDomain" } }],
  ["github", { make: github, needs: { ...client, ...secret }, takes: { ...button, SCOPES: "scope" } }],
  [
    "apple",
    { make: apple, needs: { ...client, TEAM_ID: "teamId", KEY_ID: "keyId", PRIVATE_KEY: "privateKey" }, takes: button },
  ],
  [
    "microsoft",
    {
      make: microsoft,
      needs: { ...client, ...secret },
      takes: { ...button, TENANT: "tenant", PERSONAL_ACCOUNTS: "allowPersonalAccounts" },
    },
  ],
  ["gitlab", { make: gitlab, needs: client, takes: { ...secret, ...button, ...again, ISSUER: "issuerUrl" } }],
  ["discord", { make: discord, needs: { ...client, ...secret }, takes: { ...button, SCOPES: "scope" } }],
  [
    "authpi",
    {
      make: authpi,
      needs: { ISSUER: "issuerUrl", ...client },
      takes: { ...secret, ...button, ...again, ORG: "org" },
    },
  ],
]);

/** Variables of every kind that set no option of the provider. */
const others = ["KIND", "DOMAINS"];

/**
 * True for a variable that makes its name a provider's. What one kind alone needs, such as `PRIVATE_KEY`, may be another program's, and
 * is missed in the provider that lacks it. What a kind takes is not: a name that is misspelled there must not go unnoticed.
 */
export function isProviderVariable(variable: string): boolean {
  const kinds = [...providerKinds.values()];
  return (
    others.includes(variable) ||
    variable in providerKinds.get("oidc")!.needs ||
    kinds.some(({ takes }) => variable in takes)
  );
}

/** The variables of a kind, and the options that they set, or `undefined`. */
export function variablesOf({ needs, takes }: ProviderKind): ReadonlyMap<string, string | undefined> {
  const without = others.map((variable) => [variable, undefined] as const);
  return new Map<string, string | undefined>([...without, ...Object.entries(takes), ...Object.entries(needs)]);
}

/**
 * What a variable says for an option.
 *
 * @throws {TypeError} If it is neither "yes" nor "no" where it must be.
 */
export function readVariable(option: string, text: string): unknown {
  if (option === "scopes") return text.split(/\s+/).filter(Boolean);
  if (option !== "provesAgain" && option !== "allowPersonalAccounts") return text;
  if (text !== "yes" && text !== "no") throw new TypeError('it must be "yes" or "no".');
  return text === "yes";
}
