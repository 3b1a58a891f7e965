/**
 * Writes `migrations.ts` and `migration-names.ts` in `src/store/generated/` from the files in `migrations/`: a Worker has no file system to read them from.
 *
 * @module
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Migration } from "../src/store/migrate.ts";

/** The migrations of a folder, in order. Its folder `adopting/` has their texts for databases of the reference schema. */
export function readMigrations(folder: URL): Migration[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .sort();
  if (files.length === 0) throw new Error("There are no migrations to read.");
  return files.map((file) => {
    const adopting = new URL(`adopting/${file}`, folder);
    return {
      name: file.slice(0, -".sql".length),
      text: readFileSync(new URL(file, folder), "utf8"),
      ...(existsSync(adopting) && { adopting: readFileSync(adopting, "utf8") }),
    };
  });
}

/** The project's folder `migrations/`. */
export const migrationsFolder: URL = new URL("../migrations/", import.meta.url);

/** Writes the generated modules. */
export function generateMigrations(): void {
  const folder = new URL("../src/store/generated/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const read = readMigrations(migrationsFolder);
  const list = JSON.stringify(read, null, 2);
  writeFileSync(
    new URL("migration-names.ts", folder),
    `// Written by build/migrations.node.ts.

/** The names of the migrations of this version, in order. */
export const migrationNames: readonly string[] = ${JSON.stringify(
      read.map(({ name }) => name),
      null,
      2,
    )};
`,
  );
  writeFileSync(
    new URL("migrations.ts", folder),
    `// Written by build/migrations.node.ts.
import type { Migration } from "../migrate.ts";

/** The migrations of this version, in order, for {@link migrate}. */
export const migrations: readonly Migration[] = ${list};
`,
  );
}

if (import.meta.main) generateMigrations();
