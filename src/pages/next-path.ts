import type { Site } from "./site.ts";

/** The parts of the account page, by the names of their places in it. */
export const sections = [
  "name",
  "password",
  "passkeys",
  "authenticator",
  "recovery-codes",
  "tokens",
  "sessions",
] as const;

export type Section = (typeof sections)[number];

/** Where a part of the account page is, below the base path of the site. */
export function placeOf(section: Section): string {
  return `/account#${section}`;
}

const nextPaths: readonly string[] = ["/account", ...sections.map(placeOf)];

/**
 * Where a person is sent after a proof. One of a list, compared whole: there is no parser for an address to be read in another
 * way by (R062).
 *
 * @param otherwise Where to, if it is none of them. Default: where a sign-in leads.
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
