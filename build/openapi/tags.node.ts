import type { Route } from "../../src/http/route.ts";
import { routesByFeature } from "./every-route.node.ts";

/** The groups of routes in the document, in their order. */
export const tags: readonly { readonly name: string; readonly description: string }[] = [
  { name: "Account", description: "Sign-up, sign-in, sign-out and refresh, for applications and their pages." },
  { name: "Users", description: "Users, as specified by Flametrench." },
  { name: "Credentials", description: "Credentials, as specified by Flametrench." },
  { name: "Sessions", description: "Sessions, as specified by Flametrench." },
  { name: "Limits", description: "Limits on attempts, for administrators." },
  { name: "Invitations", description: "Invitations to make an account, by administrators." },
  { name: "Addresses", description: "The proof of an address, and what a mailed link or code lets its reader do." },
  {
    name: "Providers",
    description: "Sign-in with providers, and the caller's identities there. Browsers come by forms.",
  },
  { name: "Organizations", description: "Organizations and their members, as specified by Flametrench." },
  { name: "Authorization", description: "Relational tuples, as specified by Flametrench." },
  { name: "Passkeys", description: "Sign-in with passkeys, and the caller's own passkeys." },
  { name: "Factors", description: "Second factors: the caller's own, and the routes specified by Flametrench." },
  { name: "Tokens", description: "Personal access tokens: the caller's own, and the routes specified by Flametrench." },
  { name: "Service", description: "The service itself." },
];

/** The tag of a feature whose routes belong together; those of the others are named by their paths. */
const tagOfFeature: Readonly<Record<string, string>> = {
  authorization: "Authorization",
  federation: "Providers",
  invitations: "Invitations",
  mail: "Addresses",
  mfa: "Factors",
  organizations: "Organizations",
  organizationDomains: "Organizations",
  passkeys: "Passkeys",
  personalAccessTokens: "Tokens",
};

export function tagOf(route: Route): string {
  const [feature] = Object.entries(routesByFeature).find(([, rows]) => rows.includes(route))!;
  const name = route.path.startsWith("/auth/") ? "account" : route.path.split("/")[2]!;
  return tagOfFeature[feature] ?? tags.find((tag) => tag.name.toLowerCase() === name)!.name;
}
