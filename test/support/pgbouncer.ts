/**
 * PgBouncer itself, in transaction mode: optional, used if the machine has it, because npm does not.
 *
 * @module
 */
import { chmod, chown, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { freePort } from "./free-port.ts";
import { foldersOfMachine, isExecutable } from "./programs.ts";
import { startThrowawayServer, unprivilegedUser } from "./throwaway-server.ts";
import type { TransactionPooler } from "./transaction-pooler.ts";

/** The machine's program, if it has one. Only the declaration of extra tests may depend on it. */
export const pgBouncerProgram: string | undefined = foldersOfMachine("/usr/sbin")
  .map((folder) => join(folder, "pgbouncer"))
  .find(isExecutable);

/** Starts it with three server connections for each database, used in turn, and opens those of the given database. */
export async function startPgBouncer(server: string): Promise<TransactionPooler> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-pgbouncer-"));
  const { hostname, port: serverPort, username, password, pathname } = new URL(server);
  const port = await freePort();
  const settings = join(folder, "pgbouncer.ini");
  await writeFile(
    settings,
    `[databases]
* = host=${hostname} port=${serverPort} user=${username} password=${decodeURIComponent(password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_round_robin = 1
`,
  );
  await chmod(settings, 0o600);
  const { uid, gid } = await unprivilegedUser();
  if (uid !== undefined) for (const path of [folder, settings]) await chown(path, uid, gid!);
  const stop = await startThrowawayServer(folder, [pgBouncerProgram!, settings], {
    ready: "process up",
    signal: "TERM",
  });
  const clients = Array.from(
    { length: 3 },
    () => new pg.Client({ host: "127.0.0.1", port, user: username, database: pathname.slice(1) }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  for (const client of clients) await client.query("begin");
  await Promise.all(clients.map((client) => client.query("commit").then(() => client.end())));
  return { port, close: stop };
}
