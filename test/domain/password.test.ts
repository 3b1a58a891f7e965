import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { preparePassword } from "../../src/crypto/password-bytes.ts";
import {
  minimumPasswordLength,
  minimumPasswordLengthWithFactor,
  needsSecondFactor,
  passwordFault,
} from "../../src/domain/password.ts";

/** Random letters, so that nothing is predictable about them. */
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
    { case: "5 as typed, 15 after NFKC", password: "\u3300\u3301\u3302\u3303", fault: undefined, needsFactor: false },
    { case: "spaces count", password: "v m q k z h r w", fault: undefined, needsFactor: false },
  ])("$case: $fault, needs a factor: $needsFactor", ({ password, fault, needsFactor }) => {
    expect(passwordFault(password)).toBe(fault);
    expect(needsSecondFactor(password)).toBe(needsFactor);
  });
});

/** Text of a length that does not repeat itself. */
const varied = (length: number) =>
  Array.from({ length }, (_, index) => letters[(index * index + 3 * index) % 21]).join("");

describe("R002, S15: long ones are accepted whole or refused", () => {
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

describe("R003, B58: what cannot be checked as it was typed is not set", () => {
  test.each([
    { case: "a lone surrogate", password: `${letters}\ud800` },
    { case: "NUL", password: `${letters}\0${letters}` },
  ])("$case: unusable_characters", ({ password }) => {
    expect(passwordFault(password)).toBe("unusable_characters");
  });

  test("whatever may be set can be hashed, and needs no more than 1,024 bytes", () => {
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
          // The only rule is the list of the predictable, and no random text is on it.
          expect(passwordFault(password)).toBeUndefined();
        },
      ),
    );
  });
});

describe("R005: long but obvious ones are refused", () => {
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
    { case: "a word among others", password: "my password is a walrus", words: [] },
    { case: "the identifier with a real password behind it", password: "ada.lovelace-vmqkzhrwx", words },
    { case: "a word of three letters is no word", password: "adavmqkzhrwxjcy", words: ["ada"] },
  ])("$case: accepted", ({ password, words }) => {
    expect(passwordFault(password, { words })).toBeUndefined();
  });

  test("words that are regular expressions or empty do no harm", () => {
    expect(passwordFault("vmqkzhrwxjcygpfb", { words: ["(.*)+$", "", "[", "\\", ".*.*.*.*"] })).toBeUndefined();
  });

  test.each([
    { case: "almost a repetition", password: `${"ab".repeat(511)}x` },
    { case: "six letters, then another", password: `${"abcdef".repeat(170)}zzzz` },
    { case: "one letter", password: "a".repeat(1_024) },
    { case: "obvious words without end", password: "password".repeat(128) },
  ])("$case, at full length: decided in under 20 ms", ({ password }) => {
    const milliseconds = [1, 2, 3, 4, 5].map(() => {
      const started = performance.now();
      passwordFault(password, { words: ["aaaa", "abab"] });
      return performance.now() - started;
    });
    expect(Math.min(...milliseconds)).toBeLessThan(20);
  });
});
