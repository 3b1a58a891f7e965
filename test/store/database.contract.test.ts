import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DatabaseError } from "../../src/store/drivers/database-error.ts";
import { markPlace } from "../../src/store/refusals.ts";
import { type Database, type SqlValue, type Statement, sql } from "../../src/store/sql.ts";
import { type Backend, backend, backendNames } from "../support/databases.ts";
import { everythingIn, failure, schema } from "../support/driver-failures.ts";

describe.each(backendNames)("%s", (name) => {
  let opened: Backend;
  let database: Database;

  beforeAll(async () => {
    opened = await backend(name);
    database = opened.database;
    await database.batch(schema);
  });
  afterAll(() => opened.close());

  const value = async (statement: Statement<unknown>): Promise<unknown> =>
    ((await database.run(statement)) as { value: unknown }[])[0]?.value;

  describe("values round-trip", () => {
    test.each<{
      case: string;
      statement: (value: SqlValue) => Statement<unknown>;
      given: SqlValue;
      expected?: unknown;
    }>([
      { case: "text", statement: (v) => sql`select ${v}::text as value`, given: "ä\"'\\ 日本 🔑 $1 \n {}" },
      { case: "empty text", statement: (v) => sql`select ${v}::text as value`, given: "" },
      { case: "text NULL", statement: (v) => sql`select ${v}::text as value`, given: "NULL" },
      { case: "null", statement: (v) => sql`select ${v}::text as value`, given: null },
      { case: "int4", statement: (v) => sql`select ${v}::int4 as value`, given: 2147483647 },
      { case: "negative int4", statement: (v) => sql`select ${v}::int4 as value`, given: -2147483648 },
      { case: "number as text", statement: (v) => sql`select ${v}::text as value`, given: 7, expected: "7" },
      { case: "fraction", statement: (v) => sql`select ${v}::float8 as value`, given: 0.1 },
      { case: "true", statement: (v) => sql`select ${v}::boolean as value`, given: true },
      { case: "false", statement: (v) => sql`select ${v}::boolean as value`, given: false },
      { case: "true as text", statement: (v) => sql`select ${v}::text as value`, given: true, expected: "true" },
      { case: "null boolean", statement: (v) => sql`select ${v}::boolean as value`, given: null },
      ...["2026-11-22T05:00:00.001Z", "1999-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000Z", "+012026-01-01T00:00:00Z"]
        .map((text) => new Date(text))
        .map((given) => ({
          case: `timestamptz ${given.toISOString()}`,
          statement: (v: SqlValue) => sql`select ${v}::timestamptz as value`,
          given,
        })),
      {
        case: "microseconds are cut",
        statement: (v) => sql`select ${v}::timestamptz as value`,
        given: "2026-11-22 05:00:00.999999+00",
        expected: new Date("2026-11-22T05:00:00.999Z"),
      },
      {
        case: "before Christ",
        statement: (v) => sql`select ${v}::timestamptz as value`,
        given: "0044-03-15 12:00:00+00 BC",
        expected: new Date("-000043-03-15T12:00:00Z"),
      },
      {
        case: "infinity",
        statement: (v) => sql`select ${v}::timestamptz as value`,
        given: "infinity",
        expected: new Date(8.64e15),
      },
      {
        case: "jsonb",
        statement: (v) => sql`select ${v}::jsonb as value`,
        given: '{"a": [1, null, "x\\u00e4"], "b": {"c": true}}',
        expected: { a: [1, null, "xä"], b: { c: true } },
      },
      { case: "jsonb null", statement: (v) => sql`select ${v}::jsonb as value`, given: "null", expected: null },
      { case: "text[]", statement: (v) => sql`select ${v}::text[] as value`, given: ["a", "b c"] },
      { case: "empty text[]", statement: (v) => sql`select ${v}::text[] as value`, given: [] },
      {
        case: "text[] of hard items",
        statement: (v) => sql`select ${v}::text[] as value`,
        given: ["", "NULL", "null", 'q"q', "b\\s", "c,omma", "{x}", " sp ", "new\nline", "日本", "\\", '"'],
      },
      { case: "null text[]", statement: (v) => sql`select ${v}::text[] as value`, given: null },
      {
        case: "text[] with null inside",
        statement: () => sql`select array['a', null]::text[] as value`,
        given: null,
        expected: ["a", null],
      },
      {
        case: "uuid",
        statement: (v) => sql`select ${v}::uuid as value`,
        given: "0190f9a4-7c3e-7b3c-8f1e-0123456789ab",
      },
      {
        case: "uuid[]",
        statement: (v) => sql`select ${v}::uuid[] as value`,
        given: ["0190f9a4-7c3e-7b3c-8f1e-0123456789ab"],
      },
      {
        case: "bytes as hex",
        statement: (v) => sql`select encode(decode(${v}, 'hex'), 'hex') as value`,
        given: "00ff10",
      },
    ])("$case", async ({ statement, given, expected = given }) => {
      expect(await value(statement(given))).toEqual(expected);
    });

    test("every millisecond of a second is exact", async () => {
      const rows = await database.run(sql<{ at: Date; ms: number }>`
        select ms, '2026-11-22 05:00:00+00'::timestamptz + make_interval(secs => ms / 1000.0) as at
        from generate_series(0, 999) as ms`);
      const start = Date.parse("2026-11-22T05:00:00Z");
      expect(rows.map(({ at }) => at.getTime() - start)).toEqual(rows.map(({ ms }) => ms));
    });

    test("rows are named by alias, in order, and an empty result has none", async () => {
      expect(await database.run(sql`select n as "rowNumber" from generate_series(1, 3) as n`)).toEqual([
        { rowNumber: 1 },
        { rowNumber: 2 },
        { rowNumber: 3 },
      ]);
      expect(await database.run(sql`select 1 as one where false`)).toEqual([]);
      expect(await database.run(sql`update thing set size = 1 where false`)).toEqual([]);
    });
  });

  describe("invalid calls are refused before anything is sent", () => {
    test.each([
      ["not a number", Number.NaN],
      ["infinite", Number.POSITIVE_INFINITY],
      ["an invalid date", new Date(Number.NaN)],
    ])("%s: RangeError", async (_case, given) => {
      await expect(database.run(sql`select ${given}::text as value`)).rejects.toThrow(RangeError);
    });
  });

  describe("batch", () => {
    test("returns each statement's rows, in order", async () => {
      const results = await database.batch([
        sql`insert into thing (id, name) values (1, 'one') returning id`,
        sql`update thing set size = 5 where id = 1`,
        sql`select name, size from thing where id = 1`,
      ]);
      expect(results).toEqual([[{ id: 1 }], [], [{ name: "one", size: 5 }]]);
    });

    test("an empty batch does nothing", async () => {
      expect(await database.batch([])).toEqual([]);
    });

    test("leaves nothing when a later statement fails", async () => {
      const error = await failure(
        database.batch([sql`insert into thing (id) values (2)`, sql`select 1 / ${0}::int4 as boom`]),
      );
      expect(error.code).toBe("22012");
      expect(await database.run(sql`select id from thing where id = 2`)).toEqual([]);
    });

    test("leaves nothing when the commit fails", async () => {
      const error = await failure(
        database.batch([sql`insert into thing (id) values (3)`, sql`insert into part (id, thing_id) values (1, 999)`]),
      );
      expect(error.code).toBe("23503");
      expect(await database.run(sql`select id from thing where id = 3`)).toEqual([]);
    });

    test("is READ COMMITTED, whatever the database's default is", async () => {
      await database.run(sql`select set_config('default_transaction_isolation', 'serializable', false)`);
      const [rows] = await database.batch([sql`select current_setting('transaction_isolation') as level`]);
      expect(rows).toEqual([{ level: "read committed" }]);
      await database.run(sql`select set_config('default_transaction_isolation', 'read committed', false)`);
    });

    test("works again after a failure", async () => {
      await failure(database.batch([sql`select 1 / ${0}::int4 as boom`]));
      expect(await database.batch([sql`select 1 as one`])).toEqual([[{ one: 1 }]]);
    });
  });

  describe("refusals and violations", () => {
    test.each([
      { case: "unmarked", mark: [], table: "" },
      { case: "in its place", mark: [markPlace(2)], table: "2" },
    ])(
      "a refusal carries its code as the constraint and its place as the table, and undoes the batch: $case",
      async (row) => {
        const error = await failure(
          database.batch([
            sql`insert into thing (id) values (4)`,
            ...row.mark,
            sql`select sallyport_refuse(${"conflict.sole_owner"}) as refused`,
          ]),
        );
        expect(error).toBeInstanceOf(DatabaseError);
        expect({ code: error.code, constraint: error.constraint, table: error.table }).toEqual({
          code: "SP001",
          constraint: "conflict.sole_owner",
          table: row.table,
        });
        expect(await database.run(sql`select id from thing where id = 4`)).toEqual([]);
        // The mark ends with its transaction.
        expect(await failure(database.run(sql`select sallyport_refuse('not_found')`))).toMatchObject({ table: "" });
      },
    );

    test.each([
      {
        case: "unique",
        statement: sql`insert into thing (id, name) values (50, 'secret-row'), (51, 'secret-row')`,
        expected: { code: "23505", table: "thing", constraint: "thing_name_key" },
      },
      {
        case: "check",
        statement: sql`insert into thing (id, name, size) values (52, ${"secret-parameter"}, -1)`,
        expected: { code: "23514", table: "thing", constraint: "thing_size" },
      },
      {
        case: "not null",
        statement: sql`insert into thing (id, name) values (null, ${"secret-parameter"})`,
        expected: { code: "23502", table: "thing", constraint: undefined },
      },
      {
        case: "malformed value",
        statement: sql`select ${"secret-parameter"}::text::int4 as value`,
        expected: { code: "22P02", table: undefined, constraint: undefined },
      },
      {
        case: "missing table",
        statement: sql`select ${"secret-parameter"}::text from nowhere`,
        expected: { code: "42P01", table: undefined, constraint: undefined },
      },
      {
        case: "two statements in one",
        statement: sql`select 1; select 2`,
        expected: { code: "42601", table: undefined, constraint: undefined },
      },
    ])("$case: $expected.code", async ({ statement, expected }) => {
      for (const request of [() => database.run(statement), () => database.batch([statement])]) {
        const error = await failure(request());
        expect(error).toBeInstanceOf(DatabaseError);
        expect({ code: error.code, table: error.table, constraint: error.constraint }).toEqual(expected);
        expect(everythingIn(error)).not.toMatch(/secret-row|secret-parameter/);
      }
    });

    test("the error for a mistake in a statement explains it", async () => {
      expect((await failure(database.run(sql`select 1 from nowhere`))).message).toContain('"nowhere" does not exist');
    });
  });

  test("forty requests at once: all are answered", async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => value(sql`select ${n}::int4 as value`)));
    expect(answers).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });
});
