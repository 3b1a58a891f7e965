/** S72: Sallyport's tables in a schema of their own, beside an application's tables of the same names. */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { DatabaseStateError } from "../../src/store/database-state.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import { migrations } from "../../src/store/generated/migrations.ts";
import { inSchema } from "../../src/store/in-schema.ts";
import { migrate } from "../../src/store/migrate.ts";
import { assertSchema } from "../../src/store/schema-state.ts";
import { type Database, type Statement, sql } from "../../src/store/sql.ts";
import { prepareWrite, writes } from "../operations/writes/every-write.ts";
import {
  freshAddress,
  freshIdentifier,
  fullAuth,
  goodPassword,
  openAuth,
  outcome,
  quickHasher,
  sealingKey,
  secret,
} from "../support/auth.ts";
import { sallyportFed, sallyportWith } from "../support/command-line.ts";
import { backendNames, openBackend, openPool } from "../support/databases.ts";
import { createReferenceSchema } from "../support/reference-database.ts";

const everyName = migrations.flatMap(({ text }) =>
  [...text.matchAll(/^create table (\w+)/gm)].map((match) => match[1]!),
);

/** An application's tables, under every name of ours, with a function of ours too. */
async function makeApplicationTables(database: Database): Promise<void> {
  const statements = [
    ...everyName.map((name) => `create table ${name} (id text primary key, ended_by text, note text default 'own')`),
    ...everyName.map((name) => `insert into ${name} (id) values ('1')`),
    "create function sallyport_refuse(code text) returns boolean language sql return true",
  ];
  await database.batch(statements.map((text): Statement => ({ text, params: [] })));
}

async function tablesIn(database: Database, schema: string): Promise<string[]> {
  const rows = await database.run(sql<{ name: string }>`
    select relname::text as name from pg_class
    where relnamespace::regnamespace::text = ${schema} and relkind = 'r' order by 1`);
  return rows.map(({ name }) => name);
}

/** The application's rows and its search path: what Sallyport must leave alone. */
async function applicationState(database: Database): Promise<unknown> {
  const texts = everyName.map((name) => `select '${name}' as name, id, ended_by, note from public.${name}`);
  return [
    await database.run({ text: texts.join(" union all "), params: [] }),
    await database.run(sql`select current_setting('search_path') as path`),
  ];
}

describe.each(backendNames)("S72: a schema of its own, on %s", (name) => {
  test("every write works beside an application's tables of the same names, and leaves them alone", async () => {
    let before: unknown;
    let database!: Database;
    const world = await openAuth(name, {
      schema: "auth",
      async beside(plain) {
        database = plain;
        await makeApplicationTables(plain);
        before = await applicationState(plain);
      },
    });
    onTestFinished(() => world.close());
    expect(await tablesIn(database, "auth")).toEqual([...everyName, "sallyport_migration"].sort());
    expect(await migrate(database, migrations, { schema: "auth" })).toMatchObject({ applied: [], pending: [] });
    expect(await assertSchema(world.database)).toEqual({ newer: [] });
    for (const write of writes) {
      const { person, prepared } = await prepareWrite(world, write);
      expect([write.name, await outcome(write.act(world.auth, person, prepared))]).toEqual([write.name, "done"]);
    }
    await world.auth.purge();
    expect(await applicationState(database)).toEqual(before);
  });

  test("a dry run and a refusal leave no schema", async () => {
    const { database } = await openBackend(name, { empty: true });
    expect(await migrate(database, migrations, { schema: "auth", dryRun: true })).toMatchObject({ applied: [] });
    const broken = { name: "9999_broken", text: "select 1 / 0" };
    await expect(migrate(database, [...migrations, broken], { schema: "auth" })).rejects.toThrow();
    expect(await database.run(sql`select from pg_namespace where nspname = 'auth'`)).toEqual([]);
  });

  test("an installation in another schema is not made a second time", async () => {
    const { database } = await openBackend(name);
    const refused = await migrate(database, migrations, { schema: "auth" }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DatabaseStateError);
    expect(refused).toMatchObject({ code: "name_taken", message: expect.stringContaining("schema public") });
  });

  test("a name that is taken in the schema itself is refused, and nothing is changed", async () => {
    const { database } = await openBackend(name, { empty: true });
    await database.run({ text: "create schema auth", params: [] });
    await database.run({ text: "create table auth.attempt (id text)", params: [] });
    await expect(migrate(database, migrations, { schema: "auth" })).rejects.toMatchObject({ code: "name_taken" });
    expect(await tablesIn(database, "auth")).toEqual(["attempt"]);
  });
});

