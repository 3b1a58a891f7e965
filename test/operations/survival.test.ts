/**
 * Which faults of the database an operation survives. Prints the table.
 *
 * Slow: databases sleep for seconds.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
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
}

/** Prepares operations. The returned function runs them into the fault, and notes which of them succeeds. */
async function prepared({ fault, world, auth, begin }: Column, some: readonly Tried[]): Promise<() => Promise<void>> {
  const asked = await Promise.all(some.map(async (write) => ({ write, ...(await prepareWrite(world, write)) })));
  const cells = table.get(fault) ?? new Map<string, string>();
  table.set(fault, cells);
  const isolate = auth();
  return async () => {
    await begin();
    await Promise.all(
      asked.map(async ({ write, person, prepared }) => {
        cells.set(write.name, await outcome(write.act(isolate, person, prepared)));
      }),
    );
  };
}

/** Runs each operation once. */
async function column(one: Column, size = together): Promise<void> {
  for (let from = 0; from < operations.length; from += size) {
    await (await prepared(one, operations.slice(from, from + size)))();
  }
  expectAllSurvived(one.fault);
}

function expectAllSurvived(fault: string): void {
  const cells = table.get(fault)!;
  expect(cells.size).toBe(operations.length);
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

/** A world over HTTP, and its faults. */
async function onHttp() {
  let pending: NeonFault[] = [];
  let wakesAt = 0;
  const faults = (): NeonFault | undefined => {
    const asleep = wakesAt - performance.now();
    return asleep > 0 ? { delayMilliseconds: asleep } : pending.shift();
  };
  const world = await openAuth("postgres-over-neon", { faults });
  const { connectionString, fetchEndpoint } = world.backend;
  const fresh = () => world.isolate({ database: neon(connectionString!, { fetchEndpoint }) });
  const failOnce = (fault: NeonFault) => {
    pending = [fault];
  };
  const sleep = (milliseconds: number) => {
    wakesAt = performance.now() + milliseconds;
  };
  return { world, fresh, failOnce, sleep, close: () => world.close() };
}

describe("faults that pass at once", () => {
  let over: Awaited<ReturnType<typeof onHttp>>;
  beforeAll(async () => {
    over = await onHttp();
  });
  afterAll(() => over.close());

  test.each(["500", "garbage", "drop-before", "drop-after-commit"] as const)(
    "S68: over HTTP, %s, once",
    async (fault) => {
      const { world, failOnce } = over;
      await column({ fault, world, auth: () => world.auth, begin: () => failOnce(fault) }, 1);
    },
  );
});

/** An isolate whose connections go through a proxy that fails on demand. */
async function onSocket(): Promise<{
  world: World;
  auth: FullAuth;
  proxy: SilentProxy;
  readOnly: () => Promise<void>;
  close: () => Promise<void>;
}> {
  const opened = await openAuth("postgres");
  const url = new URL(opened.backend.connectionString!);
  const proxy = await silentProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  // It keeps its connections between two rounds.
  const pool = openPool({ connectionString: url.href, idleTimeoutMillis: 0 });
  const close = async () => {
    await proxy.close();
    await pool.end();
    await opened.close();
  };
  const readOnly = async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => pool.connect()));
    for (const client of clients) {
      await client.query("set default_transaction_read_only = on");
      client.release();
    }
  };
  return { world: opened, auth: opened.isolate({ database: postgres(pool) }), proxy, readOnly, close };
}

/** A fault that ends after a while. */
interface Sleep extends Column {
  /** How long after the first of its round it begins, in milliseconds. The sleeps of a round end one after the other. */
  readonly beginsAfter: number;
}

describe("faults that last for seconds", () => {
  const closing: (() => Promise<void>)[] = [];
  // In rounds: while one database sleeps, so do the others, and only one of them wakes at a time.
  beforeAll(async () => {
    const [first, known, refused, silent] = await Promise.all([onHttp(), onHttp(), onSocket(), onSocket()]);
    closing.push(...[first, known, refused, silent].map(({ close }) => close));
    const served = known.fresh();
    await served.users.get({ actor: system, userId: (await known.world.person()).userId });
    const end = ({ flush }: SilentProxy, milliseconds: number) => void pause(milliseconds).then(flush);
    const sleeps: readonly Sleep[] = [
      {
        fault: "first, wakes in 5.5 s",
        beginsAfter: 0,
        world: first.world,
        auth: first.fresh,
        begin: () => first.sleep(5_500),
      },
      {
        fault: "refused for 1 s",
        beginsAfter: 0,
        world: refused.world,
        auth: () => refused.auth,
        begin: () => {
          refused.proxy.reset();
          end(refused.proxy, 1_000);
        },
      },
      {
        fault: "silent for 2.5 s",
        beginsAfter: 0,
        world: silent.world,
        auth: () => silent.auth,
        begin: () => {
          silent.proxy.hold();
          end(silent.proxy, 2_500);
        },
      },
      {
        fault: "wakes in 2.5 s",
        beginsAfter: 1_500,
        world: known.world,
        auth: () => served,
        begin: () => known.sleep(2_500),
      },
    ];
    for (let from = 0; from < operations.length; from += together) {
      const some = operations.slice(from, from + together);
      const runs: (() => Promise<void>)[] = [];
      for (const { beginsAfter, ...one } of sleeps) {
        const run = await prepared(one, some);
        runs.push(() => pause(beginsAfter).then(run));
      }
      await Promise.all(runs.map((run) => run()));
    }
  }, 300_000);
  afterAll(() => Promise.all(closing.map((close) => close())));

  test.each([
    { title: "over HTTP, wakes in 2.5 s", fault: "wakes in 2.5 s" },
    { title: "over HTTP, first, wakes in 5.5 s", fault: "first, wakes in 5.5 s" },
    { title: "over a socket, every connection breaks and none is taken for a second", fault: "refused for 1 s" },
    { title: "over a socket, the database wakes in 2.5 s", fault: "silent for 2.5 s" },
  ])("S68: $title", ({ fault }) => expectAllSurvived(fault));
});

test("S68, S69: over a socket, a failover left every connection read-only", async () => {
  const { world, auth, readOnly, close } = await onSocket();
  onTestFinished(close);
  await column({ fault: "demoted", world, auth: () => auth, begin: readOnly });
});
