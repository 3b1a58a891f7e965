import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/crypto/bytes.ts";
import { type CborValue, decodeCbor, decodeFirstCbor } from "../../../src/domain/webauthn/cbor.ts";
import { cbor, flipBit, hex, join } from "./encode.ts";

const repeat = (bytes: string, times: number) => hex(bytes.repeat(times));

describe("CBOR accepted", () => {
  test.each<{ text: string; value: CborValue }>([
    { text: "00", value: 0 },
    { text: "17", value: 23 },
    { text: "1818", value: 24 },
    { text: "1903e8", value: 1000 },
    { text: "1a000f4240", value: 1_000_000 },
    { text: "1b001fffffffffffff", value: Number.MAX_SAFE_INTEGER },
    { text: "20", value: -1 },
    { text: "390100", value: -257 },
    { text: "3b001ffffffffffffe", value: -Number.MAX_SAFE_INTEGER },
    { text: "40", value: new Uint8Array() },
    { text: "4401020304", value: new Uint8Array([1, 2, 3, 4]) },
    { text: "62c3bc", value: "ü" },
    { text: "63efbbbf", value: "\ufeff" },
    { text: "f4", value: false },
    { text: "f5", value: true },
    { text: "f6", value: null },
    { text: "8301820203820405", value: [1, [2, 3], [4, 5]] },
    {
      text: "a201020304",
      value: new Map([
        [1, 2],
        [3, 4],
      ]),
    },
    {
      text: "a20163616263613102",
      value: new Map<number | string, CborValue>([
        [1, "abc"],
        ["1", 2],
      ]),
    },
    { text: "a1695f5f70726f746f5f5f01", value: new Map([["__proto__", 1]]) },
    { text: "1800", value: 0 }, // longer than necessary, which a relying party may accept
  ])("$text", ({ text, value }) => {
    expect(decodeCbor(hex(text))).toEqual(value);
  });
});

describe("CBOR refused", () => {
  test.each([
    { case: "nothing", bytes: hex("") },
    { case: "a trailing byte", bytes: hex("0000") },
    { case: "an integer beyond 2^53", bytes: hex("1b0020000000000000") },
    { case: "the largest integer", bytes: hex("1bffffffffffffffff") },
    { case: "a negative integer beyond -2^53", bytes: hex("3b001fffffffffffff") },
    { case: "a reserved length", bytes: hex("1c") },
    { case: "an indefinite byte string", bytes: hex("5f4101ff") },
    { case: "an indefinite text", bytes: hex("7f6161ff") },
    { case: "an indefinite array", bytes: hex("9f01ff") },
    { case: "an indefinite map", bytes: hex("bf0102ff") },
    { case: "a break on its own", bytes: hex("ff") },
    { case: "a tag", bytes: hex("c000") },
    { case: "a bignum", bytes: hex("c2420100") },
    { case: "half precision", bytes: hex("f93c00") },
    { case: "single precision", bytes: hex("fa47c35000") },
    { case: "double precision", bytes: hex("fb3ff199999999999a") },
    { case: "undefined", bytes: hex("f7") },
    { case: "another simple value", bytes: hex("f0") },
    { case: "true in two bytes", bytes: hex("f815") },
    { case: "text that is not UTF-8", bytes: hex("61ff") },
    { case: "text with a surrogate", bytes: hex("63eda080") },
    { case: "the same key twice", bytes: hex("a201020103") },
    { case: "the same key in two lengths", bytes: hex("a20102180103") },
    { case: "the same text key twice", bytes: hex("a2616101616102") },
    { case: "a byte string as a key", bytes: hex("a1410101") },
    { case: "an array as a key", bytes: hex("a18001") },
    { case: "a boolean as a key", bytes: hex("a1f401") },
    { case: "a map with a key and no value", bytes: hex("a101") },
    { case: "a byte string of 4 GiB", bytes: hex("5affffffff00") },
    { case: "a byte string of 2^53 bytes", bytes: hex("5b001fffffffffffff00") },
    { case: "a text of 2^64 bytes", bytes: hex("7bffffffffffffffff00") },
    { case: "an array of 4 billion", bytes: hex("9affffffff") },
    { case: "a map of 4 billion", bytes: hex("baffffffff") },
    { case: "ten arrays deep", bytes: join(repeat("81", 10), hex("00")) },
    { case: "a hundred thousand arrays deep", bytes: repeat("81", 100_000) },
    { case: "a hundred thousand maps deep", bytes: repeat("a100", 100_000) },
  ])("$case", ({ case: name, bytes }) => {
    expect(decodeCbor(bytes)).toBeUndefined();
    if (name !== "a trailing byte") expect(decodeFirstCbor(bytes)).toBeUndefined();
  });

  test("eight levels are read, nine are refused", () => {
    expect(decodeCbor(join(repeat("81", 8), hex("00")))).toBeDefined();
    expect(decodeCbor(join(repeat("81", 9), hex("00")))).toBeUndefined();
  });
});

