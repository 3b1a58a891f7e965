import { execFile, spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A user without privileges, for servers that refuse to run as root; nothing if this process is not root's. */
export async function unprivilegedUser(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const idOf = async (flag: string): Promise<number> => Number((await run("id", [flag, "nobody"])).stdout);
  return { uid: await idOf("-u"), gid: await idOf("-g") };
}

/**
 * Starts a server whose files are all in `folder`, and resolves once it has logged `ready`. Returns how to stop it, by
 * `signal` and without waiting for its clients; the folder is deleted then.
 *
 * The server ends with this process, however the process ends: it runs in a shell that stops it once its standard input closes.
 *
 * @throws {Error} If it ends before it is ready: the message has the end of its log.
 */
export async function startThrowawayServer(
  folder: string,
  [program, ...args]: readonly [program: string, ...args: string[]],
  { ready, signal }: { ready: string; signal: "QUIT" | "TERM" },
): Promise<() => Promise<void>> {
  const child = spawn("sh", ["-c", untilStdinCloses, "sh", folder, signal, program, ...args], {
    cwd: folder,
    ...(await unprivilegedUser()),
    stdio: ["pipe", "ignore", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  let log = "";
  try {
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        log = (log + text).slice(-4000);
        if (log.includes(ready)) resolve();
      });
      void exited.then(() => reject(new Error(`${program} did not start:\n${log}`)));
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

/** Runs a program until standard input closes. Arguments: a folder to delete then, the signal that ends the program, the program. */
const untilStdinCloses = `
folder=$1
signal=$2
shift 2
cd /
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
( read _ <&3; kill -s "$signal" "$server" ) &
watcher=$!
exec 3<&-
wait "$server"
kill "$watcher" 2>/dev/null
rm -rf "$folder"`;
