import { AuthError } from "./error.ts";

/**
 * The text itself, if Postgres can keep it: no lone surrogate and no NUL.
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
