import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { preparePassword } from "../../src/crypto/password-bytes.ts";
import {
  minimumPasswordLength,
  minimumPasswordLengthWithFactor,
  needsSecondFactor,
  passwordFault,
} from "../../src/domain/password.ts";
import { hasShared, sharedText } from "../support/shared.ts";

/** Random letters, so that no rule calls them predictable. */
const letters = "vmqkzhrwxjcygpfbudntl";

describe("R001: 15 code points alone, 8 beside a second factor", () => {
  test("the two limits", () => {
    expect([minimumPasswordLength, minimumPasswordLengthWithFactor]).toEqual([15, 8]);
  });

  test.each([
    { case: "7", password: letters.slice(0, 7), fault: "too_short", needsFactor: true },
    { case: "8", password: letters.slice(0, 8), fault: undefined, needsFactor: true },
    { case: "14", password: letters.slice(0, 14), fault: undefined, needsFactor: true },
    { case: "15", password: letters.slice(0, 15), fault: undefined, needsFactor: false },
    { case: "7 astral, which are 14 code units", password: "🔑🜁🝆𝄞🂡🀄🏁", fault: "too_short", needsFactor: true },
    { case: "8 astral, which are 16 code units", password: "🔑🜁🝆𝄞🂡🀄🏁🗝", fault: undefined, needsFactor: true },
    { case: "14 astral", password: "🔑🜁🝆𝄞🂡🀄🏁🗝🚪🏰🛡🗡🎠🧭", fault: undefined, needsFactor: true },
    { case: "15 astral", password: "🔑🜁🝆𝄞🂡🀄🏁🗝🚪🏰🛡🗡🎠🧭🪙", fault: undefined, needsFactor: false },
    { case: "8 as typed, 7 after NFKC", password: "vmqkzhe\u0301", fault: "too_short", needsFactor: true },
    { case: "15 as typed, 14 after NFKC", password: "vmqkzhrwxjcyge\u0301", fault: undefined, needsFactor: true },
    { case: "1 as typed, 18 after NFKC", password: "\ufdfa", fault: "too_short", needsFactor: true },
    { case: "4 as typed, 17 after NFKC", password: "\u3300\u3301\u3302\u3303", fault: "too_short", needsFactor: true },
    {
      case: "8 as typed, 25 after NFKC",
      password: `${letters.slice(0, 7)}\ufdfa`,
      fault: undefined,
      needsFactor: true,
    },
    {
      case: "15 as typed, 32 after NFKC",
      password: `${letters.slice(0, 14)}\ufdfa`,
      fault: undefined,
      needsFactor: false,
    },
    { case: "spaces count", password: "v m q k z h r w", fault: undefined, needsFactor: false },
  ])("$case: $fault, needs a factor: $needsFactor", ({ password, fault, needsFactor }) => {
    expect(passwordFault(password)).toBe(fault);
    expect(needsSecondFactor(password)).toBe(needsFactor);
  });
});

/** A text of a given length without repetition. */
const varied = (length: number) =>
  Array.from({ length }, (_, index) => letters[(index * index + 3 * index) % 21]).join("");

describe("R002, S15: long passwords are accepted whole or refused", () => {
  test.each([
    { case: "64 characters", password: varied(64), fault: undefined },
    { case: "1,024 bytes", password: varied(1_024), fault: undefined },
    { case: "1,025 bytes", password: varied(1_025), fault: "too_long" },
    { case: "1,025 bytes after NFKC, fewer characters", password: `${varied(1_022)}é`, fault: undefined },
    { case: "one byte more after NFKC", password: `${varied(1_023)}é`, fault: "too_long" },
    { case: "31 of U+FDFA, 33 bytes each after NFKC", password: varied(9) + "\ufdfa".repeat(31), fault: "too_long" },
    { case: "ten million characters", password: "x".repeat(10_000_000), fault: "too_long" },
  ])("$case: $fault", ({ password, fault }) => {
    expect(passwordFault(password)).toBe(fault);
  });
});

