/** The table of `npm run test:faults`: its rows still fit the sources, and no rule is without one. @module */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { notPlanted, plantedFaults, withFault } from "./planted-faults.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const names = plantedFaults.map((row) => [`${row.rule}: ${row.fault}`, row] as const);

test.each(names)("%s", (_name, row) => {
  const changed = withFault(root, row);
  expect(changed).not.toBe(readFileSync(join(root, row.file), "utf8"));
  expect(existsSync(join(root, row.suite)), row.suite).toBe(true);
  if (/^S\d\d$/.test(row.rule)) {
    expect(row.title + readFileSync(join(root, row.suite), "utf8")).toMatch(new RegExp(`\\b${row.rule}\\b`));
  }
  expect(row.title.length).toBeGreaterThan(0);
});

test("each rule has a row, also one of which a part cannot be planted, and no row is there twice", () => {
  const rules = new Set(plantedFaults.map(({ rule }) => rule));
  const numbers = [22, 36, 38, ...Array.from({ length: 83 - 55 + 1 }, (_, index) => 55 + index)];
  expect(numbers.map((number) => `S${number}`).filter((number) => !rules.has(number))).toEqual([]);
  expect(notPlanted.filter(({ rule }) => !rules.has(rule))).toEqual([]);
  expect(new Set(names.map(([name]) => name)).size).toBe(names.length);
});

test.each([
  { case: "is gone", find: "no such text", says: "has 0 times: no such text" },
  { case: "stands there more than once", find: "generate", says: "times: generate" },
])("a row whose text $case: refused", ({ find, says }) => {
  expect(() => withFault(root, { ...plantedFaults[0]!, file: "package.json", find })).toThrow(says);
});
