import { describe, expect, test } from "vitest";
import { acceptedLanguages, matchLanguage } from "../../src/domain/language.ts";

describe("matchLanguage: Accept-Language", () => {
  test.each([
    ["", undefined],
    ["en", "en"],
    ["de", "de"],
    ["de-AT,en;q=0.5", "de"],
    ["fr, de;q=0.3, en;q=0.7", "en"],
    ["fr;q=1.0,de;q=0", undefined],
    ["fr;q=1.0 , de ; q = 0.1", "de"],
    ["pt", "pt-BR"],
    ["PT-br", "pt-BR"],
    ["pt-PT, pt-BR;q=0.9", "pt-BR"],
    ["zh-Hant-TW", undefined],
    ["*", undefined],
    [";;;,,,q=", undefined],
    ["de;q=NaN", undefined],
    [`${"x,".repeat(10_000)}de`, undefined],
    ["constructor", undefined],
    ["__proto__", undefined],
    ["<script>", undefined],
  ])("%j: %s", (header, tag) => {
    expect(matchLanguage(["en", "de", "pt-BR"], acceptedLanguages(header))).toBe(tag);
  });

  test("an equal tag goes before one of the same language", () => {
    expect(matchLanguage(["en-GB", "en-US"], ["en-US"])).toBe("en-US");
    expect(matchLanguage(["en-GB", "en-US"], ["en-AU"])).toBe("en-GB");
  });

  test("of equal weights, the first", () => {
    expect(acceptedLanguages("a, b;q=0.5, c, d;q=0.5")).toEqual(["a", "c", "b", "d"]);
  });
});
