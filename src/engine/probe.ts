import { randomBytes } from "../crypto/bytes.ts";
import { DatabaseStateError } from "../store/database-state.ts";
import { deleteProbe, readProbe, writeProbe } from "../store/maintenance.ts";
import { assertSchema, type NewerSchema } from "../store/schema-state.ts";
import type { Database } from "../store/sql.ts";

/**
 * Refuses a database that is unsafe to serve from: one whose clock can be set (S17), one whose schema does not serve this
 * release (S71), or one behind a cache that answers a repeated look-up from memory, so that a revoked session would live on
 * (S50).
 *
 * @throws {DatabaseStateError} With fixed text and names of migrations only.
 */
export async function probeDatabase(database: Database): Promise<NewerSchema> {
  const schema = await assertSchema(database);
  // Its own row, so that concurrent probes do not read each other's. Both reads have the same text, so a cache would answer the
  // second.
  const id = new DataView(randomBytes(4).buffer).getInt32(0);
  try {
    for (const value of ["before", "after"]) {
      await database.run(writeProbe(id, value));
      const [row] = await database.run(readProbe(id));
      if (row?.value !== value) {
        throw new DatabaseStateError("stale_reads", "A query cache answers in place of the database.");
      }
    }
  } finally {
    await database.run(deleteProbe(id));
  }
  return schema;
}