describe.each(["0.2.0", "0.3.0"] as const)("S72: the reference schema %s stays in public", (version) => {
  test("Sallyport's own tables are in its schema, beside an application's `attempt`", async () => {
    const { database } = await openBackend("postgres", { empty: true });
    await createReferenceSchema(database, version);
    await database.run({ text: "create table attempt (id text)", params: [] });
    const before = await tablesIn(database, "public");
    expect(await migrate(database, migrations, { schema: "auth" })).toMatchObject({ adopts: true, pending: [] });
    expect(await tablesIn(database, "public")).toEqual(before);
    const own = await tablesIn(database, "auth");
    expect(own).toContain("attempt");
    expect(own).not.toContain("usr");
    expect(own.includes("pat")).toBe(version === "0.2.0");

    // A later migration is looked at where the reference's tables are.
    const later = { name: "9000_later", text: "alter table usr add column display_name text" };
    await expect(migrate(database, [...migrations, later], { schema: "auth" })).rejects.toMatchObject({
      code: "name_taken",
    });

    // Another SDK knows nothing of the schema: its statements fire triggers that look for ours.
    const id = randomUUID();
    await database.run(sql`insert into usr (id) values (${id}::uuid)`);
    await database.run(sql`update usr set display_name = 'x' where id = ${id}::uuid`);
    await database.run(sql`
      insert into mfa (id, usr_id, type, status, identifier, totp_secret, totp_algorithm, totp_digits, totp_period)
      values (${randomUUID()}::uuid, ${id}::uuid, 'totp', 'active', 'app', '\\x00', 'sha1', 6, 30)`);
    await database.run(sql`update mfa set status = 'revoked' where usr_id = ${id}::uuid`);
    await database.run(sql`delete from mfa where usr_id = ${id}::uuid`);
    const [clocks] = await database.run(sql<{ sources: number }>`
      select count(distinct tgfoid)::int as sources from pg_trigger join pg_proc on pg_proc.oid = tgfoid
      where proname = 'flametrench_touch_updated_at' and tgrelid in ('usr'::regclass, 'cred'::regclass, 'mfa'::regclass)`);
    expect(clocks).toEqual({ sources: 1 });
  });
});

/** Runs `work` as a role that owns a schema, and cannot make another one. */
async function asOwnerOfSchema(
  schemaFor: (role: string) => string,
  work: (parts: { database: Database; administrator: Database; schema: string }) => Promise<void>,
): Promise<void> {
  const { database: administrator, connectionString } = await openBackend("postgres", { empty: true });
  const role = `role_${randomUUID().replaceAll("-", "")}`;
  const schema = schemaFor(role);
  const run = async (text: string): Promise<unknown> => await administrator.run({ text, params: [] });
  await run(`create role ${role} login password 'choose-a-long-one'`);
  await run(`create schema ${schema} authorization ${role}`);
  const url = new URL(connectionString!);
  Object.assign(url, { username: role, password: "choose-a-long-one" });
  const pool = openPool({ connectionString: url.href });
  try {
    await work({ database: postgres(pool), administrator, schema });
  } finally {
    await pool.end();
    await run(`drop schema ${schema} cascade`);
    await run(`drop role ${role}`);
  }
}

test("S72: a schema that exists needs no right to make one", async () => {
  await asOwnerOfSchema(
    () => "auth",
    async ({ database, schema }) => {
      expect(await migrate(database, migrations, { schema })).toMatchObject({ adopts: false, pending: [] });
    },
  );
});

