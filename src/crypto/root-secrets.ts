/**
 * The deployment's root secrets: a versioned list, from which each purpose derives its own key.
 *
 * The newest version that is not marked `read` writes; the others are read until nothing refers to them. Keys are separated by label with HKDF
 * (RFC 5869) and only the derived `CryptoKey` is kept, as a value.
 *
 * @module
 */
import { type Bytes, constantTimeEqual, fromBase64Url, toHex, utf8 } from "./bytes.ts";
import { joinParts } from "./digest.ts";
import { OptionError } from "./option-error.ts";

/** The purpose of a key. Each purpose has its own key, so that a value made for one purpose means nothing to another. */
export type KeyLabel = "refresh" | "identifier" | "known-device" | "challenge" | "decoy" | "page" | "mail" | "provider";

const minimumBytes = 32;
const wanted = "`npx --no sallyport secret` prints one: 32 random bytes as base64url, 43 characters.";
/** Prefix of the secrets that `npm start` generates. `createAuth` refuses them unless the origin is loopback. */
export const developmentSecretPrefix = "development.";
/** Sample texts from documentation. A secret made of them protects nothing. */
const samples = ["changeme", "change-me", "secret", "password", "example", "sample"];

export interface RootSecret {
  readonly version: number;
  readonly bytes: Bytes;
  readonly development: boolean;
  /** True if it is read and does not write yet, so that every isolate knows it before any isolate uses it. */
  readonly onlyReads: boolean;
}

/** The version that writes, and every version that is read, newest first. */
export interface KeyVersions {
  readonly writes: number;
  readonly reads: readonly number[];
}

/** The versions of a list of secrets. */
export function versionsOf(secrets: readonly RootSecret[]): KeyVersions {
  const reads = secrets.map(({ version }) => version);
  return { writes: secrets.find(({ onlyReads }) => !onlyReads)!.version, reads };
}

/**
 * Reads `SALLYPORT_SECRET`: base64url of at least 32 bytes, or a list of `version:base64url` separated by commas. With `:read` at
 * its end, a secret does not write yet.
 *
 * @throws {TypeError} If it is missing, too short, repeated or a known sample, or if none writes. The message never contains any
 * of the text.
 */
export function parseRootSecrets(text: string | undefined): readonly RootSecret[] {
  if (!text?.trim()) throw new OptionError(`it is missing or empty. ${wanted}`);
  const secrets: RootSecret[] = [];
  for (const entry of text.split(",")) {
    const [, version = "1", value = "", read] = /^(?:(\d{1,9}):)?(.*?)(?:(:read))?$/.exec(entry.trim()) ?? [];
    const development = value.startsWith(developmentSecretPrefix);
    const bytes = fromBase64Url(development ? value.slice(developmentSecretPrefix.length) : value);
    if (!bytes || bytes.length < minimumBytes) {
      const fault = bytes ? "is shorter than 32 bytes" : "is not base64url, which has no + / =";
      throw new OptionError(`the secret of ${value.length} characters ${fault}. ${wanted}`);
    }
    if (isSample(value, bytes)) throw new OptionError(`the secret is a published sample, or repeats itself. ${wanted}`);
    for (const other of secrets) {
      if (other.version === Number(version) || constantTimeEqual(other.bytes, bytes)) {
        throw new OptionError(`two secrets have the same version or value. Write \`2:<new>,1:<old>\`. ${wanted}`);
      }
    }
    secrets.push({ version: Number(version), bytes, development, onlyReads: read !== undefined });
  }
  if (secrets.every(({ onlyReads }) => onlyReads)) {
    throw new OptionError("every secret is marked `read`, so none writes.");
  }
  return secrets.sort((a, b) => b.version - a.version);
}

function isSample(text: string, bytes: Bytes): boolean {
  const lower = text.toLowerCase();
  const step = bytes[1]! - bytes[0]!;
  const isSequence = bytes.every((byte, index) => index === 0 || ((byte - bytes[index - 1]! - step) & 255) === 0);
  return isSequence || new Set(bytes).size < 12 || samples.some((sample) => lower.includes(sample));
}

type DeriveKeyParameters = Parameters<typeof crypto.subtle.deriveKey>;

/** The key for one use of a secret: HKDF-SHA-256 (RFC 5869) with the use as its label. */
export async function deriveKey(
  { bytes }: RootSecret,
  label: KeyLabel | "seal",
  algorithm: DeriveKeyParameters[2],
  usages: DeriveKeyParameters[4],
): Promise<CryptoKey> {
  const root = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveKey"]);
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info: utf8(`sallyport/1/${label}`) };
  return await crypto.subtle.deriveKey(hkdf, root, algorithm, false, usages);
}

/** HMAC-SHA-256 with keys derived from the root secrets. */
export class RootKeys {
  readonly #secrets: readonly RootSecret[];
  readonly #keys = new Map<string, CryptoKey>();

  constructor(secrets: readonly RootSecret[]) {
    this.#secrets = secrets;
  }

  /** The version that writes, and those that are read. */
  get all(): KeyVersions {
    return versionsOf(this.#secrets);
  }

  /** The version that writes. */
  get currentVersion(): number {
    return this.all.writes;
  }

  /** The version for names that must stay the same while two secrets are listed. */
  get oldestVersion(): number {
    return this.#secrets.at(-1)!.version;
  }

  /** True if these are the bytes of one of the secrets. */
  includes(bytes: Bytes): boolean {
    return this.#secrets.some((secret) => constantTimeEqual(secret.bytes, bytes));
  }

  /** All versions, newest first. */
  get versions(): readonly number[] {
    return this.#secrets.map((secret) => secret.version);
  }

  /** The MAC of the parts under a label's key, or `undefined` if that version of the secret is no longer listed. */
  async mac(
    label: KeyLabel,
    parts: readonly (string | Bytes)[],
    version: number = this.currentVersion,
  ): Promise<Bytes | undefined> {
    const key = await this.#key(label, version);
    return key && new Uint8Array(await crypto.subtle.sign("HMAC", key, joinParts(parts)));
  }

  /**
   * A keyed digest in hex: the name of an identifier, a device or an address in counters and events. It uses the oldest listed
   * secret, because adding a secret must not reset every limit.
   */
  async digest(kind: string, value: string): Promise<string> {
    return toHex((await this.mac("identifier", [kind, value], this.oldestVersion))!);
  }

  async #key(label: KeyLabel, version: number): Promise<CryptoKey | undefined> {
    const name = `${version}:${label}`;
    const known = this.#keys.get(name);
    if (known) return known;
    const secret = this.#secrets.find((candidate) => candidate.version === version);
    if (!secret) return undefined;

    const key = await deriveKey(secret, label, { name: "HMAC", hash: "SHA-256", length: 256 }, ["sign"]);
    this.#keys.set(name, key);
    return key;
  }
}
