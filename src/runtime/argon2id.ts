/**
 * Argon2id for Node, Deno, Bun and browsers. They have no common way to import a binary, so it is shipped as text and compiled,
 * synchronously, at first use. A machine without SIMD gets a second binary, which takes one and a half times as long.
 *
 * @module
 */
import type { Argon2idCost } from "../crypto/argon2id.ts";
import { Argon2idIsolate, type Argon2idOptions } from "../crypto/argon2id-hasher.ts";
import { fromBase64 } from "../crypto/bytes.ts";
import { OptionError } from "../crypto/option-error.ts";
import type { PasswordHasher } from "../crypto/password-hasher.ts";
import { defaultCaps, widestCaps } from "../crypto/phc.ts";
import { argon2Base64, argon2PlainBase64 } from "./generated/argon2.ts";

export { decoyHash } from "../crypto/argon2id-hasher.ts";
export { HashQueueFullError } from "../crypto/hash-queue.ts";
export type { PasswordForm } from "../crypto/password-bytes.ts";
export type { Argon2idCost, Argon2idOptions, PasswordHasher };

const isolate = new Argon2idIsolate(() => {
  const simd = fromBase64(argon2Base64)!;
  return new WebAssembly.Module(WebAssembly.validate(simd) ? simd : fromBase64(argon2PlainBase64)!);
});

/** The options of `argon2id` outside Workers and edge functions, whose memory would not suffice. */
export interface WideArgon2idOptions extends Argon2idOptions {
  /**
   * The most that a stored hash may ask for: memory in KiB (at least 65,536, at most 2,097,152), passes (4 to 100) and lanes (4
   * to 64). Every sign-in may take that much, and the memory stays reserved. Default 65,536 KiB (64 MiB), 4 passes, 4 lanes.
   * Give a `decoyHash` of that cost too, or the time of a sign-in tells which accounts have such a hash.
   */
  largestHash?: Argon2idCost;
}

/**
 * Hashes and verifies passwords with Argon2id; see {@link WideArgon2idOptions}. All hashers of an isolate share 19 MiB and one
 * queue.
 *
 * @throws {TypeError} If an option is out of its bounds.
 */
export function argon2id({ largestHash, ...options }: WideArgon2idOptions = {}): PasswordHasher {
  if (largestHash !== undefined) {
    const isWithin = (part: keyof Argon2idCost) =>
      Number.isInteger(largestHash[part]) &&
      largestHash[part] >= defaultCaps[part] &&
      largestHash[part] <= widestCaps[part];
    if (!isWithin("memoryKiB") || !isWithin("passes") || !isWithin("lanes")) {
      throw new OptionError("it must have 65,536 to 2,097,152 KiB, 4 to 100 passes and 4 to 64 lanes.", "largestHash");
    }
  }
  return isolate.hasher(options, largestHash);
}
