/** The paths of the account's pages, below their base path. `sallyport/pages` serves them, and other routes lead to them. @module */

/** The pages of the account that its navigation leads to. */
export const places = {
  profile: "/account",
  security: "/account/security",
  devices: "/account/devices",
  tokens: "/account/tokens",
  organizations: "/account/organizations",
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
  "/account/identities/new",
  "/account/identities/link",
  "/account/authenticator",
  "/account/security-keys/new",
  "/account/recovery-codes",
  "/account/sessions/revoke-others",
  "/account/tokens/new",
  "/account/organizations/new",
  "/account/join",
  "/account/close",
  "/account/merge",
  "/account/step-up/continue",
  "/account/invitations",
  "/account/terms",
  "/account/invitations/new",
  "/account/review",
  "/verify",
  "/address",
];

/** What a reset of the password has kept, after the next sign-in. */
export const reviewPath = "/account/review";
/** Linking the identity that a sign-in at a provider has proved. */
export const linkPath = "/account/identities/link";

/** Places that a sign-in can lead to, and each of them after a page that comes before it: the review, or the page that links. */
export function withPagesBefore(places: readonly string[], basePath: string): readonly string[] {
  const after = (page: string) => places.map((next) => `${basePath}${page}?${new URLSearchParams({ next })}`);
  return [...places, ...after(reviewPath), ...after(linkPath)];
}
