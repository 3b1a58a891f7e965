/** Slow: each test migrates an empty database. @module */
import { describe, expect, test } from "vitest";
import { migrationsFolder, readMigrations } from "../../build/migrations.node.ts";
import { DatabaseStateError } from "../../src/store/database-state.ts";
import { inSchema } from "../../src/store/in-schema.ts";
import { type Migration, migrate } from "../../src/store/migrate.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import {
  type Backend,
  type BackendName,
  type BackendOptions,
  backendNames,
  openBackend,
} from "../support/databases.ts";

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

/** A database without migrations, for the running test. */
async function open(name: BackendName, options?: BackendOptions): Promise<Backend> {
  return await openBackend(name, { ...options, empty: true });
}

describe.each(backendNames)("migrate on %s", (name) => {
  test("applies all migrations in order, once", async () => {
    const { database } = await open(name);
    expect(await migrate(database, list)).toEqual({ applied: names(list), pending: [], adopts: false });
    expect(await records(database)).toEqual(names(list));
    expect(await database.run(sql`select id, name from first`)).toEqual([]);
    expect(await migrate(database, list)).toEqual({ applied: [], pending: [], adopts: false });
  });

  test("applies migrations that were added since", async () => {
    const { database } = await open(name);
    await migrate(database, list.slice(0, 2));
    expect(await migrate(database, list)).toEqual({ applied: [second.name], pending: [], adopts: false });
  });

  test("a dry run reports what it would do, and changes nothing", async () => {
    const { database } = await open(name);
    const dry = async (): Promise<unknown> => await migrate(database, list, { dryRun: true });
    expect(await dry()).toEqual({ applied: [], pending: names(list), adopts: false });
    expect(await database.run(sql`select to_regclass('sallyport_migration')::text as name`)).toEqual([{ name: null }]);
    await migrate(database, [clock]);
    expect(await dry()).toEqual({ applied: [], pending: names(list.slice(1)), adopts: false });
  });

  test("S64: a failing migration leaves no trace, and those before it in the run neither", async () => {
    const { database } = await open(name);
    const broken = { name: "0003_broken", text: "create table third (id int4)\n-- statement\nselect 1 / 0" };
    await expect(migrate(database, [clock, first, broken])).rejects.toMatchObject({ code: "22012" });
    expect(
      await database.run(sql`
      select to_regclass('third')::text as third, to_regclass('first')::text as first,
        to_regclass('sallyport_migration')::text as records, to_regprocedure('sallyport_now()')::text as clock`),
    ).toEqual([{ third: null, first: null, records: null, clock: null }]);
    expect((await migrate(database, list)).applied).toEqual(names(list));
  });
});

describe("migrate, refusals", () => {
  const edited = { ...first, text: `${first.text} ` };

  test.each([
    { case: "an edited file", applied: list, given: [clock, edited, second], code: "migration_changed" },
    { case: "a list that lacks an applied one", applied: list, given: [clock, second], code: "migration_unknown" },
    { case: "a list that lacks the last one", applied: list, given: [clock, first], code: "migration_unknown" },
    { case: "a new one before an applied one", applied: [clock, second], given: list, code: "migration_order" },
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

  test("line ends changed by a checkout: accepted as the same file", async () => {
    const { database } = await open("postgres");
    await migrate(database, list);
    const windows = list.map(({ name, text }) => ({ name, text: text.replaceAll("\n", "\r\n") }));
    expect(await migrate(database, windows)).toEqual({ applied: [], pending: [], adopts: false });
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

describe.each([undefined, "auth"])("S71: the real migrations, schema %s", (schema) => {
  test("every earlier release's database is brought up to date, with the rows that are there", async () => {
    const { database } = await open("postgres");
    const all = readMigrations(migrationsFolder);
    const own = schema === undefined ? database : inSchema(database, schema);
    for (const [index, { name }] of all.entries()) {
      const release = all.slice(0, index + 1);
      const plan = await migrate(database, release, { dryRun: true, schema });
      expect(plan).toEqual({ applied: [], pending: [name], adopts: false });
      expect(await migrate(database, release, { schema })).toEqual({ applied: [name], pending: [], adopts: false });
      if (!name.startsWith("0009")) continue;
      await own.run(sql`insert into usr (id) values ('00000000-0000-4000-8000-000000000001')`);
      await own.run(sql`
        insert into cred (id, usr_id, type, identifier, password_hash)
        select gen_random_uuid(), '00000000-0000-4000-8000-000000000001', 'password', one, 'x'
        from unnest(${["ada@bücher.example.", "ada@example.com", "Ada@", "ж@".repeat(400)]}::text[]) as one`);
    }
    const found = await own.run<{ identifier: string }>(sql`
      select identifier from cred where type = 'password' and status <> 'revoked'
        and identifier <> sallyport_folded(identifier) and sallyport_folded(identifier) = 'ada@xn--bcher-kva.example'`);
    expect(found).toEqual([{ identifier: "ada@bücher.example." }]);
  });
});

test("S64: an index of another's, with the name of one that a later migration makes again, is refused", async () => {
  const { database } = await open("postgres");
  await database.run({ text: "create table other (a int4)", params: [] });
  await database.run({ text: "create index cred_unfolded_identifier on other (a)", params: [] });
  await expect(migrate(database, readMigrations(migrationsFolder))).rejects.toMatchObject({ code: "name_taken" });
});

describe("two migrations at once", () => {
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
