import { expect, test } from "vitest";
import { fromBase64Url, joinBytes, randomBytes } from "../../src/crypto/bytes.ts";
import { type RsaScheme, rsaPublicKey, verifySignature } from "../../src/crypto/public-key.ts";

/** A signature whose first byte is zero, about one in 256, and what it signs. */
async function withLeadingZero(scheme: RsaScheme) {
  const algorithm = { name: scheme, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const { n, e } = await crypto.subtle.exportKey("jwk", publicKey);
  const key = rsaPublicKey(fromBase64Url(n!)!, fromBase64Url(e!)!)!;
  for (let tried = 0; tried < 6_000; tried++) {
    const data = randomBytes(16);
    const signature = new Uint8Array(await crypto.subtle.sign({ name: scheme, saltLength: 32 }, privateKey, data));
    if (signature[0] === 0) return { key, data, signature };
  }
  throw new Error("None of 6,000 signatures begins with zero.");
}

test.each(["RSA-PSS", "RSASSA-PKCS1-v1_5"] as const)(
  "RFC 8017 §8: a signature of %s without its leading zero, or with one more: refused",
  { timeout: 60_000 },
  async (rsaScheme) => {
    const { key, data, signature } = await withLeadingZero(rsaScheme);
    const verify = (bytes: Uint8Array<ArrayBuffer>) =>
      verifySignature({ key, hash: "SHA-256", rsaScheme, data, signature: bytes });
    expect(await verify(signature)).toBe(true);
    expect(await verify(signature.slice(1))).toBe(false);
    expect(await verify(joinBytes(new Uint8Array(1), signature))).toBe(false);
  },
);
