/** The lists that tests and documents read as the whole: a new file that one of them lacks would be tested by nothing. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test.each([
  { rows: "src/domain/acts", list: "build/every-act.node.ts", what: /^export const/m },
  { rows: "src/http/routes", list: "build/openapi/every-route.node.ts", what: /^export const \w+Routes\b/m },
  { rows: "src/http/features", list: "test/support/auth.ts", what: /^export function/m },
])("$list imports each file of $rows that has rows", ({ rows, list, what }) => {
  const files = readdirSync(new URL(`../../${rows}`, import.meta.url)).filter((file) =>
    what.test(read(`${rows}/${file}`)),
  );
  expect(files.length).toBeGreaterThan(4);
  const text = read(list);
  const isListed = (file: string): boolean => text.includes(`/${rows.replace("src/", "")}/${file}"`);
  // A table may consist of the rows of several files.
  const isPart = (file: string): boolean =>
    files.some((whole) => isListed(whole) && read(`${rows}/${whole}`).includes(`from "./${file}"`));
  expect(files.filter((file) => !isListed(file) && !isPart(file))).toEqual([]);
});
