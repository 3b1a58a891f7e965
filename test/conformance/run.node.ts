/**
 * `npm run conformance -- [DIR]`: runs the fixtures of a Flametrench corpus on PGlite and on PostgreSQL 15, prints a line for
 * each file, and fails if a MUST fails. An absent operation is reported as missing, never as passed.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { migrationsFolder, readMigrations } from "../../build/migrations.node.ts";
import { pglite } from "../../src/store/drivers/pglite.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import { migrate } from "../../src/store/migrate.ts";
import type { Database } from "../../src/store/sql.ts";
import { startPostgresCluster } from "../support/postgres-cluster.ts";
import { type FileReport, readIndex, runFile } from "./fixtures.ts";
import { emptyDatabase, fixtureOperations } from "./operations.ts";

interface World {
  readonly name: string;
  /** A database without users. */
  fresh(): Promise<{ database: Database; close: () => Promise<void> }>;
  stop(): Promise<void>;
}

const folder = resolve(process.argv[2] ?? new URL("../../../shared/conformance", import.meta.url).pathname);
if (!existsSync(resolve(folder, "index.json"))) {
  console.error("There is no index.json there. Give the folder of a Flametrench corpus.");
  process.exit(2);
}
const { specVersion, entries } = await readIndex(folder);
if (entries.length === 0) throw new Error("The index lists no fixture.");
console.log(`Flametrench ${specVersion}, ${entries.length} files`);

let [passed, failed, unmet] = [0, 0, 0];
for (const world of [await embeddedWorld(), await serverWorld()]) {
  const missing = new Set<string>();
  for (const entry of entries) {
    if (entry.runnable_today === false) {
      console.log(`skipped          ${world.name}  ${entry.path}: not runnable at this version of the corpus`);
      continue;
    }
    const report = await runFile(folder, entry, async () => {
      const { database, close } = await world.fresh();
      const operations = fixtureOperations(database);
      const createUser = async (): Promise<string> =>
        ((await operations.get("create_user")!({})) as { user: { id: string } }).user.id;
      return { operations, createUser, close };
    });
    console.log(line(world.name, report));
    for (const { test, reason } of report.failures) console.log(`                   ${test}: ${reason}`);
    passed += report.passed;
    failed += report.failures.length;
    if (entry.conformance_level === "MUST") unmet += report.failures.length;
    for (const name of report.missing) missing.add(name);
  }
  if (missing.size > 0) console.log(`not implemented on ${world.name}: ${[...missing].sort().join(", ")}`);
  await world.stop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = unmet > 0 || passed === 0 ? 1 : 0;

function line(world: string, { entry, passed, failures, missing }: FileReport): string {
  const verdict = failures.length > 0 ? "FAILED" : missing.length > 0 ? "not implemented" : "passed";
  const count = `${passed} of ${passed + failures.length}`;
  const lacks = missing.length > 0 ? ` (without ${missing.join(", ")})` : "";
  return `${verdict.padEnd(16)} ${world}  ${entry.conformance_level} ${entry.path}: ${count}${lacks}`;
}

async function embeddedWorld(): Promise<World> {
  const instance = await PGlite.create();
  return await migratedWorld("pglite", pglite(instance), () => instance.close());
}

async function serverWorld(): Promise<World> {
  const cluster = await startPostgresCluster();
  const pool = new pg.Pool({ ...cluster.server, database: "postgres", max: 4 });
  const database = postgres(pool, { timeoutMilliseconds: 30_000 });
  return await migratedWorld("postgres-15", database, async () => {
    await pool.end();
    await cluster.stop();
  });
}

async function migratedWorld(name: string, database: Database, stop: () => Promise<void>): Promise<World> {
  await migrate(database, readMigrations(migrationsFolder));
  return { name, fresh: async () => ({ database, close: () => emptyDatabase(database) }), stop };
}
