import type { Bytes } from "./bytes.ts";

/** The hashes of RFC 6238 §1.2. */
export type HmacHash = "SHA-1" | "SHA-256" | "SHA-512";

/** HMAC (RFC 2104) of a message under a key of at least one byte. */
export async function hmac(hash: HmacHash, key: Bytes, message: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}
