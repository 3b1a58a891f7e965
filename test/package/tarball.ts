import { type ExecFileException, execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../", import.meta.url));

export interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly files: readonly string[];
}

/** package.json, as in the project. */
export const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The peers in the project's versions, for `npm install`. */
export const peers: readonly string[] = Object.keys(manifest.peerDependencies).map(
  (name) => `${name}@${manifest.devDependencies[name]}`,
);

/** A folder for one run. */
export async function temporaryFolder(): Promise<string> {
  return await mkdtemp(join(tmpdir(), "sallyport-package-"));
}

/**
 * Builds and packs the project, as `npm publish` would, and returns the tarball's path.
 *
 * It builds a copy, so that two runs at once do not write the same `dist/`.
 */
export async function pack(folder: string): Promise<string> {
  const project = join(folder, "project");
  await mkdir(project);
  const sources = ["package.json", "tsconfig.json", "tsconfig.build.json", "build", "src"];
  const named = manifest.files.map((pattern) => pattern.split("/")[0]!);
  const published = named.filter((name) => name !== "dist" && existsSync(join(root, name)));
  for (const name of [...sources, ...published]) await cp(join(root, name), join(project, name), { recursive: true });
  await symlink(join(root, "node_modules"), join(project, "node_modules"));
  await run("npm", ["pack", "--pack-destination", folder], project);

  const tarballs = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  if (tarballs.length !== 1) throw new Error(`npm packed ${tarballs.length} tarballs.`);
  return join(folder, tarballs[0]!);
}

/** Installs packages in an empty project, together with the programs of `consumer/`. */
export async function installed(folder: string, packages: readonly string[]): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  await run("npm", ["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", ...packages], folder);
  await cp(fileURLToPath(new URL("consumer/", import.meta.url)), folder, { recursive: true });
  return folder;
}

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, successful or not. */
export async function outcomeOf(
  program: string,
  args: readonly string[],
  cwd: string,
  extra: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  // npm's variables are about this project, not about the project in `cwd`. The machine's trusted certificates stay: without
  // them a registry behind a proxy is out of reach.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(package|lifecycle|command|config_local)|NODE_(?!EXTRA_CA_CERTS$))/.test(name),
  );
  const env = { ...Object.fromEntries(inherited), WRANGLER_SEND_METRICS: "false", ...extra };
  return await new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      { cwd, env, timeout: 120_000, maxBuffer: 64 * 1024 * 1024 },
      (error: ExecFileException | null, stdout, stderr) => {
        if (error && typeof error.code !== "number") reject(error);
        else resolve({ exitCode: (error?.code as number | undefined) ?? 0, stdout, stderr });
      },
    );
  });
}

/** Runs a program that has to succeed, and returns what it printed. */
export async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { exitCode, stdout, stderr } = await outcomeOf(program, args, cwd);
  if (exitCode !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${exitCode}:\n${stdout}\n${stderr}`);
  return stdout;
}

/** A program from one of the project's packages. */
export function tool(name: string): string {
  return join(root, "node_modules", ".bin", name);
}

/** The machine's own Node, not the one that the project brings. */
export function systemNode(): string {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  const found = folders.map((folder) => join(folder, "node")).find(existsSync);
  if (found === undefined) throw new Error("There is no Node on PATH beside the project's own.");
  return found;
}
