import { importJWK } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { findVerificationKey, isJwsAlgorithm, jwsAlgorithm, parseJwkSet } from "../../src/crypto/jwk.ts";
import { importPublicKey } from "../../src/crypto/public-key.ts";
import { algorithms, createKeys, publicSet, type TestKeys } from "../support/tokens/signer.ts";

let keys: TestKeys;
beforeAll(async () => {
  keys = await createKeys();
});

const find = (set: unknown, algorithm: (typeof algorithms)[number], keyId?: string) =>
  findVerificationKey(parseJwkSet(set) ?? [], { algorithm, keyId });

describe("the table of algorithms", () => {
  test.each(["none", "HS256", "ES384", "__proto__", "constructor", "toString", "", 1, null, undefined, {}, ["ES256"]])(
    "R067: %j is no algorithm",
    (name) => {
      expect(isJwsAlgorithm(name)).toBe(false);
    },
  );

  test.each(algorithms)("%s is one", (name) => {
    expect(isJwsAlgorithm(name)).toBe(true);
    expect(jwsAlgorithm(name).kty).toBe(keys[name].jwk.kty);
  });
});

describe("R070: the key that a token names", () => {
  test.each(algorithms)("%s: by its id, and alone by its type", (algorithm) => {
    const { jwk } = keys[algorithm];
    expect(find(publicSet(keys), algorithm, String(jwk.kid))).toBeDefined();
    expect(find(publicSet(keys), algorithm, "other")).toBeUndefined();
    expect(find({ keys: [jwk, { kty: "oct" }] }, algorithm)).toBeDefined();
  });

  test("the key is the same number as jose's", async () => {
    for (const algorithm of algorithms) {
      const { jwk } = keys[algorithm];
      const { hash, rsaScheme } = jwsAlgorithm(algorithm);
      const ours = await importPublicKey(find(publicSet(keys), algorithm, String(jwk.kid))!, hash, rsaScheme);
      const joses = (await importJWK(jwk, algorithm, { extractable: true })) as CryptoKey;
      const numbers = async (key: CryptoKey) => {
        const { n, e, x, y } = await crypto.subtle.exportKey("jwk", key);
        return { n, e, x, y };
      };
      expect(await numbers(ours!)).toEqual(await numbers(joses));
    }
  });

  test("RFC 8725 §3.10: without an id, two keys of the type leave a choice, so neither is taken", () => {
    expect(find({ keys: [keys.ES256.jwk, { ...keys.attacker.jwk, kid: "other" }] }, "ES256")).toBeUndefined();
  });

  test("a key without use, operations, algorithm and id is taken", () => {
    const { use: _, alg: __, kid: ___, ...jwk } = keys.ES256.jwk as Record<string, unknown>;
    expect(find({ keys: [jwk] }, "ES256")).toBeDefined();
    expect(find({ keys: [{ ...jwk, key_ops: ["verify"] }] }, "ES256")).toBeDefined();
    expect(find({ keys: [jwk] }, "ES256", "ec")).toBeUndefined();
  });

  test("one RSA key without an algorithm serves both schemes", () => {
    const { alg: _, ...jwk } = keys.RS256.jwk as Record<string, unknown>;
    expect(find({ keys: [jwk] }, "RS256")).toBeDefined();
    expect(find({ keys: [jwk] }, "PS256")).toBeDefined();
  });

  test("100 keys are read, 101 are not", () => {
    expect(parseJwkSet({ keys: Array.from({ length: 100 }, () => ({})) })).toHaveLength(100);
    expect(parseJwkSet({ keys: Array.from({ length: 101 }, () => ({})) })).toBeUndefined();
  });
});
