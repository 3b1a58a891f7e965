/**
 * Applies the migrations that are left, in order and in one transaction, each with its record in `sallyport_migration`. Before
 * that it reads whether anything stands in their way, so that a database that is refused stays as it is (S64).
 *
 * A migration file holds statements separated by a line that reads `-- statement`, because no driver takes several statements
 * at once. Files are forward only and never edited once applied: the record keeps the text's SHA-256. A file must not contain a
 * statement that cannot run in a transaction (`create index concurrently`).
 *
 * A release is named by the newest migration that it has. A line `-- serves 0007` in a file says which is the oldest release
 * that works on the schema that the file makes; without the line, every older one does. The record keeps it, so that a release
 * can refuse a schema that does not serve it.
 *
 * @module
 */
import { DatabaseStateError } from "./database-state.ts";
import { inSchema } from "./in-schema.ts";
import { type Database, type Statement, sql } from "./sql.ts";
import { holdsReferenceTables, requireFittingRows, requireRoomFor, type Target } from "./starting-state.ts";

/** One migration file. */
export interface Migration {
  /** The file's name without `.sql`. Names sort in the order of application. */
  readonly name: string;
  readonly text: string;
  /**
   * The text that runs in its place on a database with the tables of the Flametrench reference schema. It leads to a state on
   * which the later migrations work too.
   */
  readonly adopting?: string | undefined;
}

/** The options of {@link migrate}. */
export interface MigrateOptions {
  /** Changes nothing, and only reports what would be applied. Default false. */
  dryRun?: boolean | undefined;
  /**
   * The schema for Sallyport's tables, a lower-case identifier; it is made if it does not exist. Tables of the Flametrench
   * reference schema stay where they are. Default: the schema in which the connection creates tables, mostly `public`.
   */
  schema?: string | undefined;
}

/** The names of migrations, in order. */
export interface MigrateReport {
  /** The migrations that this call applied. */
  readonly applied: readonly string[];
  /** The migrations that are left to apply: none, except after a dry run. */
  readonly pending: readonly string[];
  /** True if the database has the tables of the reference schema, and Sallyport's are added to them in this run. */
  readonly adopts: boolean;
}

/**
 * Brings the database up to the last of `migrations`, in one transaction: all that are left, or none.
 *
 * A database that the Flametrench reference schema made is adopted: its tables and rows stay, and what they lack is added. Two
 * calls at once are safe: each transaction begins with the same lock, and the record's primary key makes the second one undo
 * its attempt and read again.
 *
 * @throws {DatabaseStateError} Before any change, and in a dry run too: if an applied migration was edited, is not in the list
 * or comes after one that is not applied; if the clock is not the production clock; if a name is taken; or if the tables of the
 * reference schema differ from it.
 */
export async function migrate(
  database: Database,
  migrations: readonly Migration[],
  { dryRun = false, schema }: MigrateOptions = {},
): Promise<MigrateReport> {
  const target: Target = schema === undefined ? { database } : { database: inSchema(database, schema), schema };
  const steps = await Promise.all(migrations.map(parseMigration));
  for (const [index, step] of steps.entries()) {
    if (index > 0 && step.name <= steps[index - 1]!.name) throw new TypeError(`${step.name} is out of order.`);
  }
  if ((await clockState(target.database)) === "replaced") throw clockReplaced();

  for (;;) {
    const applied = await readApplied(target);
    const pending = pendingSteps(steps, applied);
    const names = pending.map(({ name }) => name);
    try {
      const { chosen, adopts } = await look(target, pending, applied.length > 0);
      if (dryRun) return { applied: [], pending: names, adopts };
      if (await apply(target, chosen)) {
        await assertProductionClock(target.database);
        return { applied: names, pending: [], adopts };
      }
    } catch (error) {
      // Another process may have applied the steps while this one was looking.
      const isOverridden = error instanceof DatabaseStateError && (await readApplied(target)).length > applied.length;
      if (!isOverridden) throw error;
    }
  }
}

/** The steps in the text that fits the database, once nothing stands in their way. */
async function look(
  target: Target,
  pending: readonly Step[],
  isInstalled: boolean,
): Promise<{ chosen: readonly Step[]; adopts: boolean }> {
  const { database } = target;
  const chosen: Step[] = [];
  let adopts = false;
  for (const step of pending) {
    const adopting =
      step.adopting && (await holdsReferenceTables(database, step.statements)) ? step.adopting : undefined;
    adopts ||= adopting !== undefined;
    chosen.push({ ...step, statements: adopting ?? step.statements });
  }
  const statements = chosen.flatMap((step) => step.statements);
  if (chosen.length > 0) await requireRoomFor(target, statements, adopts || isInstalled);
  if (adopts) await requireFittingRows(database);
  return { chosen, adopts };
}

/**
 * Refuses a database in which `sallyport_now()` is anything but the true time.
 *
 * A clock that is a table row (as the tests install) lets any writer of the table stop time (S17).
 *
 * @throws {DatabaseStateError} `clock_missing` if nothing was migrated, `clock_replaced` otherwise.
 */
export async function assertProductionClock(database: Database): Promise<void> {
  requireProduction(await database.run(selectClock()));
}

/**
 * Checks the rows of {@link selectClock}.
 *
 * @throws {DatabaseStateError} As {@link assertProductionClock} does.
 */
export function requireProduction(rows: readonly ClockRow[]): void {
  const state = stateOf(rows[0]);
  if (state === "missing") throw new DatabaseStateError("clock_missing", "The database has not been migrated.");
  if (state === "replaced") throw clockReplaced();
}

