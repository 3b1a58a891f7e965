import { nextPaths } from "../domain/page-paths.ts";
import type { Site } from "./site.ts";

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
