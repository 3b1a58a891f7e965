/**
 * JSON Web Keys that verify signatures (RFC 7517, RFC 7518 §6, RFC 8037), and the algorithms that they verify (RFC 7518 §3).
 *
 * @module
 */
import { fromBase64Url } from "./bytes.ts";
import { membersOf } from "./json.ts";
import {
  ecPublicKey,
  ed25519PublicKey,
  type HashName,
  type PublicKey,
  type RsaScheme,
  rsaPublicKey,
} from "./public-key.ts";

/** The name of an algorithm that is accepted for signatures. */
export type JwsAlgorithm = "ES256" | "RS256" | "PS256" | "EdDSA" | "Ed25519";

/** What an algorithm's name means. */
export interface JwsAlgorithmRow {
  readonly kty: "EC" | "RSA" | "OKP";
  readonly hash: HashName;
  readonly rsaScheme?: RsaScheme;
  readonly signatureBytes?: number;
}

/** Symmetric algorithms and `none` are not in the table, so no header can ask for them. */
const jwsAlgorithms: Readonly<Record<JwsAlgorithm, JwsAlgorithmRow>> = {
  ES256: { kty: "EC", hash: "SHA-256", signatureBytes: 64 },
  RS256: { kty: "RSA", hash: "SHA-256", rsaScheme: "RSASSA-PKCS1-v1_5" },
  PS256: { kty: "RSA", hash: "SHA-256", rsaScheme: "RSA-PSS" },
  EdDSA: { kty: "OKP", hash: "SHA-512", signatureBytes: 64 },
  // RFC 9864 §2.2: the name that says which curve.
  Ed25519: { kty: "OKP", hash: "SHA-512", signatureBytes: 64 },
};

export function isJwsAlgorithm(name: unknown): name is JwsAlgorithm {
  return typeof name === "string" && Object.hasOwn(jwsAlgorithms, name);
}

/** The row of an algorithm. */
export function jwsAlgorithm(name: JwsAlgorithm): JwsAlgorithmRow {
  return jwsAlgorithms[name];
}

/** The members of a set's keys, as they came: RFC 7517 §5. */
export type JwkSet = readonly ReadonlyMap<string, unknown>[];

/** The keys of a set that has at most 100, or `undefined` for any other value. What is no object is left out. */
export function parseJwkSet(value: unknown): JwkSet | undefined {
  const keys = membersOf(value)?.get("keys");
  if (!Array.isArray(keys) || keys.length > mostKeys) return undefined;
  return keys.flatMap((key) => membersOf(key) ?? []);
}

const mostKeys = 100;

/** Which key of a set a token names, and for which algorithm. */
export interface KeyChoice {
  readonly keyId: string | undefined;
  readonly algorithm: JwsAlgorithm;
}

/**
 * The one key of the set that may verify the algorithm, by its exact id. A token without a key id needs a set with one such key.
 * `undefined` if there is none, or more than one (RFC 8725 §3.10: the issuer's set must not leave a choice).
 */
export function findVerificationKey(set: JwkSet, { keyId, algorithm }: KeyChoice): PublicKey | undefined {
  const found = set
    .filter((key) => keyId === undefined || key.get("kid") === keyId)
    .filter((key) => mayVerify(key, algorithm));
  return found.length === 1 ? publicKeyOf(found[0]!) : undefined;
}

/** RFC 7517 §4: type, use, operations and algorithm, where the key names them. */
function mayVerify(key: ReadonlyMap<string, unknown>, algorithm: JwsAlgorithm): boolean {
  const { kty } = jwsAlgorithm(algorithm);
  const use = key.get("use");
  const operations = key.get("key_ops");
  const named = key.get("alg");
  if (key.get("kty") !== kty || (use !== undefined && use !== "sig")) return false;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) return false;
  if (named === undefined || named === algorithm) return true;
  // Two names of one algorithm.
  return kty === "OKP" && (named === "EdDSA" || named === "Ed25519");
}

/** The public key of a JWK. A key whose private part is published is refused, because anybody can sign with it. */
function publicKeyOf(key: ReadonlyMap<string, unknown>): PublicKey | undefined {
  const bytes = (name: string) => {
    const text = key.get(name);
    return (typeof text === "string" && fromBase64Url(text)) || new Uint8Array(0);
  };
  if (["d", "p", "q", "dp", "dq", "qi", "oth", "k"].some((name) => key.has(name))) return undefined;
  if (key.get("kty") === "RSA") return rsaPublicKey(bytes("n"), bytes("e"));
  if (key.get("kty") === "EC" && key.get("crv") === "P-256") return ecPublicKey("P-256", bytes("x"), bytes("y"));
  if (key.get("kty") === "OKP" && key.get("crv") === "Ed25519") return ed25519PublicKey(bytes("x"));
  return undefined;
}