test("S72: triggers find the tables of a role's own schema, whichever role fires them", async () => {
  await asOwnerOfSchema(
    (role) => role,
    async ({ database, administrator, schema }) => {
      await migrate(database, migrations);
      const row = await administrator.run({
        text: `with one as (insert into ${schema}.usr (id) values (gen_random_uuid()) returning id) select from one`,
        params: [],
      });
      expect(row).toHaveLength(1);
      await administrator.run({ text: `update ${schema}.usr set display_name = 'x'`, params: [] });
      await administrator.run({
        text: `insert into ${schema}.mfa (id, usr_id, type, status, recovery_hashes, recovery_consumed)
          select gen_random_uuid(), id, 'recovery', 'active', '{}', '{}' from ${schema}.usr`,
        params: [],
      });
      await administrator.run({ text: `delete from ${schema}.mfa`, params: [] });
    },
  );
});

test("S72: a schema may have a name that SQL writes in quotation marks", async () => {
  const { database } = await openBackend("postgres", { empty: true });
  await migrate(database, migrations, { schema: "user" });
  expect(await migrate(database, migrations, { schema: "user" })).toMatchObject({ applied: [], pending: [] });

  const { database: other, connectionString } = await openBackend("postgres", { empty: true });
  await other.run({ text: 'create schema "My-App"', params: [] });
  const url = new URL(connectionString!);
  url.searchParams.set("options", '-c search_path="My-App"');
  const pool = openPool({ connectionString: url.href });
  try {
    const database = postgres(pool);
    await createReferenceSchema(database, "0.3.0");
    expect(await migrate(database, migrations)).toMatchObject({ adopts: true, pending: [] });
  } finally {
    await pool.end();
  }
});

test("S72, S64: a role that may create in the schema but not use it: refused, and nothing is made elsewhere", async () => {
  const { database } = await openBackend("pglite", { empty: true });
  for (const text of ["create schema auth", "create role builder", "grant create on schema auth to builder"]) {
    await database.run({ text, params: [] });
  }
  await database.run({ text: "grant create on schema public to builder", params: [] });
  const become: Statement = { text: "set local role builder", params: [] };
  const asRole: Database = {
    run: async (statement) => (await database.batch([become, statement]))[1] as never,
    batch: async (list) => (await database.batch([become, ...list])).slice(1),
  };
  await expect(migrate(asRole, migrations, { schema: "auth" })).rejects.toMatchObject({ code: "not_permitted" });
  expect([await tablesIn(database, "auth"), await tablesIn(database, "public")]).toEqual([[], []]);
});

test("S72: the role of docs/schema.md serves from the schema by its own search path", async () => {
  const opened = await openBackend("postgres", { schema: "auth", beside: makeApplicationTables });
  const document = await readFile(new URL("../../docs/schema.md", import.meta.url), "utf8");
  const statements = /```sql own-schema\n([\s\S]*?)```/.exec(document)![1]!;
  const name = `role_${randomUUID().replaceAll("-", "")}`;
  const owner = new pg.Client({ connectionString: opened.connectionString });
  await owner.connect();
  try {
    await owner.query(statements.replaceAll("sallyport_app", name));
    const url = new URL(opened.connectionString!);
    Object.assign(url, { username: name, password: "choose-a-long-one" });
    const pool = openPool({ connectionString: url.href });
    try {
      const database = postgres(pool);
      const passwordHasher = quickHasher();
      const keys = { secrets: secret, sealingKeys: sealingKey };
      const auth = fullAuth({ database, ...keys, passwordHasher, origins: ["https://example.com"], signUp: "open" });
      const identifier = freshIdentifier();
      const context = { address: freshAddress() };
      await auth.signUp({ identifier, password: goodPassword, context });
      const signedIn = await auth.signIn.password({ identifier, password: goodPassword, context });
      expect(signedIn).toMatchObject({ mfaRequired: false });
      await auth.purge();
      await expect(pool.query("delete from aud")).rejects.toThrow("permission denied");
      await expect(pool.query("select from public.usr")).rejects.toThrow("permission denied");
    } finally {
      await pool.end();
    }
  } finally {
    await owner.query(`drop owned by ${name}`);
    await owner.query(`drop role ${name}`);
    await owner.end();
  }
});

