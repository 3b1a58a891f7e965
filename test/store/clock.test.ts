import { describe, expect, test } from "vitest";
import { migrationsFolder, readMigrations } from "../../build/migrations.node.ts";
import { assertProductionClock, migrate } from "../../src/store/migrate.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import { backendNames, openBackend } from "../support/databases.ts";

describe("database clock", () => {
  test.each(["pglite", "postgres"] as const)("%s: a production clock passes, a missing one fails", async (name) => {
    const empty = await openBackend(name, { empty: true });
    await expect(assertProductionClock(empty.database)).rejects.toMatchObject({ code: "clock_missing" });
    const { database } = await openBackend(name);
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
  ])("replaced by %s: refused, also by migrate, before any change", async (_case, text) => {
    const { database } = await openBackend("postgres");
    await database.run({ text, params: [] });
    await expect(assertProductionClock(database)).rejects.toMatchObject({ code: "clock_replaced" });
    const migrations = readMigrations(migrationsFolder);
    const more = [...migrations, { name: "9999_more.sql", text: "create table more (id int);" }];
    for (const dryRun of [false, true]) {
      const refused = migrate(database, more, { dryRun });
      await expect(refused).rejects.toMatchObject({ code: "clock_replaced" });
    }
    expect(await database.run(sql`select to_regclass('more') as "table"`)).toEqual([{ table: null }]);
  });

  test.each(backendNames)("%s: the test clock is set, advanced and released; no server accepts it", async (name) => {
    const { database } = await openBackend(name);
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

  test("statements that use the clock can use an index", async () => {
    const { database } = await openBackend("postgres");
    await database.batch([
      sql`create table expiring (expires_at timestamptz)`,
      sql`insert into expiring select statement_timestamp() + n * interval '1 s' from generate_series(-10000, 10) n`,
      sql`create index expiring_at on expiring (expires_at)`,
      sql`analyze expiring`,
    ]);
    const plan = await database.run(sql`explain select * from expiring where expires_at > sallyport_now()`);
    expect(JSON.stringify(plan)).toMatch(/Index Cond: \(expires_at > statement_timestamp\(\)\)/);
  });

  test("the clock advances inside a batch that waits", async () => {
    const { database } = await openBackend("postgres");
    const [before, , after] = (await database.batch([
      sql`select sallyport_now() as now`,
      sql`select count(*)::int4 as n from generate_series(1, 100000)`,
      sql`select sallyport_now() as now, now() as started`,
    ])) as [{ now: Date }[], unknown, { now: Date; started: Date }[]];
    expect(after[0]!.now.getTime()).toBeGreaterThan(before[0]!.now.getTime());
    expect(after[0]!.now.getTime()).toBeGreaterThan(after[0]!.started.getTime());
  });
});
