import { describe, expect, test } from "vitest";
import { classifyBearer } from "../../src/domain/bearer.ts";
import { AuthError } from "../../src/domain/error.ts";
import { generateId } from "../../src/domain/id.ts";
import {
  acceptExpiry,
  acceptScopes,
  generatePatSecret,
  hasScope,
  isStructurallyValidPatToken,
  patPrefix,
  splitPatToken,
} from "../../src/domain/personal-access-token.ts";
import { acceptName } from "../../src/domain/text.ts";

const id = "0190f2a81b3c7abc8123456789abcdef";

/** The code that a function refuses with; `undefined` if it does not refuse. */
function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof AuthError) return error.code;
    throw error;
  }
}

describe("M4, Flametrench docs/identity.md: the form of a token", () => {
  test.each([
    { case: "one character of secret", token: `pat_${id}_x`, expected: true },
    { case: "43 characters", token: `pat_${id}_${"A".repeat(43)}`, expected: true },
    { case: "a secret of underscores", token: `pat_${id}______`, expected: true },
    { case: "a secret of hyphens", token: `pat_${id}_---`, expected: true },
    { case: "257 characters: form only", token: `pat_${id}_${"A".repeat(257)}`, expected: true },
    { case: "a nil UUID: form only", token: `pat_${"0".repeat(32)}_x`, expected: true },
    { case: "empty", token: "", expected: false },
    { case: "the prefix alone", token: "pat_", expected: false },
    { case: "another prefix", token: `shr_${id}_x`, expected: false },
    { case: "the prefix in upper case", token: `PAT_${id}_x`, expected: false },
    { case: "the id in upper case", token: `pat_${id.toUpperCase()}_x`, expected: false },
    { case: "one digit in upper case", token: `pat_${id.slice(0, 31)}F_x`, expected: false },
    { case: "31 digits", token: `pat_${id.slice(1)}_x`, expected: false },
    { case: "33 digits", token: `pat_${id}0_x`, expected: false },
    { case: "a hyphenated id", token: "pat_0190f2a8-1b3c-7abc-8123-456789abcdef_x", expected: false },
    { case: "no separator", token: `pat_${id}x`, expected: false },
    { case: "no secret", token: `pat_${id}_`, expected: false },
    { case: "padding", token: `pat_${id}_x=`, expected: false },
    { case: "standard Base64", token: `pat_${id}_+/`, expected: false },
    { case: "a line after it", token: `pat_${id}_x\n`, expected: false },
    { case: "a blank before it", token: ` pat_${id}_x`, expected: false },
    { case: "digits of another script", token: `pat_${"٠".repeat(32)}_x`, expected: false },
  ])("$case: $expected", ({ token, expected }) => {
    expect(isStructurallyValidPatToken(token)).toBe(expected);
    expect(splitPatToken(token) !== undefined).toBe(expected && token.length <= 37 + 256);
  });

  test("a text with the prefix is of this kind, well formed or not (S51)", () => {
    expect(classifyBearer("pat_garbage")).toBe("pat");
    expect(isStructurallyValidPatToken("pat_garbage")).toBe(false);
  });
});

describe("H6, S24: the parts of a token", () => {
  test("split at fixed offsets, even with underscores in the secret", () => {
    expect(splitPatToken(`pat_${id}__a_b_`)).toEqual({ id: `pat_${id}`, secret: "_a_b_" });
  });

  test.each([
    [256, true],
    [257, false],
    [100_000, false],
  ])("a secret of %i characters: %s", (length, isTaken) => {
    expect(splitPatToken(`pat_${id}_${"A".repeat(length)}`) !== undefined).toBe(isTaken);
  });

  test.each([
    ["nil", "0".repeat(32)],
    ["max", "f".repeat(32)],
    ["of version 0", "0190f2a81b3c0abc8123456789abcdef"],
    ["of version 9", "0190f2a81b3c9abc8123456789abcdef"],
  ])("an id that is %s: no row can have it, but the secret is returned for equal work", (_case, hex) => {
    expect(splitPatToken(`pat_${hex}_s`)).toEqual({ id: undefined, secret: "s" });
  });
});

