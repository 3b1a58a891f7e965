import { describe, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";

const at = new Date("2026-11-22T05:00:00.123Z");

describe("a statement is text and parameters", () => {
  test.each([
    { case: "no values", statement: sql`select 1`, text: "select 1", params: [] },
    { case: "one value", statement: sql`select ${"a"}`, text: "select $1", params: ["a"] },
    {
      case: "one of each kind",
      statement: sql`values (${"a"}, ${1}, ${true}, ${at}, ${null}, ${["a", "b"]})`,
      text: "values ($1, $2, $3, $4, $5, $6)",
      params: ["a", 1, true, at, null, ["a", "b"]],
    },
    {
      case: "a value that looks like SQL",
      statement: sql`select ${"$1; drop table usr --"}`,
      text: "select $1",
      params: ["$1; drop table usr --"],
    },
    { case: "the same value twice", statement: sql`${1} + ${1}`, text: "$1 + $2", params: [1, 1] },
    { case: "an empty list", statement: sql`${[]}`, text: "$1", params: [[]] },
  ])("$case: $text", ({ statement, text, params }) => {
    expect({ text: statement.text, params: statement.params }).toEqual({ text, params });
  });
});

describe("a nested statement is inlined and renumbered", () => {
  const live = sql`status = ${"active"} and expires_at > ${at}`;

  test.each([
    { case: "empty", statement: sql`select 1${sql``}`, text: "select 1", params: [] },
    {
      case: "first",
      statement: sql`${live} and id = ${"x"}`,
      text: "status = $1 and expires_at > $2 and id = $3",
      params: ["active", at, "x"],
    },
    {
      case: "between values",
      statement: sql`select ${1} where ${live} limit ${2}`,
      text: "select $1 where status = $2 and expires_at > $3 limit $4",
      params: [1, "active", at, 2],
    },
    {
      case: "twice",
      statement: sql`${live} or ${live}`,
      text: "status = $1 and expires_at > $2 or status = $3 and expires_at > $4",
      params: ["active", at, "active", at],
    },
    {
      case: "inside another",
      statement: sql`${0} ${sql`(${live})`} ${9}`,
      text: "$1 (status = $2 and expires_at > $3) $4",
      params: [0, "active", at, 9],
    },
  ])("$case: $text", ({ statement, text, params }) => {
    expect({ text: statement.text, params: statement.params }).toEqual({ text, params });
  });

  test("nesting does not change the nested statement", () => {
    const before = live.text;
    sql`${1} ${live}`;
    expect(live.text).toBe(before);
  });
});

describe("other text in a statement", () => {
  test.each([
    ["an object shaped like a statement", { text: "drop table usr", params: [] }],
    ["a copy of a statement", { ...sql`select 1` }],
    ["undefined", undefined],
    ["a bigint", 1n],
    ["bytes", new Uint8Array(2)],
    ["a list with a number", ["a", 1]],
    ["a list with null", ["a", null]],
    ["a function", () => "drop table usr"],
    ["a symbol", Symbol("x")],
  ])("%s: refused", (_case, value: unknown) => {
    expect(() => sql`select ${value as string}`).toThrow(TypeError);
  });
});
