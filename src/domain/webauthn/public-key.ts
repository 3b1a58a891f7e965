/**
 * Public keys that Web Crypto verifies with, from COSE, a certificate or a TPM's structure.
 *
 * @module
 */
import { type Bytes, constantTimeEqual, joinBytes, toBase64Url } from "../../crypto/bytes.ts";
import { ecdsaSignatureFromDer } from "./der-signature.ts";

export type PublicKey =
  | { readonly type: "EC"; readonly curve: CurveName; readonly x: Bytes; readonly y: Bytes }
  | { readonly type: "RSA"; readonly n: Bytes; readonly e: Bytes }
  | { readonly type: "Ed25519"; readonly x: Bytes };

export type CurveName = "P-256" | "P-384" | "P-521";

export type HashName = "SHA-256" | "SHA-384" | "SHA-512";

/** The length of a coordinate and of the order, in bytes: FIPS 186-5, SP 800-186 §3.2.1. */
export const curveBytes: Readonly<Record<CurveName, number>> = { "P-256": 32, "P-384": 48, "P-521": 66 };

/** SP 800-131A revision 2 table 2. Web Crypto imports shorter keys, so the modulus is measured here. */
const minRsaBits = 2048;

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

/** The key for Web Crypto, or `undefined` for a point off the curve or an algorithm that this runtime lacks. */
export async function importPublicKey(key: PublicKey, hash: HashName): Promise<CryptoKey | undefined> {
  try {
    switch (key.type) {
      case "EC": {
        // SEC 1 §2.3.3: uncompressed.
        const point = joinBytes(new Uint8Array([4]), key.x, key.y);
        return await crypto.subtle.importKey("raw", point, { name: "ECDSA", namedCurve: key.curve }, true, ["verify"]);
      }
      case "RSA": {
        const jwk = { kty: "RSA", n: toBase64Url(key.n), e: toBase64Url(key.e) };
        return await crypto.subtle.importKey("jwk", jwk, { name: "RSASSA-PKCS1-v1_5", hash }, true, ["verify"]);
      }
      case "Ed25519":
        return await crypto.subtle.importKey("raw", key.x, { name: "Ed25519" }, true, ["verify"]);
    }
  } catch {
    return undefined;
  }
}

/**
 * True if the key made the signature over the data: ECDSA in DER, RSASSA-PKCS1-v1_5, or Ed25519, which ignores the hash.
 *
 * `false` for any failure, because runtimes differ in what they throw for: workerd throws for an Ed25519 signature that is not
 * 64 bytes long.
 */
export async function verifySignature(signed: {
  readonly key: PublicKey;
  readonly hash: HashName;
  readonly signature: Bytes;
  readonly data: Bytes;
}): Promise<boolean> {
  const { key, hash, data } = signed;
  const signature =
    key.type === "EC" ? ecdsaSignatureFromDer(signed.signature, curveBytes[key.curve]) : signed.signature;
  const imported = await importPublicKey(key, hash);
  if (!imported || !signature) return false;
  const algorithm = key.type === "EC" ? { name: "ECDSA", hash } : imported.algorithm.name;
  try {
    return await crypto.subtle.verify(algorithm, imported, signature, data);
  } catch {
    return false;
  }
}