describe("R101: a new token", () => {
  test("a new secret of 256 bits each time, in the right form", () => {
    const secrets = Array.from({ length: 1_000 }, generatePatSecret);
    expect(new Set(secrets).size).toBe(1_000);
    for (const secret of secrets) expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const tokenId = generateId("pat");
    expect(splitPatToken(`${tokenId}_${secrets[0]}`)).toEqual({ id: tokenId, secret: secrets[0] });
  });

  test("ADR 0016: lists show the prefix", () => {
    expect(patPrefix("pat_019ddc5f1b3c7abc8123456789abcdef")).toBe("pat_019ddc5f");
  });
});

describe("H4: a name", () => {
  test.each([
    { case: "empty", name: "", code: "invalid_format.name" },
    { case: "one character", name: "a", code: undefined },
    { case: "120 code units", name: "a".repeat(120), code: undefined },
    { case: "121 code units", name: "a".repeat(121), code: "invalid_format.name" },
    { case: "60 pairs, 120 code units", name: "🗝".repeat(60), code: undefined },
    { case: "61 pairs, 122 code units", name: "🗝".repeat(61), code: "invalid_format.name" },
    { case: "120 code units, 360 bytes", name: "€".repeat(120), code: undefined },
    { case: "a lone surrogate", name: "\ud83d", code: "invalid_format.text" },
    { case: "NUL", name: "a\0", code: "invalid_format.text" },
  ])("$case: $code", ({ name, code }) => {
    expect(codeOf(() => acceptName(name))).toBe(code);
  });
});

describe("token scopes", () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `s${index}`);
  test.each([
    { case: "none", scopes: [], code: undefined },
    { case: "one", scopes: ["docs:read"], code: undefined },
    { case: "50", scopes: many(50), code: undefined },
    { case: "51", scopes: many(51), code: "invalid_format.scope" },
    { case: "the same twice", scopes: ["a", "b", "a"], code: "invalid_format.scope" },
    { case: "two that differ in case", scopes: ["a", "A"], code: undefined },
    { case: "128 characters", scopes: ["a".repeat(128)], code: undefined },
    { case: "129 characters", scopes: ["a".repeat(129)], code: "invalid_format.scope" },
    { case: "an empty one", scopes: [""], code: "invalid_format.scope" },
    { case: "a blank within", scopes: ["docs read"], code: "invalid_format.scope" },
    { case: "a control character", scopes: ["a\u007f"], code: "invalid_format.scope" },
    { case: "a line after it", scopes: ["a\n"], code: "invalid_format.scope" },
    { case: "a letter beyond ASCII", scopes: ["é"], code: "invalid_format.scope" },
  ])("$case: $code", ({ scopes, code }) => {
    expect(codeOf(() => acceptScopes(scopes))).toBe(code);
  });

  /** R103: nothing in a scope is a pattern. */
  test.each([
    { held: ["docs:read"], needed: "docs:read", expected: true },
    { held: ["docs"], needed: "docs:read", expected: false },
    { held: ["docs:"], needed: "docs:read", expected: false },
    { held: ["docs:*"], needed: "docs:read", expected: false },
    { held: ["*"], needed: "docs:read", expected: false },
    { held: [".*"], needed: "docs:read", expected: false },
    { held: ["docs:read:all"], needed: "docs:read", expected: false },
    { held: ["docs:write"], needed: "docs:read", expected: false },
    { held: ["DOCS:READ"], needed: "docs:read", expected: false },
    { held: ["docs:read,docs:write"], needed: "docs:read", expected: false },
    { held: ["a", "docs:read"], needed: "docs:read", expected: true },
    { held: [], needed: "docs:read", expected: false },
    { held: [], needed: "", expected: false },
    { held: ["length"], needed: "docs:read", expected: false },
  ])("R103: $held holds $needed: $expected", ({ held, needed, expected }) => {
    expect(hasScope(held, needed)).toBe(expected);
  });
});

describe("expiry that the database cannot read", () => {
  test.each([
    { case: "never", at: null, code: undefined },
    { case: "the year 2100", at: new Date("2100-01-01"), code: undefined },
    { case: "not a date", at: new Date("x"), code: "pat.expires_in_past" },
    { case: "the epoch", at: new Date(0), code: "pat.expires_in_past" },
    { case: "the year 0", at: new Date("0000-01-01T00:00:00Z"), code: "pat.expires_in_past" },
    { case: "the year 10000", at: new Date(Date.UTC(10_000, 0)), code: "pat.expires_in_past" },
  ])("$case: $code", ({ at, code }) => {
    expect(codeOf(() => acceptExpiry(at))).toBe(code);
  });
});
