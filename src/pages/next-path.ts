import { nextPaths, reviewPath, withPagesBefore } from "../domain/page-paths.ts";
import { realmOf } from "../http/auth-source.ts";
import type { Visit } from "./route.ts";
import type { Site } from "./site.ts";

/**
 * The place that a user goes to after a proof. It must equal one in a list, so no parser can read it as another address (R062).
 *
 * @param otherwise The place if none in the list matches. Default: the path after a sign-in.
 */
export function nextPath(
  asked: string | undefined,
  { site, auth }: Pick<Visit, "site" | "auth">,
  otherwise: string = site.returnPaths.signIn,
): string {
  const { returnTo } = realmOf(auth).core;
  const places = [otherwise, ...nextPaths.map(site.path), ...returnTo];
  return withPagesBefore(places, site.path("")).find((known) => known === asked) ?? otherwise;
}

/** The review that a form returns to, with the place after it, if the request names a listed one. */
export function reviewOf(asked: string | undefined, visit: Pick<Visit, "site" | "auth">): string | undefined {
  const place = nextPath(asked, visit, "");
  return place.split("?")[0] === visit.site.path(reviewPath) ? place : undefined;
}

/** The path of a form, with the place that it leads to; without it, if that is the usual one there. */
export function leadingTo(path: string, next: string, usual: string): string {
  return next === usual ? path : pathWith(path, { next });
}

/** The sign-in that leads to a place. */
export function signInPath(site: Site, next: string): string {
  return leadingTo(site.path("/sign-in"), next, site.returnPaths.signIn);
}

/** A path with parameters. */
export function pathWith(path: string, parameters: Readonly<Record<string, string>>): string {
  return `${path}?${new URLSearchParams(parameters)}`;
}
