import { describe, expect, test } from "vitest";
import { toBase64Url } from "../../src/crypto/bytes.ts";
import { bearerPrefixes, classifyBearer, generateOpaqueToken, isOpaqueToken } from "../../src/domain/bearer.ts";

describe("S51: the prefix alone decides the kind of a bearer", () => {
  test("no prefix starts another, and each ends in an underscore", () => {
    const prefixes = bearerPrefixes.map(({ prefix }) => prefix);
    expect(prefixes.length).toBeGreaterThan(0);
    for (const prefix of prefixes) {
      expect(prefix).toMatch(/^[a-z]+_$/);
      expect(prefixes.filter((other) => other.startsWith(prefix))).toEqual([prefix]);
    }
  });

  test.each([
    { token: `pat_${"a".repeat(32)}_${"s".repeat(43)}`, kind: "pat" },
    { token: "pat_", kind: "pat" },
    { token: "shr_x", kind: "share" },
    { token: "PAT_x", kind: "session" },
    { token: " pat_x", kind: "session" },
    { token: "patx", kind: "session" },
    { token: "", kind: "session" },
  ])("$token: $kind", ({ token, kind }) => {
    expect(classifyBearer(token)).toBe(kind);
  });

  const good = "A".repeat(43);
  test.each([
    { case: "43 characters", token: good, expected: true },
    { case: "with - and _", token: `-_${good.slice(2)}`, expected: true },
    { case: "42 characters", token: good.slice(1), expected: false },
    { case: "44 characters", token: `${good}A`, expected: false },
    { case: "padded", token: `${good}=`, expected: false },
    { case: "ordinary base64", token: `+/${good.slice(2)}`, expected: false },
    { case: "a line after it", token: `${good}\n`, expected: false },
    { case: "43 characters of another kind", token: `pat_${good.slice(4)}`, expected: false },
    { case: "empty", token: "", expected: false },
    { case: "a session's id", token: "ses_0190f2a81b3c7abc8123456789abcdef", expected: false },
  ])("isOpaqueToken, $case: $expected", ({ token, expected }) => {
    expect(isOpaqueToken(token)).toBe(expected);
  });
});

describe("R043: session tokens and tickets", () => {
  test("10,000 tokens: 256 bits each, all different", () => {
    const tokens = Array.from({ length: 10_000 }, () => generateOpaqueToken());
    expect(tokens.every(isOpaqueToken)).toBe(true);
    expect(new Set(tokens).size).toBe(tokens.length);
  });

  test("S51: a token that begins like another kind is drawn again", () => {
    const spare = Uint8Array.from({ length: 32 }, (_, index) => index);
    // "pat_" and "shr_" are three bytes each in base64url.
    const draws = [
      [0xa5, 0xab, 0x7f],
      [0xb2, 0x1a, 0xff],
    ].map((start) => Uint8Array.from([...start, ...spare.slice(3)]));
    expect(draws.map((draw) => toBase64Url(draw).slice(0, 4))).toEqual(["pat_", "shr_"]);
    const queue = [...draws, spare];
    expect(generateOpaqueToken(() => queue.shift()!)).toBe(toBase64Url(spare));
    expect(queue).toEqual([]);
  });
});
