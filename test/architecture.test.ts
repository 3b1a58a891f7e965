import { describe, expect, test } from "vitest";
import { codeGates } from "./architecture/code-gates.ts";
import { importGates, layerOf, layers } from "./architecture/import-gates.ts";
import { packageEntries } from "./architecture/package-entries.ts";
import { parseSource, readSourceTree } from "./architecture/source-tree.ts";

const files = readSourceTree("src", "build", "worker");

describe("architecture gates, what they read", () => {
  test("finds files and their imports", () => {
    expect(files.length).toBeGreaterThan(80);
    expect(files.flatMap(({ imports }) => imports).length).toBeGreaterThan(300);
    for (const { name } of layers) expect(files.map(({ path }) => layerOf(path)?.name)).toContain(name);
  });

  test("finds the source of every package entry", () => {
    expect(packageEntries.size).toBeGreaterThan(12);
    expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining([...packageEntries]));
  });

  test("every relative import leads to a file that was read or to a binary", () => {
    const known = new Set(files.map(({ path }) => path));
    const lost = files.flatMap(({ path, imports }) =>
      imports
        .filter(({ target, isRelative }) => isRelative && !known.has(target) && !/\.wasm(\?module)?$/.test(target))
        .map(({ target }) => `${path} imports ${target}`),
    );
    expect(lost).toEqual([]);
  });
});

describe.each([...importGates, ...codeGates])("$rule", ({ find, planted, found }) => {
  test("finds the planted breach", () => {
    expect(find(Object.entries(planted).map(([path, text]) => parseSource(path, text)))).toEqual(found);
  });

  test("the sources keep the rule", () => {
    expect(find(files)).toEqual([]);
  });
});
