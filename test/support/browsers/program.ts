/**
 * The programs that drive and show the browsers.
 *
 * @module
 */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { delimiter, join } from "node:path";
import { isExecutable } from "../programs.ts";

/**
 * The path of a program on `PATH` or at one of the other places, which may have wildcards.
 *
 * @throws {Error} If it is absent, which is never a reason to skip a test. The message names the Debian package.
 */
export function programOf(name: string, debianPackage: string, places: readonly string[] = []): string {
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  const found = [...onPath, `/usr/bin/${name}`, ...places.flatMap((place) => globSync(place))].find(isExecutable);
  if (found === undefined)
    throw new Error(`${name} is missing. On Debian, install it: apt-get install ${debianPackage}`);
  return found;
}

export interface RunningProgram {
  readonly child: ChildProcess;
  /** Ends it, after 10 seconds by force. */
  end(): Promise<void>;
}

export function run(
  path: string,
  args: readonly string[],
  options: { env?: Readonly<Record<string, string>>; stdio?: StdioOptions } = {},
): RunningProgram {
  const child = spawn(path, args, { stdio: "ignore", ...options, env: { ...process.env, ...options.env } });
  const ended = once(child, "exit");
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  return {
    child,
    async end() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
      process.off("exit", killWithUs);
    },
  };
}
