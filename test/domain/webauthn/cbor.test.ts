import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/crypto/bytes.ts";
import { type CborValue, decodeCbor, decodeFirstCbor } from "../../../src/domain/webauthn/cbor.ts";
import { cbor, flipBit, hex, join } from "./encode.ts";
import { sharedVectors } from "./vectors.ts";

const repeat = (bytes: string, times: number) => hex(bytes.repeat(times));

describe("what it reads", () => {
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
    { text: "1800", value: 0 }, // longer than it need be, which the relying party may not mind
  ])("$text", ({ text, value }) => {
    expect(decodeCbor(hex(text))).toEqual(value);
  });
});

describe("what it refuses", () => {
  test.each([
    { case: "nothing", bytes: hex("") },
    { case: "a byte left over", bytes: hex("0000") },
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
    if (name !== "a byte left over") expect(decodeFirstCbor(bytes)).toBeUndefined();
  });

  test("a nesting of eight is read, of nine is not", () => {
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

test("what one writes the other reads; cut short anywhere or with a byte more it is refused", () => {
  const bytes = cbor(sample);
  expect(decodeCbor(bytes)).toEqual(sample);
  for (let length = 0; length < bytes.length; length += length < 400 || length > bytes.length - 40 ? 1 : 977) {
    expect(decodeCbor(bytes.slice(0, length)), `${length}`).toBeUndefined();
    expect(decodeFirstCbor(bytes.slice(0, length)), `${length}`).toBeUndefined();
  }
  expect(decodeCbor(join(bytes, hex("00")))).toBeUndefined();
  expect(decodeFirstCbor(join(bytes, hex("00")))).toEqual({ value: sample, length: bytes.length });
});

test("any bit turned over gives another value or none, and never throws", () => {
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

interface AppendixRow {
  readonly hex: string;
  /** Missing for what JSON cannot say: of ours, byte strings and maps with integer keys. */
  readonly decoded?: unknown;
}

/** 64-bit integers, tags, simple values, floating point, indefinite lengths, and what has one of these inside. */
const notOurs = /^(1bff|3bff|[cd]|f[0789ab]|5f|7f|9f|bf|83019f)|ff$/;

test("RFC 8949 appendix A: integers, strings, arrays and maps are read, and nothing else", () => {
  const rows = (sharedVectors().get("vectors/cbor/appendix_a.json") ?? []) as AppendixRow[];
  const read = rows.filter(({ hex: text }) => !notOurs.test(text));
  for (const { hex: text, decoded } of read) {
    const value = decodeCbor(hex(text));
    expect(value, text).toBeDefined();
    if (decoded !== undefined) expect(toPlain(value!), text).toEqual(decoded);
  }
  for (const { hex: text } of rows.filter((row) => !read.includes(row)))
    expect(decodeCbor(hex(text)), text).toBeUndefined();
  expect([0, 35]).toContain(read.length);
});

/** As the file writes it: maps as objects, and byte strings not at all. */
function toPlain(value: CborValue): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, member]) => [String(key), toPlain(member)]));
  return Array.isArray(value) ? value.map(toPlain) : value;
}
