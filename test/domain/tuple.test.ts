import { describe, expect, test } from "vitest";
import { administratorRelation, systemObjectId, systemObjectType } from "../../src/domain/administrator.ts";
import { AuthError } from "../../src/domain/error.ts";
import { requireEntityId, requireEntityType, requireRelation } from "../../src/domain/tuple.ts";

const hex = "0190f2a81b3c7abc8123456789abcdef";
const uuid = "0190f2a8-1b3c-7abc-8123-456789abcdef";

function codeOf(act: () => unknown): unknown {
  try {
    return { result: act() };
  } catch (error) {
    return error instanceof AuthError ? error.code : error;
  }
}

describe("relations and types: Flametrench docs/authorization.md", () => {
  test.each(["ab", "viewer", "list_members", "__", "a".repeat(32)])("the relation %s: accepted", (relation) => {
    expect(requireRelation(relation)).toBe(relation);
  });
  test.each(["", "a", "a".repeat(33), "Viewer", "can-view", "view1", "view er", "viewer\n", "vïewer"])(
    "the relation %j: refused",
    (relation) => {
      expect(codeOf(() => requireRelation(relation))).toBe("invalid_format.relation");
    },
  );
  test.each(["us", "usr", "doc", "abcdef"])("the type %s: accepted", (type) => {
    expect(requireEntityType(type, "object")).toBe(type);
  });
  test.each(["", "u", "project", "Doc", "do_c", "doc1", "doc\n"])(
    "the type %j: refused, and says which side",
    (type) => {
      expect(codeOf(() => requireEntityType(type, "object"))).toBe("invalid_format.object_type");
      expect(codeOf(() => requireEntityType(type, "subject"))).toBe("invalid_format.subject_type");
    },
  );
});

describe("entity identifiers", () => {
  test.each([
    { case: "a bare UUID", type: "doc", id: uuid, expected: uuid },
    { case: "in upper case", type: "doc", id: uuid.toUpperCase(), expected: uuid },
    { case: "without hyphens", type: "doc", id: hex, expected: hex },
    { case: "in wire form", type: "doc", id: `doc_${hex}`, expected: uuid },
    { case: "a user in wire form", type: "usr", id: `usr_${hex}`, expected: uuid },
  ])("$case: accepted", ({ type, id, expected }) => {
    expect(requireEntityId(type, id, "object")).toBe(expected);
  });

  test.each([
    { case: "another type's prefix", type: "doc", id: `usr_${hex}` },
    { case: "a prefix in upper case", type: "doc", id: `DOC_${hex}` },
    { case: "the nil UUID", type: "doc", id: "00000000-0000-0000-0000-000000000000" },
    { case: "the nil UUID in wire form", type: "doc", id: `doc_${"0".repeat(32)}` },
    { case: "the max UUID", type: "doc", id: "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF" },
    { case: "upper-case hex in wire form", type: "doc", id: `doc_${hex.toUpperCase()}` },
    { case: "two prefixes", type: "doc", id: `doc_doc_${hex}` },
    { case: "no prefix before the underscore", type: "", id: `_${hex}` },
    { case: "too short", type: "doc", id: uuid.slice(1) },
    { case: "in braces", type: "doc", id: `{${uuid}}` },
    { case: "text", type: "doc", id: "readme" },
    { case: "empty", type: "doc", id: "" },
    { case: "a line after it", type: "doc", id: `${uuid}\n` },
  ])("$case: refused, and says which side", ({ type, id }) => {
    expect(codeOf(() => requireEntityId(type, id, "object"))).toBe("invalid_format.object_id");
    expect(codeOf(() => requireEntityId(type, id, "subject"))).toBe("invalid_format.subject_id");
  });

  test("S06: the reserved object is one that tuples can name", () => {
    expect(requireRelation(administratorRelation)).toBe("administrator");
    expect(requireEntityId(requireEntityType(systemObjectType, "object"), systemObjectId, "object")).toBe(
      systemObjectId,
    );
  });
});
