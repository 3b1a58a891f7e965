/**
 * BLAKE2b without a key: RFC 7693, for what Argon2id hashes before and after it fills its memory (RFC 9106 §3.2, §3.3).
 *
 * A word of 64 bits is two of 32, the low one first, because `BigInt` is slower. The input derives from a password, so each
 * call clears the memory that it used.
 *
 * @module
 */
import { type Bytes, fromHex } from "./bytes.ts";

const blockBytes = 128;

/** RFC 7693 §2.6. */
const initialState = new Uint32Array([
  0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a, 0xade682d1,
  0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19,
]);

/** RFC 7693 §2.7: a row for each of ten rounds; a byte names the two message words of one mixing. */
const scheduleHex =
  "0123456789abcdef" +
  "ea489fd61c02b753" +
  "b8c052fdae367194" +
  "7931dcbe265a40f8" +
  "905724afe1bc683d" +
  "2c6a0b834d75fe19" +
  "c51fed4a0763928b" +
  "db7ec13950f4862a" +
  "6fe9b308c2d714a5" +
  "a2847615fb9e3cd0";
/** Read at first use. */
let schedule: Bytes | undefined;

/**
 * Writes the digest of the concatenated parts. The target's length is the digest's.
 *
 * @param target 1 to 64 bytes; it may be one of the parts.
 */
export function blake2bInto(target: Uint8Array, parts: readonly Uint8Array[]): void {
  const state = new Uint32Array(initialState);
  const block = new Uint32Array(32);
  let length = 0;
  state[0]! ^= 0x01010000 ^ target.length;
  for (const part of parts) {
    for (const byte of part) {
      // A full block waits until it is known not to be the last.
      if (length > 0 && length % blockBytes === 0) compress(state, block, length, false);
      block[(length % blockBytes) >> 2]! |= byte << (8 * (length & 3));
      length += 1;
    }
  }
  compress(state, block, length, true);

  for (let at = 0; at < target.length; at++) target[at] = state[at >> 2]! >>> (8 * (at & 3));
  state.fill(0);
}

/** The function F of RFC 7693 §3.2 on a block that ends after `length` bytes. Clears the block. */
function compress(state: Uint32Array, block: Uint32Array, length: number, isLast: boolean): void {
  schedule ??= fromHex(scheduleHex)!;
  const v = new Uint32Array(32);
  v.set(state);
  v.set(initialState, 16);
  v[24]! ^= length;
  v[25]! ^= length / 2 ** 32;
  if (isLast) {
    v[28]! ^= -1;
    v[29]! ^= -1;
  }
  for (let mixing = 0; mixing < 96; mixing++) {
    const column = mixing & 3;
    const diagonal = (mixing >> 2) & 1;
    const a = 2 * column;
    const b = 8 + 2 * ((column + diagonal) & 3);
    const c = 16 + 2 * ((column + 2 * diagonal) & 3);
    const d = 24 + 2 * ((column + 3 * diagonal) & 3);
    const words = schedule[mixing % 80]!;

    // The function G of §3.1.
    add(v, a, v, b);
    add(v, a, block, 2 * (words >> 4));
    turn(v, d, a, 32);
    add(v, c, v, d);
    turn(v, b, c, 24);
    add(v, a, v, b);
    add(v, a, block, 2 * (words & 15));
    turn(v, d, a, 16);
    add(v, c, v, d);
    turn(v, b, c, 63);
  }
  for (let half = 0; half < 16; half++) state[half]! ^= v[half]! ^ v[half + 16]!;
  v.fill(0);
  block.fill(0);
}

/** Adds a word to the word at `at`. Storing the sum reduces it modulo 2^32. */
function add(v: Uint32Array, at: number, addends: Uint32Array, addend: number): void {
  const low = addends[addend]!;
  const sum = (v[at]! + low) >>> 0;
  v[at] = sum;
  v[at + 1]! += addends[addend + 1]! + (sum < low ? 1 : 0);
}

/** XORs the word at `at` with another and rotates it to the right. From 32 bits on, its halves change places. */
function turn(v: Uint32Array, at: number, other: number, bits: number): void {
  const swap = bits >> 5;
  const low = v[at + swap]! ^ v[other + swap]!;
  const high = v[at + 1 - swap]! ^ v[other + 1 - swap]!;
  // In two steps, because JavaScript shifts by 0 when asked to shift by 32.
  v[at] = (low >>> bits) | ((high << 1) << (31 - bits));
  v[at + 1] = (high >>> bits) | ((low << 1) << (31 - bits));
}
