import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AuthError } from "../../src/domain/error.ts";
import {
  decodeAny,
  decodeId,
  encodeId,
  generateId,
  type IdType,
  idTypes,
  isUuid,
  isValidId,
  isValidShape,
  newAuditId,
  typeOfId,
  uuidFor,
  wireId,
} from "../../src/domain/id.ts";

const hex = "0190f2a81b3c7abc8123456789abcdef";
const uuid = "0190f2a8-1b3c-7abc-8123-456789abcdef";

/** The code of the refusal, or the result if there was none. */
function codeOf(act: () => unknown): unknown {
  try {
    return { result: act() };
  } catch (error) {
    return error instanceof AuthError ? error.code : error;
  }
}

describe("encodeId: Flametrench docs/ids.md", () => {
  test.each([
    { case: "hyphenated, lower case", uuid, expected: `usr_${hex}` },
    { case: "upper case", uuid: uuid.toUpperCase(), expected: `usr_${hex}` },
    {
      case: "the nil UUID is encoded",
      uuid: "00000000-0000-0000-0000-000000000000",
      expected: `usr_${"0".repeat(32)}`,
    },
    {
      case: "the max UUID is encoded",
      uuid: "ffffffff-ffff-ffff-ffff-ffffffffffff",
      expected: `usr_${"f".repeat(32)}`,
    },
  ])("$case: $expected", ({ uuid, expected }) => {
    expect(encodeId("usr", uuid)).toBe(expected);
  });

  test.each([
    { case: "an unknown prefix with a bad UUID", type: "xyz", uuid: "no", code: "invalid_format.id_type" },
    { case: "a prefix of the prototype", type: "constructor", uuid, code: "invalid_format.id_type" },
    { case: "without hyphens", type: "usr", uuid: hex, code: "invalid_format.id" },
    { case: "one digit short", type: "usr", uuid: uuid.slice(1), code: "invalid_format.id" },
    { case: "one digit more", type: "usr", uuid: `${uuid}0`, code: "invalid_format.id" },
    { case: "a letter past f", type: "usr", uuid: uuid.replace("a", "g"), code: "invalid_format.id" },
    { case: "in braces", type: "usr", uuid: `{${uuid}}`, code: "invalid_format.id" },
    { case: "a line after it", type: "usr", uuid: `${uuid}\n`, code: "invalid_format.id" },
    { case: "empty", type: "usr", uuid: "", code: "invalid_format.id" },
  ])("$case: $code", ({ type, uuid, code }) => {
    expect(codeOf(() => encodeId(type as IdType, uuid))).toBe(code);
  });
});

/** Both decoders refuse these; `decodeId` distinguishes more faults of the prefix. */
const refused = [
  { case: "no separator", id: hex, code: "invalid_format.id_separator" },
  { case: "garbage", id: "garbage", code: "invalid_format.id_separator" },
  { case: "empty", id: "", code: "invalid_format.id_separator" },
  { case: "empty prefix", id: `_${hex}`, code: "invalid_format.id_type" },
  { case: "empty payload", id: "usr_", code: "invalid_format.id" },
  { case: "too short", id: `usr_${hex.slice(1)}`, code: "invalid_format.id" },
  { case: "too long", id: `usr_${hex}0`, code: "invalid_format.id" },
  { case: "upper-case hex", id: `usr_${hex.toUpperCase()}`, code: "invalid_format.id" },
  { case: "a letter past f", id: `usr_${hex.replace("a", "g")}`, code: "invalid_format.id" },
  { case: "hyphenated", id: `usr_${uuid}`, code: "invalid_format.id" },
  { case: "a second separator", id: `usr_usr_${hex.slice(4)}`, code: "invalid_format.id" },
  { case: "a line after it", id: `usr_${hex}\n`, code: "invalid_format.id" },
  { case: "white space before it", id: ` usr_${hex}`, code: "invalid_format.id_type" },
  { case: "fullwidth digits", id: `usr_${hex.replace("0", "０")}`, code: "invalid_format.id" },
  { case: "the nil UUID", id: `usr_${"0".repeat(32)}`, code: "invalid_format.id" },
  { case: "the max UUID", id: `usr_${"f".repeat(32)}`, code: "invalid_format.id" },
  ...["0", "9", "a", "e", "f"].map((nibble) => ({
    case: `version nibble ${nibble}`,
    id: `usr_${hex.slice(0, 12)}${nibble}${hex.slice(13)}`,
    code: "invalid_format.id",
  })),
] as const;

