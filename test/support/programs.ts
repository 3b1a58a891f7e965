/**
 * Programs that the tests start: the machine's own if it has them, otherwise those from npm.
 *
 * `SALLYPORT_TEST_PROGRAMS=npm` hides the machine's programs, so that a run proves that Node and npm suffice.
 *
 * @module
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The folders of `PATH` and the given ones; none if the machine's programs are hidden. */
export function foldersOfMachine(...more: readonly string[]): readonly string[] {
  if (process.env.SALLYPORT_TEST_PROGRAMS === "npm") return [];
  return [...(process.env.PATH ?? "").split(delimiter), ...more];
}

/** Lines for a shell that provide a `curl` if the machine has none. */
export function curlForShell(): string {
  if (foldersOfMachine().some((folder) => isExecutable(join(folder, "curl")))) return "";
  const [node, script] = [process.execPath, join(import.meta.dirname, "curl.node.ts")].map(
    (path) => `'${path.replaceAll("'", "'\\''")}'`,
  );
  return `curl() { ${node} ${script} "$@"; }\n`;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
