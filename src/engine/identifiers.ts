import { AuthError } from "../domain/error.ts";
import { normalizeIdentifier } from "../domain/identifier.ts";
import type { Core } from "./core.ts";

/** The normal form of an identifier (S38), or `undefined` if it has none. */
export function normalIdentifier(core: Core, identifier: string): string | undefined {
  return normalizeIdentifier(identifier, { allowNonAscii: core.allowNonAsciiIdentifiers });
}

/**
 * The normal form of an identifier.
 *
 * @throws {AuthError} `invalid_format.identifier`.
 */
export function requireIdentifier(core: Core, identifier: string): string {
  const normal = normalIdentifier(core, identifier);
  if (normal === undefined) throw new AuthError("invalid_format.identifier");
  return normal;
}
