/**
 * Applies the migrations in order, each in one transaction together with its record in `sallyport_migration`.
 *
 * A migration file holds statements separated by a line that reads `-- statement`, because no driver takes several statements
 * at once. Files are forward only and never edited once applied: the record keeps the text's SHA-256. A file must not contain a
 * statement that cannot run in a transaction (`create index concurrently`).
 *
 * @module
 */
import { type Database, type Statement, sql } from "./sql.ts";

/** One migration file. */
export interface Migration {
  /** The file's name without `.sql`. Names sort in the order of application. */
  readonly name: string;
  readonly text: string;
}

/** The options of {@link migrate}. */
export interface MigrateOptions {
  /** Changes nothing, and only reports what would be applied. Default false. */
  dryRun?: boolean | undefined;
}

/** The names of migrations, in order. */
export interface MigrateReport {
  /** The migrations that this call applied. */
  readonly applied: readonly string[];
  /** The migrations that are left to apply: none, except after a dry run. */
  readonly pending: readonly string[];
}

/** The reason why a database cannot be migrated or used. */
export type DatabaseStateCode =
  | "migration_changed"
  | "migration_unknown"
  | "migration_order"
  | "clock_missing"
  | "clock_replaced"
  | "stale_reads";

/** The database is in a state that this release cannot work with. Only an operator can decide what to do. */
export class DatabaseStateError extends Error {
  override readonly name = "DatabaseStateError";
  readonly code: DatabaseStateCode;

  constructor(code: DatabaseStateCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Brings the database up to the last of `migrations`.
 *
 * Two calls at once are safe: each transaction begins with the same lock, and the record's primary key makes the second one
 * undo its attempt and read again.
 *
 * @throws {DatabaseStateError} Before any change, if an applied migration was edited, is not in the list or comes after one
 * that is not applied, or if the clock is not the production clock.
 */
export async function migrate(
  database: Database,
  migrations: readonly Migration[],
  { dryRun = false }: MigrateOptions = {},
): Promise<MigrateReport> {
  const steps = await Promise.all(migrations.map(parseMigration));
  for (const [index, step] of steps.entries()) {
    if (index > 0 && step.name <= steps[index - 1]!.name) throw new TypeError(`${step.name} is out of order.`);
  }
  if ((await clockState(database)) === "replaced") throw clockReplaced();

  let pending = pendingSteps(steps, await readApplied(database));
  if (dryRun) return { applied: [], pending: pending.map(({ name }) => name) };

  const applied: string[] = [];
  await database.batch([lock(), createRecords()]);
  while (pending.length > 0) {
    const step = pending[0]!;
    if (await apply(database, step)) applied.push(step.name);
    pending = pendingSteps(steps, await readApplied(database));
  }
  await assertProductionClock(database);
  return { applied, pending: [] };
}

/**
 * Refuses a database in which `sallyport_now()` is anything but the true time.
 *
 * A clock that is a table row (as the tests install) lets any writer of the table stop time (S17).
 *
 * @throws {DatabaseStateError} `clock_missing` if nothing was migrated, `clock_replaced` otherwise.
 */
export async function assertProductionClock(database: Database): Promise<void> {
  const state = await clockState(database);
  if (state === "missing") throw new DatabaseStateError("clock_missing", "The database has not been migrated.");
  if (state === "replaced") throw clockReplaced();
}

function clockReplaced(): DatabaseStateError {
  return new DatabaseStateError("clock_replaced", "sallyport_now() is not the production clock.");
}

async function clockState(database: Database): Promise<"missing" | "production" | "replaced"> {
  const [clock] = await database.run(sql<{ isProduction: boolean }>`
    select coalesce(
      pg_get_function_sqlbody(oid) = 'RETURN statement_timestamp()'
        and provolatile = 's' and not prosecdef and proconfig is null and prorettype = 'timestamptz'::regtype,
      false) as "isProduction"
    from pg_proc
    where oid = to_regprocedure('sallyport_now()')`);
  if (!clock) return "missing";
  return clock.isProduction ? "production" : "replaced";
}

interface Step {
  readonly name: string;
  readonly sha256: string;
  readonly statements: readonly string[];
}

/** Line ends are made uniform first, since a checkout may change them. */
async function parseMigration({ name, text }: Migration): Promise<Step> {
  const lines = text.replaceAll("\r\n", "\n");
  const statements = lines.split(/^-- statement[ \t]*$/m).map((statement) => statement.trim());
  if (statements.some((statement) => statement.replace(/^\s*--.*$/gm, "").trim() === "")) {
    throw new TypeError(`${name} has an empty statement.`);
  }
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(lines));
  const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { name, sha256, statements };
}

/** Any number that no other lock uses will do: these are the letters "sall". */
const lock = () => sql`select pg_advisory_xact_lock(1935764588)`;

const createRecords = () => sql`
  create table if not exists sallyport_migration (
    name text primary key,
    sha256 text not null,
    applied_at timestamptz not null default statement_timestamp()
  )`;

interface Applied {
  name: string;
  sha256: string;
}

async function readApplied(database: Database): Promise<Applied[]> {
  const [table] = await database.run(sql<{ exists: boolean }>`
    select to_regclass('sallyport_migration') is not null as "exists"`);
  if (!table!.exists) return [];
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

/** False if another process recorded the step first. In that case nothing was done twice. */
async function apply(database: Database, { name, sha256, statements }: Step): Promise<boolean> {
  try {
    await database.batch([
      lock(),
      sql`insert into sallyport_migration (name, sha256) values (${name}, ${sha256})`,
      ...statements.map((text): Statement => ({ text, params: [] })),
    ]);
    return true;
  } catch (error) {
    const { code, table } = error as { code?: unknown; table?: unknown };
    if (code === "23505" && table === "sallyport_migration") return false;
    throw error;
  }
}
