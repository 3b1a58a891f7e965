/**
 * What `migrate` reads before it writes: whether the database already holds the tables of the Flametrench reference schema, and
 * whether anything stands in the way of the statements that it is about to run.
 *
 * @module
 */
import { DatabaseStateError } from "./database-state.ts";
import { type Database, type Statement, sql } from "./sql.ts";

/** The tables of the reference schema that Sallyport shares, with their columns and `pg_type` names. */
const referenceTables: Readonly<Record<string, string>> = {
  usr: "id uuid, status text, display_name text, created_at timestamptz, updated_at timestamptz",
  cred: `id uuid, usr_id uuid, type text, identifier text, status text, replaces uuid, password_hash text,
    passkey_public_key bytea, passkey_sign_count int8, passkey_rp_id text, oidc_issuer text, oidc_subject text,
    created_at timestamptz, updated_at timestamptz`,
  ses: `id uuid, usr_id uuid, cred_id uuid, created_at timestamptz, expires_at timestamptz, revoked_at timestamptz,
    token_hash bytea, mfa_verified_at timestamptz`,
  usr_mfa_policy: "usr_id uuid, required bool, grace_until timestamptz, updated_at timestamptz",
  mfa: `id uuid, usr_id uuid, type text, status text, replaces uuid, identifier text, totp_secret bytea,
    totp_algorithm text, totp_digits int2, totp_period int2, webauthn_public_key bytea, webauthn_sign_count int8,
    webauthn_rp_id text, webauthn_aaguid uuid, webauthn_transports _text, recovery_hashes _text,
    recovery_consumed _bool, pending_expires_at timestamptz, created_at timestamptz, updated_at timestamptz`,
  pat: `id uuid, usr_id uuid, name text, scope _text, secret_hash text, expires_at timestamptz,
    last_used_at timestamptz, revoked_at timestamptz, created_at timestamptz, updated_at timestamptz`,
  tup: `id uuid, subject_type text, subject_id uuid, relation text, object_type text, object_id uuid,
    created_at timestamptz, created_by uuid`,
  org: "id uuid, status text, created_at timestamptz, updated_at timestamptz, name text, slug text",
  mem: `id uuid, usr_id uuid, org_id uuid, role text, status text, replaces uuid, invited_by uuid, removed_by uuid,
    created_at timestamptz, updated_at timestamptz`,
  inv: `id uuid, org_id uuid, identifier text, role text, status text, pre_tuples jsonb, invited_by uuid,
    invited_user_id uuid, created_at timestamptz, expires_at timestamptz, terminal_at timestamptz, terminal_by uuid`,
};

/** The columns that tell the reference's tables from an application's own of the same names. */
const telling: Readonly<Record<string, string>> = {
  usr: "display_name",
  cred: "usr_id",
  ses: "cred_id",
  org: "slug",
  mem: "usr_id",
  inv: "pre_tuples",
};

/** Version 0.2 has no personal access tokens. */
const optionalTables: ReadonlySet<string> = new Set(["pat"]);

/** Where Sallyport's tables are, or will be. */
export interface Target {
  readonly database: Database;
  /** Undefined: where the connection creates tables. The schema may not exist yet. */
  readonly schema?: string;
}

/**
 * True if the database holds those tables of the reference schema, 0.2 or 0.3, that a step would create. False if it holds none
 * of their names, or names that mean something else there.
 *
 * @throws {DatabaseStateError} `reference_differs` if the tables are the reference's, but changed so that Sallyport cannot use
 * them.
 */
export async function holdsReferenceTables(database: Database, step: readonly string[]): Promise<boolean> {
  const tables = namesIn(step).tables.filter((table) => referenceTables[table]);
  const columns = await database.run(selectColumns(tables));
  const hasColumn = (table: string, column: string) => columns.some((it) => it.table === table && it.column === column);
  if (tables.length === 0 || !tables.every((table) => !telling[table] || hasColumn(table, telling[table])))
    return false;

  const differences: string[] = [];
  for (const table of tables) {
    const text = referenceTables[table]!;
    const found = columns.filter((column) => column.table === table);
    if (found.length === 0 && optionalTables.has(table)) continue;
    const expected = new Map(text.split(",").map((column) => column.trim().split(" ") as [string, string]));
    if (found.length === 0) differences.push(`${table} is missing`);
    else {
      for (const [column, type] of expected) {
        const same = found.find((it) => it.column === column);
        if (!same) differences.push(`${table}.${column} is missing`);
        else if (same.type !== type) differences.push(`${table}.${column} is ${same.type} instead of ${type}`);
      }
    }
    for (const { column, mustBeGiven } of found) {
      if (mustBeGiven && !expected.has(column)) differences.push(`${table}.${column} has no default`);
    }
  }
  requireNone(differences);
  return true;
}

function requireNone(differences: readonly string[]): void {
  if (differences.length === 0) return;
  const list = differences.join("; ");
  throw new DatabaseStateError("reference_differs", `The reference schema here cannot be adopted: ${list}.`);
}

interface Column {
  table: string;
  column: string;
  type: string;
  /** True if every insert must name it. */
  mustBeGiven: boolean;
}

function selectColumns(tables: readonly string[]): Statement<Column> {
  return sql`
    select c.relname as "table", a.attname as "column", t.typname as type,
      a.attnotnull and not a.atthasdef and a.attidentity = '' as "mustBeGiven"
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    where pg_table_is_visible(c.oid) and c.relkind in ('r', 'p') and c.relname = any(${tables}::text[])
    order by c.relname, a.attnum`;
}

