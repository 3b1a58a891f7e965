import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { commonPasswords } from "../../src/checkers/common-passwords.ts";
import { commonPasswordsList } from "../../src/checkers/common-passwords-list.ts";
import { minimumPasswordLengthWithFactor, needsSecondFactor, passwordFault } from "../../src/domain/password.ts";
import { hasShared, sharedText } from "../support/shared.ts";

const entries = commonPasswordsList.split(/\s+/).filter(Boolean);
const owner = ["ada.lovelace@example.com", "ada.lovelace", "Sallyport"];
/** The fault of a password that `passwords({ blocklist: commonPasswords })` is given. */
const faultOf = (password: string, words: readonly string[] = owner) =>
  passwordFault(password, { words: [...words, ...commonPasswords(password, words)] });
/** Every sixth entry. */
const sample = entries.filter((_, index) => index % 6 === 0);

describe("R005: the list", () => {
  test("has 6,000 entries of at least eight characters, each once, which no other rule refuses", () => {
    expect(entries).toHaveLength(6_000);
    expect(new Set(entries).size).toBe(6_000);
    expect(entries.filter((entry) => [...entry].length < minimumPasswordLengthWithFactor)).toEqual([]);
    expect(entries.filter((entry) => entry !== entry.normalize("NFKC").toLowerCase())).toEqual([]);
    expect(entries.filter((entry) => passwordFault(entry) !== undefined)).toEqual([]);
  });

  test("takes at most 30 KiB in a bundle, gzipped, with the code that reads it", async () => {
    const { outputFiles } = await build({
      stdin: { contents: `export { commonPasswords } from "./src/checkers/common-passwords.ts"`, resolveDir: "." },
      bundle: true,
      minify: true,
      format: "esm",
      write: false,
    });
    const size = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
    expect(size).toBeGreaterThan(20_000);
    expect(size).toBeLessThanOrEqual(30 * 1_024);
  });

  test("is in no bundle that does not import it", async () => {
    const { metafile } = await build({
      entryPoints: [
        "src/index.ts",
        "src/core.ts",
        "src/http/index.ts",
        "src/http/rate-limit.ts",
        "src/pages/index.tsx",
      ],
      bundle: true,
      format: "esm",
      platform: "neutral",
      packages: "external",
      write: false,
      outdir: "none",
      metafile: true,
    });
    const inputs = Object.keys(metafile.inputs);
    expect(inputs).toContain("src/engine/passwords.ts");
    expect(inputs.filter((path) => path.startsWith("src/checkers/"))).toEqual([]);
  });
});

describe("R005: 1,000 entries and their variants are refused", () => {
  const capital = (text: string) => text[0]!.toUpperCase() + text.slice(1);
  test.each<[string, (entry: string) => string]>([
    ["as they are", (entry) => entry],
    ["in capitals", (entry) => entry.toUpperCase()],
    ["with a capital", capital],
    ["with digits behind", (entry) => `${entry}2026`],
    ["with a mark behind", (entry) => `${entry}!`],
    ["between marks", (entry) => `!!${entry}!!`],
    ["twice", (entry) => entry + entry],
    ["twice, with a capital", (entry) => capital(entry) + entry],
    ["three times", (entry) => entry.repeat(3)],
    ["twenty times", (entry) => entry.repeat(20)],
    ["before the user's name", (entry) => `${entry}ada.lovelace`],
    ["after the user's name", (entry) => `Ada.Lovelace${entry}`],
    ["after the user's name, with a hyphen", (entry) => `ada.lovelace-${entry}`],
    ["before the site's name and a year", (entry) => `${entry}Sallyport2026`],
    ["before a keyboard path", (entry) => `${entry}qwertyuiop`],
    ["before digits in order", (entry) => `${entry}123456789`],
    ["before another entry", (entry) => `${entry}sunshine`],
    ["after another entry, with a space", (entry) => `Football ${entry}`],
  ])("%s", (_variant, vary) => {
    expect(sample).toHaveLength(1_000);
    expect(sample.map(vary).filter((password) => faultOf(password) === undefined)).toEqual([]);
  });

  test.each(["5un5h1n3", "$un$h1ne", "b@seb@ll", "F00tb@ll", "SUNSH1NE2026!!!", "sunshineSUNSH1NE"])(
    "characters for letters: %s",
    (password) => {
      expect(faultOf(password)).toBe("too_predictable");
    },
  );

  test("full-width letters, which are hashed as plain ones", () => {
    expect(faultOf("ｓｕｎｓｈｉｎｅ")).toBe("too_predictable");
  });
});

