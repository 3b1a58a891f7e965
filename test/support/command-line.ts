import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs the command line, without the environment's database. */
export async function sallyport(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return await sallyportWith({}, ...args);
}

/** The same, with this on standard input and a larger environment. */
export async function sallyportFed(
  input: string,
  more: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return await start(more, input, args);
}

/** The same, with a larger environment. */
export async function sallyportWith(
  more: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return await start(more, "", args);
}

async function start(
  more: Readonly<Record<string, string>>,
  input: string,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { DATABASE_URL: _unused, ...inherited } = process.env;
  const command = [`${root}src/cli/sallyport.ts`, ...args];
  const running = promisify(execFile)(process.execPath, command, { cwd: root, env: { ...inherited, ...more } });
  running.child.stdin!.end(input);
  return await running.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  );
}
