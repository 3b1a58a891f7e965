import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalizeIdentifier } from "../../src/domain/identifier.ts";

describe("S38: refused or folded, never mapped", () => {
  test.each([
    { case: "ASCII letters to lower case", input: "Ada.Lovelace@EXAMPLE.com", ascii: "ada.lovelace@example.com" },
    {
      case: "every printable character",
      input: "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
      ascii: "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    },
    { case: "254 bytes", input: "a".repeat(254), ascii: "a".repeat(254) },
    { case: "255 bytes", input: "a".repeat(255) },
    { case: "empty", input: "" },
    { case: "a space inside", input: "a b@example.com" },
    { case: "white space at both ends is removed", input: " \t ada@example.com \n", ascii: "ada@example.com" },
    { case: "only white space", input: " \t" },
    { case: "a tab", input: "ada\t@example.com" },
    { case: "NUL", input: "ada\0@example.com" },
    { case: "DEL", input: "ada\x7f@example.com" },
    { case: "no-break space", input: "ada\u00a0@example.com" },
    { case: "zero-width space", input: "ada\u200b@example.com" },
    { case: "right-to-left override", input: "ada\u202e@example.com" },
    { case: "soft hyphen", input: "a\u00adda@example.com" },
    { case: "byte order mark inside", input: "ada\ufeff@example.com" },
    { case: "a lone surrogate", input: "ada\ud800@example.com" },
    { case: "fullwidth letters (NFKC would fold them)", input: "ａdmin@example.com" },
    { case: "fullwidth at sign", input: "ada＠example.com" },
    { case: "Kelvin sign (lower case would be k)", input: "\u212aelvin@example.com" },
    { case: "long s (NFKC makes it s)", input: "\u017fam@example.com" },
    { case: "the ligature fi", input: "\ufb01sh@example.com" },
    { case: "decomposed é", input: "rene\u0301@example.com" },
    { case: "composed é", input: "Ren\u00e9@Example.com", nonAscii: "ren\u00e9@example.com" },
    {
      case: "capital É is not an ASCII letter and stays",
      input: "REN\u00c9@example.com",
      nonAscii: "ren\u00c9@example.com",
    },
    { case: "dotless i", input: "\u0131ris@example.com", nonAscii: "\u0131ris@example.com" },
    { case: "I with a dot is not mapped to i", input: "\u0130ris@example.com", nonAscii: "\u0130ris@example.com" },
    { case: "Cyrillic а is not Latin a", input: "\u0430da@example.com", nonAscii: "\u0430da@example.com" },
    { case: "254 bytes beyond ASCII", input: "é".repeat(127), nonAscii: "é".repeat(127) },
    { case: "256 bytes beyond ASCII", input: "é".repeat(128) },
    { case: "astral", input: "🔑@example.com", nonAscii: "🔑@example.com" },
  ])("$case", ({ input, ascii, nonAscii }: { input: string; ascii?: string; nonAscii?: string }) => {
    expect(normalizeIdentifier(input)).toBe(ascii);
    expect(normalizeIdentifier(input, { allowNonAscii: true })).toBe(ascii ?? nonAscii);
  });

  test.each([false, true])("a normal form is its own normal form (allowNonAscii: %s)", (allowNonAscii) => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const normal = normalizeIdentifier(text, { allowNonAscii });
        if (normal === undefined) return;
        expect(normalizeIdentifier(normal, { allowNonAscii })).toBe(normal);
        expect(normal.replace(/[a-z]/g, "")).toBe(text.trim().replace(/[A-Za-z]/g, ""));
      }),
      { numRuns: 2_000 },
    );
  });

  test("two texts with one normal form differ in the case of ASCII letters only", () => {
    // Pairs that lower-casing, upper-casing or normalizing would make equal.
    const confusable = [
      "k",
      "K",
      "\u212a",
      "s",
      "\u017f",
      "i",
      "I",
      "\u0131",
      "\u0130",
      "é",
      "e\u0301",
      "ﬁ",
      "fi",
      "ß",
      "ss",
      "ẞ",
    ];
    for (const one of confusable) {
      for (const other of confusable) {
        const [a, b] = [one, other].map((text) => normalizeIdentifier(text, { allowNonAscii: true }));
        const sameInAscii = /^[A-Za-z]+$/.test(one + other) && one.toLowerCase() === other.toLowerCase();
        if (a !== undefined && a === b) expect(one === other || sameInAscii).toBe(true);
      }
    }
    expect(normalizeIdentifier("K")).toBe(normalizeIdentifier("k"));
  });

  test("a megabyte is refused by its length, in under 5 ms", () => {
    const input = "é".repeat(1_000_000);
    const milliseconds = [1, 2, 3, 4, 5].map(() => {
      const started = performance.now();
      expect(normalizeIdentifier(input, { allowNonAscii: true })).toBeUndefined();
      return performance.now() - started;
    });
    expect(Math.min(...milliseconds)).toBeLessThan(5);
  });
});
