/**
 * Argon2id, version 0x13: RFC 9106, over two WebAssembly modules of hash-wasm that the runtime supplies.
 *
 * The `argon2` binary fills the memory (§3.2 steps 5 to 7), the `blake2b` binary is the hash; this file does the rest. Both
 * are instantiated once and stay, because workerd does not give back an instance's memory: 60 hashes with a new one each
 * held 1.15 GiB. The binary adds to its memory instead of overwriting it, so anything that one hash left behind would make
 * the next one wrong: the memory is put back to its first state after each, which also leaves nothing of a password in it.
 *
 * @module
 */
import { type Bytes, constantTimeEqual, fromHex } from "./bytes.ts";

export interface Argon2idCost {
  /** Memory in KiB, at least 8 for each lane: RFC 9106's `m`. */
  readonly memoryKiB: number;
  /** RFC 9106's `t`. */
  readonly passes: number;
  /** RFC 9106's `p`; they are computed one after the other. */
  readonly lanes: number;
}

export interface Argon2idInput {
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
  readonly cost: Argon2idCost;
  readonly tagBytes: number;
  readonly secret?: Uint8Array;
  readonly associatedData?: Uint8Array;
}

export interface Argon2Modules {
  readonly argon2: WebAssembly.Module;
  readonly blake2b: WebAssembly.Module;
}

interface BinaryExports {
  readonly memory: WebAssembly.Memory;
  readonly __stack_pointer: WebAssembly.Global;
  /** The address of the bytes that are exchanged. In `argon2`, the first call appends them to the memory. */
  Hash_GetBuffer(): number;
  /**
   * `argon2`: fills the blocks, `parameter` is `memoryKiB`. `blake2b`: hashes `length` bytes, `parameter` is the number of
   * bits that come out.
   */
  Hash_Calculate(length: number, parameter: number): void;
}

const blockBytes = 1024;
const pageBytes = 65_536;
/** The size of the buffer in the `blake2b` binary. */
const maxBlake2bInputBytes = 16_384;

const version = 0x13;
const argon2idType = 2;
const none = new Uint8Array(0);

/**
 * One reusable Argon2id computation. Synchronous, so that two hashes never share the memory.
 *
 * Holds as much memory as the costliest hash so far needed. Trusts the caller to have bounded the cost.
 *
 * @throws {Error} From the constructor, if the modules do not compute RFC 9106's own test vector (B59).
 */
export class Argon2id {
  readonly #argon2: BinaryExports;
  readonly #restoreArgon2: () => void;
  readonly #firstBlock: number;
  readonly #blake2b: Blake2b;

  constructor(modules: Argon2Modules) {
    this.#blake2b = new Blake2b(modules.blake2b);
    this.#argon2 = instantiate(modules.argon2);
    this.#firstBlock = this.#argon2.Hash_GetBuffer();
    this.#restoreArgon2 = rememberState(this.#argon2, this.#firstBlock);
    this.#selfTest();
  }

  /** The tag of RFC 9106 §3.2. */
  tag(input: Argon2idInput): Bytes {
    const { cost, tagBytes } = input;
    assertWithinRfc(cost, tagBytes);
    const blocks = this.#allocate(cost.memoryKiB);
    const seed = new Uint8Array(72);
    try {
      // The six words that open the input of H_0 are also what the binary wants to find behind the last block.
      const words = le32(cost.lanes, tagBytes, cost.memoryKiB, cost.passes, version, argon2idType);
      blocks.set(words, cost.memoryKiB * blockBytes);

      seed.set(this.#blake2b.digest(64, [words, ...h0Fields(input)])); // §3.2 step 1
      this.#fillFirstColumns(blocks, seed, cost);
      this.#argon2.Hash_Calculate(0, cost.memoryKiB); // steps 5 to 7; it leaves C in block 0

      const tag = new Uint8Array(tagBytes);
      this.#hashInto(tag, blocks.subarray(0, blockBytes)); // step 8
      return tag;
    } finally {
      seed.fill(0);
      blocks.fill(0);
      this.#restoreArgon2();
      this.#blake2b.restore();
    }
  }

  /** The blocks and one more for the parameters: all zero. */
  #allocate(memoryKiB: number): Bytes {
    const { memory } = this.#argon2;
    const length = (memoryKiB + 1) * blockBytes;
    const missingBytes = this.#firstBlock + length - memory.buffer.byteLength;
    // Not by the binary's Hash_SetMemorySize, which asks for 4 GiB when the memory is already larger than its argument.
    if (missingBytes > 0) memory.grow(Math.ceil(missingBytes / pageBytes));
    return new Uint8Array(memory.buffer, this.#firstBlock, length) as Bytes;
  }

  /** B[i][0] and B[i][1] of each lane: §3.2 steps 3 and 4. `seed` is H_0 and room for two words. */
  #fillFirstColumns(blocks: Bytes, seed: Bytes, { memoryKiB, lanes }: Argon2idCost): void {
    const laneBlocks = 4 * Math.floor(memoryKiB / (4 * lanes)); // q = m' / p, step 2
    for (let lane = 0; lane < lanes; lane++) {
      for (const column of [0, 1]) {
        seed.set(le32(column, lane), 64);
        const start = (lane * laneBlocks + column) * blockBytes;
        this.#hashInto(blocks.subarray(start, start + blockBytes), seed);
      }
    }
  }

