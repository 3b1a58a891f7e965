/**
 * Bytes and their text forms: UTF-8, hex, base64url; random bytes and the comparison of secrets.
 *
 * Decoders are strict: two different strings never decode to the same bytes, so a token, a hash or a challenge has one
 * spelling (RFC 4648 §3.2, §3.3 and §3.5).
 *
 * @module
 */

/** Bytes in an `ArrayBuffer`, never in shared memory, as every Web Crypto function accepts them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** The most bytes that one `crypto.getRandomValues` returns: Web Cryptography §10.1.1. */
const randomChunkBytes = 65_536;

const encoder = new TextEncoder();

/** The text as UTF-8. A lone surrogate becomes U+FFFD, so refuse lone surrogates first where spelling matters. */
export function utf8(text: string): Bytes {
  return encoder.encode(text) as Bytes;
}

/** Random bytes from the runtime's own generator. */
export function randomBytes(length: number): Bytes {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += randomChunkBytes) {
    crypto.getRandomValues(bytes.subarray(at, at + randomChunkBytes));
  }
  return bytes;
}

/** Concatenates the parts in new memory. */
export function joinBytes(...parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Four bytes, big-endian. */
export function uint32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/**
 * True if two byte strings are equal. The time depends only on their lengths.
 *
 * Compare hashes and MACs, whose length is public. Only workerd has `subtle.timingSafeEqual`.
 */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= a[index]! ^ b[index]!;
  return difference === 0;
}

/** The digits of every byte, made at first use. */
let hexDigits: readonly string[] | undefined;

/** Lower-case hex, two digits a byte: how bytes cross to SQL. */
export function toHex(bytes: Uint8Array): string {
  hexDigits ??= Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
  let text = "";
  for (const byte of bytes) text += hexDigits[byte];
  return text;
}

/** The bytes of lower-case hex, or `undefined` for any other text. */
export function fromHex(text: string): Bytes | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(text.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes;
}

/** Base64url without padding: RFC 4648 §5, RFC 7515 §2. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_");
}

/** The bytes of base64url, or `undefined` for padding, white space, another alphabet or spare bits that are not zero. */
export function fromBase64Url(text: string): Bytes | undefined {
  const bytes = fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
  return bytes && toBase64Url(bytes) === text ? bytes : undefined;
}

/** Base64 without padding, as PHC strings write it. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("=", "");
}

/** The bytes of unpadded base64, as strict as {@link fromBase64Url}. */
export function fromBase64(text: string): Bytes | undefined {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return undefined;
  }
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = binary.charCodeAt(index);
  // `atob` skips white space, accepts padding and ignores spare bits (RFC 4648 §3.5). This accepts only the canonical text.
  return toBase64(bytes) === text ? bytes : undefined;
}
