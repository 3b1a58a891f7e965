/** Signs tokens as an attacker or a careless issuer would: any header, any bytes, any key. Runs in every runtime. @module */
import { toBase64Url, utf8 } from "../../../src/crypto/bytes.ts";
import { findVerificationKey, type JwsAlgorithm, parseJwkSet } from "../../../src/crypto/jwk.ts";
import { isSignedBy, parseJws } from "../../../src/crypto/jws.ts";

/** A key pair with its public JWK. */
export interface TestKey {
  readonly algorithm: JwsAlgorithm;
  readonly privateKey: CryptoKey;
  readonly jwk: Readonly<Record<string, unknown>>;
  /** The whole JWK, with what is secret. */
  readonly privateJwk: Readonly<Record<string, unknown>>;
}

type KeyParameters = RsaHashedKeyGenParams | EcKeyGenParams | Algorithm;

const rsa = (name: string, modulusLength: number): RsaHashedKeyGenParams => ({
  name,
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: "SHA-256",
});

const parametersOf: Readonly<Record<JwsAlgorithm, (bits: number) => KeyParameters>> = {
  ES256: () => ({ name: "ECDSA", namedCurve: "P-256" }),
  RS256: (bits) => rsa("RSASSA-PKCS1-v1_5", bits),
  PS256: (bits) => rsa("RSA-PSS", bits),
  EdDSA: () => ({ name: "Ed25519" }),
  Ed25519: () => ({ name: "Ed25519" }),
};

/** The algorithms of the table, each with a key of its own in {@link createKeys}. */
export const algorithms = ["ES256", "RS256", "PS256", "EdDSA"] as const;

/** A new key. Its JWK names its algorithm, its use and its id. */
export async function createKey(algorithm: JwsAlgorithm, kid: string, bits = 2_048): Promise<TestKey> {
  const pair = (await crypto.subtle.generateKey(parametersOf[algorithm](bits), true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  const { key_ops: _, ext: __, alg: ___, ...privateJwk } = await crypto.subtle.exportKey("jwk", pair.privateKey);
  const names = privateJwk.kty === "RSA" ? ["kty", "n", "e"] : ["kty", "crv", "x", "y"];
  const members = Object.entries(privateJwk).filter(([name]) => names.includes(name));
  const jwk = { ...Object.fromEntries(members), kid, use: "sig", alg: algorithm };
  return { algorithm, privateKey: pair.privateKey, jwk, privateJwk: { ...privateJwk, kid, alg: algorithm } };
}

/** One key of each kind, and a key of the attacker. */
export type TestKeys = Readonly<Record<(typeof algorithms)[number] | "attacker", TestKey>>;

let keys: TestKeys | undefined;

/** The same keys for a whole test file, because RSA keys take time. */
export async function createKeys(): Promise<TestKeys> {
  keys ??= {
    ES256: await createKey("ES256", "ec"),
    RS256: await createKey("RS256", "rsa"),
    PS256: await createKey("PS256", "pss"),
    EdDSA: await createKey("EdDSA", "ed"),
    attacker: await createKey("ES256", "ec"),
  };
  return keys;
}

/** The public set of the honest keys. */
export function publicSet({ attacker: _, ...honest }: TestKeys): { keys: Record<string, unknown>[] } {
  return { keys: Object.values(honest).map(({ jwk }) => ({ ...jwk })) };
}

/** Signs two segments as they are, and appends the signature. */
export async function signSegments(
  { privateKey }: Pick<TestKey, "privateKey">,
  header: string,
  payload: string,
): Promise<string> {
  return `${header}.${payload}.${toBase64Url(await signatureOf(privateKey, `${header}.${payload}`))}`;
}

/** The signature over a text, whatever it is. */
export async function signatureOf(privateKey: CryptoKey, text: string): Promise<Uint8Array> {
  const parameters = { name: privateKey.algorithm.name, hash: "SHA-256", saltLength: 32 };
  return new Uint8Array(await crypto.subtle.sign(parameters, privateKey, utf8(text)));
}

/** What stands in a segment: an object for JSON, or the text or the bytes themselves. */
export type Content = Readonly<Record<string, unknown>> | string | Uint8Array;

export function segment(content: Content): string {
  if (content instanceof Uint8Array) return toBase64Url(content);
  return toBase64Url(utf8(typeof content === "string" ? content : JSON.stringify(content)));
}

/** A token of any header and payload. */
export async function signRaw(key: TestKey, header: Content, payload: Content): Promise<string> {
  return await signSegments(key, segment(header), segment(payload));
}

/** The header that the key's honest owner writes. */
export const headerOf = ({ algorithm: alg, jwk }: TestKey): Record<string, unknown> => ({ alg, kid: jwk.kid });

/** The whole judgement of this library: form, key and signature. */
export async function isAccepted(token: string, set: unknown): Promise<boolean> {
  const jws = parseJws(token);
  const keySet = parseJwkSet(set);
  const key = jws && keySet && findVerificationKey(keySet, jws);
  return key !== undefined && (await isSignedBy(jws!, key));
}
