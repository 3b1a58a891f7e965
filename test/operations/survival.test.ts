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
import { type FullAuth, openAuth, outcome, type Person, type World } from "../support/auth.ts";
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

/** Runs each operation once, all at the same time or in turn, and notes which of them succeeds. */
async function column(fault: string, world: World, auth: FullAuth, begin: () => void, isInTurn = false): Promise<void> {
  const asked: { write: Tried; person: Person; prepared: never }[] = [];
  for (const write of operations) {
    const { person, prepared } = await prepareWrite(world, write);
    asked.push({ write, person, prepared: prepared as never });
  }
  const cells = new Map<string, string>();
  const run = async ({ write, person, prepared }: (typeof asked)[number]): Promise<void> => {
    if (isInTurn) begin();
    cells.set(write.name, await outcome(write.act(auth, person, prepared)));
  };
  if (!isInTurn) begin();
  if (isInTurn) for (const one of asked) await run(one);
  else await Promise.all(asked.map(run));
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
    await column(fault, world, world.auth, begin, true);
  },
);

test.each([
  { case: "wakes in 2.5 s", asleep: 2_500, isFirst: false },
  { case: "first, wakes in 5.5 s", asleep: 5_500, isFirst: true },
])("S68: over HTTP, $case", async ({ case: name, asleep, isFirst }) => {
  const { connectionString, fetchEndpoint } = world.backend;
  const auth = world.isolate({ database: neon(connectionString!, { fetchEndpoint }) });
  if (!isFirst) await auth.users.list({ actor: (await world.person()).actor }).catch(() => undefined);
  await column(name, world, auth, () => {
    wakesAt = performance.now() + asleep;
  });
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
  await column("refused for 1 s", world, auth, () => {
    proxy.reset();
    void pause(1_000).then(() => proxy.flush());
  });
});

test("S68: over a socket, the database wakes in 2.5 s", async () => {
  const { world, auth, proxy } = await onSocket();
  await column("silent for 2.5 s", world, auth, () => {
    proxy.hold();
    void pause(2_500).then(() => proxy.flush());
  });
});

test("S68, S69: over a socket, a failover left every connection read-only", async () => {
  const { world, auth, readOnly } = await onSocket();
  await readOnly();
  await column("demoted", world, auth, () => undefined);
});
