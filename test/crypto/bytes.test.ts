import { describe, expect, test } from "vitest";
import {
  constantTimeEqual,
  fromBase64,
  fromBase64Url,
  fromHex,
  randomBytes,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from "../../src/crypto/bytes.ts";

/** RFC 4648 §10, without the padding. */
const rfc4648 = [
  // text      base64      hex
  ["", "", ""],
  ["f", "Zg", "66"],
  ["fo", "Zm8", "666f"],
  ["foo", "Zm9v", "666f6f"],
  ["foob", "Zm9vYg", "666f6f62"],
  ["fooba", "Zm9vYmE", "666f6f6261"],
  ["foobar", "Zm9vYmFy", "666f6f626172"],
] as const;

describe("RFC 4648 §10", () => {
  test.each(rfc4648)("%j: base64 %j, hex %j, both ways", (text, base64, hex) => {
    const bytes = utf8(text);
    expect([toBase64(bytes), toBase64Url(bytes), toHex(bytes)]).toEqual([base64, base64, hex]);
    expect([fromBase64(base64), fromBase64Url(base64), fromHex(hex)]).toEqual([bytes, bytes, bytes]);
  });

  test("62 and 63 are + and / in one alphabet, - and _ in the other", () => {
    const bytes = new Uint8Array([0xfb, 0xef, 0xff]);
    expect([toBase64(bytes), toBase64Url(bytes)]).toEqual(["++//", "--__"]);
    expect([fromBase64("++//"), fromBase64Url("--__")]).toEqual([bytes, bytes]);
    expect([fromBase64("--__"), fromBase64Url("++//")]).toEqual([undefined, undefined]);
  });

  test("every length up to 300 and every byte survives each form", () => {
    for (let length = 0; length <= 300; length++) {
      const bytes = new Uint8Array(length).map((_, index) => index * 167 + length);
      expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
      expect(fromHex(toHex(bytes))).toEqual(bytes);
    }
  });
});

describe("a second spelling of the same bytes is refused", () => {
  test.each([
    { case: "padding", text: "Zg==" },
    { case: "spare bits set", text: "Zh" },
    { case: "spare bits set, two bytes", text: "Zm9" },
    { case: "one character over", text: "Zm9vY" },
    { case: "a space inside", text: "Zm 9v" },
    { case: "a line feed at the end", text: "Zm9v\n" },
    { case: "a full-width letter", text: "Zm9ｖ" },
    { case: "a character above the table", text: "Zm9\u{1f511}" },
    { case: "a NUL", text: "Zm9\0" },
  ])("base64 and base64url, $case: undefined", ({ text }) => {
    expect([fromBase64(text), fromBase64Url(text)]).toEqual([undefined, undefined]);
  });

  test.each([
    { case: "odd length", text: "666" },
    { case: "upper case", text: "6F" },
    { case: "a prefix", text: "0x66" },
    { case: "white space", text: " 66 " },
    { case: "a sign", text: "+6" },
    { case: "a line feed at the end", text: "66\n" },
  ])("hex, $case: undefined", ({ text }) => {
    expect(fromHex(text)).toBeUndefined();
  });
});

describe("constantTimeEqual", () => {
  test.each([
    { case: "both empty", a: "", b: "", expected: true },
    { case: "equal", a: "00ff80", b: "00ff80", expected: true },
    { case: "first byte differs", a: "01ff80", b: "00ff80", expected: false },
    { case: "last bit differs", a: "00ff80", b: "00ff81", expected: false },
    { case: "a prefix", a: "00ff", b: "00ff80", expected: false },
    { case: "a longer one", a: "00ff8000", b: "00ff80", expected: false },
  ])("$case: $expected", ({ a, b, expected }) => {
    expect(constantTimeEqual(fromHex(a)!, fromHex(b)!)).toBe(expected);
  });
});

test("randomBytes: any length, past the 65,536 bytes of one call, never the same twice", () => {
  expect(randomBytes(0)).toHaveLength(0);
  const many = randomBytes(200_000);
  expect(many).toHaveLength(200_000);
  expect(many.subarray(-1000).some((byte) => byte !== 0)).toBe(true);
  expect(randomBytes(16)).not.toEqual(randomBytes(16));
});
