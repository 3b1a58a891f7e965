import { readFileSync } from "node:fs";
import { join } from "node:path";
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

test("lock file: has every package's digest and no registry host", () => {
  const { packages } = read("package-lock.json") as {
    packages: Record<string, { integrity?: string; resolved?: string; link?: boolean }>;
  };
  const installed = Object.entries(packages).filter(([path, { link }]) => path.startsWith("node_modules/") && !link);
  expect(installed.length).toBeGreaterThan(100);
  expect(installed.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")).map(([path]) => path)).toEqual([]);
  expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
});
