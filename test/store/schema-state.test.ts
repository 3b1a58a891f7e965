/** Slow: each test migrates a database. @module */
import { expect, onTestFinished, test } from "vitest";
import { migrationsFolder, readMigrations } from "../../build/migrations.node.ts";
import { health, probe } from "../../src/index.ts";
import { type Migration, migrate } from "../../src/store/migrate.ts";
import { assertSchema } from "../../src/store/schema-state.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import { fullAuth, quickDecoy, quickHasher, sealingKey, secret } from "../support/auth.ts";
import { sallyportWith } from "../support/command-line.ts";
import { openBackend } from "../support/databases.ts";
import { applicationOf } from "../support/http-world.ts";

const release = readMigrations(migrationsFolder);
const newest = release.at(-1)!;
const harmless: Migration = { name: "9998_note", text: "-- serves 0001\ncreate table note (id int4)" };
const breaking: Migration = { name: "9999_gone", text: "-- serves 9999\ncreate table gone (id int4)" };

async function migrated(migrations: readonly Migration[]): Promise<{ database: Database; connectionString: string }> {
  const { database, connectionString } = await openBackend("postgres", { empty: true });
  await migrate(database, migrations);
  return { database, connectionString: connectionString! };
}

const authOn = (database: Database) =>
  fullAuth({
    passwordHasher: quickHasher(),
    decoyHash: quickDecoy,
    sealingKeys: sealingKey,
    origins: ["https://example.com"],
    database,
    secrets: secret,
  });

test.each([
  { case: "behind by one", migrations: release.slice(0, -1), code: "schema_behind", named: newest.name },
  { case: "behind by four", migrations: release.slice(0, -4), code: "schema_behind", named: release.at(-4)!.name },
  { case: "ahead of what serves it", migrations: [...release, breaking], code: "schema_ahead", named: breaking.name },
])("S71: a schema that is $case: refused by probe, health and doctor, by name", async ({ migrations, code, named }) => {
  const { database, connectionString } = await migrated(migrations);
  const auth = authOn(database);
  for (const check of [probe, health]) {
    await expect(check(auth)).rejects.toMatchObject({ code, message: expect.stringContaining(named) });
  }
  const reply = await applicationOf(auth).request("/health");
  expect(reply.status).toBe(503);
  const doctor = await sallyportWith({ DATABASE_URL: connectionString }, "doctor");
  expect([doctor.code, doctor.stdout]).toEqual([1, ""]);
  expect(doctor.stderr).toContain(named);
});

test("S71: an error of the database is not mistaken for a schema that is behind", async () => {
  const { database } = await migrated(release);
  const [role] = await database.run(
    sql<{ name: string }>`select 'blind_' || replace(gen_random_uuid()::text, '-', '') as name`,
  );
  const run = (text: string) => ({ text, params: [] });
  const blind: Database = {
    ...database,
    run: async (statement) => (await database.batch([run(`set local role ${role!.name}`), statement]))[1] as never,
    batch: async (list) => (await database.batch([run(`set local role ${role!.name}`), ...list])).slice(1),
  };
  await database.run(run(`create role ${role!.name}`));
  onTestFinished(async () => void (await database.run(run(`drop role ${role!.name}`))));
  // The role may not read the table of migrations.
  await expect(assertSchema(blind)).rejects.toMatchObject({ code: "42501" });
});

test("S71: a newer schema that serves this release: served, and doctor says so", async () => {
  const { database, connectionString } = await migrated([...release, harmless]);
  const auth = authOn(database);
  await probe(auth);
  await health(auth);
  const doctor = await sallyportWith({ DATABASE_URL: connectionString }, "doctor");
  expect([doctor.code, doctor.stderr]).toEqual([0, ""]);
  expect(doctor.stdout).toContain(`newer than this release, and serves it: ${harmless.name}.`);
});

test("S71: records of a release that did not keep what a migration serves are read, and completed", async () => {
  const { database } = await migrated(release);
  await database.run(sql`alter table sallyport_migration drop column serves`);
  expect(await assertSchema(database)).toEqual({ newer: [] });
  await migrate(database, [...release, breaking]);
  await expect(assertSchema(database)).rejects.toMatchObject({ code: "schema_ahead" });
});

test("S71: every migration from 0010 on says which release it serves, and no file serves less than its own", async () => {
  const later = release.filter(({ name }) => name >= "0010");
  expect(later.length).toBeGreaterThan(0);
  for (const { name, text } of later) expect([name, /^-- serves \d{4}$/m.test(text)]).toEqual([name, true]);
  const { database } = await openBackend("postgres", { empty: true });
  const wrong = { name: "9999_wrong", text: "-- serves 10000\nselect 1" };
  const other = { name: "0011_wrong", text: "-- serves 0012\nselect 1" };
  await migrate(database, [...release, wrong]);
  await expect(migrate(database, [...release, other])).rejects.toThrow(TypeError);
});
