import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { migrationsFolder, readMigrations } from "../../src/runtime/generate-migrations.node.ts";
import { assertProductionClock, DatabaseStateError, type Migration, migrate } from "../../src/store/migrate.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import { countingDatabase } from "../support/counting-database.ts";
import { type Backend, type BackendName, type BackendOptions, backend, backendNames } from "../support/databases.ts";

const clock = readMigrations(migrationsFolder)[0]!;
const first: Migration = {
  name: "0002_first",
  text: "create table first (id int4)\n-- statement\ncreate table other (id int4);",
};
const second: Migration = {
  name: "0003_second",
  text: "-- Why.\nalter table first add column name text default 'a;b'",
};
const list: readonly Migration[] = [clock, first, second];

const names = (migrations: readonly Migration[]): string[] => migrations.map(({ name }) => name);

async function records(database: Database): Promise<string[]> {
  return (await database.run(sql<{ name: string }>`select name from sallyport_migration order by name`)).map(
    ({ name }) => name,
  );
}

/** A database without any migration, for the running test. */
async function open(name: BackendName, options?: BackendOptions): Promise<Backend> {
  const opened = await backend(name, { ...options, empty: true });
  onTestFinished(() => opened.close());
  return opened;
}

describe.each(backendNames)("migrate on %s", (name) => {
  test("applies all in order, once", async () => {
    const { database } = await open(name);
    expect(await migrate(database, list)).toEqual({ applied: names(list), pending: [] });
    expect(await records(database)).toEqual(names(list));
    expect(await database.run(sql`select id, name from first`)).toEqual([]);
    expect(await migrate(database, list)).toEqual({ applied: [], pending: [] });
  });

  test("applies what was added since", async () => {
    const { database } = await open(name);
    await migrate(database, list.slice(0, 2));
    expect(await migrate(database, list)).toEqual({ applied: [second.name], pending: [] });
  });

  test("a dry run says what it would do, and changes nothing", async () => {
    const { database } = await open(name);
    const dry = async (): Promise<unknown> => await migrate(database, list, { dryRun: true });
    expect(await dry()).toEqual({ applied: [], pending: names(list) });
    expect(await database.run(sql`select to_regclass('sallyport_migration')::text as name`)).toEqual([{ name: null }]);
    await migrate(database, [clock]);
    expect(await dry()).toEqual({ applied: [], pending: names(list.slice(1)) });
  });

  test("a migration that fails leaves nothing of itself, and what came before stays", async () => {
    const { database } = await open(name);
    const broken = { name: "0003_broken", text: "create table third (id int4)\n-- statement\nselect 1 / 0" };
    await expect(migrate(database, [clock, first, broken])).rejects.toMatchObject({ code: "22012" });
    expect(await records(database)).toEqual(names([clock, first]));
    expect(await database.run(sql`select to_regclass('third')::text as name`)).toEqual([{ name: null }]);
    expect((await migrate(database, list)).applied).toEqual([second.name]);
  });
});

describe("migrate refuses", () => {
  const edited = { ...first, text: `${first.text} ` };

  test.each([
    { case: "a file that was edited", applied: list, given: [clock, edited, second], code: "migration_changed" },
    { case: "a list that lacks an applied one", applied: list, given: [clock, second], code: "migration_unknown" },
    { case: "a list that lacks the last one", applied: list, given: [clock, first], code: "migration_unknown" },
    { case: "one to insert before an applied one", applied: [clock, second], given: list, code: "migration_order" },
  ])("$case: $code", async ({ applied, given, code }) => {
    const { database } = await open("postgres");
    const independent = applied.map((migration) =>
      migration === second ? { ...second, text: "create table second (id int4)" } : migration,
    );
    const same = given.map((migration) => (migration === second ? independent.at(-1)! : migration));
    await migrate(database, independent);
    for (const dryRun of [true, false]) {
      const refused = await migrate(database, same, { dryRun }).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(DatabaseStateError);
      expect(refused).toMatchObject({ code });
    }
    expect(await records(database)).toEqual(names(applied));
  });

  test("line ends that a checkout changed: no, they are the same file", async () => {
    const { database } = await open("postgres");
    await migrate(database, list);
    const windows = list.map(({ name, text }) => ({ name, text: text.replaceAll("\n", "\r\n") }));
    expect(await migrate(database, windows)).toEqual({ applied: [], pending: [] });
  });

  test.each([
    { case: "names out of order", given: [first, clock] },
    { case: "a name twice", given: [clock, first, first] },
    {
      case: "an empty statement",
      given: [clock, { name: "0002_empty", text: "select 1\n-- statement\n-- nothing\n" }],
    },
  ])("$case: TypeError", async ({ given }) => {
    const { database } = await open("postgres");
    await expect(migrate(database, given)).rejects.toThrow(TypeError);
  });
});

