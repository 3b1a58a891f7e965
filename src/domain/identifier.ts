/**
 * Identifiers, the texts that users sign in with, in their one normal form.
 *
 * The same function runs where an identifier is set and where it is looked up. It removes white space at both ends, folds ASCII
 * letters to lower case and refuses everything else that would need mapping: a look-up that maps characters merges addresses of
 * different people. Only the domain of an address is mapped, by the URL parser, because DNS maps it too: all of its spellings
 * lead to one mailbox.
 *
 * @module
 */

const printableAscii = /^[\x21-\x7e]+$/;
/**
 * Controls, spaces and separators, formatting characters (including the bidirectional controls), lone surrogates. Not a regular
 * expression literal: see `request-context.ts`.
 */
const unprintable = "[\\p{C}\\p{Z}]";

/** What may be in a domain before it is parsed. No other ASCII is, so that the parser sees neither an escape nor a port. */
const unparsedDomain = /^[-.a-z\d\x80-\uffff]+$/;
/** Labels that are not empty, without a dot at the end. The last is all digits in an IPv4 address alone. */
const parsedDomain = /^([-a-z\d]+\.)*(?!\d+\.?$)[-a-z\d]+(?=\.?$)/;

/** RFC 5321 §4.5.3.1.3 leaves 254 octets for an address. */
const maximumBytes = 254;

/**
 * The stored form of an identifier, or `undefined` for one that cannot be stored. What follows the last `@` is a domain. It is
 * stored in ASCII (UTS #46, as in the URL Standard §3.3) and without a dot at its end.
 *
 * @param options.allowNonAscii Accept letters beyond ASCII if NFKC leaves them as they are. Default false.
 */
export function normalizeIdentifier(typed: string, options: { allowNonAscii?: boolean } = {}): string | undefined {
  const input = typed.trim();
  if (input.length > maximumBytes) return undefined;
  if (!printableAscii.test(input)) {
    if (!options.allowNonAscii || input === "" || input.normalize("NFKC") !== input) return undefined;
    if (new RegExp(unprintable, "u").test(input)) return undefined;
  }
  const normal = input
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replace(/(?<=@)[^@]*$/, (domain) => normalizeDomain(domain) ?? "");
  return normal.endsWith("@") || new TextEncoder().encode(normal).length > maximumBytes ? undefined : normal;
}

/** The host as the URL parser writes it, without a dot at its end. IP addresses and empty labels have no such form. */
function normalizeDomain(typed: string): string | undefined {
  // Unicode 15.1 made the small letter of U+1E9E another one, and runtimes differ.
  const url = `http://${typed.replaceAll("\u1e9e", "\u00df")}`;
  if (!unparsedDomain.test(typed) || !URL.canParse(url)) return undefined;
  return parsedDomain.exec(new URL(url).hostname)?.[0];
}
