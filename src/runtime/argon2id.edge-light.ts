/**
 * Argon2id for Vercel's edge runtime, which compiles no WebAssembly at run time: the binary is imported as a module.
 *
 * @module
 */
import { Argon2idIsolate, type Argon2idOptions } from "../crypto/argon2id-hasher.ts";
import type { PasswordHasher } from "../crypto/password-hasher.ts";
import argon2 from "./generated/argon2.wasm?module";

export { decoyHash } from "../crypto/argon2id-hasher.ts";
export { HashQueueFullError } from "../crypto/hash-queue.ts";
export type { PasswordForm } from "../crypto/password-bytes.ts";
export type { Argon2idOptions, PasswordHasher };

const isolate = new Argon2idIsolate(() => argon2);

/**
 * Hashes and verifies passwords with Argon2id; see {@link Argon2idOptions}. All hashers of an isolate share 19 MiB and one
 * queue.
 */
export function argon2id(options?: Argon2idOptions): PasswordHasher {
  return isolate.hasher(options);
}
