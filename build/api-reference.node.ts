/**
 * The API reference: HTML pages from the doc comments of what the package exports.
 *
 * `node build/api-reference.node.ts [folder]` writes them, by default to `docs/api`.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { exports: entries }: { exports: Record<string, string> } = JSON.parse(
  readFileSync(join(root, "jsr.json"), "utf8"),
);

/** The import specifier of an entry, such as `sallyport/hono` for `./hono`. */
const specifierOf = (entry: string): string => entry.replace(/^\./, "sallyport");

/** The folder of an entry's pages, such as `sallyport-hono.ts`. */
export const pagesOf = (entry: string): string => `${specifierOf(entry).replaceAll("/", "-")}.ts`;

/** Writes the reference into a folder, with one page for each entry of the package. */
export function writeApiReference(folder: string): void {
  const modules = mkdtempSync(join(tmpdir(), "sallyport-api-"));
  try {
    const files = Object.entries(entries).map(([entry, source]) => {
      const text = readFileSync(join(root, source), "utf8");
      // The page is named by the entry and described by the comment of its source.
      const comment = /^\/\*\*(?:(?!\*\/)[\s\S])*@module\s*\*\/\n/.exec(text)?.[0] ?? "";
      const file = join(modules, pagesOf(entry));
      writeFileSync(file, `${comment}export * from ${JSON.stringify(join(root, source))};\n`);
      return file;
    });
    deno(["--html", "--name=Sallyport", `--output=${folder}`, ...files]);
    nameEntries(folder);
  } finally {
    rmSync(modules, { recursive: true, force: true });
  }
}

/** Replaces each visible `sallyport-hono.ts` with `sallyport/hono`. */
function nameEntries(folder: string): void {
  const names = new Map(Object.keys(entries).map((entry) => [pagesOf(entry), specifierOf(entry)]));
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".html")) continue;
    const page = readFileSync(join(folder, file), "utf8");
    const named = page.replace(
      /(?<=[>"]|&quot;)sallyport[\w-]*\.ts(?=[<"]|&quot;| - )/g,
      (name) => names.get(name) ?? name,
    );
    writeFileSync(join(folder, file), named);
  }
}

/** A type of the project that the package's types mention and that no entry exports. */
export interface Unexported {
  /** The exported name that mentions it, such as `UserOperations["get"]`. */
  readonly by: string;
  readonly type: string;
}

/** The findings of Deno's documentation linter in the package's entries. */
export function lintReference(): { unexported: Unexported[]; undocumented: string[] } {
  const report = deno(["--lint", ...Object.values(entries).map((source) => join(root, source))]);
  const hidden = [...report.matchAll(/public type '(.+?)' references private type '(.+?)'/g)];
  // A member needs no comment if its name says everything; every exported name needs one.
  const missing = [...report.matchAll(/missing-jsdoc[^|]*\|\s*\d* \| (export .*)/g)];
  return {
    unexported: hidden.map(([, by, type]) => ({ by: by!, type: type! })),
    undocumented: missing.map(([, line]) => line!.trim()),
  };
}

function deno(args: readonly string[]): string {
  try {
    return execFileSync(join(root, "node_modules/.bin/deno"), ["doc", "--quiet", ...args], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
      stdio: "pipe",
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    // The linter exits with 1 if it finds something.
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    if (args[0] === "--lint" && stderr?.includes("references private type")) return `${stdout}${stderr}`;
    throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeApiReference(process.argv[2] ?? join(root, "docs/api"));
}
