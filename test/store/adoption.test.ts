/** S64, S66: what `migrate` reads before it writes. Slow: each test migrates a database of its own. @module */
import { describe, expect, test } from "vitest";
import { migrations } from "../../src/store/generated/migrations.ts";
import { migrate } from "../../src/store/migrate.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import { openBackend } from "../support/databases.ts";
import { createReferenceSchema, type ReferenceVersion, referenceVersions } from "../support/reference-database.ts";
import { hasShared, sharedJson } from "../support/shared.ts";

const names = migrations.map(({ name }) => name);

async function open(version?: ReferenceVersion): Promise<Database> {
  const { database } = await openBackend("postgres", { empty: true, timeoutMilliseconds: 60_000 });
  if (version) await createReferenceSchema(database, version);
  return database;
}

/** Runs statements that have no parameters. */
async function run(database: Database, ...texts: readonly string[]): Promise<void> {
  await database.batch(texts.map((text) => ({ text, params: [] })));
}

interface Fact {
  kind: string;
  name: string;
  definition: string;
}

/** Everything in the schema: columns, constraints, indexes, triggers, functions. */
async function facts(database: Database): Promise<Fact[]> {
  return await database.run(sql<Fact>`
    select 'column' as kind, c.relname || '.' || a.attname as name, format_type(a.atttypid, a.atttypmod)
        || case when a.attnotnull then ' not null' else '' end as definition
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
    union all select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
      from pg_constraint where connamespace = 'public'::regnamespace
    union all select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
    union all select 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
      from pg_trigger where not tgisinternal
    union all select 'function', oid::regprocedure::text, prosrc from pg_proc where pronamespace = 'public'::regnamespace
    order by 1, 2`);
}

const of = (kind: string, list: readonly Fact[]) => list.filter((fact) => fact.kind === kind);

describe.each(referenceVersions)("S66: a database of the reference schema %s", (version) => {
  test("is adopted as the dry run says; nothing of it goes, and nothing of Sallyport's is missing", async () => {
    const database = await open(version);
    const before = await facts(database);
    expect(await migrate(database, migrations, { dryRun: true })).toEqual({
      applied: [],
      pending: names,
      adopts: true,
    });
    expect(await facts(database)).toEqual(before);
    expect(await migrate(database, migrations)).toEqual({ applied: names, pending: [], adopts: true });
    expect(await migrate(database, migrations)).toEqual({ applied: [], pending: [], adopts: false });

    const after = await facts(database);
    const widened = version === "0.2.0" ? ["tup.tup_subject_type_check"] : [];
    // The triggers stay, and leave out what has ended.
    const touched = ["flametrench_touch_updated_at()", "cred.cred_touch", "mfa.mfa_touch", ...widened];
    expect(after).toEqual(expect.arrayContaining(before.filter(({ name }) => !touched.includes(name))));

    const onlyLive = after.filter(({ name }) => name === "cred.cred_touch" || name === "mfa.mfa_touch");
    expect(onlyLive).toHaveLength(2);
    for (const { definition } of onlyLive) expect(definition).toContain("WHEN (((old.status <> 'revoked'::text) OR");

    const own = await open();
    await migrate(own, migrations);
    const ours = await facts(own);
    expect(of("column", after)).toEqual(expect.arrayContaining(of("column", ours)));
    expect(of("function", after)).toEqual(expect.arrayContaining(of("function", ours)));
    // Two tables cannot refuse more than they do in a database of Sallyport's own.
    const texts = (list: readonly Fact[]) => new Set(list.map(({ definition }) => definition));
    const tables = ["mfa", "usr_mfa_policy", "pat", "ses", "cred", "usr", "tup", "org", "mem", "inv"];
    const extra = of("constraint", after).filter(
      ({ name, definition }) =>
        tables.some((table) => name.startsWith(`${table}.`)) &&
        !texts(of("constraint", before)).has(definition) &&
        !texts(of("constraint", ours)).has(definition),
    );
    expect(extra).toEqual([]);
    // Every index of Sallyport's has an equal of some name.
    const shape = (fact: Fact) => fact.definition.replace(/INDEX \w+ ON/, "INDEX ON");
    const shapes = of("index", after).map(shape);
    const missing = of("index", ours).filter((fact) => !shapes.includes(shape(fact)));
    expect(missing.map(({ name }) => name).sort()).toEqual([...coveredByTheReference].sort());
  });

  test("keeps its rows, and what an earlier release left behind is no obstacle", async () => {
    const database = await open(version);
    await run(
      database,
      "insert into usr (id, display_name) values ('00000000-0000-4000-8000-000000000001', 'Ada')",
      `insert into cred (id, usr_id, type, identifier, password_hash)
        values ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', 'password', 'Ada@x.de', 'h')`,
      `insert into mfa (id, usr_id, type, identifier, totp_secret, totp_algorithm, totp_digits, totp_period)
        values (gen_random_uuid(), '00000000-0000-4000-8000-000000000001', 'totp', 'phone', '\\x00', 'sha1', 6, 30)`,
    );
    // Its first file, and the record of it.
    await migrate(database, [{ name: migrations[0]!.name, text: migrations[0]!.text }]);
    expect((await migrate(database, migrations, { dryRun: true })).pending).toEqual(names.slice(1));
    expect(await migrate(database, migrations)).toEqual({ applied: names.slice(1), pending: [], adopts: true });
    expect(
      await database.run(sql`
      select display_name, identifier from usr join cred on cred.usr_id = usr.id`),
    ).toEqual([{ display_name: "Ada", identifier: "Ada@x.de" }]);
    expect(await database.run(sql`select count(confirmed_at)::int as n from mfa`)).toEqual([{ n: 1 }]);
  });
});

