/**
 * Writes `dist/`: the sources as JavaScript with declarations, and what they import that is not TypeScript.
 *
 * The generated files must be there: `npm run build` writes them first.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const generated = join("runtime", "generated");

rmSync(join(root, "dist"), { recursive: true, force: true });
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
execFileSync(process.execPath, [compiler, "-p", join(root, "tsconfig.build.json")], { stdio: "inherit" });

/** TypeScript copies none of these: the binary, and the licence that goes with it. */
const copied = readdirSync(join(root, "src", generated)).filter((file) => /\.(wasm|txt)$/.test(file));
if (copied.length !== 2) throw new Error(`There are ${copied.length} generated files to copy, not 2.`);
for (const file of copied) copyFileSync(join(root, "src", generated, file), join(root, "dist", generated, file));
