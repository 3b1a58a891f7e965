import { describe, expect, test } from "vitest";
import { toBase64 } from "../../src/crypto/bytes.ts";
import { encodePhc, needsRehash, parsePhc, pinnedCost } from "../../src/crypto/phc.ts";

const salt = toBase64(new Uint8Array(16).fill(0xa5));
const tag = toBase64(new Uint8Array(32).fill(0x5a));
const base64Of = (bytes: number) => toBase64(new Uint8Array(bytes).fill(7));
const withParameters = (parameters: string) => `$argon2id$v=19$${parameters}$${salt}$${tag}`;

test("R009: the written form, byte for byte", () => {
  const hash = { cost: pinnedCost, salt: new Uint8Array(16).fill(0xa5), tag: new Uint8Array(32).fill(0x5a) };
  const phc = encodePhc(hash);
  expect(phc).toBe("$argon2id$v=19$m=19456,t=2,p=1$paWlpaWlpaWlpaWlpaWlpQ$WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo");
  expect(parsePhc(phc)).toEqual(hash);
});

describe("the parameters come in any order, each once", () => {
  test.each(["m=64,t=2,p=1", "m=64,p=1,t=2", "t=2,m=64,p=1", "t=2,p=1,m=64", "p=1,m=64,t=2", "p=1,t=2,m=64"])(
    "%s",
    (text) => {
      expect(parsePhc(withParameters(text))?.cost).toEqual({ memoryKiB: 64, passes: 2, lanes: 1 });
    },
  );

  test.each([
    { case: "m twice, no p", parameters: "m=64,t=2,m=64" },
    { case: "m twice, different", parameters: "m=64,m=128,t=2" },
    { case: "four of them", parameters: "m=64,t=2,p=1,p=1" },
    { case: "two of them", parameters: "m=64,t=2" },
    { case: "none", parameters: "" },
    { case: "another name", parameters: "m=64,t=2,q=1" },
    { case: "keyid", parameters: "m=64,t=2,p=1,keyid=AAAA" },
    { case: "data", parameters: "m=64,t=2,p=1,data=AAAA" },
    { case: "a leading zero", parameters: "m=064,t=2,p=1" },
    { case: "zero passes", parameters: "m=64,t=0,p=1" },
    { case: "zero lanes", parameters: "m=64,t=2,p=0" },
    { case: "a minus", parameters: "m=-64,t=2,p=1" },
    { case: "a plus", parameters: "m=+64,t=2,p=1" },
    { case: "a fraction", parameters: "m=64.0,t=2,p=1" },
    { case: "an exponent", parameters: "m=6e1,t=2,p=1" },
    { case: "hexadecimal", parameters: "m=0x40,t=2,p=1" },
    { case: "a space", parameters: "m=64, t=2,p=1" },
    { case: "Arabic digits", parameters: "m=٦٤,t=2,p=1" },
    { case: "a trailing comma", parameters: "m=64,t=2,p=1," },
    { case: "upper case", parameters: "M=64,t=2,p=1" },
    { case: "__proto__", parameters: "__proto__=64,t=2,p=1" },
  ])("$case: undefined", ({ parameters }) => {
    expect(parsePhc(withParameters(parameters))).toBeUndefined();
  });
});

describe("R012: costs on each side of the caps", () => {
  test.each([
    { parameters: "m=65536,t=4,p=1", accepted: true, why: "PHP's default" },
    { parameters: "m=65537,t=1,p=1", accepted: false, why: "memory" },
    { parameters: "m=65536,t=5,p=1", accepted: false, why: "memory times passes" },
    { parameters: "m=52428,t=5,p=1", accepted: true, why: "memory times passes" },
    { parameters: "m=52429,t=5,p=1", accepted: false, why: "memory times passes" },
    { parameters: "m=19456,t=10,p=1", accepted: true, why: "passes" },
    { parameters: "m=19456,t=11,p=1", accepted: false, why: "passes" },
    { parameters: "m=64,t=2,p=4", accepted: true, why: "lanes" },
    { parameters: "m=64,t=2,p=5", accepted: false, why: "lanes" },
    { parameters: "m=8,t=1,p=1", accepted: true, why: "8 KiB for each lane, RFC 9106 §3.1" },
    { parameters: "m=7,t=1,p=1", accepted: false, why: "8 KiB for each lane, RFC 9106 §3.1" },
    { parameters: "m=32,t=1,p=4", accepted: true, why: "8 KiB for each lane, RFC 9106 §3.1" },
    { parameters: "m=31,t=1,p=4", accepted: false, why: "8 KiB for each lane, RFC 9106 §3.1" },
    { parameters: "m=4194304,t=2,p=1", accepted: false, why: "4 GiB" },
    { parameters: "m=19456,t=1000000,p=1", accepted: false, why: "a million passes" },
    { parameters: "m=4294967296,t=2,p=1", accepted: false, why: "2^32, 0 in 32 bits" },
    { parameters: "m=4294986752,t=2,p=1", accepted: false, why: "2^32 + 19,456" },
    { parameters: "m=9999999999,t=9999999999,p=9999999999", accepted: false, why: "ten digits" },
    { parameters: "m=99999999999999999999,t=2,p=1", accepted: false, why: "twenty digits" },
  ])("$parameters ($why): accepted is $accepted", ({ parameters, accepted }) => {
    expect(parsePhc(withParameters(parameters)) !== undefined).toBe(accepted);
  });

  test.each([
    { saltBytes: 7, tagBytes: 32, accepted: false },
    { saltBytes: 8, tagBytes: 32, accepted: true },
    { saltBytes: 64, tagBytes: 32, accepted: true },
    { saltBytes: 65, tagBytes: 32, accepted: false },
    { saltBytes: 16, tagBytes: 15, accepted: false },
    { saltBytes: 16, tagBytes: 16, accepted: true },
    { saltBytes: 16, tagBytes: 64, accepted: true },
    { saltBytes: 16, tagBytes: 65, accepted: false },
  ])("salt of $saltBytes, tag of $tagBytes bytes: accepted is $accepted", ({ saltBytes, tagBytes, accepted }) => {
    const phc = `$argon2id$v=19$m=64,t=2,p=1$${base64Of(saltBytes)}$${base64Of(tagBytes)}`;
    expect(parsePhc(phc) !== undefined).toBe(accepted);
  });
});

