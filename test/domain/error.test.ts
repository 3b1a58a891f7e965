import { describe, expect, test } from "vitest";
import { AuthError, isErrorCode } from "../../src/domain/error.ts";
import { isStorableText, storableText } from "../../src/domain/text.ts";

describe("AuthError", () => {
  test("says what the table says, and keeps the particulars to itself", () => {
    const error = new AuthError("conflict.duplicate_credential", { cause: new Error("ada@example.com") });
    expect(error).toMatchObject({
      name: "DuplicateCredentialError",
      status: 409,
      code: "conflict.duplicate_credential",
    });
    expect(error.message).not.toContain("ada");
    expect("cause" in new AuthError("not_found")).toBe(false);
  });

  test.each(["toString", "constructor", "__proto__", "hasOwnProperty", "", "not-found", undefined, null, 404, {}])(
    "%j is no code",
    (code) => {
      expect(isErrorCode(code)).toBe(false);
    },
  );

  test("not_found is one", () => {
    expect(isErrorCode("not_found")).toBe(true);
  });
});

describe("text that Postgres can keep", () => {
  test.each([
    { case: "any script", text: "Ünïcode 日本 🔑", expected: true },
    { case: "controls other than NUL", text: "a\n\x01", expected: true },
    { case: "empty", text: "", expected: true },
    { case: "NUL", text: "a\0", expected: false },
    { case: "a lone high surrogate", text: "a\ud800", expected: false },
    { case: "a lone low surrogate", text: "\udc00a", expected: false },
  ])("$case: $expected", ({ text, expected }) => {
    expect(isStorableText(text)).toBe(expected);
    if (expected) expect(storableText(text)).toBe(text);
    else expect(() => storableText(text)).toThrow(expect.objectContaining({ code: "invalid_format.text" }));
  });

  test("null stays null", () => {
    expect(storableText(null)).toBeNull();
  });
});
