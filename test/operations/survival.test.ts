/**
 * Which faults of the database an operation survives. Prints the table.
 *
 * Slow: databases sleep for seconds.
 *
 * @module
 */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { neon } from "../../src/store/drivers/neon.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import type { NeonFault } from "../../worker/development/neon-proxy.node.ts";
import { type FullAuth, openAuth, outcome, type Person, system, type World } from "../support/auth.ts";
import { openPool } from "../support/databases.ts";
import { type SilentProxy, silentProxy } from "../support/silent-proxy.ts";
import { prepareWrite, reads, writes } from "./writes/every-write.ts";
import { context, newToken, type Write } from "./writes/write.ts";

const verifyToken = {
  name: "personalAccessTokens.verify",
  prepare: newToken,
  act: (auth: FullAuth, _person: Person, { token }: { token: string }) =>
    auth.personalAccessTokens.verify({ token, context: context() }),
  repeated: "done",
};
type Tried = Pick<Write, "name" | "prepare" | "act">;
const operations: readonly Tried[] = [...writes, ...reads, verifyToken];

const table = new Map<string, Map<string, string>>();
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Operations that run into one fault together: as many as a slow machine finishes in what the fault leaves of the time. */
const together = 12;

interface Column {
  readonly fault: string;
  readonly world: World;
  /** The isolate for the next operations. */
  readonly auth: () => FullAuth;
  /** Shows the fault to the next operations. */
  readonly begin: () => void | Promise<void>;
  /** Default: {@link together}. */
  readonly size?: number;
}

/** Runs each operation once, and notes which of them succeeds. */
async function column({ fault, world, auth, begin, size = together }: Column): Promise<void> {
  const cells = new Map<string, string>();
  for (let from = 0; from < operations.length; from += size) {
    const some = operations.slice(from, from + size);
    const asked = await Promise.all(some.map(async (write) => ({ write, ...(await prepareWrite(world, write)) })));
    const isolate = auth();
    await begin();
    await Promise.all(
      asked.map(async ({ write, person, prepared }) => {
        cells.set(write.name, await outcome(write.act(isolate, person, prepared)));
      }),
    );
  }
  table.set(fault, cells);
  expect([...cells].filter(([, code]) => code !== "done")).toEqual([]);
}

afterAll(() => {
  const faults = [...table.keys()];
  const width = Math.max(...operations.map(({ name }) => name.length));
  const rows = operations.map(({ name }) => [
    name.padEnd(width),
    ...faults.map((fault) => (table.get(fault)!.get(name) === "done" ? "yes" : "503").padEnd(fault.length)),
  ]);
  const lines = [["".padEnd(width), ...faults], ...rows].map((cells) => `${cells.join(" | ")}\n`);
  process.stdout.write(`\n${lines.join("")}\n`);
});

let world: World;
let pending: NeonFault[] = [];
let wakesAt = 0;
beforeAll(async () => {
  const faults = (): NeonFault | undefined => {
    const asleep = wakesAt - performance.now();
    return asleep > 0 ? { delayMilliseconds: asleep } : pending.shift();
  };
  world = await openAuth("postgres-over-neon", { faults });
});
afterAll(() => world.close());

test.each(["500", "garbage", "drop-before", "drop-after-commit"] as const)(
  "S68: over HTTP, %s, once",
  async (fault) => {
    const begin = () => {
      pending = [fault];
    };
    await column({ fault, world, auth: () => world.auth, begin, size: 1 });
  },
);

test.each([
  { case: "wakes in 2.5 s", asleep: 2_500, isFirst: false },
  { case: "first, wakes in 5.5 s", asleep: 5_500, isFirst: true },
])("S68: over HTTP, $case", { timeout: 180_000 }, async ({ case: name, asleep, isFirst }) => {
  const { connectionString, fetchEndpoint } = world.backend;
  const fresh = () => world.isolate({ database: neon(connectionString!, { fetchEndpoint }) });
  const known = fresh();
  await known.users.get({ actor: system, userId: (await world.person()).userId });
  const begin = () => {
    wakesAt = performance.now() + asleep;
  };
  await column({ fault: name, world, auth: isFirst ? fresh : () => known, begin });
});

/** An isolate whose connections go through a proxy that fails on demand. */
async function onSocket(): Promise<{
  world: World;
  auth: FullAuth;
  proxy: SilentProxy;
  readOnly: () => Promise<void>;
}> {
  const opened = await openAuth("postgres");
  const url = new URL(opened.backend.connectionString!);
  const proxy = await silentProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  const pool = openPool({ connectionString: url.href });
  onTestFinished(async () => {
    await proxy.close();
    await pool.end();
    await opened.close();
  });
  const readOnly = async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => pool.connect()));
    for (const client of clients) {
      await client.query("set default_transaction_read_only = on");
      client.release();
    }
  };
  return { world: opened, auth: opened.isolate({ database: postgres(pool) }), proxy, readOnly };
}

test("S68: over a socket, every connection breaks and none is taken for a second", async () => {
  const { world, auth, proxy } = await onSocket();
  const begin = () => {
    proxy.reset();
    void pause(1_000).then(() => proxy.flush());
  };
  await column({ fault: "refused for 1 s", world, auth: () => auth, begin });
});

test("S68: over a socket, the database wakes in 2.5 s", async () => {
  const { world, auth, proxy } = await onSocket();
  const begin = () => {
    proxy.hold();
    void pause(2_500).then(() => proxy.flush());
  };
  await column({ fault: "silent for 2.5 s", world, auth: () => auth, begin });
});

test("S68, S69: over a socket, a failover left every connection read-only", async () => {
  const { world, auth, readOnly } = await onSocket();
  await column({ fault: "demoted", world, auth: () => auth, begin: readOnly });
});
