/**
 * Argon2id, version 0x13: RFC 9106, over a WebAssembly module of hash-wasm that the runtime supplies.
 *
 * The binary fills the memory (§3.2 steps 5 to 7), this file does the rest. It is instantiated once and stays, because
 * workerd does not give back an instance's memory: 60 hashes with a new one each held 1.15 GiB. The binary adds to its
 * memory instead of overwriting it, so anything that one hash left behind would make the next one wrong: the memory is put
 * back to its first state after each, which also leaves nothing of a password in it.
 *
 * @module
 */
import { blake2bInto } from "./blake2b.ts";
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

interface BinaryExports {
  readonly memory: WebAssembly.Memory;
  readonly __stack_pointer: WebAssembly.Global;
  /** The address of the blocks, which the first call appends to the memory. */
  Hash_GetBuffer(): number;
  /** Fills the blocks; the first parameter means nothing here. */
  Hash_Calculate(length: number, memoryKiB: number): void;
}

const blockBytes = 1024;
const pageBytes = 65_536;

const version = 0x13;
const argon2idType = 2;
const none = new Uint8Array(0);

/**
 * One reusable Argon2id computation. Synchronous, so that two hashes never share the memory.
 *
 * Holds as much memory as the costliest hash so far needed. Trusts the caller to have bounded the cost.
 *
 * @throws {Error} From the constructor, if the binary does not compute RFC 9106's own test vector (B59).
 */
export class Argon2id {
  readonly #binary: BinaryExports;
  readonly #firstBlock: number;
  readonly #restore: () => void;

  constructor(module: WebAssembly.Module) {
    this.#binary = new WebAssembly.Instance(module, {}).exports as unknown as BinaryExports;
    this.#firstBlock = this.#binary.Hash_GetBuffer();
    this.#restore = rememberState(this.#binary, this.#firstBlock);
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

      blake2bInto(seed.subarray(0, 64), [words, ...h0Fields(input)]); // §3.2 step 1
      this.#fillFirstColumns(blocks, seed, cost);
      this.#binary.Hash_Calculate(0, cost.memoryKiB); // steps 5 to 7; it leaves C in block 0

      const tag = new Uint8Array(tagBytes);
      hashInto(tag, blocks.subarray(0, blockBytes)); // step 8
      return tag;
    } finally {
      seed.fill(0);
      blocks.fill(0);
      this.#restore();
    }
  }

  /** The blocks and one more for the parameters: all zero. */
  #allocate(memoryKiB: number): Bytes {
    const { memory } = this.#binary;
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
        hashInto(blocks.subarray(start, start + blockBytes), seed);
      }
    }
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
      throw new Error("The Argon2id binary does not compute RFC 9106's test vector.");
  }
}

/** H'^T of §3.3, for T = `target.length`. */
function hashInto(target: Bytes, input: Uint8Array): void {
  const first = [le32(target.length), input];
  if (target.length <= 64) {
    blake2bInto(target, first);
    return;
  }
  // Each V but the last gives its first half; the last is as long as what is left, 33 to 64 bytes.
  const v = new Uint8Array(64);
  let left = target;
  blake2bInto(v, first);
  while (left.length > 64) {
    left.set(v.subarray(0, 32));
    left = left.subarray(32);
    blake2bInto(v.subarray(0, left.length), [v]);
  }
  left.set(v.subarray(0, left.length));
  v.fill(0);
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

/**
 * Remembers the stack, the static variables and the buffers below `length`, and gives back the function that restores them:
 * the binary keeps its last block there. A trap also leaves the stack pointer where it was.
 */
function rememberState({ memory, __stack_pointer }: BinaryExports, length: number): () => void {
  const state = new Uint8Array(memory.buffer, 0, length).slice();
  const stackPointer: unknown = __stack_pointer.value;
  return () => {
    new Uint8Array(memory.buffer).set(state);
    __stack_pointer.value = stackPointer;
  };
}
