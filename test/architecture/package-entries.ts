import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../../", import.meta.url);

/**
 * The source files behind each of package.json's `exports`, relative to the project's root: one for each condition, types
 * first.
 */
export const entrySources: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(readManifest().exports).map(([subpath, conditions]) => [
    subpath,
    Object.values(conditions).map(sourceOf),
  ]),
);

/** The same files, of all entries. */
export const packageEntries: ReadonlySet<string> = new Set([...entrySources.values()].flat());

function readManifest(): { exports: Record<string, Record<string, string>> } {
  return JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
}

/** The source of a file in `dist`. @throws {Error} If there is no such source. */
function sourceOf(built: string): string {
  const stem = built.replace("./dist/", "src/").replace(/(\.d\.ts|\.js)$/, "");
  const source = [`${stem}.ts`, `${stem}.tsx`].find((path) => existsSync(fileURLToPath(new URL(path, root))));
  if (source === undefined) throw new Error(`package.json exports ${built}, which no source becomes.`);
  return source;
}
