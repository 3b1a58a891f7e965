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