const sample = new Map<string, CborValue>([
  ["fmt", "packed"],
  [
    "attStmt",
    new Map<string, CborValue>([
      ["alg", -7],
      ["sig", new Uint8Array(300)],
      ["x5c", [new Uint8Array(9), null]],
    ]),
  ],
  ["authData", new Uint8Array(70_000)],
  ["flags", [true, false, -1, 1_000_000, "ü"]],
]);

test("CBOR round trip; cut short anywhere or with an extra byte: refused", () => {
  const bytes = cbor(sample);
  expect(decodeCbor(bytes)).toEqual(sample);
  for (let length = 0; length < bytes.length; length += length < 400 || length > bytes.length - 40 ? 1 : 977) {
    expect(decodeCbor(bytes.slice(0, length)), `${length}`).toBeUndefined();
    expect(decodeFirstCbor(bytes.slice(0, length)), `${length}`).toBeUndefined();
  }
  expect(decodeCbor(join(bytes, hex("00")))).toBeUndefined();
  expect(decodeFirstCbor(join(bytes, hex("00")))).toEqual({ value: sample, length: bytes.length });
});

test("CBOR with any bit flipped: another value or a refusal, never an exception", () => {
  const bytes = cbor(
    new Map<string, CborValue>([
      ["fmt", "packed"],
      ["a", [1, -2, true, new Uint8Array(5), "é"]],
    ]),
  );
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const value = decodeCbor(flipBit(bytes, at, bit));
      expect(value).not.toEqual(decodeCbor(bytes));
    }
  }
});

describe("RFC 8949 appendix A", () => {
  const upTo25 = Array.from({ length: 25 }, (_, index) => index + 1);
  const read: [bytes: string, value: unknown][] = [
    ["00", 0],
    ["01", 1],
    ["0a", 10],
    ["17", 23],
    ["1818", 24],
    ["1819", 25],
    ["1864", 100],
    ["1903e8", 1000],
    ["1a000f4240", 1_000_000],
    ["1b000000e8d4a51000", 1_000_000_000_000],
    ["20", -1],
    ["29", -10],
    ["3863", -100],
    ["3903e7", -1000],
    ["f4", false],
    ["f5", true],
    ["f6", null],
    ["40", ""],
    ["4401020304", "01020304"],
    ["60", ""],
    ["6161", "a"],
    ["6449455446", "IETF"],
    ["62225c", '"\\'],
    ["62c3bc", "\u00fc"],
    ["63e6b0b4", "\u6c34"],
    ["64f0908591", "\ud800\udd51"],
    ["80", []],
    ["83010203", [1, 2, 3]],
    ["8301820203820405", [1, [2, 3], [4, 5]]],
    ["98190102030405060708090a0b0c0d0e0f101112131415161718181819", upTo25],
    ["a0", {}],
    ["a201020304", { 1: 2, 3: 4 }],
    ["a26161016162820203", { a: 1, b: [2, 3] }],
    ["826161a161626163", ["a", { b: "c" }]],
    ["a56161614161626142616361436164614461656145", { a: "A", b: "B", c: "C", d: "D", e: "E" }],
  ];

  test.each(read)("%s is read", (bytes, value) => {
    expect(toPlain(decodeCbor(hex(bytes))!)).toEqual(value);
  });

  test.each([
    { what: "64-bit integers", rows: "1bffffffffffffffff 3bffffffffffffffff" },
    { what: "bignums", rows: "c249010000000000000000 c349010000000000000000" },
    { what: "half precision", rows: "f90000 f98000 f93c00 f93e00 f97bff f90001 f90400 f9c400 f97c00 f97e00 f9fc00" },
    { what: "single precision", rows: "fa47c35000 fa7f7fffff fa7f800000 fa7fc00000 faff800000" },
    {
      what: "double precision",
      rows:
        "fb3ff199999999999a fb7e37e43c8800759c fbc010666666666666 fb7ff0000000000000 fb7ff8000000000000 " +
        "fbfff0000000000000",
    },
    { what: "simple values", rows: "f7 f0 f818 f8ff" },
    {
      what: "tags",
      rows:
        "c074323031332d30332d32315432303a30343a30305a c11a514b67b0 c1fb41d452d9ec200000 d74401020304 " +
        "d818456449455446 d82076687474703a2f2f7777772e6578616d706c652e636f6d",
    },
    {
      what: "indefinite lengths",
      rows:
        "5f42010243030405ff 7f657374726561646d696e67ff 9fff 9f018202039f0405ffff 9f01820203820405ff " +
        "83018202039f0405ff 83019f0203ff820405 9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff " +
        "bf61610161629f0203ffff 826161bf61626163ff bf6346756ef563416d7421ff",
    },
  ])("$what are refused", ({ rows }) => {
    for (const row of rows.split(" ")) expect(decodeCbor(hex(row)), row).toBeUndefined();
  });
});

/** Maps as objects, and byte strings in hexadecimal. */
function toPlain(value: CborValue): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, member]) => [String(key), toPlain(member)]));
  return Array.isArray(value) ? value.map(toPlain) : value;
}
