import { compactVerify, importJWK, SignJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { signingAlgorithm, signJws } from "../../src/crypto/sign-jws.ts";
import { algorithms, createKey, createKeys, isAccepted, publicSet, type TestKeys } from "../support/tokens/signer.ts";

const claims = { iss: "app", sub: "app", aud: "https://issuer.example", exp: 4_102_444_800, jti: "Ä" };

let keys: TestKeys;
beforeAll(async () => {
  keys = await createKeys();
});

describe.each(algorithms)("%s", (algorithm) => {
  test("what jose signs is accepted", async () => {
    const { privateKey, jwk } = keys[algorithm];
    const signer = new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: String(jwk.kid), typ: "JWT" });
    expect(await isAccepted(await signer.sign(privateKey), publicSet(keys))).toBe(true);
  });

  test("what signJws signs is accepted by jose and by us", async () => {
    const { privateKey, jwk } = keys[algorithm];
    const token = await signJws(privateKey, { typ: "client-authentication+jwt", kid: jwk.kid }, claims);
    const { payload, protectedHeader } = await compactVerify(token, await importJWK(jwk, algorithm));
    expect(protectedHeader).toEqual({ alg: algorithm, typ: "client-authentication+jwt", kid: jwk.kid });
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(claims);
    expect(await isAccepted(token, publicSet(keys))).toBe(true);
  });
});

describe("a key that cannot sign tokens is refused", () => {
  const generate = async (parameters: object, usages: KeyUsage[]) =>
    (await crypto.subtle.generateKey(parameters as EcKeyGenParams, true, usages)) as CryptoKeyPair;

  test.each([
    ["P-384", { name: "ECDSA", namedCurve: "P-384" }],
    [
      "RSA with SHA-512",
      { name: "RSA-PSS", hash: "SHA-512", modulusLength: 2_048, publicExponent: new Uint8Array([1, 0, 1]) },
    ],
  ])("%s", async (_name, parameters) => {
    const { privateKey } = await generate(parameters, ["sign", "verify"]);
    expect(signingAlgorithm(privateKey)).toBeUndefined();
    await expect(signJws(privateKey, {}, claims)).rejects.toThrow(TypeError);
  });

  test("a public key", async () => {
    const { publicKey } = await generate({ name: "ECDSA", namedCurve: "P-256" }, ["sign", "verify"]);
    await expect(signJws(publicKey, {}, claims)).rejects.toThrow("private key");
  });

  test("a symmetric key", async () => {
    const key = (await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, [
      "sign",
    ])) as unknown as CryptoKey;
    await expect(signJws(key, {}, claims)).rejects.toThrow(TypeError);
  });

  test("a key of fewer than 2,048 bits", async () => {
    const { privateKey } = await createKey("RS256", "weak", 1_024);
    expect(signingAlgorithm(privateKey)).toBeUndefined();
  });
});
