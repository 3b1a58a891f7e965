import pg from "pg";
import { inject, onTestFinished } from "vitest";
import { type Database, sql } from "../../src/store/sql.ts";

/** A connection to the same database that the driver does not know about, for the running test. */
export async function openClient(database: Database): Promise<pg.Client> {
  const databases = inject("databases").postgres;
  if ("missing" in databases) throw new Error(databases.missing);
  const [row] = await database.run(sql<{ name: string }>`select current_database() as name`);
  const client = new pg.Client({ ...databases.server, database: row!.name });
  client.on("error", () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** How many connections to the same database wait for a lock of this kind. */
export async function waitingOn(client: pg.Client, kind: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int4 as count from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and wait_event = $1`,
    [kind],
  );
  return rows[0]!.count;
}

/** Polls until the condition holds; the test's own deadline is the limit. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}
