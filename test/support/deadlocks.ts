import pg from "pg";
import { postgres } from "../../src/store/drivers/postgres.ts";
import type { Database } from "../../src/store/sql.ts";
import type { World } from "./auth.ts";
import { openPool } from "./databases.ts";

/**
 * How many deadlocks the server finds while `work` runs. `work` has its own connections, which end before the count: until then
 * each may withhold its statistics. Nothing else may deadlock in this world.
 */
export async function deadlocksDuring(world: World, work: (database: Database) => Promise<void>): Promise<number> {
  const name = `deadlocks ${crypto.randomUUID()}`;
  const connectionString = world.backend.connectionString!;
  const pool = openPool({ connectionString, max: 30, application_name: name });
  const count = async (text: string, ...params: string[]): Promise<number> => {
    const client = new pg.Client({ connectionString });
    await client.connect();
    const { rows } = await client.query<{ n: number }>(text, params);
    await client.end();
    return rows[0]!.n;
  };
  const found = () => count("select deadlocks::int as n from pg_stat_database where datname = current_database()");
  const before = await found();
  await work(postgres(pool, { timeoutMilliseconds: 30_000 }));
  await pool.end();
  while ((await count("select count(*)::int as n from pg_stat_activity where application_name = $1", name)) > 0);
  return (await found()) - before;
}
