import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { neon } from "../../src/store/drivers/neon.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import type { Database } from "../../src/store/sql.ts";
import { openDevelopmentDatabase } from "../../worker/development/database.node.ts";
import { startNeonProxy } from "../../worker/development/neon-proxy.node.ts";
import { prepareWrite, writes } from "../operations/writes/every-write.ts";
import { openAuth, outcome } from "../support/auth.ts";
import { sallyportWith } from "../support/command-line.ts";
import { openPool } from "../support/databases.ts";
import { poolers } from "../support/poolers.ts";
import type { TransactionPooler } from "../support/transaction-pooler.ts";

async function behindPooler(start: (server: string) => Promise<TransactionPooler>) {
  const world = await openAuth("postgres");
  onTestFinished(() => world.close());
  const pooler = await start(world.backend.connectionString!);
  onTestFinished(() => pooler.close());
  const url = new URL(world.backend.connectionString!);
  url.port = String(pooler.port);
  return { world, url: url.href };
}

async function openClient(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config);
  client.on("error", () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

const drivers: Record<string, (url: string) => Promise<Database>> = {
  async "a pool"(url) {
    const pool = openPool({ connectionString: url });
    onTestFinished(() => pool.end());
    return postgres(pool);
  },
  async "one client"(url) {
    return postgres(await openClient({ connectionString: url }));
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

describe.each(Object.entries(poolers))("through %s", (_name, start) => {
  test.each(Object.entries(drivers))("S70: every write works: %s", async (_driver, connect) => {
    const { world, url } = await behindPooler(start);
    const auth = world.isolate({ database: await connect(url) });
    for (const write of writes) {
      const { person, prepared } = await prepareWrite(world, write);
      expect([write.name, await outcome(write.act(auth, person, prepared))]).toEqual([write.name, "done"]);
    }
  });

  test("S70: the command line works", async () => {
    const { url } = await behindPooler(start);
    for (const command of ["migrate", "doctor"]) {
      const { code, stderr } = await sallyportWith({ DATABASE_URL: url }, command);
      expect([command, code, stderr]).toEqual([command, 0, ""]);
    }
  });

  test("the transactions of one client run on more than one connection of the server", async () => {
    const { url } = await behindPooler(start);
    const client = await openClient({ connectionString: url });
    const connections = new Set<number>();
    for (let transaction = 0; transaction < 6; transaction += 1) {
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      connections.add(rows[0]!.pid);
    }
    expect(connections.size).toBe(3);
  });

  test("a parameter at start-up that it does not know is refused", async () => {
    const { url } = await behindPooler(start);
    const refused = openClient({ connectionString: url, statement_timeout: 10_000 });
    await expect(refused).rejects.toThrow("unsupported startup parameter: statement_timeout");
  });
});
