import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalizeIdentifier } from "../../src/domain/identifier.ts";

const domainLetters = [..."aZ09-.@:/\\%[]_ éÉß。１日я\u00ad\u0301🔑"];
const identifiers = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc
    .tuple(
      fc.string({ unit: "binary-ascii", maxLength: 9 }),
      fc.string({ unit: fc.constantFrom(...domainLetters), maxLength: 260 }),
    )
    .map((parts) => parts.join("@")),
);

describe("S38: refused or folded, never mapped", () => {
  test.each([
    { case: "ASCII letters to lower case", input: "Ada.Lovelace@EXAMPLE.com", ascii: "ada.lovelace@example.com" },
    {
      case: "every printable character of a name",
      input: "!\"#$%&'()*+,-./:;<=>?[\\]^_`{|}~",
      ascii: "!\"#$%&'()*+,-./:;<=>?[\\]^_`{|}~",
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

  test.each([
    { case: "capitals", domain: "Mail.EXAMPLE.Com", ascii: "mail.example.com" },
    { case: "one dot at the end", domain: "example.com.", ascii: "example.com" },
    { case: "two dots at the end", domain: "example.com.." },
    { case: "an empty label", domain: "example..com" },
    { case: "a dot at the start", domain: ".example.com" },
    { case: "only a dot", domain: "." },
    { case: "nothing", domain: "" },
    { case: "one label", domain: "localhost", ascii: "localhost" },
    { case: "labels of digits before the last", domain: "1.2.example", ascii: "1.2.example" },
    { case: "hyphens at the ends of labels", domain: "-a-.example", ascii: "-a-.example" },
    { case: "IPv4", domain: "127.0.0.1" },
    { case: "IPv4 with a dot at its end", domain: "127.0.0.1." },
    { case: "IPv4 as one number", domain: "2130706433" },
    { case: "IPv4 as one digit", domain: "1" },
    { case: "IPv4 in hexadecimal", domain: "0x7f.1" },
    { case: "IPv4 in octal", domain: "0177.0.0.01" },
    { case: "an address literal of SMTP", domain: "[127.0.0.1]" },
    { case: "IPv6", domain: "[::1]" },
    { case: "an address literal of SMTP for IPv6", domain: "[IPv6:::1]" },
    { case: "a last label of digits", domain: "example.1" },
    { case: "a last label of hexadecimal digits", domain: "example.0xf" },
    { case: "an escaped letter", domain: "ex%61mple.com" },
    { case: "an escaped dot", domain: "example%2ecom" },
    { case: "a port", domain: "example.com:80" },
    { case: "a path", domain: "example.com/x" },
    { case: "a backslash", domain: "example.com\\x" },
    { case: "a query", domain: "example.com?x" },
    { case: "a fragment", domain: "example.com#x" },
    { case: "a tab, which the parser would drop", domain: "exam\tple.com" },
    { case: "a line feed, which the parser would drop", domain: "exam\nple.com" },
    { case: "an underscore", domain: "my_host.example" },
    { case: "punycode in capitals", domain: "XN--MNCHEN-3YA.de", ascii: "xn--mnchen-3ya.de" },
    { case: "letters beyond ASCII", domain: "münchen.de", nonAscii: "xn--mnchen-3ya.de" },
    { case: "capitals beyond ASCII", domain: "MÜNCHEN.DE", nonAscii: "xn--mnchen-3ya.de" },
    { case: "an ideographic full stop", domain: "example。com", nonAscii: "example.com" },
    { case: "an ideographic full stop at the end", domain: "example.com。", nonAscii: "example.com" },
    { case: "IPv4 with ideographic full stops", domain: "127。0。0。1" },
    { case: "fullwidth digits", domain: "１.com" },
    { case: "an account-of character (a/c to the parser)", domain: "\u2100.com" },
    { case: "a variation selector, which is invisible", domain: "exa\ufe0fmple.com", nonAscii: "example.com" },
    { case: "a label that begins with a combining mark", domain: "\u0301a.com" },
    { case: "254 bytes in all", domain: "a".repeat(250), ascii: "a".repeat(250) },
    { case: "255 bytes in all", domain: "a".repeat(251) },
    { case: "123 letters that punycode makes longer than 254 bytes", domain: `${"é.".repeat(60)}com` },
  ])(
    "the domain of an address: $case",
    ({ domain, ascii, nonAscii }: { domain: string; ascii?: string; nonAscii?: string }) => {
      const of = (form: string | undefined) => (form === undefined ? undefined : `ada@${form}`);
      expect(normalizeIdentifier(`Ada@${domain}`)).toBe(of(ascii));
      expect(normalizeIdentifier(`Ada@${domain}`, { allowNonAscii: true })).toBe(of(ascii ?? nonAscii));
    },
  );

  test("a capital sharp s is the small one in every runtime, not two letters s in some", () => {
    expect(normalizeIdentifier("ada@stra\u1e9ee.example", { allowNonAscii: true })).toBe("ada@xn--strae-oqa.example");
    expect(normalizeIdentifier("ada@stra\u00dfe.example", { allowNonAscii: true })).toBe("ada@xn--strae-oqa.example");
  });

  test("punycode that encodes nothing is refused or stays as it is, as the runtime's parser decides", () => {
    expect([undefined, "ada@xn--a.de"]).toContain(normalizeIdentifier("ada@XN--a.de."));
  });

  test("the domain begins after the last @, and only the domain is mapped", () => {
    for (const [typed, normal] of [
      ['"A@b.."@Example.com.', '"a@b.."@example.com'],
      ["a%2f@b.c@d.", "a%2f@b.c@d"],
      ["127.0.0.1", "127.0.0.1"],
      ["example.com.", "example.com."],
      ["@Handle", "@handle"],
    ] as const) {
      expect(normalizeIdentifier(typed)).toBe(normal);
    }
    expect(normalizeIdentifier("REN\u00c9。@MÜNCHEN.de", { allowNonAscii: true })).toBe(
      "ren\u00c9。@xn--mnchen-3ya.de",
    );
  });

  test.each([false, true])("a normal form is its own normal form (allowNonAscii: %s)", (allowNonAscii) => {
    fc.assert(
      fc.property(identifiers, (text) => {
        const normal = normalizeIdentifier(text, { allowNonAscii });
        if (normal === undefined) return;
        expect(normalizeIdentifier(normal, { allowNonAscii })).toBe(normal);
        if (text.includes("@")) return;
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
