import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { migrationsFolder, readMigrations } from "../../build/migrations.node.ts";
import { pglite } from "../../src/store/drivers/pglite.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import { isPostgresUrl, postgresUrlForm } from "../../src/store/drivers/postgres-url.ts";
import { migrate } from "../../src/store/migrate.ts";
import type { Database } from "../../src/store/sql.ts";
import { type NeonBackend, pgliteBackend, poolBackend } from "./neon-backend.node.ts";

/**
 * True if the client connects to this machine: to loopback, or to a socket in a folder. It asks the client, because a URL's query
 * and the environment can name another host than the URL shows.
 *
 * @throws {Error} If the text is no URL for Postgres. The message does not quote it.
 */
export function isOnThisMachine(databaseUrl: string): boolean {
  if (!isPostgresUrl(databaseUrl)) {
    throw new Error(`DATABASE_URL is not a database URL. It must have the form ${postgresUrlForm}.`);
  }
  const { host } = new pg.Client({ connectionString: databaseUrl });
  return /^(\/.*|localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

/** A migrated database for the development server. */
export interface DevelopmentDatabase {
  readonly backend: NeonBackend;
  /** For the greeting; never a URL. */
  readonly description: string;
  /** Writes everything to disk. All users of the backend must have stopped. */
  close(): Promise<void>;
}

/** Opens the Postgres at `databaseUrl`, or an embedded one stored in `folder`, or one in memory. */
export async function openDevelopmentDatabase(options: {
  databaseUrl?: string | undefined;
  /** The schema of Sallyport's tables. Default: the one that the database's role works in. */
  schema?: string | undefined;
  folder: URL;
  isInMemory: boolean;
}): Promise<DevelopmentDatabase> {
  const { databaseUrl, schema, folder, isInMemory } = options;
  if (databaseUrl !== undefined) return await openServer(databaseUrl, schema);
  return isInMemory
    ? await openEmbedded(new PGlite(), schema, "in memory, gone when this ends")
    : await openKept(folder, schema);
}

async function openServer(databaseUrl: string, schema: string | undefined): Promise<DevelopmentDatabase> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  // The pool drops an idle connection that breaks. Without a listener, the error would end this process.
  pool.on("error", () => console.error("The connection to the database broke; the next request makes another."));
  const close = (): Promise<void> => pool.end();
  await migrateOrClose(postgres(pool, { timeoutMilliseconds: 60_000 }), schema, close);
  return { backend: poolBackend(pool), description: "the one in DATABASE_URL", close };
}

async function openKept(folder: URL, schema: string | undefined): Promise<DevelopmentDatabase> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const unlock = lock(new URL("lock", folder));
  try {
    const kept = await openEmbedded(
      new PGlite(fileURLToPath(new URL("database", folder))),
      schema,
      "kept in .sallyport/database",
    );
    const close = async (): Promise<void> => {
      await kept.close();
      unlock();
    };
    return { ...kept, close };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function openEmbedded(
  instance: PGlite,
  schema: string | undefined,
  description: string,
): Promise<DevelopmentDatabase> {
  const close = (): Promise<void> => instance.close();
  await migrateOrClose(pglite(instance), schema, close);
  return { backend: pgliteBackend(instance), description, close };
}

async function migrateOrClose(
  database: Database,
  schema: string | undefined,
  close: () => Promise<void>,
): Promise<void> {
  try {
    await migrate(database, readMigrations(migrationsFolder), { schema });
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Takes the lock file, or one that a dead process left. Two processes would destroy the embedded database, which has no lock of
 * its own.
 */
function lock(path: URL): () => void {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST") throw error;
    const holder = Number(readFileSync(path, "utf8"));
    if (isRunning(holder)) throw new Error(`Process ${holder} is using .sallyport/database. Stop it, or use --memory.`);
    rmSync(path);
    return lock(path);
  }
  return () => rmSync(path, { force: true });
}

function isRunning(processId: number): boolean {
  if (!Number.isInteger(processId) || processId <= 0) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === "EPERM";
  }
}