describe("R004: what only contains an entry is accepted", () => {
  test.each([
    "sunshine qvxkzpwm",
    "sunshine mountain elephant",
    "my sunshine on a rainy mountain",
    "computer-battery-horse-staple",
    "xkqzwvjmsunshine",
    "trustno1 but the four of us",
  ])("%s", (password) => {
    expect(needsSecondFactor(password)).toBe(false);
    expect(faultOf(password)).toBeUndefined();
  });

  test("10,000 random passwords of 8 to 20 characters: none refused", () => {
    let state = 7;
    const below = (limit: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    const characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!$%&/()=?";
    const passwords = Array.from({ length: 10_000 }, () =>
      Array.from({ length: 8 + below(13) }, () => characters[below(characters.length)]).join(""),
    );
    expect(passwords.filter((password) => faultOf(password) !== passwordFault(password, { words: owner }))).toEqual([]);
  });
});

describe("commonPasswords", () => {
  test("returns the two that cover most of the password, as they stand in it", () => {
    expect(commonPasswords("Sunshine-football-ELEPHANT")).toEqual(["sunshine", "football"]);
    expect(commonPasswords("happinessunshine")).toEqual(["happines", "sunshine"]);
    expect(commonPasswords("sunshine sunshine")).toEqual(["sunshine"]);
    expect(commonPasswords("metallica sunshine")).toEqual(["metallica", "sunshine"]);
    expect(commonPasswords("5UN5H1N3")).toEqual(["5un5h1n3"]);
    expect(commonPasswords("qvxkzpwm")).toEqual([]);
  });

  test.each([
    ["", 0],
    ["\0", 1],
    ["\ud800", 1],
    ["sunshin", 7],
    ["a".repeat(1_000_000), 1_000_000],
  ])("any text: %#", (text, length) => {
    expect(text).toHaveLength(length);
    expect(commonPasswords(text)).toEqual([]);
  });

  test("the longest look-up is short work", () => {
    commonPasswords("sunshine");
    const began = performance.now();
    for (let time = 0; time < 100; time++) commonPasswords("sunshin".repeat(150_000));
    expect((performance.now() - began) / 100).toBeLessThan(20);
  });

  test("S57: a password that is full of overlapping entries takes little longer than one with none", () => {
    const timeOf = (password: string): number => {
      const times = Array.from({ length: 30 }, () => {
        const began = performance.now();
        commonPasswords(password);
        return performance.now() - began;
      });
      return Math.min(...times);
    };
    const crowded =
      "1a2b3c4d010203040506revolutionilovepornomanchester13579246801478963258741852963852741123581321presidenterprisemachinespiderman1i";
    expect(crowded).toHaveLength(128);
    expect(timeOf(crowded)).toBeLessThan(timeOf("qvxkzpwm".repeat(16)) * 6);
    // NFKC makes 18 characters of U+FDFA.
    const swollen = `12345678901234567890${"\uFDFA".repeat(108)}`;
    expect(timeOf(swollen)).toBeLessThan(timeOf("qvxkzpwm".repeat(16)) * 6);
  });

  test.each(["sunshinesunshine", "Sunshine12345678", "Sunshine-football!", "mikesunshine2026", "SUNSHINE.mike.shin"])(
    "R005: a name that is a part of an entry does not hide the entry: %s",
    (password) => {
      const names = ["mike.shin", "mike", "shin", "foot"];
      const words = [...names, ...commonPasswords(password, names)];
      expect(passwordFault(password, { words })).toBe("too_predictable");
    },
  );

  test("of many entries, the two that cover most are still found", () => {
    const password = "spiderman1presidenterprise".repeat(4);
    expect(passwordFault(password, { words: commonPasswords(password) })).toBe("too_predictable");
  });
});

if (hasShared) {
  test("R005: the list is the most common entries of zxcvbn's that no rule refuses", async () => {
    const all = (await sharedText("vectors/passwords/zxcvbn-common-passwords.txt")).split(/\r?\n/);
    const chosen = all
      .filter((entry) => [...entry].length >= 8 && entry === entry.toLowerCase() && !/[`\\$\s]/.test(entry))
      .filter((entry) => passwordFault(entry) === undefined)
      .slice(0, 6_000);
    expect(entries).toEqual(chosen.sort());
  });
}
