import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("test/support/auth.ts has every feature, so that each is tested", () => {
  const files = readdirSync(new URL("../../src/http/features", import.meta.url));
  expect(files.length).toBeGreaterThan(4);
  const text = read("test/support/auth.ts");
  expect(files.filter((file) => !text.includes(`/http/features/${file}"`))).toEqual([]);
});