  /** H'^T of §3.3, for T = `target.length`. */
  #hashInto(target: Bytes, input: Uint8Array): void {
    const length = target.length;
    if (length <= 64) {
      target.set(this.#blake2b.digest(length, [le32(length), input]));
      return;
    }
    // Each V but the last gives its first half; the last is as long as what is left, 33 to 64 bytes.
    let v = this.#blake2b.digest(64, [le32(length), input]);
    let at = 0;
    for (; length - at > 64; at += 32) {
      target.set(v.subarray(0, 32), at);
      v = this.#blake2b.digest(Math.min(64, length - at - 32), [v]);
    }
    target.set(v, at);
  }

  /** RFC 9106 §5.3: four lanes, a secret and associated data; 96 blocks, once for each instance. */
  #selfTest(): void {
    const tag = this.tag({
      password: new Uint8Array(32).fill(1),
      salt: new Uint8Array(16).fill(2),
      secret: new Uint8Array(8).fill(3),
      associatedData: new Uint8Array(12).fill(4),
      cost: { memoryKiB: 32, passes: 3, lanes: 4 },
      tagBytes: 32,
    });
    const expected = fromHex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659")!;
    if (!constantTimeEqual(tag, expected))
      throw new Error("The Argon2id binaries do not compute RFC 9106's test vector.");
  }
}

/** Unkeyed BLAKE2b (RFC 7693) over one instance. */
class Blake2b {
  readonly #exports: BinaryExports;
  readonly #buffer: Bytes;
  /** Leaves nothing of what was hashed. */
  readonly restore: () => void;

  constructor(module: WebAssembly.Module) {
    this.#exports = instantiate(module);
    const { memory } = this.#exports;
    this.#buffer = new Uint8Array(memory.buffer, this.#exports.Hash_GetBuffer(), maxBlake2bInputBytes) as Bytes;
    this.restore = rememberState(this.#exports, memory.buffer.byteLength);
  }

  /**
   * The digest of the parts in a row, as a view of the buffer that the next call overwrites.
   *
   * Only the first part may be such a view: it is copied first.
   */
  digest(digestBytes: number, parts: readonly Uint8Array[]): Bytes {
    let length = 0;
    for (const part of parts) {
      if (length + part.length > maxBlake2bInputBytes) throw new RangeError("The input is over 16 KiB.");
      this.#buffer.set(part, length);
      length += part.length;
    }
    this.#exports.Hash_Calculate(length, digestBytes * 8);
    return this.#buffer.subarray(0, digestBytes);
  }
}

/** What H_0 hashes after the six words: each field behind its length. */
function h0Fields({ password, salt, secret = none, associatedData = none }: Argon2idInput): Uint8Array[] {
  return [password, salt, secret, associatedData].flatMap((field) => [le32(field.length), field]);
}

/** RFC 9106 §3.1. */
function assertWithinRfc({ memoryKiB, passes, lanes }: Argon2idCost, tagBytes: number): void {
  const allIntegers = [memoryKiB, passes, lanes, tagBytes].every(Number.isSafeInteger);
  if (!allIntegers || lanes < 1 || passes < 1 || tagBytes < 4 || memoryKiB < 8 * lanes) {
    throw new RangeError("Argon2id needs a lane, a pass, 8 KiB for each lane and a tag of 4 bytes, at least.");
  }
}

function le32(...words: number[]): Bytes {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word, true);
  return bytes;
}

function instantiate(module: WebAssembly.Module): BinaryExports {
  return new WebAssembly.Instance(module, {}).exports as unknown as BinaryExports;
}

/**
 * Remembers the stack, the static variables and the buffers below `length`, and gives back the function that restores them:
 * the binaries keep their last block and hash state there. A trap also leaves the stack pointer where it was.
 */
function rememberState({ memory, __stack_pointer }: BinaryExports, length: number): () => void {
  const state = new Uint8Array(memory.buffer, 0, length).slice();
  const stackPointer: unknown = __stack_pointer.value;
  return () => {
    new Uint8Array(memory.buffer).set(state);
    __stack_pointer.value = stackPointer;
  };
}
