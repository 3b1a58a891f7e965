import { Argon2id, type Argon2idCost } from "./argon2id.ts";
import { type Bytes, constantTimeEqual, randomBytes } from "./bytes.ts";
import { HashQueue } from "./hash-queue.ts";
import { requireOption } from "./option-error.ts";
import { preparePassword } from "./password-bytes.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import {
  type Argon2idHash,
  defaultCaps,
  encodePhc,
  needsRehash,
  parsePhc,
  pinnedCost,
  pinnedSaltBytes,
  pinnedTagBytes,
} from "./phc.ts";

/** The options of `argon2id`. */
export interface Argon2idOptions {
  /**
   * How many hashes may wait in one isolate before the next is refused, 1 to 1,000. Default 16, about half a second of work.
   *
   * All hashers of an isolate share one queue, so a hasher with a smaller number leaves room for the others.
   */
  queueLength?: number;
}

/**
 * A dummy hash that is verified when an account has no password, so that an unknown identifier costs as much as a wrong
 * password.
 *
 * Its password is `correcthorsebatterystaple`, so the caller must ignore the result. Source: Flametrench ADR 0023.
 */
export const decoyHash: string =
  "$argon2id$v=19$m=19456,t=2,p=1$779z4UHkLWR4w0TEo9gcHg$Gz0+nGnpokhsKi1cPlx8i74FBN1Nq0OURZ3xso1AHMU";

/**
 * The state of one isolate: the computation, made at first use, and the queue in front of it. Holds values only, no promise.
 */
export class Argon2idIsolate {
  readonly #load: () => WebAssembly.Module;
  readonly #queue: HashQueue = new HashQueue();
  #argon2id: Argon2id | undefined;

  constructor(load: () => WebAssembly.Module) {
    this.#load = load;
  }

  /**
   * @param caps The most that a stored hash may ask for.
   * @throws {TypeError} If `queueLength` is not an integer from 1 to 1,000.
   */
  hasher({ queueLength = 16 }: Argon2idOptions = {}, caps: Argon2idCost = defaultCaps): PasswordHasher {
    const isWithin = Number.isInteger(queueLength) && queueLength >= 1 && queueLength <= 1000;
    requireOption(isWithin, queueLength, "a whole number from 1 to 1,000", "queueLength");
    return {
      // Strangers can request new hashes before anything is counted, so new hashes take at most half of the places (S24).
      hash: (password, form) => this.#hash(Math.ceil(queueLength / 2), preparePassword(password, form)),
      verify: (phc, password, form) => this.#verify(queueLength, parsePhc(phc, caps), preparePassword(password, form)),
      canVerify: (phc) => parsePhc(phc, caps) !== undefined,
      needsRehash,
      isBusy: () => this.#queue.isFull(queueLength),
    };
  }

  async #hash(queueLength: number, bytes: Bytes | undefined): Promise<string> {
    if (!bytes) throw new RangeError("The password must be well-formed text of 1 to 1,024 bytes.");
    try {
      return await this.#queue.run(
        queueLength,
        () => {
          const salt = randomBytes(pinnedSaltBytes);
          const tag = this.#computation().tag({ password: bytes, salt, cost: pinnedCost, tagBytes: pinnedTagBytes });
          return encodePhc({ cost: pinnedCost, salt, tag });
        },
        true,
      );
    } finally {
      bytes.fill(0);
    }
  }

  async #verify(queueLength: number, stored: Argon2idHash | undefined, bytes: Bytes | undefined): Promise<boolean> {
    if (!stored || !bytes) return false;
    const { cost, salt, tag } = stored;
    try {
      return await this.#queue.run(queueLength, () => {
        const input = { password: bytes, salt, cost, tagBytes: tag.length };
        return constantTimeEqual(this.#computation().tag(input), tag);
      });
    } finally {
      bytes.fill(0);
    }
  }

  #computation(): Argon2id {
    this.#argon2id ??= new Argon2id(this.#load());
    return this.#argon2id;
  }
}
