import { requireOption } from "../crypto/option-error.ts";

/**
 * Checks where links lead.
 *
 * @param base The origin of the base URL.
 * @param example A path for the error's message.
 * @throws {OptionError} If the path is no path on the base URL.
 */
export function requireLinkPath(base: string, path: string, example: string): void {
  const isPath = /^\/[^\s?#\\]*$/.test(path) && new URL(path, base).origin === base;
  requireOption(isPath, path, `a path, such as ${example}`);
}
