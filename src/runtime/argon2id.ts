/**
 * Argon2id for Node, Deno, Bun and browsers, which agree on no way to import a binary: it travels as text and is compiled,
 * synchronously, at first use.
 *
 * @module
 */
import { Argon2idIsolate, type Argon2idOptions } from "../crypto/argon2id-hasher.ts";
import { fromBase64 } from "../crypto/bytes.ts";
import type { PasswordHasher } from "../crypto/password-hasher.ts";
import { argon2Base64, blake2bBase64 } from "./generated/binaries.ts";

export { decoyHash } from "../crypto/argon2id-hasher.ts";
export { HashQueueFullError } from "../crypto/hash-queue.ts";
export type { Argon2idOptions, PasswordHasher };

const isolate = new Argon2idIsolate(() => ({ argon2: compile(argon2Base64), blake2b: compile(blake2bBase64) }));

/** Hashes and verifies passwords with Argon2id; see {@link Argon2idOptions}. All of an isolate share 19 MiB and one queue. */
export function argon2id(options?: Argon2idOptions): PasswordHasher {
  return isolate.hasher(options);
}

function compile(base64: string): WebAssembly.Module {
  return new WebAssembly.Module(fromBase64(base64)!);
}
