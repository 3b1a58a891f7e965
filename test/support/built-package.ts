import { execFile } from "node:child_process";
import { copyFile, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);
const binary = join("runtime", "generated", "argon2.wasm");

/** A project outside the checkout, with the built package and everything that this project has installed. */
export interface Project {
  readonly folder: string;
  remove(): Promise<void>;
}

/** Builds the package into a fresh project, so that programs import `sallyport` as an application does. */
export async function projectWithPackage(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-project-"));
  const installed = join(folder, "node_modules", "sallyport");
  const dist = join(installed, "dist");
  await mkdir(installed, { recursive: true });
  for (const name of await readdir(join(root, "node_modules"))) {
    if (!name.startsWith(".")) await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  await cp(join(root, "package.json"), join(installed, "package.json"));
  await run(tool("tsc"), ["-p", join(root, "tsconfig.build.json"), "--outDir", dist]);
  await copyFile(join(root, "src", binary), join(dist, binary));
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "application", private: true, type: "module" }));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/**
 * Compiles files of a project in strict mode, and returns the compiler's messages: empty if there are none.
 *
 * @param options.exactOptionalPropertyTypes Default true. Code that another tool generates may not be written for it.
 */
export async function compile(
  folder: string,
  files: readonly string[],
  { exactOptionalPropertyTypes = true } = {},
): Promise<string> {
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    exactOptionalPropertyTypes,
    module: "NodeNext",
    target: "ES2022",
    lib: ["ES2024", "WebWorker"],
    types: ["node"],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  return await run(tool("tsc"), ["-p", folder]).then(
    () => "",
    (error: { stdout: string }) => error.stdout,
  );
}

/** A program from one of the project's packages. */
export function tool(name: string): string {
  return join(root, "node_modules", ".bin", name);
}
