import type { Site } from "./site.ts";

/** The parts of the account page, by their ids on it. */
export const sections = [
  "address",
  "name",
  "password",
  "passkeys",
  "authenticator",
  "recovery-codes",
  "tokens",
  "sessions",
] as const;

export type Section = (typeof sections)[number];

/** The path of a part of the account page, below the base path of the site. */
export function placeOf(section: Section): string {
  return `/account#${section}`;
}

const nextPaths: readonly string[] = ["/account", ...sections.map(placeOf), "/verify"];

/**
 * The path that a user goes to after a proof. It must equal a path in a list, so no parser can read it as another address
 * (R062).
 *
 * @param otherwise The path if no path in the list matches. Default: the path after a sign-in.
 */
export function nextPath(
  asked: string | undefined,
  { path, returnPaths }: Site,
  otherwise: string = returnPaths.signIn,
): string {
  return [otherwise, ...nextPaths.map(path)].find((known) => known === asked) ?? otherwise;
}

/** A path with parameters. */
export function pathWith(path: string, parameters: Readonly<Record<string, string>>): string {
  return `${path}?${new URLSearchParams(parameters)}`;
}
