/**
 * Argon2id, version 0x13: RFC 9106, over the compression function of a WebAssembly module that the runtime supplies.
 *
 * The module computes one block at a time and keeps nothing; this file owns the memory and decides which blocks each block is
 * computed from. The memory is made once and stays, because workerd does not give back an instance's memory: 60 hashes with a
 * new instance each held 1.15 GiB. It is cleared after each hash, so that nothing of a password stays in it.
 *
 * @module
 */
import { blake2bInto } from "./blake2b.ts";
import { type Bytes, constantTimeEqual, fromHex } from "./bytes.ts";

/** How much memory and time a hash takes (RFC 9106 §3.1). */
export interface Argon2idCost {
  /** Memory in KiB, at least 8 for each lane: RFC 9106's `m`. */
  readonly memoryKiB: number;
  /** RFC 9106's `t`. */
  readonly passes: number;
  /** RFC 9106's `p`. The lanes are computed one after the other. */
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

/** The exports of the binary: see `build/argon2.node.ts`. Each block is an address in the memory. */
interface BlockFunctions {
  /** The compression function of §3.5. Its outcome is XORed into `result`, which is neither `x` nor `y`. */
  G(x: number, y: number, result: number): void;
}

const blockBytes = 1024;
const pageBytes = 65_536;
/** The maximum of the memory, as the binary declares it. */
const maximumPages = 65_536;
/** Segments of a lane, `SL` in §3.4. */
const slices = 4;
/** How many references a block of references holds. */
const referencesOfBlock = 128;

/** The layout of the memory after a block that the binary uses itself: working blocks, then the matrix. */
const zerosAt = 1024;
const counterAt = 2048;
const compressedAt = 3072;
const referencesAt = 4096;
const matrixAt = 5120;

const version = 0x13;
const argon2idType = 2;
const none = new Uint8Array(0);

/**
 * One reusable Argon2id computation. Synchronous, so that two hashes never share the memory.
 *
 * Holds as much memory as the costliest hash so far needed. The caller must bound the cost.
 *
 * @throws {Error} From the constructor, if the binary does not compute RFC 9106's own test vector (B59).
 */
export class Argon2id {
  readonly #memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 1, maximum: maximumPages });
  readonly #binary: BlockFunctions;

  constructor(module: WebAssembly.Module) {
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.#binary = exports as unknown as BlockFunctions;
    this.#selfTest();
  }

  /** The tag of RFC 9106 §3.2. */
  tag(input: Argon2idInput): Bytes {
    const { cost, tagBytes } = input;
    assertWithinRfc(cost, tagBytes);
    const memory = this.#allocate(cost.memoryKiB);
    const seed = new Uint8Array(72);
    try {
      const words = le32(cost.lanes, tagBytes, cost.memoryKiB, cost.passes, version, argon2idType);
      blake2bInto(seed.subarray(0, 64), [words, ...h0Fields(input)]); // step 1
      const last = this.#fill(memory, seed, cost); // steps 2 to 7
      const tag = new Uint8Array(tagBytes);
      hashInto(tag, memory.subarray(last, last + blockBytes)); // step 8
      return tag;
    } finally {
      seed.fill(0);
      memory.fill(0);
    }
  }

  /** The memory that a hash uses, all zero. */
  #allocate(memoryKiB: number): Bytes {
    const length = matrixAt + memoryKiB * blockBytes;
    const missingBytes = length - this.#memory.buffer.byteLength;
    if (missingBytes > 0) this.#memory.grow(Math.ceil(missingBytes / pageBytes));
    return new Uint8Array(this.#memory.buffer, 0, length) as Bytes;
  }

  /** Fills the matrix and returns the address of the block C. `seed` is H_0 with room for two words. */
  #fill(memory: Bytes, seed: Bytes, { memoryKiB, passes, lanes }: Argon2idCost): number {
    const { G } = this.#binary;
    // WebAssembly's memory is little-endian, and so is every machine that runs JavaScript. Otherwise the self-test fails.
    const words = new Uint32Array(memory.buffer, 0, memory.length / 4);
    const segmentBlocks = Math.floor(memoryKiB / (slices * lanes));
    const laneBlocks = slices * segmentBlocks; // q
    const blockAt = (lane: number, column: number) => matrixAt + (lane * laneBlocks + column) * blockBytes;

