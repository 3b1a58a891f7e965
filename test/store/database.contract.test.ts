import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import type { NeonFault } from "../../src/runtime/neon-proxy.node.ts";
import { DatabaseError } from "../../src/store/drivers/database-error.ts";
import { neon } from "../../src/store/drivers/neon.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import { DatabaseUnreachableError } from "../../src/store/drivers/unreachable.ts";
import { type Database, type SqlValue, type Statement, sql } from "../../src/store/sql.ts";
import { type Backend, type BackendName, type BackendOptions, backend, backendNames } from "../support/databases.ts";

/** What the request failed with. */
async function failure(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error)) throw new Error("The request did not fail.");
  return outcome as Error & Record<string, unknown>;
}

/** All that a logger could print of an error. */
function everythingIn(error: Error): string {
  const own = Object.fromEntries(Object.getOwnPropertyNames(error).map((name) => [name, Reflect.get(error, name)]));
  return JSON.stringify({ ...own, stack: error.stack, text: String(error), cause: error.cause });
}

const schema: readonly Statement[] = [
  sql`create table thing (id int4 primary key, name text unique, size int4 constraint thing_size check (size > 0))`,
  sql`create table part (id int4, thing_id int4 references thing deferrable initially deferred)`,
];

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

  describe("values come back as they went in", () => {
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

  describe("what the caller got wrong is said before anything is sent", () => {
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

    test("an empty one does nothing", async () => {
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
    test("a refusal carries its code as the constraint, and undoes the batch", async () => {
      const error = await failure(
        database.batch([
          sql`insert into thing (id) values (4)`,
          sql`select sallyport_refuse(${"conflict.sole_owner"}) as refused`,
        ]),
      );
      expect(error).toBeInstanceOf(DatabaseError);
      expect({ code: error.code, constraint: error.constraint, table: error.table }).toEqual({
        code: "SP001",
        constraint: "conflict.sole_owner",
        table: undefined,
      });
      expect(await database.run(sql`select id from thing where id = 4`)).toEqual([]);
    });

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

    test("a statement's own mistake is explained", async () => {
      expect((await failure(database.run(sql`select 1 from nowhere`))).message).toContain('"nowhere" does not exist');
    });
  });

  test("forty requests at once are all answered", async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => value(sql`select ${n}::int4 as value`)));
    expect(answers).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });
});

describe.each(["pglite-over-neon", "postgres-over-neon"] as const)("%s, when the reply is lost or is none", (name) => {
  let opened: Backend;
  let fault: NeonFault | undefined;

  beforeAll(async () => {
    opened = await backend(name, { faults: () => fault });
    await opened.database.batch(schema);
  });
  afterAll(() => opened.close());

  /** Sends one request of which the client sees the fault. */
  const failing = async (shown: NeonFault, send: () => Promise<unknown>): Promise<Error> => {
    fault = shown;
    const error = await failure(send());
    fault = undefined;
    return error;
  };

  test.each<{ shown: NeonFault; isDone: boolean }>([
    { shown: "500", isDone: false },
    { shown: "drop-before", isDone: false },
    { shown: "drop-after-commit", isDone: true },
    { shown: "garbage", isDone: true },
  ])("$shown: unreachable, without a code; done: $isDone", async ({ shown, isDone }) => {
    const { database, connectionString } = opened;
    const insert = (id: number): Statement => sql`insert into thing (id) values (${id}::int4)`;
    const sends: [number, () => Promise<unknown>][] = [
      [1, () => database.run(insert(1))],
      [2, () => database.batch([insert(2)])],
    ];
    for (const [id, send] of sends) {
      await database.run(sql`delete from thing where id = ${id}::int4`);
      const error = await failing(shown, send);
      expect(error).toBeInstanceOf(DatabaseUnreachableError);
      expect("code" in error).toBe(false);
      expect(everythingIn(error)).not.toContain(new URL(connectionString!).password);
      expect(await database.run(sql`select id from thing where id = ${id}::int4`)).toHaveLength(isDone ? 1 : 0);
    }
  });

  test("later than the deadline: unreachable", async () => {
    const { connectionString, fetchEndpoint } = opened;
    const impatient = neon(connectionString!, { fetchEndpoint, timeoutMilliseconds: 50 });
    const error = await failing({ delayMilliseconds: 500 }, () => impatient.run(sql`select 1 as one`));
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    expect(error.message).toContain("50 ms");
  });
});

