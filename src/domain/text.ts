import { AuthError } from "./error.ts";

/**
 * Returns the text, if Postgres can store it: no lone surrogate and no NUL.
 *
 * @throws {AuthError} `invalid_format.text`.
 */
export function storableText<Text extends string | null>(text: Text): Text {
  if (text !== null && !isStorableText(text)) throw new AuthError("invalid_format.text");
  return text;
}

export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

const longestName = 120;

/**
 * Returns the name, if it has 1 to 120 UTF-16 code units that Postgres can store.
 *
 * @throws {AuthError} `invalid_format.name`, `invalid_format.text`.
 */
export function acceptName(name: string): string {
  if (name.length < 1 || name.length > longestName) throw new AuthError("invalid_format.name");
  return storableText(name);
}

/** The most bytes of a display name in UTF-8. The specification names no limit, and every session check returns the name. */
const longestDisplayNameBytes = 4_096;

/**
 * Returns the display name, if it has at most 4,096 bytes that Postgres can store.
 *
 * @throws {AuthError} `invalid_format.name`, `invalid_format.text`.
 */
export function acceptDisplayName(name: string | null): string | null {
  if (name !== null && new TextEncoder().encode(name).length > longestDisplayNameBytes) {
    throw new AuthError("invalid_format.name");
  }
  return storableText(name);
}

/** The most code points of a name that a person types into a form. */
const longestTypedName = 200;

/**
 * Controls, line ends, and the characters that embed, override or isolate the direction of text (Unicode UAX #9 §2), with which
 * a name could change how the text around it reads. Joiners are not among them: many scripts and emoji need them.
 */
const disruptive = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/**
 * Returns the name that a person typed, without the space around it, if it has at most 200 code points and nothing that disrupts
 * the text around it.
 *
 * @throws {AuthError} `invalid_format.name`.
 */
export function acceptTypedName(typed: string): string {
  const name = typed.trim();
  const isAccepted = isStorableText(name) && !disruptive.test(name) && [...name].length <= longestTypedName;
  if (!isAccepted) throw new AuthError("invalid_format.name");
  return name;
}
