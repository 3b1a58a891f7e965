/** Signs JSON Web Signatures in the compact form: RFC 7515 §5.1. @module */
import { toBase64Url, utf8 } from "./bytes.ts";
import type { JwsAlgorithm } from "./jwk.ts";
import { minRsaBits } from "./public-key.ts";

/** Key algorithms of Web Crypto, and the name of their signatures (RFC 7518 §3.1, RFC 8037 §3.1). */
const algorithmNames: ReadonlyMap<string, JwsAlgorithm> = new Map<string, JwsAlgorithm>([
  ["ECDSA P-256", "ES256"],
  ["RSASSA-PKCS1-v1_5 SHA-256", "RS256"],
  ["RSA-PSS SHA-256", "PS256"],
  ["Ed25519 ", "EdDSA"],
]);

/** What a key of one type or another says of itself: Web Cryptography §20.6 and §23.5. */
interface KeyDetails {
  readonly name: string;
  readonly namedCurve?: string;
  readonly hash?: { readonly name: string };
  readonly modulusLength?: number;
}

/** The algorithm that a key of Web Crypto signs with, or `undefined` for a key of any other kind or fewer than 2,048 bits. */
export function signingAlgorithm({ algorithm, type, usages }: CryptoKey): JwsAlgorithm | undefined {
  const { name, namedCurve, hash, modulusLength } = algorithm as KeyDetails;
  const isUsable = type === "private" && usages.includes("sign") && (modulusLength ?? minRsaBits) >= minRsaBits;
  return isUsable ? algorithmNames.get(`${name} ${namedCurve ?? hash?.name ?? ""}`) : undefined;
}

/**
 * A token of these claims.
 *
 * @throws {TypeError} If the key cannot sign tokens.
 */
export async function signJws(
  key: CryptoKey,
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> {
  const alg = signingAlgorithm(key);
  if (!alg) throw new TypeError("The key must be a private key for ES256, RS256, PS256 or EdDSA.");
  const signed = [{ alg, ...header }, claims].map((part) => toBase64Url(utf8(JSON.stringify(part)))).join(".");
  const parameters = { name: key.algorithm.name, hash: "SHA-256", saltLength: 32 };
  return `${signed}.${toBase64Url(new Uint8Array(await crypto.subtle.sign(parameters, key, utf8(signed))))}`;
}