describe("decodeId", () => {
  test.each(["1", "2", "3", "4", "5", "6", "7", "8"])("version nibble %s: read", (nibble) => {
    const id = `usr_${hex.slice(0, 12)}${nibble}${hex.slice(13)}`;
    expect(decodeId(id)).toEqual({ type: "usr", uuid: uuid.replace("-7abc-", `-${nibble}abc-`) });
  });

  test.each(refused)("$case: $code", ({ id, code }) => {
    expect(codeOf(() => decodeId(id))).toBe(code);
    expect(codeOf(() => typeOfId(id))).toBe(code);
    expect(isValidId(id)).toBe(false);
  });

  test("the message for a missing separator says so, as the fixture pins", () => {
    expect(() => decodeId("")).toThrow(/separator/);
  });

  test.each(["xyz", "file", "flag", "not", "sub", "USR", "us", "usrs", "toString", "__proto__"])(
    "prefix %s: not registered",
    (prefix) => {
      expect(codeOf(() => decodeId(`${prefix}_${hex}`))).toBe("invalid_format.id_type");
      expect(codeOf(() => decodeId(`${prefix}_bad`))).toBe("invalid_format.id_type");
      expect(isValidId(`${prefix}_${hex}`)).toBe(false);
    },
  );
});

describe("decodeAny: every refusal has the same code", () => {
  test("an application's prefix", () => {
    expect(decodeAny(`doc_${hex}`)).toEqual({ type: "doc", uuid });
  });

  test.each(refused.filter(({ id }) => !id.startsWith(" ")))("$case: invalid_format.id", ({ id }) => {
    expect(codeOf(() => decodeAny(id))).toBe("invalid_format.id");
    expect(isValidShape(id)).toBe(false);
  });
});

describe("identifier predicates never throw", () => {
  test.each([
    { case: "its own type", id: `usr_${hex}`, type: "usr", expected: true },
    { case: "any type", id: `usr_${hex}`, type: undefined, expected: true },
    { case: "another type", id: `usr_${hex}`, type: "org", expected: false },
    { case: "a type that is a part of the prefix", id: `cred_${hex}`, type: "cre", expected: false },
  ])("$case: $expected", ({ id, type, expected }) => {
    expect(isValidId(id, type as IdType | undefined)).toBe(expected);
    expect(isValidShape(id, type)).toBe(expected);
  });

  test("any text gets an answer", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect([typeof isValidId(text), typeof isValidShape(text), typeof isUuid(text)]).toEqual(
          Array(3).fill("boolean"),
        );
      }),
    );
  });
});

describe("uuidFor: an identifier that cannot exist is not found", () => {
  test.each([
    { case: "another type", id: `org_${hex}` },
    { case: "the nil UUID", id: `usr_${"0".repeat(32)}` },
    { case: "garbage", id: "garbage" },
    { case: "a bare UUID", id: uuid },
    { case: "SQL", id: "usr_' or 1=1 --" },
  ])("$case: not_found", ({ id }) => {
    expect(codeOf(() => uuidFor("usr", id))).toBe("not_found");
  });

  test("a valid id: its UUID", () => {
    expect(uuidFor("usr", `usr_${hex}`)).toBe(uuid);
  });
});

describe("generated identifiers", () => {
  test("10,000 in a row of each kind are distinct, valid, of version 7 and increasing", () => {
    for (const type of idTypes) {
      const ids = Array.from({ length: 10_000 / idTypes.length }, () => generateId(type));
      expect(ids.every((id) => isValidId(id, type) && id.at(type.length + 13) === "7")).toBe(true);
      expect(ids).toEqual([...new Set(ids)].sort());
    }
  });

  test("audit ids of one millisecond do not count up, which would reveal activity", () => {
    const ids = Array.from({ length: 2_000 }, () => newAuditId());
    expect(new Set(ids).size).toBe(ids.length);
    const counters = ids.map((id) => Number.parseInt(id.slice(15, 18), 16));
    const stepsOfOne = counters.filter((counter, index) => index > 0 && counter - counters[index - 1]! === 1);
    // With 12 random bits, one id in 4,096 follows its neighbour; with a shared counter nearly all would.
    expect(stepsOfOne.length).toBeLessThan(20);
  });

  test("round trip of any UUID with a version: decode(encode(x)) = x", () => {
    fc.assert(
      fc.property(fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7, 8] }), fc.constantFrom(...idTypes), (value, type) => {
        const id = encodeId(type, value);
        expect(decodeId(id)).toEqual({ type, uuid: value });
        expect(wireId(type, value)).toBe(id);
        expect(uuidFor(type, id)).toBe(value);
      }),
    );
  });
});
