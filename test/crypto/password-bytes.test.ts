import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/crypto/bytes.ts";
import { preparePassword } from "../../src/crypto/password-bytes.ts";

describe("S15, R002: a password over the limit is refused, never cut", () => {
  test.each([
    { case: "64 bytes", password: "a".repeat(64), bytes: 64 },
    { case: "72 bytes", password: "a".repeat(72), bytes: 72 },
    { case: "73 bytes", password: "a".repeat(73), bytes: 73 },
    { case: "1,024 bytes", password: "a".repeat(1024), bytes: 1024 },
    { case: "1,025 bytes", password: "a".repeat(1025), bytes: undefined },
    { case: "1,024 bytes of astral characters", password: "🔑".repeat(256), bytes: 1024 },
    { case: "1,028 bytes of astral characters", password: "🔑".repeat(257), bytes: undefined },
    { case: "33 bytes for each 3 after NFKC, within", password: "\ufdfa".repeat(31), bytes: 1023 },
    { case: "33 bytes for each 3 after NFKC, over", password: "\ufdfa".repeat(32), bytes: undefined },
    { case: "3,072 bytes as typed, 1,024 after NFKC", password: "ａ".repeat(1024), bytes: 1024 },
    { case: "4,096 bytes as typed, 1,024 after NFKC", password: "𝐚".repeat(1024), bytes: 1024 },
    { case: "4,097 bytes as typed", password: `${"𝐚".repeat(1024)}a`, bytes: undefined },
    { case: "ten million characters", password: "a".repeat(10_000_000), bytes: undefined },
    { case: "empty", password: "", bytes: undefined },
  ])("$case: $bytes", ({ password, bytes }) => {
    expect(preparePassword(password)?.length).toBe(bytes);
  });

  test("ten million decomposable characters: refused before they are normalized, in under 5 ms", () => {
    const password = "\ufdfa".repeat(10_000_000);
    const milliseconds = [1, 2, 3, 4, 5].map(() => {
      const started = performance.now();
      expect(preparePassword(password)).toBeUndefined();
      return performance.now() - started;
    });
    expect(Math.min(...milliseconds)).toBeLessThan(5);
  });
});

describe("R003: NFKC, and nothing else, makes two spellings one", () => {
  test.each([
    { case: "é composed and decomposed", a: "caf\u00e9", b: "cafe\u0301", same: true },
    { case: "the ligature ﬁ", a: "\ufb01sh", b: "fish", same: true },
    { case: "full width", a: "ｐａｓｓ", b: "pass", same: true },
    { case: "a no-break space", a: "a\u00a0b", b: "a b", same: true },
    { case: "Hangul jamo", a: "\u1112\u1161\u11ab", b: "\ud55c", same: true },
    { case: "the Kelvin sign", a: "\u212a", b: "K", same: true },
    { case: "case", a: "Pass", b: "pass", same: false },
    { case: "a space in front", a: " pass", b: "pass", same: false },
    { case: "a space at the end", a: "pass ", b: "pass", same: false },
    { case: "a NUL and what follows", a: "pass\0a", b: "pass\0b", same: false },
    { case: "a NUL at the end", a: "pass\0", b: "pass", same: false },
    { case: "a zero-width joiner", a: "pa\u200dss", b: "pass", same: false },
    { case: "Cyrillic а", a: "p\u0430ss", b: "pass", same: false },
    { case: "dotless ı", a: "\u0131", b: "i", same: false },
  ])("$case: same is $same", ({ a, b, same }) => {
    const [first, second] = [preparePassword(a), preparePassword(b)];
    expect(first).toBeDefined();
    if (same) expect(first).toEqual(second);
    else expect(first).not.toEqual(second);
  });

  test("normalising twice changes nothing", () => {
    const once = preparePassword("ﬁ cafe\u0301 ｐ \u1e9b\u0323")!;
    expect(preparePassword(new TextDecoder().decode(once))).toEqual(once);
  });
});

describe("lone surrogates: refused, because UTF-8 would turn them all into U+FFFD", () => {
  test.each([
    { case: "a high one", password: "pass\ud83d" },
    { case: "a low one", password: "\udd11pass" },
    { case: "the wrong order", password: "\udd11\ud83d" },
  ])("$case: undefined", ({ password }) => {
    expect(preparePassword(password)).toBeUndefined();
  });

  test("U+FFFD itself is accepted like any other character", () => {
    expect(preparePassword("\ufffd")).toEqual(utf8("\ufffd"));
  });
});
