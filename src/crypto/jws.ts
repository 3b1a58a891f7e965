/**
 * JSON Web Signatures in the compact form (RFC 7515 §7.1), read as strictly as RFC 8725 asks.
 *
 * A token has one spelling: base64url without padding or spare bits, UTF-8, JSON without duplicate names. The header chooses
 * among the caller's algorithms, and the key must be of the algorithm's type. Keys in the header, critical extensions, encryption
 * and compression are refused.
 *
 * @module
 */
import { type Bytes, fromBase64Url, utf8 } from "./bytes.ts";
import { parseStrictObject } from "./json.ts";
import { isJwsAlgorithm, type JwsAlgorithm, jwsAlgorithm } from "./jwk.ts";
import { type PublicKey, verifySignature } from "./public-key.ts";

/** A token that has the right form. Nothing in it is true before its signature is verified. */
export interface UnverifiedJws {
  readonly algorithm: JwsAlgorithm;
  readonly keyId: string | undefined;
  /** In lower case and without `application/` (RFC 7515 §4.1.9). */
  readonly type: string | undefined;
  /** The payload's members. Not to be read before {@link isSignedBy}. */
  readonly claims: ReadonlyMap<string, unknown>;
  readonly signature: Bytes;
  readonly signed: Bytes;
}

/** The most characters of a token that a client presents: 8 KiB. */
const longestToken = 8_192;

/**
 * Header parameters that bring a key or a place to fetch one (RFC 7515 §4.1.2 to §4.1.6), need an extension (§4.1.11, RFC 7797),
 * or belong to encryption (RFC 7516 §4.1).
 */
const refusedParameters = ["jku", "jwk", "x5u", "x5c", "crit", "b64", "enc", "zip"];

/**
 * The parts of a token whose payload is a JSON object, or `undefined` if it is malformed in any way.
 *
 * @param maxCharacters Default 8192. Only a token that an issuer sent itself may be longer.
 */
export function parseJws(token: string, maxCharacters: number = longestToken): UnverifiedJws | undefined {
  if (token.length > maxCharacters) return undefined;
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  const [headerBytes, payload, signature] = parts.map(fromBase64Url);
  if (!headerBytes || !payload || !signature) return undefined;
  const header = parseStrictObject(headerBytes);
  const claims = parseStrictObject(payload);
  if (!header || !claims || refusedParameters.some((name) => header.has(name))) return undefined;

  const algorithm = header.get("alg");
  const keyId = header.get("kid");
  const type = header.get("typ");
  if (!isJwsAlgorithm(algorithm) || !isOptionalText(keyId) || !isOptionalText(type)) return undefined;
  // A nested token (RFC 7519 §5.2) is another kind of token.
  if (header.has("cty")) return undefined;
  const { signatureBytes = signature.length } = jwsAlgorithm(algorithm);
  if (signature.length !== signatureBytes) return undefined;
  const signed = utf8(token.slice(0, token.lastIndexOf(".")));
  return { algorithm, keyId, type: type?.toLowerCase().replace(/^application\//, ""), claims, signature, signed };
}

/** True if the key, whose type must be the algorithm's, made the token's signature. */
export async function isSignedBy(jws: UnverifiedJws, key: PublicKey): Promise<boolean> {
  const { kty, hash, rsaScheme } = jwsAlgorithm(jws.algorithm);
  if (key.type !== (kty === "OKP" ? "Ed25519" : kty)) return false;
  const { signature, signed: data } = jws;
  return await verifySignature({ key, hash, signature, data, ...(rsaScheme && { rsaScheme }) });
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === "string" && value.length > 0 && value.length <= 1_024);
}
