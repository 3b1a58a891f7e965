import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type MailMessage, MailRefusedError } from "../../src/domain/mail.ts";
import { mailbox, requireSound } from "../../src/mailers/sound-message.ts";
import { expectConfidential, sent } from "../support/mail.ts";

/** The code with which a message is turned away, and whether for good. */
function verdict(part: Partial<MailMessage>): unknown {
  try {
    requireSound({ ...sent, ...part });
    return "sound";
  } catch (error) {
    expectConfidential(error);
    return [(error as { code?: unknown }).code, error instanceof MailRefusedError ? "refused" : "retried"];
  }
}

describe("an address", () => {
  test.each([
    { case: "plain", to: "ada@example.org" },
    { case: "with every other letter of an atom", to: "a!#$%&'*+/=?^_`{|}~-b@example.org" },
    { case: "with a tag and a subdomain", to: "ada+news@mail.example.co.uk" },
    { case: "on a host without a dot", to: "ada@localhost" },
    { case: "in punycode", to: "ada@xn--bcher-kva.example" },
    { case: "with letters beyond ASCII", to: "адá@bücher.example" },
    { case: "with letters beyond the basic plane", to: "𐐷da@example.org" },
    { case: "with quotes around dots", to: '"ada..b."@example.org' },
    { case: "on an IPv4 literal", to: "ada@[192.0.2.1]" },
    { case: "on an IPv6 literal", to: "ada@[IPv6:2001:db8::1]" },
    { case: "of 254 characters", to: `ada@${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(58)}` },
  ])("$case: passes", ({ to }) => {
    expect(verdict({ to })).toBe("sound");
    expect(verdict({ from: { address: to } })).toBe("sound");
  });

  test.each([
    { case: "empty", to: "" },
    { case: "without @", to: "ada" },
    { case: "with nothing before @", to: "@example.org" },
    { case: "with nothing after @", to: "ada@" },
    { case: "two, with a comma", to: "ada@example.org,eve@example.com" },
    { case: "two, with a comma and a space", to: "ada@example.org, eve@example.com" },
    { case: "two, with a semicolon", to: "ada@example.org;eve@example.com" },
    { case: "two, with a space", to: "ada@example.org eve@example.com" },
    { case: "with two @", to: "ada@example.org@example.com" },
    { case: "a local part with a comma", to: "ada,eve@example.com" },
    { case: "a quoted local part with a comma", to: '"ada@example.org,eve"@example.com' },
    { case: "a quoted local part with @", to: '"ada@example.org"@example.com' },
    { case: "a quoted local part with a quoted pair", to: '"ada\\"eve"@example.com' },
    { case: "an empty quoted local part", to: '""@example.com' },
    { case: "with a name", to: "Ada <ada@example.org>" },
    { case: "in angle brackets", to: "<ada@example.org>" },
    { case: "with a comment", to: "ada(eve@example.com)@example.org" },
    { case: "a group", to: "friends:ada@example.org,eve@example.com;" },
    { case: "with a route", to: "<@example.com:ada@example.org>" },
    { case: "with a line break at its end", to: "ada@example.org\n" },
    { case: "with CR and LF and a header", to: "ada@example.org\r\nBcc: eve@example.com" },
    { case: "with NUL", to: "ada@example.org\0" },
    { case: "with a line separator", to: "ada@example.org\u2028" },
    { case: "with a bidirectional control", to: "ada\u202e@example.org" },
    { case: "with a lone surrogate", to: "ada\ud800@example.org" },
    { case: "with a dot at its beginning", to: ".ada@example.org" },
    { case: "with two dots", to: "a..da@example.org" },
    { case: "with a dot at the end of the domain", to: "ada@example.org." },
    { case: "with a hyphen at the beginning of the domain", to: "ada@-example.org" },
    { case: "with an underscore in the domain", to: "ada@exa_mple.org" },
    { case: "with a port", to: "ada@example.org:25" },
    { case: "with a percent sign in the domain", to: "ada@example%2eorg" },
    { case: "on a literal with another @", to: "ada@[x@example.com]" },
    { case: "of 255 characters", to: `ada@${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(59)}` },
  ])("$case: refused for a recipient, retried for a sender", ({ to }) => {
    expect(verdict({ to })).toEqual(["INVALID_RECIPIENT", "refused"]);
    expect(verdict({ from: { address: to } })).toEqual(["INVALID_SENDER", "retried"]);
  });

  test("of any text: takes no time to judge", () => {
    const letters = fc.constantFrom("a", "-", ".", "@", '"', "\\", "é");
    const check = fc.property(fc.string({ unit: letters, maxLength: 254 }), (to) => {
      const from = performance.now();
      verdict({ to });
      expect(performance.now() - from).toBeLessThan(500);
    });
    fc.assert(check, { numRuns: 300 });
    for (const to of ["a".repeat(253), `"${".".repeat(252)}`, `a@${"a-".repeat(126)}`, `a@${"é".repeat(251)}-`]) {
      expect(verdict({ to })).toEqual(["INVALID_RECIPIENT", "refused"]);
    }
  });
});

