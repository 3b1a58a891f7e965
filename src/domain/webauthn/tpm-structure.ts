/**
 * The two structures of a TPM that WebAuthn carries, Trusted Platform Module Library, part 2: TPMT_PUBLIC (§12.2.4) and
 * TPMS_ATTEST (§10.12.12) of a certified key.
 *
 * @module
 */
import type { Bytes } from "../../crypto/bytes.ts";
import { type CurveName, ecPublicKey, type HashName, type PublicKey, rsaPublicKey } from "../../crypto/public-key.ts";

export interface TpmPublicArea {
  readonly publicKey: PublicKey;
  /** The hash in the name of the key. */
  readonly nameHash: HashName;
}

export interface TpmCertifyInfo {
  /** The data that the caller wanted to have signed too. */
  readonly extraData: Bytes;
  /** The algorithm of the name, in two bytes, then the hash of the public area. */
  readonly name: Bytes;
}

/** TPM_ALG_ID, part 2 §6.3. */
const algorithms = { rsa: 0x0001, null: 0x0010, ecc: 0x0023 } as const;

const hashes: ReadonlyMap<number, HashName> = new Map([
  [0x000b, "SHA-256"],
  [0x000c, "SHA-384"],
  [0x000d, "SHA-512"],
]);

/** TPM_ECC_CURVE, part 2 §6.4. */
const curves: ReadonlyMap<number, CurveName> = new Map([
  [0x0003, "P-256"],
  [0x0004, "P-384"],
  [0x0005, "P-521"],
]);

/** TPM_GENERATED_VALUE, which a TPM signs only in structures of its own, and TPM_ST_ATTEST_CERTIFY. */
const generated = 0xff54_4347;
const attestCertify = 0x8017;

/** A signing key's public area, or `undefined` for another kind or trailing bytes. */
export function parsePublicArea(bytes: Bytes): TpmPublicArea | undefined {
  const reader = new TpmReader(bytes);
  const type = reader.number(2);
  const nameHash = hashes.get(reader.number(2));
  reader.number(4); // Attributes: what the TPM lets the key do. It has just signed.
  reader.sized();
  if (reader.number(2) !== algorithms.null) return undefined; // Only decryption keys have a symmetric algorithm.
  if (reader.number(2) !== algorithms.null) reader.number(2); // A signature scheme has a hash.
  const publicKey = type === algorithms.rsa ? readRsa(reader) : type === algorithms.ecc ? readEcc(reader) : undefined;
  return publicKey && nameHash && reader.isAtEnd ? { publicKey, nameHash } : undefined;
}

/** A TPM's statement about a key that it certifies, or `undefined` for any other structure. */
export function parseCertifyInfo(bytes: Bytes): TpmCertifyInfo | undefined {
  const reader = new TpmReader(bytes);
  const isCertify = reader.number(4) === generated && reader.number(2) === attestCertify;
  reader.sized(); // Qualified signer.
  const extraData = reader.sized();
  reader.take(17 + 8); // Clock and firmware version.
  const name = reader.sized();
  reader.sized(); // Qualified name.
  return isCertify && reader.isAtEnd ? { extraData, name } : undefined;
}

function readRsa(reader: TpmReader): PublicKey | undefined {
  const bits = reader.number(2);
  const exponent = reader.number(4) || 65_537; // Part 2 §12.2.3.5: zero is the default.
  const n = reader.sized();
  const e = new Uint8Array(4);
  new DataView(e.buffer).setUint32(0, exponent);
  return 8 * n.length === bits ? rsaPublicKey(n, e.slice(e.findIndex((byte) => byte !== 0))) : undefined;
}

function readEcc(reader: TpmReader): PublicKey | undefined {
  const curve = curves.get(reader.number(2));
  if (reader.number(2) !== algorithms.null) reader.number(2); // A key derivation has a hash.
  const x = reader.sized();
  const y = reader.sized();
  return curve && ecPublicKey(curve, x, y);
}

/** Reads big-endian fields in turn. Past the end every field is empty, and {@link isAtEnd} is never true again. */
class TpmReader {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Bytes {
    const bytes = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  number(length: number): number {
    return this.take(length).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** TPM2B: two bytes of length, then that many bytes. */
  sized(): Bytes {
    return this.take(this.number(2));
  }
}
