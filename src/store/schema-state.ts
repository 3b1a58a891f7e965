import { DatabaseStateError } from "./database-state.ts";
import { migrationNames } from "./generated/migration-names.ts";
import { requireProduction, selectClock } from "./migrate.ts";
import { type Database, sql } from "./sql.ts";

/** What a database has that this release does not have. */
export interface NewerSchema {
  /** The applied migrations that this release does not know. They serve it. */
  readonly newer: readonly string[];
}

/**
 * Refuses a database whose schema this release cannot work on, or whose clock can be set (S17). Takes one request.
 *
 * @param names The migrations of the release, in order. Default: this one's.
 * @throws {DatabaseStateError} `clock_missing`, `clock_replaced`; `schema_behind` if a migration of this release is not applied;
 * `schema_ahead` if a later one says that it does not serve this release. The message names the migrations.
 */
export async function assertSchema(
  database: Database,
  names: readonly string[] = migrationNames,
): Promise<NewerSchema> {
  const records = await readRecords(database);
  const applied = new Set(records.map(({ name }) => name));
  const missing = names.filter((name) => !applied.has(name));
  if (missing.length > 0) {
    throw new DatabaseStateError("schema_behind", `Not applied: ${missing.join(", ")}. Run \`sallyport migrate\`.`);
  }
  const release = names.at(-1)!.slice(0, 4);
  const ahead = records.filter(({ serves }) => serves !== null && serves > release).map(({ name }) => name);
  if (ahead.length > 0) {
    throw new DatabaseStateError(
      "schema_ahead",
      `This release is too old for ${ahead.join(", ")}. Deploy a newer one.`,
    );
  }
  return { newer: [...applied].filter((name) => !names.includes(name)) };
}

interface MigrationRecord {
  readonly name: string;
  /** The number of the oldest release that works on the schema; null for every release. */
  readonly serves: string | null;
}

async function readRecords(database: Database): Promise<readonly MigrationRecord[]> {
  // The column is absent if an older release has migrated.
  const select = sql`select name, to_jsonb(m) ->> 'serves' as serves from sallyport_migration m order by name`;
  try {
    const [clock, records] = await database.batch([selectClock(), select]);
    requireProduction(clock as Parameters<typeof requireProduction>[0]);
    return records as MigrationRecord[];
  } catch (error) {
    // There is no such table: nothing was migrated, or not by us.
    if ((error as { code?: unknown }).code !== "42P01") throw error;
    requireProduction(await database.run(selectClock()));
    return [];
  }
}
