import { describe, expect, test } from "vitest";
import { OptionError } from "../../src/domain/option-error.ts";
import { parseRate } from "../../src/domain/rate.ts";

test.each([
  ["1/second", 1, 1],
  ["5/minute", 5, 60],
  ["5/minutes", 5, 60],
  ["100/hour", 100, 3_600],
  ["100/hours", 100, 3_600],
  ["20/day", 20, 86_400],
  ["1000000/days", 1_000_000, 86_400],
])("%s: %d requests in %d seconds", (text, attempts, windowSeconds) => {
  expect(parseRate(text)).toEqual({ attempts, windowSeconds });
});

describe("malformed rates are refused", () => {
  test.each([
    ...["", "5", "/minute", "5/", "5/fortnight", "5/Minute", "5/MINUTE", "5/min", "5/m", "5/minutess", "5 / minute"],
    ...[" 5/minute", "5/minute ", "5/minute\n", "0/minute", "-5/minute", "+5/minute", "05/minute", "5.5/minute"],
    ...["1e3/minute", "0x5/minute", "1000001/minute", "9999999/minute", "99999999999999999999/minute", "5/2/minute"],
    ...["5/minute,10/hour", "٥/minute", "5⁄minute", "5/constructor", "5/__proto__", "Infinity/minute", "NaN/minute"],
    ...[`${"5".repeat(100_000)}/minute`, `5/${"minute".repeat(100_000)}`],
  ])("%j", (text) => {
    expect(() => parseRate(text)).toThrow(OptionError);
  });

  test.each([[undefined], [null], [5], [true], [["5/minute"]], [{ attempts: 5, windowSeconds: 60 }]])("%j", (value) => {
    expect(() => parseRate(value as unknown as string)).toThrow(OptionError);
  });

  test("the error says what was given and what is wanted, and quotes no text that may be a secret", () => {
    expect(() => parseRate("5_per_minute")).toThrow(
      'it is "5_per_minute", and must be a rate such as 5/minute, per second, minute, hour or day.',
    );
    expect(() => parseRate("postgres://ada:secret@db/app")).toThrow("it is a text of 28 characters, and must be");
  });
});
