/**
 * Credential keys: COSE_Key (RFC 9052 §7) of the three algorithms that Flametrench names (ADR 0008).
 *
 * The algorithm comes from the key, never from a signature. WebAuthn L3 §6.5.1.1: the key has `alg` and none of the optional
 * parameters, and an algorithm has one curve.
 *
 * @module
 */
import type { Bytes } from "../../crypto/bytes.ts";
import {
  curveBytes,
  ecPublicKey,
  ed25519PublicKey,
  type HashName,
  importPublicKey,
  type PublicKey,
  rsaPublicKey,
} from "../../crypto/public-key.ts";
import { type CborMap, type CborValue, decodeCbor, isCborBytes, isCborMap } from "./cbor.ts";
import { ecdsaSignatureFromDer, verifyDerSignature } from "./der-signature.ts";

/** IANA, COSE Algorithms: ES256, EdDSA (which is Ed25519 here: WebAuthn L3 §5.8.5), RS256. */
export type CoseAlgorithm = -7 | -8 | -257;

export interface CoseKey {
  readonly algorithm: CoseAlgorithm;
  readonly publicKey: PublicKey;
}

interface AlgorithmRow {
  readonly algorithm: CoseAlgorithm;
  /** RFC 9053 §7 table 17 and RFC 8230 §4: the labels besides 1 (kty) and 3 (alg), and the values that are fixed. */
  readonly parameters: ReadonlyMap<number, number | "bytes">;
  readonly read: (parameter: (label: number) => Bytes) => PublicKey | undefined;
}

const es256: AlgorithmRow = {
  algorithm: -7,
  parameters: new Map<number, number | "bytes">([
    [1, 2],
    [3, -7],
    [-1, 1],
    [-2, "bytes"],
    [-3, "bytes"],
  ]),
  read: (parameter) => ecPublicKey("P-256", parameter(-2), parameter(-3)),
};

const ed25519: AlgorithmRow = {
  algorithm: -8,
  parameters: new Map<number, number | "bytes">([
    [1, 1],
    [3, -8],
    [-1, 6],
    [-2, "bytes"],
  ]),
  read: (parameter) => ed25519PublicKey(parameter(-2)),
};

const rs256: AlgorithmRow = {
  algorithm: -257,
  parameters: new Map<number, number | "bytes">([
    [1, 3],
    [3, -257],
    [-1, "bytes"],
    [-2, "bytes"],
  ]),
  read: (parameter) => rsaPublicKey(parameter(-1), parameter(-2)),
};

const rows = [es256, ed25519, rs256];

/** The algorithms, in the order in which they are offered. */
export const coseAlgorithms: readonly CoseAlgorithm[] = rows.map(({ algorithm }) => algorithm);

/** All of them hash with SHA-256, or, as Ed25519 does, choose their own. */
const hash: HashName = "SHA-256";

/** The key, or `undefined` unless it is one of these keys in exactly its form. */
export function parseCoseKey(bytes: Bytes): CoseKey | undefined {
  const map = decodeCbor(bytes);
  if (!isCborMap(map)) return undefined;
  const row = rows.find(({ parameters }) => hasParameters(map, parameters));
  const publicKey = row?.read((label) => map.get(label) as Bytes);
  return row && publicKey && { algorithm: row.algorithm, publicKey };
}

/** True if this runtime can verify with the key. Asked at registration, so that no user enrolls a key that never works. */
export async function isUsableCoseKey({ publicKey }: CoseKey): Promise<boolean> {
  return (await importPublicKey(publicKey, hash)) !== undefined;
}

/** True if the key made the signature over the data. Never throws. */
export function verifyCoseSignature(key: CoseKey, signature: Bytes, data: Bytes): Promise<boolean> {
  return verifyDerSignature({ key: key.publicKey, hash, signature, data });
}

/** True if the bytes have the one form that the key's signatures have, so that no second spelling of a signature is accepted. */
export function isSignatureForm({ publicKey }: CoseKey, signature: Bytes): boolean {
  return publicKey.type !== "EC" || ecdsaSignatureFromDer(signature, curveBytes[publicKey.curve]) !== undefined;
}

function hasParameters(map: CborMap, parameters: AlgorithmRow["parameters"]): boolean {
  const isRight = (value: CborValue | undefined, expected: number | "bytes") =>
    expected === "bytes" ? isCborBytes(value) : value === expected;
  return (
    map.size === parameters.size && [...parameters].every(([label, expected]) => isRight(map.get(label), expected))
  );
}
