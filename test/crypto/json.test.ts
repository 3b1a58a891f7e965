import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joinBytes, utf8 } from "../../src/crypto/bytes.ts";
import { membersOf, parseStrictJson, partsOf } from "../../src/crypto/json.ts";

const read = (text: string | Uint8Array) => parseStrictJson(typeof text === "string" ? utf8(text) : text).value;

describe("parseStrictJson", () => {
  test.each([
    ["null", null],
    ["true", true],
    ["0", 0],
    ['""', ""],
    ['":::"', ":::"],
    ['"\\":\\""', '":"'],
    ['"\\\\"', "\\"],
    ['{"\\\\":1,"\\"":2,":":3}', { "\\": 1, '"': 2, ":": 3 }],
    ['[{"a":1},{"a":1}]', [{ a: 1 }, { a: 1 }]],
    ['{"a":{"a":{"a":":"}}}', { a: { a: { a: ":" } } }],
    [" \t\r\n{ } \n", {}],
    ['"\ud83d\ude00"', "\ud83d\ude00"],
    ['{"":0}', { "": 0 }],
  ])("%s is read", (text, value) => {
    expect(read(text)).toEqual(value);
  });

  test.each([
    ["nothing", ""],
    ["a byte order mark", "\ufeff{}"],
    ["a name twice", '{"a":1,"a":2}'],
    ["a name twice, with equal values", '{"a":1,"a":1}'],
    ["a name twice, once escaped", '{"a":1,"\\u0061":1}'],
    ["a name twice, with others between", '{"a":1,"b":{"a":1},"a":[]}'],
    ["a name twice, deep within", '[[{"x":[{"a":1,"a":1}]}]]'],
    ["a name twice, with colons in texts", '{":":":",":":":"}'],
    ["the empty name twice", '{"":1,"":1}'],
    ["__proto__ twice", '{"__proto__":1,"__proto__":2}'],
    ["a comma at the end", '{"a":1,}'],
    ["two values", "{}{}"],
    ["a comment", "{}//"],
    ["a number with a zero before it", "01"],
    ["NaN", "NaN"],
    ["an unclosed text", '"a'],
    ["a line end in a text", '"\n"'],
    ["an unknown escape", '"\\x41"'],
  ])("%s is refused", (_name, text) => {
    expect(() => read(text)).toThrow(SyntaxError);
  });

  test.each([
    ["a byte that never occurs", [0xff]],
    ["an overlong form", [0xc0, 0xaf]],
    ["half a surrogate pair", [0xed, 0xa0, 0x80]],
    ["a character over U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["half a character", [0xe2, 0x82]],
  ])("UTF-8 with %s is refused", (_name, bytes) => {
    expect(() => read(joinBytes(utf8('"'), new Uint8Array(bytes), utf8('"')))).toThrow(TypeError);
  });

  test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"])(
    "B38: the name %s is seen",
    (name) => {
      expect(parseStrictJson(utf8(`[{"a":{"${name}":1}}]`)).hasInheritedName).toBe(true);
      expect(parseStrictJson(utf8(`{"a":"${name}"}`)).hasInheritedName).toBe(false);
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    },
  );

  test("every value that JSON.stringify writes is read back, whatever its texts", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(4), (value, indent) => {
        expect(read(JSON.stringify(value, null, indent))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 1_000 },
    );
  });

  test("a name that is repeated at any depth is refused", () => {
    const text = fc.string({ unit: "grapheme" });
    fc.assert(
      fc.property(text, fc.jsonValue(), fc.jsonValue(), fc.nat(20), (name, one, other, depth) => {
        const member = JSON.stringify(name);
        const twice = `{${member}:${JSON.stringify(one)},${member}:${JSON.stringify(other)}}`;
        expect(() => read("[".repeat(depth) + twice + "]".repeat(depth))).toThrow(SyntaxError);
      }),
      { numRuns: 500 },
    );
  });

  test("brackets a hundred thousand deep: read without a stack", () => {
    const depth = 100_000;
    try {
      expect(partsOf(read("[".repeat(depth) + "]".repeat(depth)))).toHaveLength(depth);
    } catch (error) {
      // The runtime's own parser may refuse the depth.
      expect(error).toBeInstanceOf(RangeError);
    }
  });
});

describe("membersOf", () => {
  test.each([[null], [undefined], [1], ["a"], [[]], [true]])("%j has no members", (value) => {
    expect(membersOf(value)).toBeUndefined();
  });

  test("no name is inherited", () => {
    const members = membersOf(JSON.parse('{"a":1}'))!;
    expect([members.get("a"), members.get("toString"), members.has("__proto__")]).toEqual([1, undefined, false]);
  });
});