test.each(referenceVersions)(
  "S66: organizations of the reference schema %s are adopted by an upgrade",
  async (version) => {
    const database = await open(version);
    await migrate(database, migrations.slice(0, 32));
    const org = "00000000-0000-4000-8000-000000000003";
    await run(database, `insert into org (id, slug) values ('${org}', 'acme')`);
    expect(await migrate(database, migrations)).toEqual({ applied: names.slice(32), pending: [], adopts: true });
    expect(await database.run(sql`select slug from org where status = 'active'`)).toEqual([{ slug: "acme" }]);
  },
);

test("S64: an application's own table of organizations is refused, and nothing changes", async () => {
  const database = await open();
  await migrate(database, migrations.slice(0, 32));
  await run(database, "create table org (id uuid primary key, slug text)");
  const before = await facts(database);
  await expect(migrate(database, migrations)).rejects.toMatchObject({ code: "name_taken" });
  expect(await facts(database)).toEqual(before);
});

/** Indexes of which the reference has the same, or one that serves the same look-ups. */
const coveredByTheReference = ["pat_expires_at"];

test("S66: a registration waits in a table with the columns of `mfa`, in the same order", async () => {
  const database = await open("0.3.0");
  await migrate(database, migrations);
  const columns = async (table: string) =>
    await database.run(sql`
      select attname, atttypid::regtype::text as type from pg_attribute
      where attrelid = ${table}::regclass and attnum > 0 and not attisdropped order by attnum`);
  expect(await columns("mfa_registration")).toEqual(await columns("mfa"));
});

