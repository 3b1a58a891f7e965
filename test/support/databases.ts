import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { inject, onTestFinished } from "vitest";
import { neon } from "../../src/store/drivers/neon.ts";
import { pglite } from "../../src/store/drivers/pglite.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import { migrations } from "../../src/store/generated/migrations.ts";
import { inSchema } from "../../src/store/in-schema.ts";
import { migrate } from "../../src/store/migrate.ts";
import type { Database } from "../../src/store/sql.ts";
import { type NeonBackend, pgliteBackend, poolBackend } from "../../worker/development/neon-backend.node.ts";
import { type NeonProxyOptions, startNeonProxy } from "../../worker/development/neon-proxy.node.ts";
import type { PostgresServer } from "./postgres-cluster.ts";
import { createReferenceSchema, type ReferenceVersion } from "./reference-database.ts";

/** Every way to reach a database. Races are meaningful on the last two only: PGlite has one session. */
export const backendNames = ["pglite", "pglite-over-neon", "postgres", "postgres-over-neon"] as const;

export type BackendName = (typeof backendNames)[number];

export interface BackendOptions {
  /** A database without any migration. Default false. */
  empty?: boolean;
  /** A database that the reference schema made and `migrate` adopted. Default: one of Sallyport's own. */
  adopted?: ReferenceVersion;
  /** The schema for Sallyport's tables. Default: `public`. */
  schema?: string;
  /** What is done with the driver's database before it is migrated to `schema`. */
  beside?: (database: Database) => Promise<void>;
  /** The driver's deadline for one request. Default 2000; PGlite has none. */
  timeoutMilliseconds?: number;
  /** Faults to show, if the backend goes through the proxy. */
  faults?: NonNullable<NeonProxyOptions["faults"]>;
  /** Makes what the proxy forwards to, on `pglite-over-neon`. Default: `pgliteBackend`. */
  behind?: (instance: PGlite) => NeonBackend;
}

/** A database for this test only. */
export interface Backend {
  readonly database: Database;
  /** How another process reaches the same database: over the socket, or through the proxy at `fetchEndpoint`. */
  readonly connectionString?: string;
  readonly fetchEndpoint?: string;
  close(): Promise<void>;
}

/**
 * Makes a fresh migrated database and connects to it in the way that `name` selects.
 *
 * @throws {Error} If the machine cannot provide the backend. Absent means red, never skipped.
 */
export async function backend(name: BackendName, options: BackendOptions = {}): Promise<Backend> {
  const { schema } = options;
  if (schema !== undefined) {
    const opened = await backends[name]({ ...options, empty: true });
    await options.beside?.(opened.database);
    await migrate(opened.database, migrations, { schema });
    return { ...opened, database: inSchema(opened.database, schema) };
  }
  if (!options.adopted) return await backends[name](options);
  const opened = await backends[name]({ ...options, empty: true });
  await createReferenceSchema(opened.database, options.adopted);
  await migrate(opened.database, migrations);
  return opened;
}

/** The same, closed at the end of the running test. */
export async function openBackend(name: BackendName, options?: BackendOptions): Promise<Backend> {
  const opened = await backend(name, options);
  onTestFinished(() => opened.close());
  return opened;
}

const backends: Record<BackendName, (options: BackendOptions) => Promise<Backend>> = {
  async pglite(options) {
    const instance = await createPglite(options);
    return { database: pglite(instance), close: () => instance.close() };
  },
  async "pglite-over-neon"(options) {
    const instance = await createPglite(options);
    const behind = (options.behind ?? pgliteBackend)(instance);
    return await overNeon(behind, () => instance.close(), options);
  },
  async postgres(options) {
    const { pool, connectionString, drop } = await createPostgres(options);
    const { timeoutMilliseconds } = options;
    return { database: postgres(pool, { timeoutMilliseconds }), connectionString, close: drop };
  },
  async "postgres-over-neon"(options) {
    const { pool, drop } = await createPostgres(options);
    return await overNeon(poolBackend(pool), drop, options);
  },
};

async function overNeon(
  behind: NeonBackend,
  closeBehind: () => Promise<void>,
  { faults, timeoutMilliseconds }: BackendOptions,
): Promise<Backend> {
  const proxy = await startNeonProxy({ backend: behind, faults });
  const { connectionString, fetchEndpoint } = proxy;
  return {
    database: neon(connectionString, { fetchEndpoint, timeoutMilliseconds }),
    connectionString,
    fetchEndpoint,
    async close() {
      await proxy.close();
      await closeBehind();
    },
  };
}

/** A new PGlite instance; the caller closes it. */
export async function createPglite({ empty = false }: BackendOptions): Promise<PGlite> {
  const dumps = inject("databases").pglite;
  if ("missing" in dumps) throw new Error(`PGlite is not available: ${dumps.missing}`);
  const dump = await readFile(empty ? dumps.empty : dumps.migrated);
  return await PGlite.create({ loadDataDir: new Blob([dump]) });
}

/** A new database on the run's server, with a pool that is large enough for races. */
async function createPostgres({ empty = false }: BackendOptions): Promise<{
  pool: pg.Pool;
  connectionString: string;
  drop: () => Promise<void>;
}> {
  const postgresServer = inject("databases").postgres;
  if ("missing" in postgresServer) throw new Error(`PostgreSQL is not available: ${postgresServer.missing}`);
  const { server, template } = postgresServer;
  const name = `test_${randomBytes(8).toString("hex")}`;
  await administer(server, `create database ${name} template ${empty ? "template0" : template}`);

  const pool = openPool({ ...server, database: name, max: 40 });
  return {
    pool,
    connectionString: `postgres://${server.user}:${server.password}@${server.host}:${server.port}/${name}`,
    async drop() {
      await pool.end();
      await administer(server, `drop database ${name} with (force)`);
    },
  };
}

/**
 * A pool whose connections a test, or the end of its database, may cut. Without a listener on each, such an error would end the
 * worker: while a connection closes, the pool itself no longer listens.
 */
export function openPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config);
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

async function administer(server: PostgresServer, command: string): Promise<void> {
  const client = new pg.Client({ ...server, database: "postgres" });
  await client.connect();
  try {
    await client.query(command);
  } finally {
    await client.end();
  }
}
