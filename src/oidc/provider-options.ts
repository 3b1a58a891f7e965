/** Checks of options that every provider has. @module */
import { requireSetting } from "./errors.ts";

/** @throws {ConfigurationError} If a mark is not a path of the same origin: the pages load nothing else. */
export function checkMark(mark: unknown): void {
  const isPath = mark === undefined || (typeof mark === "string" && /^(\/[\w.~%-]+)+$/.test(mark));
  requireSetting(isPath, "mark", mark, "a path such as /google.svg");
}
