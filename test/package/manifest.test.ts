import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { manifest, root } from "./tarball.ts";

const read = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8"));

const tools: Record<string, string> = {
  ...manifest.devDependencies,
  ...read(".ci/node/package.json").optionalDependencies,
  ...read(".ci/postgres/package.json").optionalDependencies,
};

test("package.json: every dependency and tool has an exact version", () => {
  const versions = Object.entries({ ...manifest.dependencies, ...tools });
  expect(versions.length).toBeGreaterThan(20);
  const loose = versions.filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-beta\.\d+)?$/.test(version) && !/^file:\.ci\/\w+$/.test(version),
  );
  expect(loose).toEqual([]);
});

test("package.json: every peer is also a development dependency", () => {
  const missing = Object.keys(manifest.peerDependencies).filter(
    (name) => !Object.hasOwn(manifest.devDependencies, name),
  );
  expect(missing).toEqual([]);
});

test("npm ci: no warning for each tool that wants a newer Node", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-npm-"));
  try {
    await mkdir(join(folder, "tool"));
    const tool = { name: "tool", version: "1.0.0", engines: { node: ">=9999" } };
    await writeFile(join(folder, "tool/package.json"), JSON.stringify(tool));
    await writeFile(join(folder, "package.json"), JSON.stringify({ dependencies: { tool: "file:tool" } }));
    // What runs the tests may have passed on its own level.
    const { npm_config_loglevel: _unused, ...env } = process.env;
    const install = async () =>
      (await promisify(execFile)("npm", ["install", "--dry-run", "--offline"], { cwd: folder, env })).stderr;
    expect(await install()).toContain("EBADENGINE");
    await copyFile(join(root, ".npmrc"), join(folder, ".npmrc"));
    expect(await install()).toBe("");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("lock file: has every package's digest and no registry host", () => {
  const { packages } = read("package-lock.json") as {
    packages: Record<string, { integrity?: string; resolved?: string; link?: boolean }>;
  };
  const installed = Object.entries(packages).filter(([path, { link }]) => path.startsWith("node_modules/") && !link);
  expect(installed.length).toBeGreaterThan(100);
  expect(installed.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")).map(([path]) => path)).toEqual([]);
  expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
});
