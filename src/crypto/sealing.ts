/**
 * Seals secrets that must be read again: AES-256-GCM (NIST SP 800-38D) under keys of the deployment.
 *
 * A sealed value is a mark, the key's version, a random 96-bit nonce and the ciphertext with its tag. Its place (table, column,
 * row, user) is associated data, so that a value that is moved to another row cannot be opened (S44).
 *
 * @module
 */
import { type Bytes, joinBytes, randomBytes, uint32, utf8 } from "./bytes.ts";
import { joinParts } from "./digest.ts";
import {
  deriveKey,
  type KeyVersions,
  parseRootSecrets,
  type RootKeys,
  type RootSecret,
  versionsOf,
} from "./root-secrets.ts";

/** "SPS1": distinguishes a sealed value from a plain one in a table that another SDK also writes. */
const mark = utf8("SPS1");
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = mark.length + 4;

/** The place where a sealed value is stored. */
export interface SealedPlace {
  readonly purpose: string;
  readonly table: string;
  readonly column: string;
  readonly rowId: string;
  readonly userId: string;
}

/** A value that cannot be opened: another key, another place, or damage. The error reveals nothing about the value. */
export class SealingError extends Error {
  override readonly name: string = "SealingError";
}

/** True if a stored value has the form of a sealed one. */
export function isSealed(value: Uint8Array): boolean {
  return value.length > headBytes + nonceBytes + tagBytes && mark.every((byte, index) => value[index] === byte);
}

/** The first bytes of every value that a key version seals. */
export function sealedHead(version: number): Bytes {
  return joinBytes(mark, uint32(version));
}

/** The first bytes of every sealed value. */
export const sealedMark: Bytes = mark;

/** The version of the key that a sealed value names. */
export function sealingVersion(value: Bytes): number {
  return new DataView(value.buffer, value.byteOffset).getUint32(mark.length);
}

/** The sealing keys of a deployment: the newest that is not marked `read` seals, all of them open. */
export class SealingKeys {
  readonly #secrets: readonly RootSecret[];
  readonly #keys = new Map<number, CryptoKey>();

  /**
   * @param secrets Base64url of at least 32 random bytes, or a list `2:<new>,1:<old>`. A key with `:read` at its end opens and does not seal.
   * @throws {TypeError} If a key is weak.
   */
  constructor(secrets: string | undefined) {
    this.#secrets = parseRootSecrets(secrets);
  }

  /** The version that seals, and those that open. */
  get all(): KeyVersions {
    return versionsOf(this.#secrets);
  }

  /** The version that seals. */
  get currentVersion(): number {
    return this.all.writes;
  }

  /** True if any key is also a root secret, in any spelling. */
  sharesWith(keys: RootKeys): boolean {
    return this.#secrets.some(({ bytes }) => keys.includes(bytes));
  }

  /** True if any key was made by `npm start`, and is therefore for loopback only. */
  get hasDevelopment(): boolean {
    return this.#secrets.some(({ development }) => development);
  }

  async seal(place: SealedPlace, value: Bytes): Promise<Bytes> {
    const version = this.currentVersion;
    const nonce = randomBytes(nonceBytes);
    const parameters = { name: "AES-GCM", iv: nonce, additionalData: associatedData(place, version) };
    const ciphertext = new Uint8Array(await crypto.subtle.encrypt(parameters, (await this.#key(version))!, value));
    return joinBytes(sealedHead(version), nonce, ciphertext);
  }

  /** @throws {SealingError} If the value was not sealed for this place, under a key that is still listed. */
  async open(place: SealedPlace, sealed: Bytes): Promise<Bytes> {
    if (!isSealed(sealed)) throw new SealingError("A stored secret is not sealed.");
    const version = sealingVersion(sealed);
    const key = await this.#key(version);
    if (!key) throw new SealingError("The key that sealed a stored secret is gone.");
    const iv = sealed.slice(headBytes, headBytes + nonceBytes);
    const parameters = { name: "AES-GCM", iv, additionalData: associatedData(place, version) };
    try {
      return new Uint8Array(await crypto.subtle.decrypt(parameters, key, sealed.slice(headBytes + nonceBytes)));
    } catch (error) {
      throw new SealingError("A stored secret does not open.", { cause: error });
    }
  }

  async #key(version: number): Promise<CryptoKey | undefined> {
    const known = this.#keys.get(version);
    if (known) return known;
    const secret = this.#secrets.find((candidate) => candidate.version === version);
    if (!secret) return undefined;
    const key = await deriveKey(secret, "seal", { name: "AES-GCM", length: 256 }, ["encrypt", "decrypt"]);
    this.#keys.set(version, key);
    return key;
  }
}

function associatedData({ purpose, table, column, rowId, userId }: SealedPlace, version: number): Bytes {
  return joinParts([purpose, table, column, rowId, userId, String(version)]);
}
