import type { ParseArgsConfig } from "node:util";
import type { Database } from "../store/sql.ts";
import { type OptionValues, UsageError } from "./command.ts";

/** The options of every command that works on a database. */
export const databaseOptions: {
  "database-url": { type: "string" };
  driver: { type: "string" };
} & NonNullable<ParseArgsConfig["options"]> = {
  "database-url": { type: "string" },
  driver: { type: "string" },
};

export const databaseUsage: string = "[--database-url URL] [--driver neon|postgres]";

/** No page waits for this, and a migration may rewrite many rows. */
const timeoutMilliseconds = 60_000;

/**
 * Runs `work` on the database that the command line names, and closes it afterwards.
 *
 * The URL is `--database-url`, else the environment's `DATABASE_URL`. The driver is `--driver`, else Neon's for a host under
 * `.neon.tech`, else node-postgres. `NEON_FETCH_ENDPOINT` replaces Neon's endpoint.
 *
 * @throws {UsageError} If there is no URL, the URL is not for Postgres, or the driver is unknown.
 */
export async function withDatabase(values: OptionValues, work: (database: Database) => Promise<void>): Promise<void> {
  const url = databaseUrl(values);
  const driver = values.driver ?? (new URL(url).hostname.endsWith(".neon.tech") ? "neon" : "postgres");
  const connect = typeof driver === "string" ? drivers.get(driver) : undefined;
  if (!connect) throw new UsageError(`The driver must be one of: ${[...drivers.keys()].join(", ")}.`);

  const { database, close } = await connect(url);
  try {
    await work(database);
  } finally {
    await close();
  }
}

/** The database URL, which must stay out of messages. */
function databaseUrl(values: OptionValues): string {
  const url = values["database-url"] ?? process.env.DATABASE_URL;
  if (typeof url !== "string" || url === "") {
    throw new UsageError("Give a database with --database-url or in DATABASE_URL.");
  }
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol)) {
    throw new UsageError("The database URL must have the form postgres://user:password@host/database.");
  }
  return url;
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
