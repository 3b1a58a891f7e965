import { readFileSync } from "node:fs";
import type { ParseArgsConfig } from "node:util";
import { isPostgresUrl, postgresUrlForm } from "../store/drivers/postgres-url.ts";
import { inSchema, requireSchemaName } from "../store/in-schema.ts";
import { type Database, sql } from "../store/sql.ts";
import { type OptionValues, UsageError } from "./command.ts";

/** The options of every command that works on a database. */
export const databaseOptions: {
  "database-url-file": { type: "string" };
  "database-url": { type: "string" };
  driver: { type: "string" };
  schema: { type: "string" };
} & NonNullable<ParseArgsConfig["options"]> = {
  "database-url-file": { type: "string" },
  // Known, so that its refusal can say what to do instead.
  "database-url": { type: "string" },
  driver: { type: "string" },
  schema: { type: "string" },
};

export const databaseUsage: string = "[--database-url-file FILE] [--driver neon|postgres] [--schema NAME]";

/** No page waits for this, and a migration may rewrite many rows. */
const timeoutMilliseconds = 60_000;
/** Until the database has answered once: it may be waking up, or the URL may be wrong. */
const firstMilliseconds = 10_000;

/** Runs `work` on Sallyport's tables in the database that the command line names; see {@link withConnection}. */
export async function withDatabase(values: OptionValues, work: (database: Database) => Promise<void>): Promise<void> {
  await withConnection(values, (database, schema) =>
    work(schema === undefined ? database : inSchema(database, schema)),
  );
}

/**
 * Connects to the database that the command line names, runs `work`, and closes the connection. The schema is `--schema`, else
 * the environment's `DATABASE_SCHEMA`, else undefined.
 *
 * The URL is the content of the file `--database-url-file`, else the environment's `DATABASE_URL`. The driver is `--driver`, else
 * Neon's for a host under `.neon.tech`, else node-postgres. `NEON_FETCH_ENDPOINT` replaces Neon's endpoint.
 *
 * @throws {UsageError} If there is no URL, the URL is an argument or not for Postgres, or the driver or the schema cannot be one.
 */
export async function withConnection(
  values: OptionValues,
  work: (database: Database, schema: string | undefined) => Promise<void>,
): Promise<void> {
  const url = databaseUrl(values);
  const schema = schemaName(values);
  const driver = values.driver ?? (new URL(url).hostname.endsWith(".neon.tech") ? "neon" : "postgres");
  const connect = typeof driver === "string" ? drivers.get(driver) : undefined;
  if (!connect) throw new UsageError(`The driver must be one of: ${[...drivers.keys()].join(", ")}.`);

  const { database, close } = await connect(url);
  try {
    await database.run(sql`select`, firstMilliseconds);
    await work(database, schema);
  } finally {
    await close();
  }
}

function schemaName(values: OptionValues): string | undefined {
  const schema = values.schema ?? (process.env.DATABASE_SCHEMA || undefined);
  if (schema === undefined) return undefined;
  try {
    requireSchemaName(schema);
    return schema;
  } catch (error) {
    throw new UsageError(`The schema cannot be used: ${(error as Error).message}`);
  }
}

/** The database URL, which must stay out of messages, and out of arguments: every user of a machine can read those (S64). */
function databaseUrl(values: OptionValues): string {
  if (values["database-url"] !== undefined) {
    throw new UsageError(
      "A database URL in an argument can be read by every user of this machine. " +
        "Give it in the environment's DATABASE_URL, or in a file with --database-url-file.",
    );
  }
  const file = values["database-url-file"];
  const [source, url] =
    typeof file === "string" ? ["The file", readUrlFile(file)] : ["DATABASE_URL", process.env.DATABASE_URL];
  if (!url) {
    throw new UsageError(
      typeof file === "string"
        ? `The file is empty, and must hold one line: ${postgresUrlForm}.`
        : "Give a database in the environment's DATABASE_URL, or in a file with --database-url-file.",
    );
  }
  if (!isPostgresUrl(url)) throw new UsageError(`${source} must hold a database URL of the form ${postgresUrlForm}.`);
  return url;
}

function readUrlFile(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new UsageError(`The file of --database-url-file cannot be read (${(error as { code?: string }).code}).`);
  }
}

interface Connection {
  database: Database;
  close(): Promise<void>;
}

/** The clients are optional peer dependencies: only the one in use must be installed. */
const drivers: ReadonlyMap<string, (url: string) => Promise<Connection>> = new Map([
  [
    "neon",
    async (url: string): Promise<Connection> => {
      const { neon } = await peer("@neondatabase/serverless", () => import("../store/drivers/neon.ts"));
      const fetchEndpoint = process.env.NEON_FETCH_ENDPOINT;
      return { database: neon(url, { fetchEndpoint, timeoutMilliseconds }), close: async () => {} };
    },
  ],
  [
    "postgres",
    async (url: string): Promise<Connection> => {
      const { default: pg } = await peer("pg", () => import("pg"));
      const { postgres } = await import("../store/drivers/postgres.ts");
      const pool = new pg.Pool({ connectionString: url, max: 1 });
      return { database: postgres(pool, { timeoutMilliseconds }), close: () => pool.end() };
    },
  ],
]);

async function peer<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new UsageError(`This driver needs the package ${name}: npm install ${name}.`);
  }
}
