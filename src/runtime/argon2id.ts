/**
 * Argon2id for Node, Deno, Bun and browsers. They have no common way to import a binary, so it is shipped as text and compiled,
 * synchronously, at first use. A machine without SIMD gets a second binary, which takes one and a half times as long.
 *
 * @module
 */
import { Argon2idIsolate, type Argon2idOptions } from "../crypto/argon2id-hasher.ts";
import { fromBase64 } from "../crypto/bytes.ts";
import type { PasswordHasher } from "../crypto/password-hasher.ts";
import { argon2Base64, argon2PlainBase64 } from "./generated/argon2.ts";

export { decoyHash } from "../crypto/argon2id-hasher.ts";
export { HashQueueFullError } from "../crypto/hash-queue.ts";
export type { Argon2idOptions, PasswordHasher };

const isolate = new Argon2idIsolate(() => {
  const simd = fromBase64(argon2Base64)!;
  return new WebAssembly.Module(WebAssembly.validate(simd) ? simd : fromBase64(argon2PlainBase64)!);
});

/**
 * Hashes and verifies passwords with Argon2id; see {@link Argon2idOptions}. All hashers of an isolate share 19 MiB and one
 * queue.
 */
export function argon2id(options?: Argon2idOptions): PasswordHasher {
  return isolate.hasher(options);
}
