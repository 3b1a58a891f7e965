import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cleanContext, cleanText } from "../../src/domain/request-context.ts";

describe("S41: no client can make an event unwritable or unreadable", () => {
  test.each([
    { case: "plain", text: "Mozilla/5.0 (X11)", expected: "Mozilla/5.0 (X11)" },
    { case: "letters of any script", text: "Ünïcode 日本 🔑", expected: "Ünïcode 日本 🔑" },
    { case: "NUL, which Postgres cannot store", text: "a\0b", expected: "ab" },
    { case: "line breaks, which forge log lines", text: "a\r\nb\u2028c\u2029d\x85e", expected: "abcde" },
    { case: "terminal escapes", text: "\x1b[31mred\x9b0m", expected: "[31mred0m" },
    { case: "bidirectional overrides", text: "\u202eevil\u202c\u2066x\u2069\u200f", expected: "evilx" },
    { case: "zero-width characters", text: "a\u200b\u200d\ufeffb", expected: "ab" },
    { case: "a lone surrogate", text: "a\ud800b\udc00", expected: "ab" },
    { case: "private use", text: "a\ue000b", expected: "ab" },
    { case: "256 characters", text: "x".repeat(256), expected: "x".repeat(256) },
    { case: "257 characters", text: "x".repeat(257), expected: "x".repeat(256) },
    { case: "256 astral characters", text: "🔑".repeat(256), expected: "🔑".repeat(256) },
    { case: "257 astral characters: no pair is split", text: "🔑".repeat(257), expected: "🔑".repeat(256) },
    { case: "a cut in the middle of a pair", text: `x${"🔑".repeat(600)}`, expected: `x${"🔑".repeat(255)}` },
    { case: "nothing left", text: "\0\u202e", expected: undefined },
    { case: "empty", text: "", expected: undefined },
    { case: "absent", text: undefined, expected: undefined },
  ])("$case", ({ text, expected }) => {
    expect(cleanText(text)).toBe(expected);
  });

  test("any text: at most 256 characters, well formed, no control, and cleaning again changes nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (text) => {
        const cleaned = cleanText(text) ?? "";
        expect([...cleaned].length).toBeLessThanOrEqual(256);
        expect(cleaned.isWellFormed()).toBe(true);
        expect(cleaned).not.toMatch(/[\p{C}\u2028\u2029]/u);
        expect(cleanText(cleaned) ?? "").toBe(cleaned);
      }),
    );
  });

  test("a hundred megabytes are cut before they are scanned, in under 10 ms", () => {
    const text = "\0".repeat(100_000_000);
    expect(text.indexOf("x")).toBe(-1); // A repeated text is written out when it is first read, and that is not ours.
    const milliseconds = [1, 2, 3, 4, 5].map(() => {
      const started = performance.now();
      expect(cleanText(text)).toBeUndefined();
      return performance.now() - started;
    });
    expect(Math.min(...milliseconds)).toBeLessThan(10);
  });

  test("cleanContext cleans every text and keeps nothing else", () => {
    const hostile = {
      address: "1.2.3.4\n",
      userAgent: "a\0",
      requestId: "r\u202e",
      clientRequestId: "c\x1b",
      more: "x",
    };
    expect(cleanContext(hostile)).toEqual({ address: "1.2.3.4", userAgent: "a", requestId: "r", clientRequestId: "c" });
  });
});
