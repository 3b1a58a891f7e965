import { describe, expect, test } from "vitest";
import {
  generateRecoveryCode,
  generateRecoveryCodes,
  isValidRecoveryCode,
  normalizeRecoveryCode,
} from "../../src/domain/recovery-code.ts";

test("recovery codes: ten different codes in the right form", () => {
  const codes = generateRecoveryCodes();
  expect(new Set(codes).size).toBe(10);
  expect(codes.every(isValidRecoveryCode)).toBe(true);
});

test("recovery codes: each symbol is equally likely", () => {
  const counts = new Map<string, number>();
  const drawn = 20_000;
  for (let index = 0; index < drawn; index++) {
    for (const symbol of generateRecoveryCode().replaceAll("-", "")) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  }
  expect(counts.size).toBe(31);
  const expected = (drawn * 12) / 31;
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // 30 degrees of freedom: one run in a million lies beyond 83.
  expect(chiSquare).toBeLessThan(83);
});

test("recovery codes: biased bytes are drawn again", () => {
  let calls = 0;
  const code = generateRecoveryCode((length) => {
    calls += 1;
    return new Uint8Array(length).fill(calls === 1 ? 248 : 30);
  });
  expect([code, calls]).toEqual(["9999-9999-9999", 2]);
});

describe("recovery code format, exact", () => {
  test.each([
    ["ABCD-EFGH-JKMN", true],
    ["2345-6789-ABCD", true],
    ["abcd-efgh-jkmn", false],
    ["ABCD-EFGH-JKM", false],
    ["ABCD-EFGH-JKMN-", false],
    ["ABCDEFGHJKMN", false],
    ["ABCI-EFGH-JKMN", false],
    ["ABCL-EFGH-JKMN", false],
    ["ABCO-EFGH-JKMN", false],
    ["ABC0-EFGH-JKMN", false],
    ["ABC1-EFGH-JKMN", false],
    ["ABCD-EFGH-JKMN\n", false],
    ["", false],
  ])("%j: %s", (code, valid) => {
    expect(isValidRecoveryCode(code)).toBe(valid);
  });
});

test.each([
  ["abcd-efgh-jkmn", "ABCD-EFGH-JKMN"],
  [" abcd efgh jkmn ", "ABCD-EFGH-JKMN"],
  ["abcdefghjkmn", "ABCD-EFGH-JKMN"],
  ["abcdefghjkm", undefined],
  ["abcdefghjkmnp", undefined],
  ["abcd-efgh-jkm1", undefined],
  ["A".repeat(1_000_000), undefined],
])("recovery code typed as %j: read as %j", (typed, code) => {
  expect(normalizeRecoveryCode(typed)).toBe(code);
});