describe("neon", () => {
  test.each([
    ["no URL", "secret"],
    ["another scheme", "https://user:secret@host/database"],
    ["no user", "postgres://host/secret"],
    ["no database", "postgres://user:secret@host"],
    ["no host", "postgres://user:secret@/database"],
  ])("%s: TypeError that does not quote it", (_case, connectionString) => {
    expect(() => neon(connectionString)).toThrow(TypeError);
    expect(() => neon(connectionString)).toThrow(/^(?!.*secret)/);
  });

  test("nobody listens: unreachable, and nothing secret is said", async () => {
    const port = await closedPort();
    const database = neon(`postgres://user:secret@127.0.0.1:${port}/database`, {
      fetchEndpoint: `http://127.0.0.1:${port}/sql`,
    });
    const error = await failure(database.run(sql`select ${"secret"}::text as value`));
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    expect(everythingIn(error)).not.toContain("secret");
  });

  test("a redirect is not followed: it would carry the connection string along", async () => {
    const paths: (string | undefined)[] = [];
    const server = createServer(({ url }, response) => {
      paths.push(url);
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
    const { port } = server.address() as AddressInfo;
    const database = neon(`postgres://user:secret@127.0.0.1:${port}/database`, {
      fetchEndpoint: `http://127.0.0.1:${port}/sql`,
    });
    expect(await failure(database.run(sql`select 1 as one`))).toBeInstanceOf(DatabaseUnreachableError);
    expect(paths).toEqual(["/sql"]);
    server.closeAllConnections();
  });

  test("one host and port cannot have two endpoints", () => {
    const connect = (fetchEndpoint: string): Database =>
      neon("postgres://user:secret@endpoints.example/database", { fetchEndpoint });
    connect("http://127.0.0.1:1/sql");
    connect("http://127.0.0.1:1/sql");
    expect(() => connect("http://127.0.0.1:2/sql")).toThrow(TypeError);
  });

  test("two endpoints serve side by side", async () => {
    const names = [];
    for (const { database } of [await open("postgres-over-neon"), await open("postgres-over-neon")]) {
      names.push(await database.run(sql`select current_database() as name`));
    }
    expect(names[0]).not.toEqual(names[1]);
  });
});

describe.each(["postgres", "postgres-over-neon"] as const)("%s, with others at work", (name) => {
  const schemaOfPair: readonly Statement[] = [
    sql`create table pair (id int4 primary key, touched int4 not null default 0)`,
    sql`insert into pair (id) values (1), (2)`,
  ];
  const touch = (id: number): Statement => sql`update pair set touched = touched + 1 where id = ${id}::int4`;

  test("of two batches that deadlock, both succeed", async () => {
    const { database } = await open(name, { timeoutMilliseconds: 20_000 });
    await database.batch(schemaOfPair);
    const referee = await openClient(database);
    await referee.query("select pg_advisory_lock(1)");
    // Each holds its first row before either asks for its second.
    const meet = sql`select pg_advisory_xact_lock_shared(1)::text as met`;
    const both = [database.batch([touch(1), meet, touch(2)]), database.batch([touch(2), meet, touch(1)])];
    await until(async () => (await waitingOn(referee, "advisory")) === 2);
    await referee.query("select pg_advisory_unlock(1)");

    await Promise.all(both);
    expect(await database.run(sql`select touched from pair order by id`)).toEqual([{ touched: 2 }, { touched: 2 }]);
    await until(async () => {
      const { rows } = await referee.query<{ deadlocks: string }>(
        "select deadlocks from pg_stat_database where datname = current_database()",
      );
      return Number(rows[0]!.deadlocks) === 1;
    });
  });

  test("a request that waits for a lock beyond its deadline: unreachable, and the driver works on", async () => {
    const { database } = await open(name, { timeoutMilliseconds: 300 });
    await database.batch(schemaOfPair);
    const holder = await openClient(database);
    await holder.query("begin; update pair set touched = 9 where id = 1");
    for (const request of [() => database.run(touch(1)), () => database.batch([touch(2), touch(1)])]) {
      expect(await failure(request())).toBeInstanceOf(DatabaseUnreachableError);
    }
    await holder.query("rollback");
    expect(await database.batch([sql`select 1 as one`])).toEqual([[{ one: 1 }]]);
  });

  test("a connection that the server ends: unreachable, and the driver works on", async () => {
    const { database } = await open(name);
    for (const end of [
      () => database.run(sql`select pg_terminate_backend(pg_backend_pid()) as ended`),
      () => database.batch([sql`select pg_terminate_backend(pg_backend_pid()) as ended`]),
    ]) {
      expect(await failure(end())).toBeInstanceOf(DatabaseUnreachableError);
    }
    expect(await database.run(sql`select 1 as one`)).toEqual([{ one: 1 }]);
  });
});

describe("postgres", () => {
  test("nobody listens: unreachable, and nothing secret is said", async () => {
    const pool = new pg.Pool({ connectionString: `postgres://user:secret@127.0.0.1:${await closedPort()}/database` });
    onTestFinished(() => pool.end());
    const error = await failure(postgres(pool).run(sql`select ${"secret"}::text as value`));
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    expect(error.message).toContain("ECONNREFUSED");
    expect(everythingIn(error)).not.toContain("secret");
  });

  test("a wrong password: unreachable, and nothing secret is said", async () => {
    const { connectionString } = await open("postgres");
    const url = new URL(connectionString!);
    url.password = "secret";
    const pool = new pg.Pool({ connectionString: url.href });
    onTestFinished(() => pool.end());
    const error = await failure(postgres(pool).run(sql`select 1 as one`));
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    expect(error.message).toContain("28P01");
    expect(everythingIn(error)).not.toMatch(/secret|sallyport@/);
  });

  test("the server ends a batch at the client's deadline, and undoes it", async () => {
    const { database } = await open("postgres", { timeoutMilliseconds: 300 });
    await database.batch(schema);
    const holder = await openClient(database);
    await holder.query("select pg_advisory_lock(1)");
    const waiting = sql`select pg_advisory_xact_lock(1)::text as locked`;
    const error = await failure(database.batch([sql`insert into thing (id) values (1)`, waiting]));
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    await until(async () => (await waitingOn(holder, "advisory")) === 0);
    await holder.query("select pg_advisory_unlock(1)");
    expect(await database.run(sql`select id from thing`)).toEqual([]);
  });

  test("no free connection within the deadline: unreachable, and the connection is not lost", async () => {
    const { connectionString } = await open("postgres");
    const pool = new pg.Pool({ connectionString, max: 1 });
    onTestFinished(() => pool.end());
    const taken = await pool.connect();
    const error = await failure(postgres(pool, { timeoutMilliseconds: 50 }).run(sql`select 1 as one`));
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    taken.release();
    expect(await postgres(pool).run(sql`select 1 as one`)).toEqual([{ one: 1 }]);
  });
});

describe("postgres on one client", () => {
  let opened: Backend;
  beforeAll(async () => {
    opened = await backend("postgres");
    await opened.database.batch(schema);
  });
  afterAll(() => opened.close());

  const insert = (id: number): Statement => sql`insert into thing (id) values (${id}::int4)`;
  const stored = async (): Promise<number[]> =>
    (await opened.database.run(sql<{ id: number }>`select id from thing order by id`)).map(({ id }) => id);

  test("outside a transaction, each request is its own; requests take turns", async () => {
    const database = postgres(await openClient(opened.database));
    await Promise.allSettled([
      database.batch([insert(1), sql`select sallyport_refuse('not_found')`]),
      database.run(insert(2)),
      database.batch([insert(3)]),
    ]);
    expect(await stored()).toEqual([2, 3]);
  });

  test("inside the caller's transaction: a refusal undoes its own work only, and nothing is final", async () => {
    const client = await openClient(opened.database);
    const database = postgres(client);
    await client.query("begin");
    await database.run(insert(10));
    const refused = await failure(database.batch([insert(11), sql`select sallyport_refuse('not_found')`]));
    expect(refused.constraint).toBe("not_found");
    expect((await failure(database.run(insert(10)))).code).toBe("23505");
    await database.batch([insert(12), insert(13)]);
    expect(await stored()).toEqual([2, 3]);
    await client.query("commit");
    expect(await stored()).toEqual([2, 3, 10, 12, 13]);

    await client.query("begin");
    await database.run(insert(14));
    await client.query("rollback");
    expect(await stored()).toEqual([2, 3, 10, 12, 13]);
  });

  test.each(["repeatable read", "serializable"])("inside %s: TypeError, and the transaction goes on", async (level) => {
    const client = await openClient(opened.database);
    await client.query(`begin isolation level ${level}`);
    await expect(postgres(client).run(insert(20))).rejects.toThrow(TypeError);
    const { rows } = await client.query("select 1 as one");
    expect(rows).toEqual([{ one: 1 }]);
    await client.query("rollback");
    expect(await stored()).not.toContain(20);
  });

  test("a pool's client works as well", async () => {
    const pool = new pg.Pool({ connectionString: opened.connectionString });
    onTestFinished(() => pool.end());
    const client = await pool.connect();
    await client.query("begin");
    await postgres(client).run(insert(30));
    await client.query("rollback");
    client.release();
    expect(await stored()).not.toContain(30);
  });

  test("a deadline that passes ends the connection", async () => {
    const holder = await openClient(opened.database);
    await holder.query("select pg_advisory_lock(7)");
    const client = await openClient(opened.database);
    const database = postgres(client, { timeoutMilliseconds: 100 });
    for (const statement of [sql`select pg_advisory_lock(7)::text as locked`, sql`select 1 as one`]) {
      expect(await failure(database.run(statement))).toBeInstanceOf(DatabaseUnreachableError);
    }
  });
});

/** A backend for the running test. */
async function open(name: BackendName, options?: BackendOptions): Promise<Backend> {
  const opened = await backend(name, options);
  onTestFinished(() => opened.close());
  return opened;
}

/** A connection to the same database that the driver knows nothing of, for the running test. */
async function openClient(database: Database): Promise<pg.Client> {
  const databases = inject("databases").postgres;
  if ("missing" in databases) throw new Error(databases.missing);
  const [row] = await database.run(sql<{ name: string }>`select current_database() as name`);
  const client = new pg.Client({ ...databases.server, database: row!.name });
  client.on("error", () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** How many connections to the same database wait for a lock of this kind. */
async function waitingOn(client: pg.Client, kind: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int4 as count from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and wait_event = $1`,
    [kind],
  );
  return rows[0]!.count;
}

/** Asks again until it is so; the test's own deadline is the limit. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}

/** A port that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