describe("a database that is refused: one code, the same in a dry run, and nothing is written", () => {
  test.each([
    {
      case: "S64: somebody else's table `usr`",
      given: ["create table usr (id int4, email text)"],
      code: "name_taken",
      names: "usr",
    },
    {
      case: "S64: somebody else's `attempt` and `cred_usr_id`",
      given: ["create table attempt (id int4)", "create table other (a int4)", "create index cred_usr_id on other (a)"],
      code: "name_taken",
      names: "attempt, cred_usr_id",
    },
    {
      case: "S64: a type that has a table's name",
      given: ["create type aud as enum ('a')"],
      code: "name_taken",
      names: "aud",
    },
    {
      case: "S64: a function of another meaning",
      given: ["create function sallyport_refuse(a int4) returns int4 language sql as 'select 1'"],
      code: "name_taken",
      names: "sallyport_refuse()",
    },
    {
      case: "S66: the reference without a column",
      version: "0.3.0" as const,
      given: ["alter table cred drop column oidc_subject cascade"],
      code: "reference_differs",
      names: "cred.oidc_subject is missing",
    },
    {
      case: "S66: the reference without a table, with a column of another type and one that must be given",
      version: "0.2.0" as const,
      given: [
        "drop table usr_mfa_policy",
        "alter table ses drop column token_hash, add column token_hash varchar",
        "alter table usr add column tenant int4 not null",
      ],
      code: "reference_differs",
      names: "usr.tenant has no default; ses.token_hash is varchar instead of bytea; usr_mfa_policy is missing",
    },
    {
      case: "S66: a view in place of a table of the reference, with the same columns",
      version: "0.3.0" as const,
      given: ["alter table tup rename to grants", "create view tup as select * from grants"],
      code: "reference_differs",
      names: "tup is missing",
    },
    {
      case: "S66: the reference with a column of Sallyport's name",
      version: "0.3.0" as const,
      given: ["alter table ses add column amr int4"],
      code: "name_taken",
      names: "ses.amr",
    },
    {
      case: "S66: rows that a unique index would refuse",
      version: "0.3.0" as const,
      given: [
        "insert into usr (id) values ('00000000-0000-4000-8000-000000000001')",
        ...["a", "b"].map(
          (name) => `insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject)
            values (gen_random_uuid(), '00000000-0000-4000-8000-000000000001', 'oidc', '${name}', 'https://i', 's')`,
        ),
      ],
      code: "reference_differs",
      names: "cred has 1 active OpenID Connect subjects more than once",
    },
  ])("$case: $code", async ({ version, given, code, names: named }) => {
    const database = await open(version);
    await run(database, ...given);
    const before = await facts(database);
    const refusals: unknown[] = [];
    for (const dryRun of [true, false]) {
      const refused = await migrate(database, migrations, { dryRun }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ name: "DatabaseStateError", code });
      expect((refused as Error).message).toContain(named);
      refusals.push((refused as Error).message);
    }
    expect(refusals[0]).toBe(refusals[1]);
    expect(await facts(database)).toEqual(before);
  });

  test("S64: a role that may not create tables, or does not own the reference's", async () => {
    for (const version of [undefined, "0.3.0" as const]) {
      const database = await open(version);
      const role = `role_${crypto.randomUUID().slice(0, 8)}`;
      await run(database, `create role ${role}`, ...(version ? [`grant create on schema public to ${role}`] : []));
      const before = await facts(database);
      const asRole: Database = {
        run: async (statement) =>
          (await database.batch([{ text: `set local role ${role}`, params: [] }, statement]))[1] as never,
        batch: async (list) =>
          (await database.batch([{ text: `set local role ${role}`, params: [] }, ...list])).slice(1) as never,
      };
      for (const dryRun of [true, false]) {
        await expect(migrate(asRole, migrations, { dryRun })).rejects.toMatchObject({ code: "not_permitted" });
      }
      expect(await facts(database)).toEqual(before);
      await run(database, ...(version ? [`revoke create on schema public from ${role}`] : []), `drop role ${role}`);
    }
  });
});

if (hasShared) {
  /** The catalog of a database that the reference's own file made. */
  interface Catalog {
    tables: Record<string, Record<"columns" | "constraints" | "indexes" | "triggers", readonly object[] | null>>;
  }

  test.each(referenceVersions)("the project's own reference schema %s is the published one", async (version) => {
    const published = await sharedJson<Catalog>(`reference-schema/${version}.json`);
    const database = await open(version);
    const [made] = await database.run(sql<{ tables: Catalog["tables"] }>`
      select jsonb_object_agg(c.relname, jsonb_build_object(
        'columns', (select jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
            'default', pg_get_expr(d.adbin, d.adrelid), 'nullable', not a.attnotnull))
          from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
          where a.attrelid = c.oid and a.attnum > 0),
        'constraints', (select jsonb_agg(jsonb_build_object('kind', contype, 'name', conname,
          'definition', pg_get_constraintdef(oid))) from pg_constraint where conrelid = c.oid),
        'indexes', (select jsonb_agg(jsonb_build_object('name', indexname, 'definition', indexdef)) from pg_indexes
          where schemaname = 'public' and tablename = c.relname
            and indexname not in (select conname from pg_constraint)),
        'triggers', (select jsonb_agg(jsonb_build_object('name', tgname)) from pg_trigger
          where tgrelid = c.oid and not tgisinternal))) as tables
      from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'`);
    expect(Object.keys(made!.tables).sort()).toEqual(Object.keys(published.tables).sort());
    for (const [table, parts] of Object.entries(published.tables)) {
      for (const part of ["columns", "constraints", "indexes", "triggers"] as const) {
        const expected = (parts[part] ?? []).map((it) =>
          expect.objectContaining(part === "triggers" ? nameOf(it) : it),
        );
        const found = made!.tables[table]![part] ?? [];
        expect(found, `${table}, ${part}`).toHaveLength(expected.length);
        expect(found, `${table}, ${part}`).toEqual(expect.arrayContaining(expected));
      }
    }
  });
}

const nameOf = (it: object): object => ({ name: (it as { name: string }).name });
