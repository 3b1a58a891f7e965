/**
 * Starts, once for each test run, a PostgreSQL server, and makes a PGlite data directory, both migrated, for `databases.ts` to
 * copy. The projects of `vitest.config.ts` share them.
 *
 * A missing backend is not an error here, because not every suite needs it: a suite that needs it gets the reason.
 *
 * @module
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { migrationsFolder, readMigrations } from "../../build/migrations.node.ts";
import { pglite } from "../../src/store/drivers/pglite.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import { type Migration, migrate } from "../../src/store/migrate.ts";
import { type PostgresServer, startPostgresCluster } from "./postgres-cluster.ts";

/** The sources of the copies, or the reason why there are none. */
export interface TestDatabases {
  postgres: { server: PostgresServer; template: string } | { missing: string };
  /** Paths of data directory dumps. */
  pglite: { migrated: string; empty: string } | { missing: string };
}

declare module "vitest" {
  export interface ProvidedContext {
    databases: TestDatabases;
  }
}

const template = "sallyport_template";

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  // Every project reads the context of the run, and no teardown begins before the last test has ended.
  if (project.vitest.getProvidedContext().databases) return undefined;
  const migrations = readMigrations(migrationsFolder);
  const cleanups: (() => Promise<void>)[] = [];
  const [server, dumps] = await Promise.all([
    preparePostgres(migrations, cleanups).catch((error: unknown) => ({ missing: String(error) })),
    preparePglite(migrations, cleanups).catch((error: unknown) => ({ missing: String(error) })),
  ]);
  project.vitest.provide("databases", { postgres: server, pglite: dumps });
  return async () => {
    for (const cleanup of cleanups) await cleanup();
  };
}

async function preparePostgres(
  migrations: readonly Migration[],
  cleanups: (() => Promise<void>)[],
): Promise<TestDatabases["postgres"]> {
  const { server, stop } = await startPostgresCluster();
  cleanups.push(stop);
  const administrator = new pg.Client({ ...server, database: "postgres" });
  await administrator.connect();
  await administrator.query(`create database ${template}`);
  await administrator.end();
  const client = new pg.Client({ ...server, database: template });
  await client.connect();
  try {
    await migrate(postgres(client, { timeoutMilliseconds: 60_000 }), migrations);
  } finally {
    await client.end();
  }
  return { server, template };
}

async function preparePglite(
  migrations: readonly Migration[],
  cleanups: (() => Promise<void>)[],
): Promise<TestDatabases["pglite"]> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-pglite-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const paths = { empty: join(folder, "empty.tar"), migrated: join(folder, "migrated.tar") };
  // Each test with a PGlite loads a dump, so a smaller dump shortens the whole run.
  const instance = await PGlite.create({ initDbStartParams: ["--wal-segsize=1"] });
  try {
    const dump = async (path: string): Promise<void> => {
      // Otherwise each copy would replay the log of initdb and of the migrations when it opens.
      await instance.exec("checkpoint");
      await writeFile(path, (await instance.dumpDataDir("none")).stream());
    };
    await instance.exec("alter system set shared_buffers = '2MB'");
    await instance.exec("update pg_database set datistemplate = false where datistemplate");
    for (const name of ["template0", "template1"]) await instance.exec(`drop database ${name}`);
    await dump(paths.empty);
    await migrate(pglite(instance), migrations);
    await dump(paths.migrated);
  } finally {
    await instance.close();
  }
  return paths;
}
