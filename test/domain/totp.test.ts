import { describe, expect, test } from "vitest";
import { fromBase32, toBase32 } from "../../src/crypto/base32.ts";
import { randomBytes, utf8 } from "../../src/crypto/bytes.ts";
import {
  defaultTotp,
  generateTotpSecret,
  matchTotpStep,
  normalizeTotpCode,
  otpauthUri,
  type TotpAlgorithm,
  totpCode,
  totpStep,
} from "../../src/domain/totp.ts";

/** RFC 6238 appendix B: time, then the codes of SHA-1, SHA-256 and SHA-512. */
const table = [
  [59, "94287082", "46119246", "90693936"],
  [1111111109, "07081804", "68084774", "25091201"],
  [1111111111, "14050471", "67062674", "99943326"],
  [1234567890, "89005924", "91819424", "93441116"],
  [2000000000, "69279037", "90698825", "38618901"],
  [20000000000, "65353130", "77737706", "47863826"],
] as const;
const secrets: Readonly<Record<TotpAlgorithm, string>> = {
  sha1: "12345678901234567890",
  sha256: "12345678901234567890123456789012",
  sha512: "1234567890123456789012345678901234567890123456789012345678901234",
};

describe("RFC 6238 appendix B", () => {
  test.each(table)("at %d", async (at, sha1, sha256, sha512) => {
    for (const [algorithm, code] of Object.entries({ sha1, sha256, sha512 }) as [TotpAlgorithm, string][]) {
      const parameters = { algorithm, digits: 8, periodSeconds: 30 };
      expect(await totpCode(utf8(secrets[algorithm]), totpStep(at, parameters), parameters)).toBe(code);
    }
  });

  test("RFC 4226 appendix D: the first ten counters", async () => {
    const codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (const [step, code] of codes.entries()) {
      expect(await totpCode(utf8(secrets.sha1), step, defaultTotp)).toBe(code);
    }
  });

  test("a counter beyond 32 bits is not cut", async () => {
    const step = 2 ** 32 + 7;
    expect(await totpCode(utf8(secrets.sha1), step, defaultTotp)).not.toBe(
      await totpCode(utf8(secrets.sha1), 7, defaultTotp),
    );
  });
});

describe("R032: a code is accepted one step early and one step late", () => {
  const parameters = { ...defaultTotp, periodSeconds: 15 };
  test.each([
    [-2, undefined],
    [-1, 99],
    [0, 100],
    [1, 101],
    [2, undefined],
  ])("%d steps off", async (off, matched) => {
    const secret = generateTotpSecret();
    const code = await totpCode(secret, 100 + off, parameters);
    const found = await matchTotpStep(secret, code, 100 * 15 + 7, parameters);
    // Codes of two steps are equal once in a million.
    if (matched === undefined) expect([undefined, 99, 100, 101]).toContain(found);
    else expect(found).toBe(matched);
    expect(found === undefined).toBe(matched === undefined);
  });

  test("at step 0 there is no earlier step", async () => {
    const secret = generateTotpSecret();
    expect(await matchTotpStep(secret, await totpCode(secret, 0, defaultTotp), 3, defaultTotp)).toBe(0);
  });

  test.each(["", "12345", "1234567", "abcdef", "１２３４５６"])("code %j: matches no step", async (code) => {
    expect(await matchTotpStep(generateTotpSecret(), code, 1_000, defaultTotp)).toBeUndefined();
  });
});

test.each([
  ["123456", "123456"],
  [" 123 456 ", "123456"],
  ["123-456", "123456"],
  ["12345", undefined],
  ["12345678901", undefined],
  ["12345a", undefined],
  ["１２３４５６", undefined],
  ["1".repeat(100_000), undefined],
])("TOTP code typed as %j: read as %j", (typed, code) => {
  expect(normalizeTotpCode(typed)).toBe(code);
});

test("TOTP key URI: the form that apps read", () => {
  const secret = utf8("12345678901234567890");
  const uri = otpauthUri({ issuer: "Ex & Co", label: "ada@example.com", secret, parameters: defaultTotp });
  expect(uri).toBe(
    "otpauth://totp/Ex%20%26%20Co:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Ex%20%26%20Co&algorithm=SHA1&digits=6&period=30",
  );
  expect(generateTotpSecret()).toHaveLength(20);
});

describe("base32", () => {
  // RFC 4648 §10, without the padding.
  test.each([
    ["", ""],
    ["f", "MY"],
    ["fo", "MZXQ"],
    ["foo", "MZXW6"],
    ["foob", "MZXW6YQ"],
    ["fooba", "MZXW6YTB"],
    ["foobar", "MZXW6YTBOI"],
  ])("%j: decodes to %s", (text, encoded) => {
    expect(toBase32(utf8(text))).toBe(encoded);
    expect(fromBase32(encoded)).toEqual(utf8(text));
  });

  test.each(["my", "M1", "M", "MZX", "MZXW6Y", "MZ", "MY======", " MY"])("%j: refused", (text) => {
    expect(fromBase32(text)).toBeUndefined();
  });

  test("encode and decode: the same bytes", () => {
    for (let length = 0; length < 100; length++) {
      const bytes = randomBytes(length);
      expect(fromBase32(toBase32(bytes))).toEqual(bytes);
    }
  });
});
