import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { freePort } from "./free-port.ts";

const run = promisify(execFile);

/** How to reach the throwaway server; plain data, so that it can be handed to the test workers. */
export interface PostgresServer {
  host: string;
  port: number;
  user: string;
  password: string;
}

export interface PostgresCluster {
  readonly server: PostgresServer;
  /** Ends the server, whoever is connected, and deletes its files. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL 15 server of its own: own files, own port, nothing kept.
 *
 * The server ends with this process however that ends: it lives in a shell that stops it once its standard input closes.
 *
 * @throws {Error} If there is no PostgreSQL 15 on the machine, or it does not start.
 */
export async function startPostgresCluster(): Promise<PostgresCluster> {
  const binaries = await findBinaries();
  const folder = await mkdtemp(join(tmpdir(), "sallyport-postgres-"));
  const password = randomBytes(18).toString("base64url");
  const asRoot = process.getuid?.() === 0;
  // The server refuses to run as root.
  const [command, ...prefix] = asRoot ? ["runuser", "-u", "postgres", "--"] : ["env"];
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, password);
  if (asRoot) {
    const { stdout } = await run("id", ["-u", "postgres"]);
    for (const path of [folder, passwordFile]) await chown(path, Number(stdout), -1);
  }
  await chmod(passwordFile, 0o600);

  const data = join(folder, "data");
  const initdb = ["-D", data, "-U", "sallyport", "--pwfile", passwordFile, "-A", "scram-sha-256", "-E", "UTF8"];
  await run(command!, [...prefix, join(binaries, "initdb"), ...initdb, "--locale=C", "--no-sync"], { cwd: folder });

  const port = await freePort();
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 200,
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    timezone: "Asia/Kolkata", // An offset of half an hour, so that nobody relies on UTC.
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawn(
    command!,
    [...prefix, "sh", "-c", untilStdinCloses, "sh", folder, join(binaries, "postgres"), "-D", data, ...flags],
    {
      cwd: folder,
      stdio: ["pipe", "ignore", "pipe"],
    },
  );
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-4000);
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await exited;
    await rm(folder, { recursive: true, force: true });
  };

  const server = { host: "127.0.0.1", port, user: "sallyport", password };
  try {
    await Promise.race([
      new Promise<void>((resolve) => {
        child.stderr.on("data", () => log.includes("ready to accept connections") && resolve());
      }),
      exited.then(() => Promise.reject(new Error(`PostgreSQL did not start:\n${log}`))),
    ]);
    const client = new pg.Client({ ...server, database: "postgres" });
    await client.connect();
    await client.end();
  } catch (error) {
    await stop();
    throw error;
  }
  return { server, stop };
}

/** Runs all arguments but the first, ends them at once when standard input closes, and deletes the folder that is the first. */
const untilStdinCloses = `
folder=$1
shift
cd /
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
( read _ <&3; kill -QUIT "$server" ) &
watcher=$!
exec 3<&-
wait "$server"
kill "$watcher" 2>/dev/null
rm -rf "$folder"`;

/** The folder with `initdb` and `postgres` of version 15. */
async function findBinaries(): Promise<string> {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/lib/postgresql/15/bin"];
  for (const folder of folders) {
    if (!isExecutable(join(folder, "postgres")) || !isExecutable(join(folder, "initdb"))) continue;
    const { stdout } = await run(join(folder, "postgres"), ["--version"]);
    if (/\b15\.\d/.test(stdout)) return folder;
  }
  throw new Error("PostgreSQL 15 is not on PATH or in /usr/lib/postgresql/15/bin.");
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
