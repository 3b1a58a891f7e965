import { type Bytes, joinBytes, toBase64Url, toHex, uint32, utf8 } from "./bytes.ts";

/** SHA-256 of text (as UTF-8) in hex, by which a token is looked up. Hashes the presented text, never bytes decoded from it. */
export async function sha256Hex(text: string): Promise<string> {
  return toHex(await sha256(utf8(text)));
}

/** SHA-256 of text (as UTF-8) in base64url: RFC 7636 §4.2, RFC 9449 §4.2. */
export async function sha256Base64Url(text: string): Promise<string> {
  return toBase64Url(await sha256(utf8(text)));
}

export async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/**
 * Joins length-prefixed parts into one message, so that no two lists of parts make the same message.
 *
 * A part is written as a 32-bit big-endian length and its UTF-8 or raw bytes.
 */
export function joinParts(parts: readonly (string | Bytes)[]): Bytes {
  const encoded = parts.map((part) => (typeof part === "string" ? utf8(part) : part));
  return joinBytes(...encoded.flatMap((part) => [uint32(part.length), part]));
}