describe("a string that is not Argon2id version 19 is not read", () => {
  const cost = "m=64,t=2,p=1";
  test.each([
    { case: "empty", phc: "" },
    { case: "argon2i", phc: `$argon2i$v=19$${cost}$${salt}$${tag}` },
    { case: "argon2d", phc: `$argon2d$v=19$${cost}$${salt}$${tag}` },
    { case: "upper case", phc: `$ARGON2ID$v=19$${cost}$${salt}$${tag}` },
    { case: "version 16", phc: `$argon2id$v=16$${cost}$${salt}$${tag}` },
    { case: "no version, which means 16", phc: `$argon2id$${cost}$${salt}$${tag}` },
    { case: "version 019", phc: `$argon2id$v=019$${cost}$${salt}$${tag}` },
    { case: "bcrypt", phc: "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW" },
    { case: "plain text", phc: "correcthorsebatterystaple" },
    { case: "text in front", phc: `x${withParameters(cost)}` },
    { case: "text at the end", phc: `${withParameters(cost)}$x` },
    { case: "a line feed at the end", phc: `${withParameters(cost)}\n` },
    { case: "a NUL at the end", phc: `${withParameters(cost)}\0` },
    { case: "padding", phc: `${withParameters(cost)}=` },
    { case: "base64url", phc: `$argon2id$v=19$${cost}$${salt}$${"-_".repeat(21)}8` },
    { case: "spare bits in the salt", phc: `$argon2id$v=19$${cost}$paWlpaWlpaWlpaWlpaWlpR$${tag}` },
    { case: "spare bits in the tag", phc: `${withParameters(cost).slice(0, -1)}p` },
    { case: "a salt of no whole number of bytes", phc: `$argon2id$v=19$${cost}$AAAAAAAAAAAAA$${tag}` },
    { case: "no tag", phc: `$argon2id$v=19$${cost}$${salt}` },
    { case: "an empty tag", phc: `$argon2id$v=19$${cost}$${salt}$` },
    { case: "an empty salt", phc: `$argon2id$v=19$${cost}$$${tag}` },
    { case: "two dollar signs", phc: `$$argon2id$v=19$${cost}$${salt}$${tag}` },
  ])("$case: undefined, and needs a rehash", ({ phc }) => {
    expect(parsePhc(phc)).toBeUndefined();
    expect(needsRehash(phc)).toBe(true);
  });

  test("ten megabytes of digits: undefined in under 5 ms", () => {
    const phc = `$argon2id$v=19$m=${"9".repeat(10_000_000)},t=2,p=1$${salt}$${tag}`;
    const milliseconds = [1, 2, 3, 4, 5].map(() => {
      const started = performance.now();
      expect(parsePhc(phc)).toBeUndefined();
      return performance.now() - started;
    });
    expect(Math.min(...milliseconds)).toBeLessThan(5);
  });
});

describe("R009: needsRehash", () => {
  const pinned = "m=19456,t=2,p=1";
  test.each([
    { case: "as Sallyport writes it", phc: withParameters(pinned), expected: false },
    { case: "the order of npm's argon2", phc: withParameters("m=19456,p=1,t=2"), expected: false },
    { case: "a longer salt and tag", phc: `$argon2id$v=19$${pinned}$${base64Of(32)}$${base64Of(64)}`, expected: false },
    { case: "a shorter salt", phc: `$argon2id$v=19$${pinned}$${base64Of(15)}$${tag}`, expected: true },
    { case: "a shorter tag", phc: `$argon2id$v=19$${pinned}$${salt}$${base64Of(31)}`, expected: true },
    { case: "less memory", phc: withParameters("m=19455,t=2,p=1"), expected: true },
    { case: "more memory", phc: withParameters("m=65536,t=4,p=1"), expected: true },
    { case: "one pass", phc: withParameters("m=19456,t=1,p=1"), expected: true },
    { case: "two lanes", phc: withParameters("m=19456,t=2,p=2"), expected: true },
  ])("$case: $expected", ({ phc, expected }) => {
    expect(needsRehash(phc)).toBe(expected);
  });
});
