import { type Bytes, toHex, utf8 } from "./bytes.ts";

/** SHA-256 of text (as UTF-8) in hex, by which a token is looked up. Hashes the presented text, never bytes decoded from it. */
export async function sha256Hex(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text))));
}

/**
 * Joins length-prefixed parts into one message, so that no two lists of parts make the same message.
 *
 * A part is written as a 32-bit big-endian length and its UTF-8 or raw bytes.
 */
export function joinParts(parts: readonly (string | Bytes)[]): Bytes {
  const encoded = parts.map((part) => (typeof part === "string" ? utf8(part) : part));
  const message = new Uint8Array(encoded.reduce((length, part) => length + 4 + part.length, 0));
  const view = new DataView(message.buffer);
  let at = 0;
  for (const part of encoded) {
    view.setUint32(at, part.length);
    message.set(part, at + 4);
    at += 4 + part.length;
  }
  return message;
}
