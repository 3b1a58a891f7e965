/** Slow: a database stays silent until deadlines pass. @module */
import type pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { postgres } from "../../src/store/drivers/postgres.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import { openBackend, openPool } from "../support/databases.ts";
import { type SilentProxy, silentProxy } from "../support/silent-proxy.ts";

interface Reached {
  readonly proxy: SilentProxy;
  readonly pool: pg.Pool;
  readonly database: Database;
}

/** A pool as an application makes it, on a database that can fall silent. */
async function reach(max: number): Promise<Reached> {
  const { connectionString } = await openBackend("postgres");
  const url = new URL(connectionString!);
  const proxy = await silentProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  const pool = openPool({ connectionString: url.href, max });
  onTestFinished(async () => {
    await proxy.close();
    await pool.end();
  });
  return { proxy, pool, database: postgres(pool) };
}

const one = sql<{ one: number }>`select 1 as one`;

/** Requests without end, one after another, in each of these callers. */
function load(database: Database, callers: number): { stop(): Promise<void> } {
  let isStopped = false;
  const running = Array.from({ length: callers }, async () => {
    while (!isStopped) await database.run(one).catch(() => undefined);
  });
  return {
    async stop() {
      isStopped = true;
      await Promise.all(running);
    },
  };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(5);
}

/** Makes every connection of the pool: a pool counts one as soon as it begins to make it. */
async function connectAll({ pool, database }: Reached): Promise<void> {
  const slow = sql`select pg_sleep(0.2)::text as slept`;
  await Promise.all(Array.from({ length: pool.options.max }, () => database.run(slow)));
  expect(pool.idleCount).toBe(pool.options.max);
}

async function expectRecovered({ database, pool, proxy }: Reached, started: number): Promise<void> {
  expect(await database.run(one)).toEqual([{ one: 1 }]);
  expect(performance.now() - started).toBeLessThan(1_000);
  expect(await Promise.all(Array.from({ length: 20 }, () => database.run(one)))).toHaveLength(20);
  await until(() => pool.waitingCount === 0 && pool.idleCount === pool.totalCount);
  expect(proxy.open).toBe(pool.totalCount);
}

const endings = { "what was held passes": "flush", "what was opened stays silent": "forget" } as const;

const states = [
  ...[1, 2, 10].map((max) => ({ max, when: "in use" })),
  ...[1, 10].map((max) => ({ max, when: "being made" })),
];

test.each(states.flatMap((state) => Object.entries(endings).map(([ending, word]) => ({ ...state, ending, word }))))(
  "S83: silence under load, $max connections $when, then $ending: the first request succeeds within a second",
  async (row) => {
    const reached = await reach(row.max);
    const { proxy, pool, database } = reached;
    if (row.when === "in use") await connectAll(reached);
    const callers = load(database, 16);
    await until(() => pool.totalCount === row.max);
    proxy.hold();
    // Longer than a deadline: every connection has been given up, and its successor connects in silence.
    await pause(5_000);
    proxy[row.word]();
    const started = performance.now();
    await database.run(one);
    expect(performance.now() - started).toBeLessThan(1_000);
    await callers.stop();
    await expectRecovered(reached, performance.now());
  },
);

test("S83: silence while all connections are idle: the first request succeeds within a second", async () => {
  const reached = await reach(10);
  const { proxy } = reached;
  await connectAll(reached);
  proxy.hold();
  await pause(600);
  proxy.forget();
  await expectRecovered(reached, performance.now());
});

test("S83: a pool's own shorter connection time-out stays, and a longer one is shortened", async () => {
  const { connectionString } = await openBackend("postgres");
  for (const [set, expected] of [
    [undefined, 4_000],
    [0, 4_000],
    [60_000, 4_000],
    [1_500, 1_500],
  ]) {
    const pool = openPool({ connectionString, ...(set !== undefined && { connectionTimeoutMillis: set }) });
    postgres(pool);
    expect(pool.options.connectionTimeoutMillis).toBe(expected);
    await pool.end();
  }
});
