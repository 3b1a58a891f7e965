/** Slow: each test migrates a database. @module */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { migrationsFolder, readMigrations } from "../../build/migrations.node.ts";
import { health, probe } from "../../src/index.ts";
import { type Migration, migrate } from "../../src/store/migrate.ts";
import { assertSchema } from "../../src/store/schema-state.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import {
  freshIdentifier,
  fullAuth,
  goodPassword,
  quickDecoy,
  quickHasher,
  sealingKey,
  secret,
} from "../support/auth.ts";
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
  for (const check of [probe(auth), health(auth)]) {
    await expect(check).rejects.toMatchObject({ code, message: expect.stringContaining(named) });
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

/**
 * The sources from before the newest migration, with the generated files that git does not hold. Without history these sources
 * stand in, on a schema that is newer by a harmless migration.
 */
function olderRelease(): { source: URL; migrations: readonly Migration[] } {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const git = (...args: string[]): Buffer =>
    execFileSync("git", ["-C", root, ...args], { stdio: ["ignore", "pipe", "ignore"], maxBuffer: 2 ** 28 });
  let tree: Buffer;
  try {
    const added = git("log", "--diff-filter=A", "-1", "--format=%H", "--", `migrations/${newest.name}.sql`);
    const commit = added.toString().trim();
    tree = git("archive", commit === "" ? "HEAD" : `${commit}^`, "src");
  } catch {
    return { source: new URL("../../src/", import.meta.url), migrations: [...release, harmless] };
  }
  const folder = mkdtempSync(join(tmpdir(), "sallyport-older-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync("tar", ["-x", "-C", folder], { input: tree });
  symlinkSync(`${root}node_modules`, join(folder, "node_modules"));
  for (const layer of ["http", "runtime", "store"]) {
    cpSync(`${root}src/${layer}/generated`, join(folder, "src", layer, "generated"), { recursive: true });
  }
  return { source: pathToFileURL(`${folder}/src/`), migrations: release };
}

test("S71: an isolate of the release before goes on working on the schema of this one", async () => {
  const { source, migrations } = olderRelease();
  const { database } = await migrated(migrations);
  const older = (await import(new URL("index.ts", source).href)) as typeof import("../../src/index.ts");
  const auth = older.createAuth({
    database,
    secrets: secret,
    origins: ["https://example.com"],
    clientAddress: () => undefined,
    features: [
      older.passwords({ hasher: quickHasher(), decoyHash: quickDecoy }),
      older.signUp({ mode: "open" }),
      older.accounts(),
    ],
  });
  const identifier = freshIdentifier();
  const proof = { identifier, password: goodPassword, context: { address: "192.0.2.7" } };
  await older.health(auth);
  await auth.signUp(proof);
  const signedIn = await auth.signIn.password(proof);
  if (signedIn.mfaRequired) throw new Error("A second factor is demanded.");
  const { token } = await auth.sessions.refresh({ token: signedIn.token, transport: "token" });
  // Both releases see the same session.
  const { session } = await authOn(database).sessions.verify({ token, transport: "token" });
  expect((await auth.sessions.verify({ token, transport: "token" })).session.id).toBe(session.id);
  await expect(auth.signIn.password({ ...proof, password: "wrong-password-here" })).rejects.toMatchObject({
    status: 401,
  });
});