describe("S72: the command line", () => {
  test("migrates, creates a user and examines the database in the schema, by an option or by the environment", async () => {
    const { database, connectionString } = await openBackend("postgres", { empty: true });
    await makeApplicationTables(database);
    const before = await applicationState(database);
    const url = { DATABASE_URL: connectionString! };
    const inEnvironment = { ...url, DATABASE_SCHEMA: "auth" };
    expect(await sallyportWith(url, "migrate", "--schema", "auth")).toMatchObject({ code: 0, stderr: "" });
    const created = await sallyportFed(goodPassword, inEnvironment, "users", "create", "ada@example.com");
    expect(created).toMatchObject({ code: 0, stderr: "" });
    const found = await sallyportWith(url, "users", "find", "ada@example.com", "--schema", "auth");
    expect(found.stdout).toContain(created.stdout.trim());
    expect(await sallyportWith(inEnvironment, "doctor")).toMatchObject({ code: 0, stderr: "" });
    // Without the schema, the application's tables are in the way.
    expect((await sallyportWith(url, "doctor")).code).not.toBe(0);
    expect(await applicationState(database)).toEqual(before);
  }, 120_000);

  test.each([[["--schema", "A B"]], [["--schema", ""]], [["--schema", "pg_catalog"]]])(
    "refuses %j",
    async (options) => {
      const { code, stderr } = await sallyportWith(
        { DATABASE_URL: "postgres://u:p@127.0.0.1:1/d" },
        "migrate",
        ...options,
      );
      expect([code, stderr]).toEqual([2, expect.stringContaining("The schema cannot be used")]);
    },
  );
});

describe("S72: a transaction that the caller lends", () => {
  test("goes on with its own search path after an operation, and after a refusal", async () => {
    const { connectionString } = await openBackend("postgres", { empty: true });
    const client = new pg.Client({ connectionString });
    await client.connect();
    onTestFinished(() => client.end());
    const database = postgres(client);
    await migrate(database, migrations, { schema: "auth" });
    const own = inSchema(database, "auth");
    const path = async () => (await client.query("show search_path")).rows[0].search_path;
    const before = await path();
    await client.query("begin");
    expect(own.isNested?.()).toBe(true);
    expect(await own.run(sql`select count(*)::int as users from usr`)).toEqual([{ users: 0 }]);
    expect(await path()).toBe(before);
    await expect(own.run(sql`select sallyport_refuse('not_found')`)).rejects.toThrow();
    expect(await path()).toBe(before);
    await expect(client.query("select from usr")).rejects.toMatchObject({ code: "42P01" });
    await client.query("rollback");
    await own.run(sql`select from usr`);
    expect(await path()).toBe(before);
  });

  test("the application's statements in a batch find the application's tables", async () => {
    const { database } = await openBackend("pglite", { empty: true });
    await migrate(database, migrations, { schema: "auth" });
    await database.run({ text: "create table profile (name text)", params: [] });
    await database.run({ text: "create table usr (name text)", params: [] });
    const own = inSchema(database, "auth");
    await own.batch([sql`insert into profile values ('a')`, sql`insert into public.usr values ('b')`]);
    expect(await own.batch([sql`select name from profile`, sql`select count(*)::int as users from usr`])).toEqual([
      [{ name: "a" }],
      [{ users: 0 }],
    ]);
  });
});

test.each([
  "",
  "Auth",
  "a b",
  'a"',
  "a,b",
  "1a",
  "pg_auth",
  "information_schema",
  "a".repeat(64),
  "auth'; drop table usr; --",
  null,
  1,
])("S72: %j is no name of a schema", async (schema) => {
  const { database } = await openBackend("pglite", { empty: true });
  expect(() => inSchema(database, schema as string)).toThrow(TypeError);
  await expect(migrate(database, migrations, { schema: schema as string })).rejects.toThrow(TypeError);
});