describe("R003, B58: a password that cannot be checked as typed is not set", () => {
  test.each([
    { case: "a lone surrogate", password: `${letters}\ud800` },
    { case: "NUL", password: `${letters}\0${letters}` },
  ])("$case: unusable_characters", ({ password }) => {
    expect(passwordFault(password)).toBe("unusable_characters");
  });

  test("every password that may be set can be hashed, from at most 1,024 bytes", () => {
    const hard = fc.constantFrom(
      "a",
      "é",
      "e\u0301",
      "🔑",
      "𝐚",
      "\ufdfa",
      "\u1100\u1161\u11a8",
      "ａ",
      "\u0344",
      "\u0345",
      " ",
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary", maxLength: 1_500 }), fc.string({ unit: hard, maxLength: 1_500 })),
        (text) => {
          if (passwordFault(text) === undefined) expect(preparePassword(text)).toBeDefined();
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("R004: no composition rule", () => {
  test.each([
    "vmqkzhrwxjcygpfb",
    "VMQKZHRWXJCYGPFB",
    "correct horse battery staple",
    "8305619274038561",
    "…—–·•°¬¦§¶†‡ªº¿",
    "日本語のとても長い合言葉です",
  ])("%s: accepted", (password) => {
    expect(passwordFault(password)).toBeUndefined();
  });

  test("random text of 15 to 64 characters of any script: accepted", () => {
    fc.assert(
      fc.property(
        fc
          .array(fc.integer({ min: 0x21, max: 0x2fa1 }), { minLength: 15, maxLength: 64 })
          .map((points) => String.fromCodePoint(...points).normalize("NFKC")),
        (password) => {
          fc.pre([...password].length >= 15 && new TextEncoder().encode(password).length <= 1_024);
          // The only rule is the list of predictable passwords, and no random text is on it.
          expect(passwordFault(password)).toBeUndefined();
        },
      ),
    );
  });
});

/** The time of the fastest of some runs, in milliseconds. */
function fastest(run: () => unknown): number {
  const times = Array.from({ length: 30 }, () => {
    const began = performance.now();
    run();
    return performance.now() - began;
  });
  return Math.min(...times);
}

describe("R005: long but obvious passwords are refused", () => {
  const words = ["ada.lovelace@example.com", "ada.lovelace", "Sallyport"];
  test.each([
    "aaaaaaaaaaaaaaaa",
    "abababababababab",
    "abcabcabcabcabcabc",
    "123123123123123123",
    "🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑",
    "abcdefghijklmnop",
    "ponmlkjihgfedcba",
    "123456789012345",
    "9876543210987654",
    "passwordpassword",
    "PasswordPassword",
    "ＰＡＳＳＷＯＲＤpassword",
    "password1234567",
    "iloveyouiloveyou!",
    "letmeinwelcomeadmin",
    "ada.lovelace@example.com",
    "Ada.Lovelace@Example.com",
    "ada.lovelace2026!",
    "sallyportsallyport",
    "Sallyport-2026-!",
    "sallyportpassword1",
  ])("%s: too_predictable", (password) => {
    expect(passwordFault(password, { words })).toBe("too_predictable");
  });

  test.each([
    // Columns, rows and both, of three keyboards, there and back.
    "1qaz2wsx3edc4rfv",
    "!QAZ2wsx#EDC4rfv",
    "1qazxsw23edcvfr4",
    "1qa2ws3ed4rf5tg",
    "qazwsxedcrfvtgb",
    "zaq1xsw2cde3vfr4",
    "q1w2e3r4t5y6u7i8o9p0",
    "1q2w3e4r5t6y7u8i",
    "qweasdzxcqweasdzxc",
    "qwertyuiopasdfghjkl",
    "asdfghjkl;'12345",
    "poiuytrewqlkjhgf",
    "qwertzuiopasdfgh",
    "1qay2wsx3edc4rfv",
    "azertyuiopqsdfgh",
    "1aqw2zsx3edc4rfv",
    "abcdefgh12345678",
    // Paths, digits and obvious words after one another.
    "qwertyuiop12345",
    "zxcvbnm123456789",
    "123456789qwerty",
    "1234qwerasdfzxcv",
    "qwerty123qwerty12",
    "sallyport1qaz2wsx",
    "qwertyuiopsallyport!",
    "asdfghjkl-2026-!",
    "passwordassword",
    "111222333444555",
    "122333444455555",
    "123456789987654321",
    "aaaaa11111bbbbb22222",
    "абвгдежзийклмноп",
  ])("keyboard walks, %s: too_predictable", (password) => {
    expect(passwordFault(password, { words })).toBe("too_predictable");
  });

  test.each([
    { case: "a word among others", password: "my password is a walrus", words: [] },
    { case: "the identifier followed by a real password", password: "ada.lovelace-vmqkzhrwx", words },
    { case: "a word of three letters does not count", password: "adavmqkzhrwxjcy", words: ["ada"] },
    { case: "words with adjacent keys", password: "we were poised to redress property", words: [] },
    { case: "such words without spaces", password: "sweaterpowertreerewired", words: [] },
    { case: "a walk and a real password", password: "qwertyuiop-vmqkzhrwx", words: [] },
    { case: "a walk and four other characters", password: "qwertyuiopvmqk", words: [] },
  ])("$case: accepted", ({ password, words }) => {
    expect(passwordFault(password, { words })).toBeUndefined();
  });

  test("S57: no password of 1,024 characters takes much longer than random ones", () => {
    const random = varied(1_024);
    const usual = fastest(() => passwordFault(random));
    for (const password of [`x${"9".repeat(1_020)}k`, `${"a".repeat(340)}b`.repeat(3), `${"ab".repeat(508)}zzzzzzz`]) {
      expect(fastest(() => passwordFault(password))).toBeLessThan(usual * 6 + 0.5);
    }
  });

  test("words that are regular expressions or empty do no harm", () => {
    expect(passwordFault("vmqkzhrwxjcygpfb", { words: ["(.*)+$", "", "[", "\\", ".*.*.*.*"] })).toBeUndefined();
  });

  test.each([
    { case: "almost a repetition", password: `${"ab".repeat(511)}x` },
    { case: "six letters, then another", password: `${"abcdef".repeat(170)}zzzz` },
    { case: "one letter", password: "a".repeat(1_024) },
    { case: "obvious words many times", password: "password".repeat(128) },
    { case: "walks many times", password: "1qaz2wsx,qwertyuiop,".repeat(51) },
  ])("$case, at full length: decided in under 20 ms", ({ password }) => {
    const milliseconds = [1, 2, 3, 4, 5].map(() => {
      const started = performance.now();
      passwordFault(password, { words: ["aaaa", "abab"] });
      return performance.now() - started;
    });
    expect(Math.min(...milliseconds)).toBeLessThan(20);
  });
});

describe("R004, R005: 10,000 random passwords, none refused", () => {
  /** Repeatable numbers (mulberry32), so that a failure can be reproduced. */
  const numbersFrom = (start: number) => {
    let state = start;
    return (below: number): number => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    };
  };
  const refusedOf = (make: (below: (limit: number) => number) => string): string[] => {
    const below = numbersFrom(5);
    const passwords = Array.from({ length: 10_000 }, () => make(below));
    expect(new Set(passwords).size).toBeGreaterThan(9_990);
    expect(passwords.every((password) => !needsSecondFactor(password))).toBe(true);
    return passwords.filter(
      (password) => passwordFault(password, { words: ["ada.lovelace", "sallyport"] }) !== undefined,
    );
  };
  const from = (first: string, length: number) =>
    Array.from({ length }, (_, index) => String.fromCodePoint(first.codePointAt(0)! + index)).join("");
  const lower = from("a", 26);

  test.each([
    { case: "digits", alphabet: from("0", 10) },
    { case: "hexadecimal digits", alphabet: "0123456789abcdef" },
    { case: "small letters", alphabet: lower },
    { case: "one row of letters", alphabet: "qwertyuiop" },
    { case: "letters of both cases and digits", alphabet: lower + lower.toUpperCase() + from("0", 10) },
    { case: "printable ASCII", alphabet: from("!", 94) },
    { case: "Cyrillic", alphabet: from("а", 32) },
    { case: "ideographs", alphabet: from("一", 3_000) },
    { case: "emoji", alphabet: from("🌀", 300) },
  ])("$case", ({ alphabet }) => {
    const characters = [...alphabet];
    const draw = (below: (limit: number) => number) =>
      Array.from({ length: 15 + below(6) }, () => characters[below(characters.length)]).join("");
    expect(refusedOf(draw)).toEqual([]);
  });

  /** Many have three or more adjacent keys. */
  const vocabulary = (
    "were tree power property treasure sweater reward assert dessert trespass point opinion poison student first define " +
    "hijack nopal tuvan redress weed stewed create western liquid quiet require azure plan copilot polish oily junk hunter " +
    "garden window silver marble castle orange pocket bridge candle forest doctor island kitchen lemon mirror needle ocean " +
    "pepper rabbit saddle tunnel velvet walnut yellow zebra anchor basket copper dragon engine falcon guitar harbor insect"
  ).split(" ");

  test.each([
    { case: "four words with spaces", words: 4, separator: " " },
    { case: "four words with hyphens", words: 4, separator: "-" },
    { case: "five words without separators", words: 5, separator: "" },
  ])("$case", ({ words, separator }) => {
    const draw = (below: (limit: number) => number) =>
      Array.from({ length: words }, () => vocabulary[below(vocabulary.length)]!).join(separator);
    expect(refusedOf(draw)).toEqual([]);
  });
});

if (hasShared) {
  /**
   * Passwords that no rule can tell from good ones: two phrases, and entries that one user or one program used often.
   * `isCompromisedPassword` refuses them too.
   */
  const accepted = [
    ...["momsanaladventure", "passwordstandard", "mailcreated5240", "polniypizdec0211", "polniypizdec1102"],
    ...["polniypizdec110211", "ne_e_pod_chehyl", "nick1234-rem936", "23176djivanfros", "hd764nw5d7e1vb1"],
    ...["hd764nw5d7e1vbv", "zqjphsyf6ctifgu", "lhbjkjubz2957704", "nemvxyheqdd5oqxyxyzi", "bpgjldsgjldthnf"],
    ...["aksjdlasdakj89879", "lytdybrbdfvgbhf", "bhrh0h2oof6xbqjeh"],
  ];

  test("R005: zxcvbn's list from 15 characters on: every keyboard pattern is refused", async () => {
    const entries = (await sharedText("vectors/passwords/zxcvbn-common-passwords.txt")).split(/\r?\n/);
    const long = entries.filter((entry) => [...entry].length >= 15);
    expect(long).toHaveLength(40);
    expect(long.filter((entry) => passwordFault(entry) === undefined).sort()).toEqual(accepted.sort());
  });
}
