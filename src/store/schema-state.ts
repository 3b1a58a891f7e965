import { DatabaseStateError } from "./database-state.ts";
import { migrationNames } from "./generated/migration-names.ts";
import { assertProductionClock } from "./migrate.ts";
import { type Database, sql } from "./sql.ts";

/** What a database has that this release does not have. */
export interface NewerSchema {
  /** The applied migrations that this release does not know. They serve it. */
  readonly newer: readonly string[];
}

/**
 * Refuses a database whose schema this release cannot work on, or whose clock can be set (S17). Takes two requests.
 *
 * @param names The migrations of the release, in order. Default: this one's.
 * @throws {DatabaseStateError} `clock_missing`, `clock_replaced`; `schema_behind` if a migration of this release is not applied;
 * `schema_ahead` if a later one says that it does not serve this release. The message names the migrations.
 */
export async function assertSchema(
  database: Database,
  names: readonly string[] = migrationNames,
): Promise<NewerSchema> {
  await assertProductionClock(database);
  // The column is absent if an older release has migrated.
  const records = await database.run(sql<{ name: string; serves: string | null }>`
    select name, to_jsonb(m) ->> 'serves' as serves from sallyport_migration m order by name`);
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
