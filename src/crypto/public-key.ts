/**
 * Public keys that Web Crypto verifies with: from COSE, a certificate, a TPM's structure or a JWK.
 *
 * @module
 */
import { type Bytes, constantTimeEqual, joinBytes, toBase64Url } from "./bytes.ts";

export type PublicKey =
  | { readonly type: "EC"; readonly curve: CurveName; readonly x: Bytes; readonly y: Bytes }
  | { readonly type: "RSA"; readonly n: Bytes; readonly e: Bytes }
  | { readonly type: "Ed25519"; readonly x: Bytes };

export type CurveName = "P-256" | "P-384" | "P-521";

export type HashName = "SHA-256" | "SHA-384" | "SHA-512";

/** The length of a coordinate and of the order, in bytes: FIPS 186-5, SP 800-186 §3.2.1. */
export const curveBytes: Readonly<Record<CurveName, number>> = { "P-256": 32, "P-384": 48, "P-521": 66 };

/** SP 800-131A revision 2 table 2. Web Crypto imports shorter keys, so the modulus is measured here. */
export const minRsaBits = 2048;

/** The longest modulus that BoringSSL, and so workerd, verifies with; a longer one only costs time. */
const maxRsaBits = 8192;

/** An RSA key whose numbers have their shortest form and a safe size. */
export function rsaPublicKey(n: Bytes, e: Bytes): PublicKey | undefined {
  const bits = n.length === 0 ? 0 : 8 * n.length - Math.clz32(n[0]!) + 24;
  const isModulus = n[0] !== 0 && bits >= minRsaBits && bits <= maxRsaBits && n[n.length - 1]! % 2 === 1;
  // RFC 8017 §3.1: odd and at least 3. A TPM's exponent has four bytes.
  const isExponent = e.length > 0 && e.length <= 4 && e[0] !== 0 && e[e.length - 1]! % 2 === 1;
  const isOne = e.length === 1 && e[0] === 1;
  return isModulus && isExponent && !isOne ? { type: "RSA", n, e } : undefined;
}

/** A key of a NIST curve, if the coordinates have its length. The import checks whether they are a point. */
export function ecPublicKey(curve: CurveName, x: Bytes, y: Bytes): PublicKey | undefined {
  const length = curveBytes[curve];
  return x.length === length && y.length === length ? { type: "EC", curve, x, y } : undefined;
}

/** A key of Ed25519 (RFC 8032 §5.1.5). */
export function ed25519PublicKey(x: Bytes): PublicKey | undefined {
  return x.length === 32 ? { type: "Ed25519", x } : undefined;
}

export function arePublicKeysEqual(a: PublicKey, b: PublicKey): boolean {
  if (a.type === "EC" && b.type === "EC")
    return a.curve === b.curve && constantTimeEqual(a.x, b.x) && constantTimeEqual(a.y, b.y);
  if (a.type === "RSA" && b.type === "RSA") return constantTimeEqual(a.n, b.n) && constantTimeEqual(a.e, b.e);
  return a.type === "Ed25519" && b.type === "Ed25519" && constantTimeEqual(a.x, b.x);
}

/** How an RSA key signs: RFC 8017 §8. */
export type RsaScheme = "RSASSA-PKCS1-v1_5" | "RSA-PSS";

/** The key for Web Crypto, or `undefined` for a point off the curve or an algorithm that this runtime lacks. */
export async function importPublicKey(
  key: PublicKey,
  hash: HashName,
  rsaScheme: RsaScheme = "RSASSA-PKCS1-v1_5",
): Promise<CryptoKey | undefined> {
  try {
    switch (key.type) {
      case "EC": {
        // SEC 1 §2.3.3: uncompressed.
        const point = joinBytes(new Uint8Array([4]), key.x, key.y);
        return await crypto.subtle.importKey("raw", point, { name: "ECDSA", namedCurve: key.curve }, true, ["verify"]);
      }
      case "RSA": {
        const jwk = { kty: "RSA", n: toBase64Url(key.n), e: toBase64Url(key.e) };
        return await crypto.subtle.importKey("jwk", jwk, { name: rsaScheme, hash }, true, ["verify"]);
      }
      case "Ed25519":
        return await crypto.subtle.importKey("raw", key.x, { name: "Ed25519" }, true, ["verify"]);
    }
  } catch {
    return undefined;
  }
}

/** A signature, and what it must hold for. Ed25519 ignores the hash, and only RSA has schemes. */
export interface SignedData {
  readonly key: PublicKey;
  readonly hash: HashName;
  readonly rsaScheme?: RsaScheme;
  readonly signature: Bytes;
  readonly data: Bytes;
}

/**
 * True if the key made the signature over the data: ECDSA as `r ‖ s` (Web Cryptography §23.7.2), RSA or Ed25519.
 *
 * `false` for any failure, because runtimes differ in what they throw for: workerd throws for an Ed25519 signature that is not
 * 64 bytes long.
 */
export async function verifySignature({ key, hash, rsaScheme, signature, data }: SignedData): Promise<boolean> {
  const imported = await importPublicKey(key, hash, rsaScheme);
  // RFC 8017 §8.1.2: as long as the modulus. Node also accepts a signature without its leading zeros.
  if (!imported || (key.type === "RSA" && signature.length !== key.n.length)) return false;
  const { name } = imported.algorithm;
  // RFC 7518 §3.5: the salt is as long as the hash.
  const algorithm = { name, hash, ...(name === "RSA-PSS" && { saltLength: hashBytes[hash] }) };
  try {
    return await crypto.subtle.verify(algorithm, imported, signature, data);
  } catch {
    return false;
  }
}

const hashBytes: Readonly<Record<HashName, number>> = { "SHA-256": 32, "SHA-384": 48, "SHA-512": 64 };
