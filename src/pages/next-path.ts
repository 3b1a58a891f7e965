import type { Site } from "./site.ts";

/** The pages of the account that its navigation leads to, below the base path of the site. */
export const places = {
  profile: "/account",
  security: "/account/security",
  devices: "/account/devices",
  tokens: "/account/tokens",
  activity: "/account/activity",
} as const;

export type Place = keyof typeof places;

/** The pages that a sign-in or a proof can lead back to: those that need nothing in their address. */
export const nextPaths: readonly string[] = [
  ...Object.values(places),
  "/account/name",
  "/account/address",
  "/account/password",
  "/account/passkeys/new",
  "/account/authenticator",
  "/account/security-keys/new",
  "/account/recovery-codes",
  "/account/sessions/revoke-others",
  "/account/tokens/new",
  "/account/close",
  "/account/invitations",
  "/account/terms",
  "/account/invitations/new",
  "/verify",
  "/address",
];

/**
 * The path that a user goes to after a proof. It must equal a path in a list, so no parser can read it as another address
 * (R062).
 *
 * @param otherwise The path if no path in the list matches. Default: the path after a sign-in.
 */
export function nextPath(
  asked: string | undefined,
  { path, returnPaths }: Pick<Site, "path" | "returnPaths">,
  otherwise: string = returnPaths.signIn,
): string {
  return [otherwise, ...nextPaths.map(path)].find((known) => known === asked) ?? otherwise;
}

/** A path with parameters. */
export function pathWith(path: string, parameters: Readonly<Record<string, string>>): string {
  return `${path}?${new URLSearchParams(parameters)}`;
}