describe("a field of one line", () => {
  const breaks = ["\n", "\r", "\r\n", "\0", "\t", "\x7f", "\x85", "\r\nBcc: eve@example.com"];
  test.each(breaks.map((text) => ({ case: JSON.stringify(text), text })))("$case in it: refused", ({ text }) => {
    expect(verdict({ subject: `Hello${text}` })).toEqual(["INVALID_HEADER", "refused"]);
    expect(verdict({ from: { ...sent.from, name: `Example${text}` } })).toEqual(["INVALID_HEADER", "refused"]);
    expect(verdict({ id: `msg${text}` })).toEqual(["INVALID_HEADER", "refused"]);
    expect(verdict({ messageId: `<a${text}@example.com>` })).toEqual(["INVALID_HEADER", "refused"]);
  });

  test.each([
    { case: "no Message-ID", part: { messageId: "" } },
    { case: "a Message-ID without brackets", part: { messageId: "a@example.com" } },
    { case: "two Message-IDs", part: { messageId: "<a@example.com><b@example.com>" } },
    { case: "a Message-ID with a space", part: { messageId: "<a b@example.com>" } },
    { case: "no id", part: { id: "" } },
    { case: "an id of 257 characters", part: { id: "a".repeat(257) } },
    { case: "an id beyond ASCII", part: { id: "é" } },
  ])("$case: refused", ({ part }) => {
    expect(verdict(part)).toEqual(["INVALID_HEADER", "refused"]);
  });

  test("any other text passes, and so do line breaks in the two bodies", () => {
    expect(verdict({ subject: "Ünïcode, =?utf-8?Q?word?= 🗝 <b@example.com>", text: "a\r\nb", html: "a\nb" })).toBe(
      "sound",
    );
    expect(verdict({ subject: "", from: { address: sent.from.address, name: '"; eve@example.com' } })).toBe("sound");
    expect(verdict({ id: "a".repeat(256) })).toBe("sound");
  });
});

test.each([
  { case: "no name", name: undefined, expected: "accounts@example.com" },
  { case: "an empty name", name: "", expected: "accounts@example.com" },
  { case: "a name", name: "Example", expected: '"Example" <accounts@example.com>' },
  { case: "a comma", name: "Example, Inc.", expected: '"Example, Inc." <accounts@example.com>' },
  {
    case: "a quote and another address",
    name: 'E" <eve@example.com>, "',
    expected: '"E\\" <eve@example.com>, \\"" <accounts@example.com>',
  },
  { case: "a backslash at the end", name: "E\\", expected: '"E\\\\" <accounts@example.com>' },
])("a sender with $case, as one text: $expected", ({ name, expected }) => {
  expect(mailbox(name === undefined ? { address: sent.from.address } : { ...sent.from, name })).toBe(expected);
});
