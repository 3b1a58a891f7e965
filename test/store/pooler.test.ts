import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { neon } from "../../src/store/drivers/neon.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import type { Database } from "../../src/store/sql.ts";
import { openDevelopmentDatabase } from "../../worker/development/database.node.ts";
import { startNeonProxy } from "../../worker/development/neon-proxy.node.ts";
import { prepareWrite, writes } from "../operations/writes/every-write.ts";
import { openAuth, outcome, type World } from "../support/auth.ts";
import { sallyportWith } from "../support/command-line.ts";
import { openPool } from "../support/databases.ts";
import { type TransactionPooler, transactionPooler } from "../support/transaction-pooler.ts";

async function behindPooler(): Promise<{ world: World; pooler: TransactionPooler; url: string }> {
  const world = await openAuth("postgres");
  const pooler = await transactionPooler({ connectionString: world.backend.connectionString });
  onTestFinished(async () => {
    await pooler.close();
    await world.close();
  });
  const url = new URL(world.backend.connectionString!);
  url.port = String(pooler.port);
  return { world, pooler, url: url.href };
}

const drivers: Record<string, (url: string) => Promise<Database>> = {
  async "a pool"(url) {
    const pool = openPool({ connectionString: url });
    onTestFinished(() => pool.end());
    return postgres(pool);
  },
  async "one client"(url) {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => undefined);
    await client.connect();
    onTestFinished(() => client.end());
    return postgres(client);
  },
  async "the development server's database"(url) {
    const opened = await openDevelopmentDatabase({ databaseUrl: url, folder: new URL("file:///"), isInMemory: false });
    const proxy = await startNeonProxy({ backend: opened.backend });
    onTestFinished(async () => {
      await proxy.close();
      await opened.close();
    });
    return neon(proxy.connectionString, { fetchEndpoint: proxy.fetchEndpoint });
  },
};

test.each(Object.entries(drivers))(
  "S70: every write works through a transaction pooler: %s",
  async (_name, connect) => {
    const { world, pooler, url } = await behindPooler();
    const auth = world.isolate({ database: await connect(url) });
    for (const write of writes) {
      const { person, prepared } = await prepareWrite(world, write);
      expect([write.name, await outcome(write.act(auth, person, prepared))]).toEqual([write.name, "done"]);
    }
    // Transactions really moved between connections.
    expect(pooler.changes).toBeGreaterThan(20);
  },
);

test("S70: the command line works through a transaction pooler", async () => {
  const { url } = await behindPooler();
  for (const command of ["migrate", "doctor"]) {
    const { code, stderr } = await sallyportWith({ DATABASE_URL: url }, command);
    expect([command, code, stderr]).toEqual([command, 0, ""]);
  }
});

test("the pooler of these tests refuses what PgBouncer refuses", async () => {
  const { url } = await behindPooler();
  const client = new pg.Client({ connectionString: url, statement_timeout: 10_000 });
  client.on("error", () => undefined);
  await expect(client.connect()).rejects.toThrow("unsupported startup parameter: statement_timeout");
});