function clockReplaced(): DatabaseStateError {
  return new DatabaseStateError("clock_replaced", "sallyport_now() is not the production clock.");
}

type ClockState = "missing" | "production" | "replaced";

async function clockState(database: Database): Promise<ClockState> {
  return stateOf((await database.run(selectClock()))[0]);
}

interface ClockRow {
  readonly isProduction: boolean;
}

/** What `sallyport_now()` is: no row if there is none. */
export const selectClock = (): Statement<ClockRow> => sql`
    select coalesce(
      pg_get_function_sqlbody(oid) = 'RETURN statement_timestamp()'
        and provolatile = 's' and not prosecdef and proconfig is null and prorettype = 'timestamptz'::regtype,
      false) as "isProduction"
    from pg_proc
    where oid = to_regprocedure('sallyport_now()')`;

function stateOf(clock: ClockRow | undefined): ClockState {
  if (!clock) return "missing";
  return clock.isProduction ? "production" : "replaced";
}

interface Step {
  readonly name: string;
  readonly sha256: string;
  /** The number of the oldest release that works on the schema; null for every release. */
  readonly serves: string | null;
  readonly statements: readonly string[];
  readonly adopting: readonly string[] | undefined;
}

/** Line ends are made uniform first, since a checkout may change them. The digest covers `text` alone. */
async function parseMigration({ name, text, adopting }: Migration): Promise<Step> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(uniform(text)));
  const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const statements = statementsOf(name, text);
  const serves = /^-- serves (\d{4})$/m.exec(uniform(text))?.[1] ?? null;
  if (serves !== null && serves > name.slice(0, 4)) throw new TypeError(`${name} must serve its own release.`);
  return {
    name,
    sha256,
    serves,
    statements,
    adopting: adopting === undefined ? undefined : statementsOf(name, adopting),
  };
}

function uniform(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

function statementsOf(name: string, text: string): string[] {
  const statements = uniform(text)
    .split(/^-- statement[ \t]*$/m)
    .map((statement) => statement.trim());
  if (statements.some((statement) => statement.replace(/^\s*--.*$/gm, "").trim() === "")) {
    throw new TypeError(`${name} has an empty statement.`);
  }
  return statements;
}

/** Any number that no other lock uses will do: these are the letters "sall". */
const lock = () => sql`select pg_advisory_xact_lock(1935764588)`;

const createRecords = () => sql`
  create table if not exists sallyport_migration (
    name text primary key,
    sha256 text not null,
    applied_at timestamptz not null default statement_timestamp()
  )`;

/** A table from before this column keeps its records, which serve every release. */
const addServes = () => sql`alter table sallyport_migration add column if not exists serves text`;

/** The name of a schema cannot be a parameter of the statement that makes it. */
const nameSchema = (schema: string) => sql`select set_config('sallyport.schema', ${schema}, true)`;
/** Even with `if not exists`, `create schema` demands a right that the role of an existing schema need not have. */
const createSchema = () => sql`
  do $do$ begin
    if not exists (select from pg_namespace where nspname = current_setting('sallyport.schema')) then
      execute format('create schema %I', current_setting('sallyport.schema'));
    end if;
  end $do$`;

interface Applied {
  name: string;
  sha256: string;
}

async function readApplied({ database, schema }: Target): Promise<Applied[]> {
  const [found] = await database.run(sql<{ schema: string }>`
    select nspname::text as schema from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where pg_class.oid = to_regclass('sallyport_migration')`);
  if (!found) return [];
  if (schema !== undefined && found.schema !== schema) {
    throw new DatabaseStateError(
      "name_taken",
      `Sallyport's tables are in the schema ${found.schema} already. Nothing was changed.`,
    );
  }
  return await database.run(sql<Applied>`select name, sha256 from sallyport_migration`);
}

/** The steps after the last applied one. */
function pendingSteps(steps: readonly Step[], applied: readonly Applied[]): readonly Step[] {
  const digests = new Map(applied.map(({ name, sha256 }) => [name, sha256]));
  for (const [index, step] of steps.entries()) {
    const digest = digests.get(step.name);
    if (digest === undefined && index < applied.length) {
      const known = new Set(steps.map(({ name }) => name));
      const unknown = applied.find(({ name }) => !known.has(name));
      throw unknown
        ? new DatabaseStateError("migration_unknown", `${unknown.name} is applied, but this release does not have it.`)
        : new DatabaseStateError("migration_order", `${step.name} is not applied, but a later one is.`);
    }
    if (digest !== undefined && digest !== step.sha256) {
      throw new DatabaseStateError("migration_changed", `${step.name} was edited after it was applied.`);
    }
  }
  if (applied.length > steps.length) {
    throw new DatabaseStateError("migration_unknown", "A migration is applied that this release does not have.");
  }
  return steps.slice(applied.length);
}

/** False if another process recorded a step first. In that case nothing was done twice. */
async function apply({ database, schema }: Target, steps: readonly Step[]): Promise<boolean> {
  if (steps.length === 0) return true;
  try {
    await database.batch([
      lock(),
      ...(schema === undefined ? [] : [nameSchema(schema), createSchema()]),
      createRecords(),
      addServes(),
      ...steps.flatMap(({ name, sha256, serves, statements }) => [
        sql`insert into sallyport_migration (name, sha256, serves) values (${name}, ${sha256}, ${serves})`,
        ...statements.map((text): Statement => ({ text, params: [] })),
      ]),
    ]);
    return true;
  } catch (error) {
    const { code, table } = error as { code?: unknown; table?: unknown };
    if (code === "23505" && table === "sallyport_migration") return false;
    throw error;
  }
}