describe("two at once", () => {
  test.each(["postgres", "postgres-over-neon"] as const)("%s: each migration is applied once", async (name) => {
    const { database } = await open(name, { timeoutMilliseconds: 30_000 });
    const many = Array.from({ length: 10 }, (_, index) => ({
      name: `1${String(index).padStart(3, "0")}`,
      text: `create table t${index} (id int4)`,
    }));
    const all = [clock, ...many];
    const reports = await Promise.all(Array.from({ length: 4 }, () => migrate(database, all)));
    expect(reports.flatMap(({ applied }) => applied).sort()).toEqual(names(all));
    expect(await records(database)).toEqual(names(all));
  });
});

describe("the clock", () => {
  test.each(["pglite", "postgres"] as const)("%s: the production one passes, its absence does not", async (name) => {
    const { database } = await open(name);
    await expect(assertProductionClock(database)).rejects.toMatchObject({ code: "clock_missing" });
    await migrate(database, [clock]);
    await expect(assertProductionClock(database)).resolves.toBeUndefined();
  });

  const declaration = "create or replace function sallyport_now() returns timestamptz language";
  test.each([
    ["now()", `${declaration} sql stable return now()`],
    ["a constant", `${declaration} sql stable return '2026-01-01 00:00:00+00'::timestamptz`],
    ["volatile", `${declaration} sql volatile return statement_timestamp()`],
    ["a setting", `${declaration} sql stable set timezone = 'UTC' return statement_timestamp()`],
    ["another language", `${declaration} plpgsql stable as $$ begin return statement_timestamp(); end $$`],
    ["text that is bound late", `${declaration} sql stable as $$ select statement_timestamp() $$`],
  ])("replaced by %s: refused, also by migrate", async (_case, text) => {
    const { database } = await open("postgres");
    await migrate(database, [clock]);
    await database.run({ text, params: [] });
    await expect(assertProductionClock(database)).rejects.toMatchObject({ code: "clock_replaced" });
    await expect(migrate(database, list)).rejects.toMatchObject({ code: "clock_replaced" });
    expect(await records(database)).toEqual([clock.name]);
  });

  test.each(backendNames)("%s: the test clock is set, advanced and let go, and never served from", async (name) => {
    const { database } = await open(name);
    await migrate(database, [clock]);
    await installTestClock(database);
    const shown = async (): Promise<Date> =>
      (await database.run(sql<{ now: Date }>`select sallyport_now() as now`))[0]!.now;
    const at = new Date("2030-01-01T00:00:00.123Z");
    await setTestClock(database, at);
    expect(await shown()).toEqual(at);
    expect(await advanceTestClock(database, 90.5)).toEqual(new Date("2030-01-01T00:01:30.623Z"));
    expect(await shown()).toEqual(new Date("2030-01-01T00:01:30.623Z"));
    await setTestClock(database, at);
    expect(await shown()).toEqual(at);
    await setTestClock(database, undefined);
    expect(Math.abs((await shown()).getTime() - Date.now())).toBeLessThan(60_000);
    await expect(advanceTestClock(database, -1)).rejects.toThrow(RangeError);
    await expect(assertProductionClock(database)).rejects.toMatchObject({ code: "clock_replaced" });
  });

  test("statements see through it to an index", async () => {
    const { database } = await open("postgres");
    await migrate(database, [clock]);
    await database.batch([
      sql`create table expiring (expires_at timestamptz)`,
      sql`insert into expiring select statement_timestamp() + n * interval '1 s' from generate_series(-10000, 10) n`,
      sql`create index expiring_at on expiring (expires_at)`,
      sql`analyze expiring`,
    ]);
    const plan = await database.run(sql`explain select * from expiring where expires_at > sallyport_now()`);
    expect(JSON.stringify(plan)).toMatch(/Index Cond: \(expires_at > statement_timestamp\(\)\)/);
  });

  test("it moves on inside a batch that waits", async () => {
    const { database } = await open("postgres");
    await migrate(database, [clock]);
    const [before, , after] = (await database.batch([
      sql`select sallyport_now() as now`,
      sql`select count(*)::int4 as n from generate_series(1, 100000)`,
      sql`select sallyport_now() as now, now() as started`,
    ])) as [{ now: Date }[], unknown, { now: Date; started: Date }[]];
    expect(after[0]!.now.getTime()).toBeGreaterThan(before[0]!.now.getTime());
    expect(after[0]!.now.getTime()).toBeGreaterThan(after[0]!.started.getTime());
  });
});