    /** §3.4.1.2: the references that follow do not depend on the password. */
    const makeReferences = (...counter: number[]) => {
      for (const [position, word] of counter.entries()) words[counterAt / 4 + 2 * position] = word; // of 64 bits
      memory.fill(0, compressedAt, matrixAt);
      G(zerosAt, counterAt, compressedAt);
      G(zerosAt, compressedAt, referencesAt);
    };

    const fillSegment = (pass: number, slice: number, lane: number) => {
      const isIndependent = pass === 0 && slice < slices / 2; // §3.4.1.3
      const first = pass === 0 && slice === 0 ? 2 : 0;
      // §3.4.2: the blocks of a lane that may be referred to begin at `start`: `finished` blocks, plus those of this segment.
      const start = pass === 0 ? 0 : ((slice + 1) % slices) * segmentBlocks;
      const finished = pass === 0 ? slice * segmentBlocks : laneBlocks - segmentBlocks;
      for (let offset = first; offset < segmentBlocks; offset++) {
        const column = slice * segmentBlocks + offset;
        const previous = blockAt(lane, (column || laneBlocks) - 1);
        const index = offset % referencesOfBlock;
        if (isIndependent && (offset === first || index === 0)) {
          const turn = (offset - index) / referencesOfBlock + 1;
          makeReferences(pass, lane, slice, lanes * laneBlocks, passes, argon2idType, turn);
        }
        const random = (isIndependent ? referencesAt + 8 * index : previous) / 4;
        const j1 = words[random]!;
        const j2 = words[random + 1]!;
        const ofLane = pass === 0 && slice === 0 ? lane : j2 % lanes;
        const inSegment = ofLane === lane ? offset - 1 : offset === 0 ? -1 : 0;
        const area = finished + inSegment; // |W|
        const back = upperProduct(area, upperProduct(j1, j1));
        const reference = blockAt(ofLane, (start + area - 1 - back) % laneBlocks);
        G(previous, reference, blockAt(lane, column)); // steps 5 and 6: into a block that is zero, or from the previous pass
      }
    };

    for (let lane = 0; lane < lanes; lane++) {
      for (const column of [0, 1]) {
        seed.set(le32(column, lane), 64);
        hashInto(memory.subarray(blockAt(lane, column), blockAt(lane, column + 1)), seed); // steps 3 and 4
      }
    }
    for (let pass = 0; pass < passes; pass++) {
      for (let slice = 0; slice < slices; slice++) {
        for (let lane = 0; lane < lanes; lane++) fillSegment(pass, slice, lane);
      }
    }
    const last = blockAt(0, laneBlocks - 1);
    for (let lane = 1; lane < lanes; lane++) {
      const other = blockAt(lane, laneBlocks - 1);
      for (let at = 0; at < blockBytes; at++) memory[last + at]! ^= memory[other + at]!; // step 7
    }
    return last;
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

/** The upper 32 bits of the product of two 32-bit numbers. A double holds every intermediate value exactly. */
function upperProduct(x: number, y: number): number {
  return (((x >>> 16) * y + ((((x & 0xffff) * y) / 65_536) >>> 0)) / 65_536) >>> 0;
}

/** H'^T of §3.3, for T = `target.length`. */
function hashInto(target: Bytes, input: Uint8Array): void {
  const first = [le32(target.length), input];
  if (target.length <= 64) {
    blake2bInto(target, first);
    return;
  }
  // Each V but the last contributes its first half; the last is as long as what is left, 33 to 64 bytes.
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

/** The input of H_0 after the six words: each field, preceded by its length. */
function h0Fields({ password, salt, secret = none, associatedData = none }: Argon2idInput): Uint8Array[] {
  return [password, salt, secret, associatedData].flatMap((field) => [le32(field.length), field]);
}

/** RFC 9106 §3.1. */
function assertWithinRfc({ memoryKiB, passes, lanes }: Argon2idCost, tagBytes: number): void {
  const allIntegers = [memoryKiB, passes, lanes, tagBytes].every(Number.isSafeInteger);
  if (!allIntegers || lanes < 1 || passes < 1 || tagBytes < 4 || memoryKiB < 8 * lanes) {
    throw new RangeError("The cost is outside RFC 9106 §3.1.");
  }
}

function le32(...words: number[]): Bytes {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word, true);
  return bytes;
}
