import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { parseJws } from "../../src/crypto/jws.ts";
import { badTokens } from "../support/tokens/bad-tokens.ts";
import {
  algorithms,
  createKeys,
  headerOf,
  isAccepted,
  publicSet,
  signRaw,
  type TestKeys,
} from "../support/tokens/signer.ts";

const claims = { iss: "https://issuer.example", sub: "usr_1", aud: "app", exp: 4_102_444_800, name: "Ada ?>~ Ä" };

let keys: TestKeys;
beforeAll(async () => {
  keys = await createKeys();
});

/** jose's judgement of the same token, with our algorithms. */
async function doesJoseAccept(token: string, set: unknown): Promise<boolean> {
  try {
    const find = createLocalJWKSet(set as JSONWebKeySet);
    const { payload } = await compactVerify(token, find, { algorithms: [...algorithms, "Ed25519"] });
    return typeof JSON.parse(new TextDecoder().decode(payload)) === "object";
  } catch {
    return false;
  }
}

async function made(name: string): Promise<{ token: string; set: unknown }> {
  const answer = await badTokens.find(([one]) => one === name)![1](keys, claims);
  return typeof answer === "string" ? { token: answer, set: publicSet(keys) } : { set: publicSet(keys), ...answer };
}

describe("OC4, R067, R068, R069, R071, R075, R076, R077: a malformed or forged token is refused", () => {
  test("there are at least 300, and each has a name of its own", () => {
    expect(badTokens.length).toBeGreaterThan(300);
    expect(new Set(badTokens.map(([name]) => name)).size).toBe(badTokens.length);
  });

  test.each(badTokens.map(([name]) => name))("%s", async (name) => {
    const { token, set } = await made(name);
    expect(await isAccepted(token, set)).toBe(false);
  });

  test("B15: jose accepts some of them", async () => {
    const accepted: string[] = [];
    for (const [name] of badTokens) {
      const { token, set } = await made(name);
      if (await doesJoseAccept(token, set)) accepted.push(name);
    }
    expect(accepted).toMatchInlineSnapshot(`
      [
        "padding in the header",
        "padding in the payload",
        "padding in the signature",
        "a space at the end in the header",
        "a space at the end in the payload",
        "a space at the end in the signature",
        "a space within in the header",
        "a space within in the payload",
        "a space within in the signature",
        "a tab at the end in the header",
        "a tab at the end in the payload",
        "a tab at the end in the signature",
        "a tab within in the header",
        "a tab within in the payload",
        "a tab within in the signature",
        "a line feed at the end in the header",
        "a line feed at the end in the payload",
        "a line feed at the end in the signature",
        "a line feed within in the header",
        "a line feed within in the payload",
        "a line feed within in the signature",
        "a carriage return at the end in the header",
        "a carriage return at the end in the payload",
        "a carriage return at the end in the signature",
        "a carriage return within in the header",
        "a carriage return within in the payload",
        "a carriage return within in the signature",
        "a form feed at the end in the header",
        "a form feed at the end in the payload",
        "a form feed at the end in the signature",
        "a form feed within in the header",
        "a form feed within in the payload",
        "a form feed within in the signature",
        "spare bits in the header",
        "spare bits in the payload",
        "spare bits in the signature",
        "over 8 KiB",
        "a megabyte",
        "a byte order mark in the header",
        "a byte order mark in the payload",
        "a byte that is not UTF-8 in the payload",
        "an overlong form in the payload",
        "half a surrogate pair in UTF-8 in the payload",
        "a list around it in the payload",
        "null in the payload",
        "a name twice in the header",
        "a name twice in the payload",
        "a name twice, once escaped in the header",
        "a name twice, once escaped in the payload",
        "a name twice within an object in the header",
        "a name twice within an object in the payload",
        "the name __proto__ in the header",
        "the name __proto__ in the payload",
        "the name constructor in the header",
        "the name constructor in the payload",
        "the name __proto__ within an object in the header",
        "the name __proto__ within an object in the payload",
        "the name toString in the header",
        "the name toString in the payload",
        "alg twice",
        "kid twice",
        "sub twice",
        "crit of b64, which is true",
        "b64 false without crit",
        "b64 true without crit",
        "jku",
        "jwk",
        "x5u",
        "x5c",
        "zip",
        "enc",
        "cty of a nested token",
        "cty json",
        "typ that is no text",
        "typ that is empty",
        "key set: over 100 keys",
        "key set: only RSA's first prime",
        "key set: only RSA's CRT exponent",
        "key set: a symmetric part",
        "key set: x with padding",
        "key set: x with a zero before it",
        "key set: x in base64 with a space",
        "key set: RSA's modulus with a zero before it",
        "key set: RSA's modulus with padding",
        "key set: RSA's exponent with a zero before it",
      ]
    `);
  });
});

describe("a good token is accepted", () => {
  test.each(algorithms)("%s, by us and by jose", async (algorithm) => {
    const token = await signRaw(keys[algorithm], headerOf(keys[algorithm]), claims);
    expect(await isAccepted(token, publicSet(keys))).toBe(true);
    expect(await doesJoseAccept(token, publicSet(keys))).toBe(true);
    expect(Object.fromEntries(parseJws(token)!.claims)).toEqual(claims);
  });

  test.each([
    ["typ JWT", { typ: "JWT" }, "jwt"],
    ["typ at+jwt with its media type", { typ: "application/at+JWT" }, "at+jwt"],
    ["an unknown parameter", { more: { a: [1, null] } }, undefined],
    ["a kid of 1,024 characters", { kid: "k".repeat(1_024) }, undefined],
  ])("%s", async (_name, members, type) => {
    const set = { keys: [{ ...keys.ES256.jwk, kid: (members as { kid?: string }).kid ?? "ec" }] };
    const token = await signRaw(keys.ES256, { ...headerOf(keys.ES256), ...members }, claims);
    expect(await isAccepted(token, set)).toBe(true);
    expect(parseJws(token)).toMatchObject({ type, algorithm: "ES256" });
  });

  test("no kid, and one key of its type in the set", async () => {
    const token = await signRaw(keys.EdDSA, { alg: "EdDSA" }, claims);
    expect(await isAccepted(token, publicSet(keys))).toBe(true);
  });

  test.each(["EdDSA", "Ed25519"])("RFC 9864: %s is a name of Ed25519", async (alg) => {
    const token = await signRaw(keys.EdDSA, { alg, kid: "ed" }, claims);
    expect(await isAccepted(token, publicSet(keys))).toBe(true);
    expect(await isAccepted(token, { keys: [{ ...keys.EdDSA.jwk, alg: "Ed25519" }] })).toBe(true);
  });

  test("8,192 characters are accepted, 8,193 are not, unless the caller allows more", async () => {
    const sized = async (length: number) => {
      const { length: empty } = await signRaw(keys.ES256, headerOf(keys.ES256), { more: "" });
      for (let more = Math.floor(((length - empty) * 3) / 4) - 4; ; more++) {
        const token = await signRaw(keys.ES256, headerOf(keys.ES256), { more: "a".repeat(more) });
        if (token.length >= length) return token;
      }
    };
    const longest = await sized(8_191);
    expect(longest.length).toBeLessThanOrEqual(8_192);
    expect(await isAccepted(longest, publicSet(keys))).toBe(true);
    const longer = await sized(8_193);
    expect(parseJws(longer)).toBeUndefined();
    expect(parseJws(longer, 9_000)).toBeDefined();
  });
});
