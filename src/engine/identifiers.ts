import { AuthError } from "../domain/error.ts";
import { normalizeIdentifier } from "../domain/identifier.ts";
import { isStorableText } from "../domain/text.ts";
import type { Core } from "./core.ts";

/** The normal form of an identifier (S38), or `undefined` if it has none. */
export function normalIdentifier(core: Core, identifier: string): string | undefined {
  return normalizeIdentifier(identifier, { allowNonAscii: core.allowNonAsciiIdentifiers });
}

/** As much of a typed identifier as is read: an enormous one is no more work than a long one. */
export function cutIdentifier(typed: string): string {
  return typed.slice(0, 1_024);
}

/**
 * The texts under which a look-up searches, in this order: the normal form, and what was typed, because another SDK may have
 * stored it so.
 */
export function identifiersFor(core: Core, typed: string): readonly string[] {
  const normal = normalIdentifier(core, typed);
  const texts = [...(normal === undefined ? [] : [normal]), typed.trim(), typed];
  return [...new Set(texts)].filter((text) => text !== "" && isStorableText(text));
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