/**
 * Refuses rows that the unique indexes of the adopting migration would refuse.
 *
 * @throws {DatabaseStateError} `reference_differs`.
 */
export async function requireFittingRows(database: Database): Promise<void> {
  const [counts] = await database.run(sql<{ hashes: number; subjects: number }>`
    select
      (select count(*)::int from (select from ses where token_hash is not null group by token_hash having count(*) > 1) hash)
        as hashes,
      (select count(*)::int from (select from cred where type = 'oidc' and status = 'active'
        group by oidc_issuer, oidc_subject having count(*) > 1) subject) as subjects`);
  const found: string[] = [];
  if (counts!.hashes > 0) found.push(`ses.token_hash repeats in ${counts!.hashes} cases`);
  if (counts!.subjects > 0) found.push(`cred has ${counts!.subjects} active OpenID Connect subjects more than once`);
  requireNone(found);
}

/**
 * Refuses statements that could not all succeed, as far as the catalog shows.
 *
 * @param areTablesOurs True if the visible `usr` is Sallyport's, or becomes it. It may be in another schema than new tables.
 * @throws {DatabaseStateError} `name_taken` if a table, index, function or column that they create exists already;
 * `not_permitted` if the role may not run them; `wrong_encoding` if the database is not in UTF-8.
 */
export async function requireRoomFor(
  { database, schema }: Target,
  statements: readonly string[],
  areTablesOurs: boolean,
): Promise<void> {
  const names = namesIn(statements);
  const [row] = await database.run(sql<Room>`
    with own as materialized (
      select coalesce(${schema ?? null}::text, current_schema()) as name),
    place as materialized (select pg_namespace.oid from own join pg_namespace on nspname = own.name),
    -- An index and a column are where their table is, and a table of the reference may be elsewhere.
    places as materialized (
      select oid from place
      union select relnamespace from pg_class where ${areTablesOurs} and oid = to_regclass('usr'))
    select getdatabaseencoding() = 'UTF8' as utf8, own.name as schema,
      case when exists (select from place)
        then has_schema_privilege(own.name, 'create') and has_schema_privilege(own.name, 'usage')
        else has_database_privilege(current_database(), 'create') end as "mayCreate",
      array(
        select relname::text from pg_class
        where relnamespace in (select oid from place) and relname = any(${names.relations}::text[])
          or relnamespace in (select oid from places) and relname = any(${names.indexes}::text[])
        union
        select typname::text from pg_type where typnamespace in (select oid from place) and typname = any(${names.tables}::text[])
        union
        select proname || '()' from pg_proc where pronamespace in (select oid from place) and proname = any(${names.functions}::text[])
        union
        select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
        where c.relnamespace in (select oid from places) and c.relname || '.' || a.attname = any(${names.columns}::text[])
        order by 1) as taken,
      array(
        select relname::text from pg_class
        where relnamespace in (select oid from places) and relname = any(${names.altered}::text[])
          and not pg_has_role(relowner, 'usage')
        union
        select proname || '()' from pg_proc
        where pronamespace in (select oid from place) and proname = any(${names.replaced}::text[]) and not pg_has_role(proowner, 'usage')
        order by 1) as foreign
    from own`);
  const { utf8, mayCreate, taken, foreign } = row!;
  const refuse = (code: "name_taken" | "not_permitted" | "wrong_encoding", message: string): never => {
    throw new DatabaseStateError(code, `${message} Nothing was changed.`);
  };
  if (taken.length > 0) {
    refuse("name_taken", `The database already has these, and they are not Sallyport's: ${taken.join(", ")}.`);
  }
  if (!utf8) refuse("wrong_encoding", "The database's encoding must be UTF8.");
  if (!mayCreate) refuse("not_permitted", "The role may not create tables in the schema, or not use it.");
  if (foreign.length > 0) refuse("not_permitted", `The role does not own these: ${foreign.join(", ")}.`);
}

interface Room {
  utf8: boolean;
  mayCreate: boolean;
  taken: readonly string[];
  foreign: readonly string[];
}

/** The names in migrations, which are all written in the same few ways. */
function namesIn(statements: readonly string[]) {
  const of = (form: RegExp): string[] =>
    statements.flatMap((text) => [...bare(text).matchAll(form)].map((match) => match[1]!));
  // A statement may replace or drop what an earlier one of the same run creates.
  const tables = of(/^create table (?!if not exists)(\w+)/g);
  return {
    tables,
    relations: [...tables, ...of(/^create view (\w+)/g)],
    indexes: newIndexes(statements),
    functions: of(/^create function (\w+)/g),
    columns: statements.map(bare).flatMap((text) => {
      const table = /^alter table (\w+)/.exec(text)?.[1];
      return table
        ? [...text.matchAll(/\badd column (?!if not exists)(\w+)/g)].map((match) => `${table}.${match[1]}`)
        : [];
    }),
    altered: of(/^(?:alter|drop) table (\w+)/g),
    replaced: of(/^create or replace function (\w+)/g),
  };
}

/** The indexes that the statements create, except those of an earlier run, which they drop before they create them again. */
function newIndexes(statements: readonly string[]): string[] {
  const first = new Map<string, string>();
  for (const text of statements) {
    const [, verb, name] =
      /^(create|drop) (?:unique )?index (?!if not exists)(?:if exists )?(\w+)/.exec(bare(text)) ?? [];
    if (verb && name && !first.has(name)) first.set(name, verb);
  }
  return [...first].filter(([, verb]) => verb === "create").map(([name]) => name);
}

/** A statement without the comment lines before it. */
function bare(text: string): string {
  return text.replace(/^(?:\s*--.*\n|\s)*/, "");
}
