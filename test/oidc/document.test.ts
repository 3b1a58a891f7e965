import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as client from "../../src/oidc/index.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const page = read("docs/oidc.md");

/** The first cells of the table below a heading, without their marks. */
function cellsBelow(heading: string): string[] {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  const rows = section
    .split("\n## ")[0]!
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  return rows.map((row) => /^\| `(\w+)`/.exec(row)![1]!);
}

describe("docs/oidc.md", () => {
  test("lists every option, and no other", () => {
    const source = read("src/oidc/options.ts");
    const [, members = ""] = /export interface IdpClientOptions \{([\s\S]*?)\n\}/.exec(source)!;
    const options = [...members.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name!);
    expect(options.length).toBeGreaterThan(10);
    expect(cellsBelow("Options").sort()).toEqual(options.sort());
  });

  test("names every option of a sign-in", () => {
    const source = read("src/oidc/authorization.ts");
    const [, members = ""] = /export interface AuthorizationRequest \{([\s\S]*?)\n\}/.exec(source)!;
    const options = [...members.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name!);
    expect(options.length).toBeGreaterThan(8);
    expect(options.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test("lists every error class, and every code of the client's own", () => {
    const classes = Object.keys(client).filter((name) => name.endsWith("Error"));
    expect(classes.length).toBeGreaterThan(12);
    expect([...new Set(cellsBelow("Errors"))].sort()).toEqual(classes.sort());
    const [, table = ""] = /const ownMessages[\s\S]*?new Map\(\[([\s\S]*?)\]\);/.exec(read("src/oidc/errors.ts"))!;
    const codes = [...table.matchAll(/\["(\w+)",/g)].map(([, code]) => code!);
    expect(codes.length).toBeGreaterThan(8);
    expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });
});

test("docs/coming-from.md has every row of the carried client, from 004.1 to 004.52", () => {
  const numbers = [...read("docs/coming-from.md").matchAll(/^\| 004\.(\d+)(?: to 004\.(\d+))? \|/gm)].flatMap(
    ([, first, last = first]) =>
      Array.from({ length: Number(last) - Number(first) + 1 }, (_, at) => Number(first) + at),
  );
  expect(numbers).toEqual(Array.from({ length: 52 }, (_, at) => at + 1));
});
