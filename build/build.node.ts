/**
 * Writes `dist/`: the sources as JavaScript with declarations, and the imported files that are not TypeScript.
 *
 * The generated files must exist: `npm run build` writes them first.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { dropDocumented } from "./drop-documented.node.ts";
import { assetFiles, minifyAsset } from "./minify-assets.node.ts";
import { squeezeSql } from "./squeeze-sql.node.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const binary = join("runtime", "generated", "argon2.wasm");

rmSync(join(root, "dist"), { recursive: true, force: true });
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
execFileSync(process.execPath, [compiler, "-p", join(root, "tsconfig.build.json")], { stdio: "inherit" });

/** TypeScript does not copy the binary. */
copyFileSync(join(root, "src", binary), join(root, "dist", binary));

/** Where rows are, and the member that holds a row's name. */
const rows = [
  { folder: join("domain", "acts"), named: "name" },
  { folder: join("http", "routes"), named: "id" },
] as const;

for (const name of readdirSync(join(root, "dist"), { recursive: true, encoding: "utf8" })) {
  const path = join(root, "dist", name);
  if (!name.endsWith(".js")) continue;
  const asset = assetFiles.get(name.replaceAll("\\", "/"));
  const text = readFileSync(path, "utf8");
  const script = asset ? minifyAsset(text, asset) : squeezeSql(text);
  const named = rows.find(({ folder }) => name.startsWith(folder))?.named;
  writeFileSync(path, named ? dropDocumented(script, named) : script);
}
