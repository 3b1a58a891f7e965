/**
 * `npm start` itself, in a copy of the project, so that no file is generated where other suites read, and no one else uses its
 * database.
 *
 * @module
 */
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { curlForShell } from "./programs.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);

/** The development server, once it has printed its lines. */
export interface StartedServer {
  /** The greeting's `curl` lines. */
  readonly lines: readonly string[];
  output(): string;
  /** Ends npm, as a supervisor would. */
  terminate(): Promise<void>;
}

export interface ProjectCopy {
  /** Runs `npm start`, with a database of its own unless `environment` names one. */
  start(port: number, args?: readonly string[], environment?: Readonly<Record<string, string>>): Promise<StartedServer>;
  /** Pastes a line into a shell in another folder. */
  // biome-ignore lint/suspicious/noExplicitAny: the content of the response is tested.
  paste(line: string): Promise<{ status: number; json: any }>;
  /** The running processes of the last start, whatever their parent is by now. */
  processes(): Promise<{ id: number; command: string }[]>;
  /** Ends what still runs. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

export async function copyProject(): Promise<ProjectCopy> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-start-"));
  // A shell accepts only correctly quoted text.
  const project = join(folder, "it's a project");
  const elsewhere = join(folder, "elsewhere");
  await mkdir(project);
  await mkdir(elsewhere);
  for (const name of ["package.json", "tsconfig.json", "wrangler.toml", "build", "src", "worker", "migrations"]) {
    await cp(join(root, name), join(project, name), { recursive: true });
  }
  await symlink(join(root, "node_modules"), join(project, "node_modules"));
  /** In the environment of every process of a run. */
  let mark: string | undefined;

  const processes: ProjectCopy["processes"] = async () => {
    if (mark === undefined) return [];
    const found: { id: number; command: string }[] = [];
    for (const name of (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry))) {
      // An ended process has no environment.
      const read = async (file: string): Promise<string[]> =>
        (await readFile(`/proc/${name}/${file}`, "utf8").catch(() => "")).split("\0");
      if ((await read("environ")).includes(mark))
        found.push({ id: Number(name), command: (await read("cmdline")).join(" ") });
    }
    return found;
  };

  return {
    async start(port, args = [], environment = {}) {
      mark = `SALLYPORT_START_TEST=${randomUUID()}`;
      const [name, value] = mark.split("=");
      const { DATABASE_URL: _unused, NODE_OPTIONS: _runner, ...inherited } = process.env;
      const child = spawn("npm", ["start", "--", ...args], {
        cwd: project,
        env: { ...inherited, PORT: String(port), [name!]: value, ...environment },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const ended = once(child, "exit");
      let output = "";
      const printed = new Promise<void>((resolve) => {
        for (const stream of [child.stdout, child.stderr]) {
          stream.setEncoding("utf8").on("data", (text: string) => {
            output += text;
            // The greeting ends with an empty line.
            if (output.includes("\nSallyport is on ") && output.endsWith("\n\n")) resolve();
          });
        }
      });
      await Promise.race([
        printed,
        ended.then(() => {
          throw new Error(`npm start ended:\n${output}`);
        }),
      ]);
      return {
        lines: output.match(/^curl .*/gm) ?? [],
        output: () => output,
        async terminate() {
          child.kill("SIGTERM");
          await ended;
        },
      };
    },
    async paste(line) {
      const { stdout } = await run("sh", ["-c", `${curlForShell()}${line} -s -w '\\n%{http_code}'`], {
        cwd: elsewhere,
      });
      const end = stdout.lastIndexOf("\n");
      return { status: Number(stdout.slice(end)), json: JSON.parse(stdout.slice(0, end)) };
    },
    processes,
    async kill() {
      for (const { id } of await processes()) process.kill(id, "SIGKILL");
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
