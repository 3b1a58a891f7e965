/**
 * Identifiers, the texts that users sign in with, in their one normal form.
 *
 * The same function runs where an identifier is set and where it is looked up. It removes white space at both ends, folds ASCII
 * letters to lower case and refuses everything else that would need mapping: a look-up that maps characters merges addresses of
 * different people.
 *
 * @module
 */

const printableAscii = /^[\x21-\x7e]+$/;
/**
 * Controls, spaces and separators, formatting characters (including the bidirectional controls), lone surrogates. Not a regular
 * expression literal: see `request-context.ts`.
 */
const unprintable = "[\\p{C}\\p{Z}]";

/** RFC 5321 §4.5.3.1.3 leaves 254 octets for an address. */
const maximumBytes = 254;

/**
 * The stored form of an identifier, or `undefined` for one that cannot be stored.
 *
 * @param options.allowNonAscii Accept letters beyond ASCII if NFKC leaves them as they are. Default false.
 */
export function normalizeIdentifier(typed: string, options: { allowNonAscii?: boolean } = {}): string | undefined {
  const input = typed.trim();
  if (input.length > maximumBytes) return undefined;
  if (printableAscii.test(input)) return input.toLowerCase();
  if (!options.allowNonAscii || input === "" || input.normalize("NFKC") !== input) return undefined;
  if (new RegExp(unprintable, "u").test(input)) return undefined;
  if (new TextEncoder().encode(input).length > maximumBytes) return undefined;
  return input.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