describe("the counting database", () => {
  test("counts a batch as one, and refuses what exceeds the budget before it is sent", async () => {
    const { database } = await open("postgres");
    const counting = countingDatabase(database, 2);
    await counting.run(sql`select 1 as one`);
    await counting.batch([sql`create table made (id int4)`, sql`select 2 as two`]);
    expect([counting.requests, counting.statements]).toEqual([
      2,
      ["select 1 as one", "create table made (id int4)", "select 2 as two"],
    ]);
    await expect(counting.run(sql`drop table made`)).rejects.toThrow(/budget of 2/);
    expect(await database.run(sql`select id from made`)).toEqual([]);
    counting.reset(1);
    await counting.run(sql`select 1 as one`);
    expect(counting.requests).toBe(1);
  });
});

describe("sallyport migrate", () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));

  /** Runs the command line, without the environment's database. */
  async function sallyport(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const { DATABASE_URL: _unused, ...env } = process.env;
    const command = [`${root}src/cli/sallyport.ts`, ...args];
    return await promisify(execFile)(process.execPath, command, { cwd: root, env }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
    );
  }

  test("migrates, and says so", async () => {
    const { connectionString, database } = await open("postgres");
    const url = ["--database-url", connectionString!];
    const dry = await sallyport("migrate", ...url, "--dry-run");
    expect([dry.code, dry.stdout]).toEqual([0, expect.stringMatching(/^pending 0001_clock\n/)]);
    const real = await sallyport("migrate", ...url);
    expect([real.code, real.stdout]).toEqual([0, dry.stdout.replaceAll("pending", "applied")]);
    expect((await sallyport("migrate", ...url)).stdout).toBe("The database is up to date.\n");
    await installTestClock(database);
    const refused = await sallyport("migrate", ...url);
    expect([refused.code, refused.stderr]).toEqual([1, "sallyport: sallyport_now() is not the production clock.\n"]);
  });

  test.each([
    { case: "no database", args: ["migrate"], code: 2 },
    { case: "not a URL", args: ["migrate", "--database-url", "secret"], code: 2 },
    { case: "another scheme", args: ["migrate", "--database-url", "mysql://user:secret@host/db"], code: 2 },
    { case: "a stray URL", args: ["migrate", "postgres://user:secret@127.0.0.1:1/db"], code: 2 },
    { case: "a misspelt option", args: ["migrate", "--databse-url=postgres://user:secret@host/db"], code: 2 },
    { case: "an unknown driver", args: ["migrate", "--database-url=postgres://u:secret@h/d", "--driver=x"], code: 2 },
    { case: "an unknown command", args: ["secret"], code: 2 },
    { case: "nobody there", args: ["migrate", "--database-url", "postgres://user:secret@127.0.0.1:1/db"], code: 1 },
  ])("$case: exit code $code and one line that does not quote the URL", async ({ args, code }) => {
    const result = await sallyport(...args);
    expect(result.code).toBe(code);
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(/^sallyport: [^\n]+\n$/);
    expect(result.stderr).not.toContain("secret");
  });
});
