/** Key sets that verify nothing: each token is signed by the honest key that the set spoils. @module */
import { fromBase64Url, joinBytes, toBase64Url } from "../../../src/crypto/bytes.ts";
import type { TestKey, TestKeys } from "./signer.ts";

type Jwk = Record<string, unknown>;
type Signer = "ES256" | "RS256" | "PS256" | "EdDSA";

/** A spoiled set, and whose token it is asked about. Default: the token of the EC key. */
export interface BadKeySet {
  readonly signer?: Signer;
  readonly set: (keys: TestKeys, honest: { keys: Jwk[] }) => unknown;
}

const kids: Readonly<Record<Signer, string>> = { ES256: "ec", RS256: "rsa", PS256: "pss", EdDSA: "ed" };

/** The honest set, where one key has other members. A member that is `undefined` is left out. */
const changed = (members: (jwk: Jwk, key: TestKey) => Jwk, signer: Signer = "ES256"): BadKeySet => ({
  signer,
  set: (keys, honest) => ({
    keys: honest.keys.map((jwk) =>
      jwk.kid === kids[signer] ? JSON.parse(JSON.stringify({ ...jwk, ...members(jwk, keys[signer]) })) : jwk,
    ),
  }),
});
const bytesOf = (value: unknown) => fromBase64Url(String(value))!;
const padded = (value: unknown) => toBase64Url(joinBytes(new Uint8Array(1), bytesOf(value)));
const shortened = (value: unknown) => toBase64Url(bytesOf(value).slice(1));
const withBit = (value: unknown) => {
  const bytes = bytesOf(value);
  return toBase64Url(bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1));
};

/** Each by what is wrong with it. */
export const badKeySets: readonly (readonly [string, BadKeySet])[] = [
  ["no set", { set: () => undefined }],
  ["null", { set: () => null }],
  ["a list", { set: (_, { keys }) => keys }],
  ["no keys", { set: () => ({}) }],
  ["keys that are no list", { set: (_, { keys }) => ({ keys: { ...keys } }) }],
  ["an empty list", { set: () => ({ keys: [] }) }],
  ["a list of texts", { set: (_, { keys }) => ({ keys: keys.map((key) => JSON.stringify(key)) }) }],
  [
    "over 100 keys",
    { set: (_, { keys }) => ({ keys: [...keys, ...Array.from({ length: 100 }, () => ({ kty: "oct" }))] }) },
  ],
  ["the id twice, with the same key", { set: (_, { keys }) => ({ keys: [...keys, keys[0]] }) }],
  ["the id twice, with another key", { set: ({ attacker }, { keys }) => ({ keys: [...keys, attacker.jwk] }) }],
  ["the private part", changed((_, { privateJwk }) => ({ ...privateJwk }))],
  ["RSA's private part", changed((_, { privateJwk }) => ({ ...privateJwk }), "RS256")],
  ["only RSA's first prime", changed((_, { privateJwk: { p } }) => ({ p }), "RS256")],
  ["only RSA's CRT exponent", changed((_, { privateJwk: { dp } }) => ({ dp }), "RS256")],
  ["Ed25519's private part", changed((_, { privateJwk: { d } }) => ({ d }), "EdDSA")],
  ["a symmetric part", changed(() => ({ k: "AAAA" }))],
  ["type oct", changed((jwk) => ({ kty: "oct", k: jwk.x }))],
  ["no type", changed(() => ({ kty: undefined }))],
  ["type in lower case", changed(() => ({ kty: "ec" }))],
  ["type of another key", changed(() => ({ kty: "RSA" }))],
  ["use enc", changed(() => ({ use: "enc" }))],
  ["use in capitals", changed(() => ({ use: "SIG" }))],
  ["use null", changed(() => ({ use: null }))],
  ["operations without verify", changed(() => ({ key_ops: ["sign"] }))],
  ["no operations", changed(() => ({ key_ops: [] }))],
  ["operations as a text", changed(() => ({ key_ops: "verify" }))],
  ["another algorithm", changed(() => ({ alg: "ES384" }))],
  ["an algorithm for keys", changed(() => ({ alg: "ECDH-ES" }))],
  ["algorithm none", changed(() => ({ alg: "none" }))],
  ["algorithm HS256", changed(() => ({ alg: "HS256" }))],
  ["the other scheme of RSA", changed(() => ({ alg: "PS256" }), "RS256")],
  ["the id in capitals", changed(() => ({ kid: "EC" }))],
  ["the id as a list", changed(() => ({ kid: ["ec"] }))],
  ["no id", changed(() => ({ kid: undefined }))],
  ["no curve", changed(() => ({ crv: undefined }))],
  ["curve P-384", changed(() => ({ crv: "P-384" }))],
  ["curve secp256k1", changed(() => ({ crv: "secp256k1" }))],
  ["curve of another type", changed(() => ({ crv: "Ed25519" }))],
  ["x missing", changed(() => ({ x: undefined }))],
  ["x as a number", changed(() => ({ x: 1 }))],
  ["x with padding", changed(({ x }) => ({ x: `${x}=` }))],
  ["x with a zero before it", changed(({ x }) => ({ x: padded(x) }))],
  ["x a byte short", changed(({ x }) => ({ x: shortened(x) }))],
  ["x in base64 with a space", changed(({ x }) => ({ x: ` ${x}` }))],
  ["y missing", changed(() => ({ y: undefined }))],
  ["a point off the curve", changed(({ y }) => ({ y: withBit(y) }))],
  ["the point at infinity", changed(() => ({ x: "A".repeat(43), y: "A".repeat(43) }))],
  ["coordinates over the prime", changed(() => ({ x: toBase64Url(new Uint8Array(32).fill(255)) }))],
  ["x and y swapped", changed(({ x, y }) => ({ x: y, y: x }))],
  ["RSA without a modulus", changed(() => ({ n: undefined }), "RS256")],
  ["RSA with an empty modulus", changed(() => ({ n: "" }), "RS256")],
  ["RSA's modulus with a zero before it", changed(({ n }) => ({ n: padded(n) }), "RS256")],
  ["RSA's modulus with padding", changed(({ n }) => ({ n: `${n}==` }), "RS256")],
  ["RSA's modulus even", changed(({ n }) => ({ n: withBit(n) }), "RS256")],
  ["RSA's modulus of 16,384 bits", changed(() => ({ n: toBase64Url(new Uint8Array(2_048).fill(255)) }), "RS256")],
  ["RSA without an exponent", changed(() => ({ e: undefined }), "RS256")],
  ["RSA's exponent 1", changed(() => ({ e: "AQ" }), "RS256")],
  ["RSA's exponent even", changed(() => ({ e: "AQAA" }), "RS256")],
  ["RSA's exponent zero", changed(() => ({ e: "AA" }), "RS256")],
  ["RSA's exponent with a zero before it", changed(() => ({ e: "AAEAAQ" }), "RS256")],
  ["RSA's exponent of five bytes", changed(() => ({ e: "AQAAAAE" }), "RS256")],
  ["Ed25519's x a byte short", changed(({ x }) => ({ x: shortened(x) }), "EdDSA")],
  ["Ed25519's x a byte long", changed(({ x }) => ({ x: padded(x) }), "EdDSA")],
  ["Ed25519 as X25519", changed(() => ({ crv: "X25519" }), "EdDSA")],
  ["Ed25519 as Ed448", changed(() => ({ crv: "Ed448" }), "EdDSA")],
  ["Ed25519 as an EC key", changed(() => ({ kty: "EC" }), "EdDSA")],
];
