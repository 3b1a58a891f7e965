import type { Bytes } from "../../crypto/bytes.ts";
import { curveBytes, type SignedData, verifySignature } from "../../crypto/public-key.ts";
import { derUnsigned, readDerSequence } from "./der.ts";

/**
 * Converts an ECDSA signature from DER, which WebAuthn sends, to the fixed-length form, which Web Crypto verifies.
 *
 * `Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` (WebAuthn L3 §6.5.5, RFC 3279 §2.2.3) to `r ‖ s` (Web Cryptography
 * §23.7.2). Strict, so that one signature has one encoding. The verification checks that r and s are in range.
 *
 * @param coordinateBytes The length of the curve's order: 32 for P-256.
 */
export function ecdsaSignatureFromDer(der: Bytes, coordinateBytes: number): Bytes | undefined {
  const [r, s, ...others] = readDerSequence(der)?.map(derUnsigned) ?? [];
  if (!r || !s || others.length > 0 || r.length > coordinateBytes || s.length > coordinateBytes) return undefined;
  const signature = new Uint8Array(2 * coordinateBytes);
  signature.set(r, coordinateBytes - r.length);
  signature.set(s, 2 * coordinateBytes - s.length);
  return signature;
}

/** True if the key made the signature over the data. ECDSA's is in DER, as WebAuthn and certificates write it. */
export async function verifyDerSignature(signed: SignedData): Promise<boolean> {
  const { key, signature } = signed;
  if (key.type !== "EC") return await verifySignature(signed);
  const fixedLength = ecdsaSignatureFromDer(signature, curveBytes[key.curve]);
  return fixedLength !== undefined && (await verifySignature({ ...signed, signature: fixedLength }));
}
