import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findRuleMismatches, readSecurityDocument } from "./security-document.ts";
import { isGenerated, parseFile, readTestTree } from "./source-tree.ts";

const document = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");

describe("docs/security.md", () => {
  const rules = readSecurityDocument(document);
  const sources = readTestTree("src", "worker", "build").filter(({ path }) => !isGenerated(path));
  const tests = readTestTree("test").filter(({ path }) => !path.startsWith("test/architecture/"));

  test("finds rules, sources and tests to compare", () => {
    expect(rules.length).toBeGreaterThan(100);
    expect(sources.length).toBeGreaterThan(100);
    expect(tests.length).toBeGreaterThan(100);
  });

  test("lists every rule that sources and titles cite, each with a test file whose titles name it", () => {
    expect(findRuleMismatches({ rules, sources, tests })).toEqual([]);
  });
});

describe("docs/security.md, planted faults", () => {
  const list = (...lines: string[]) => readSecurityDocument(["# Security", "", ...lines].join("\n"));
  const item = (number: string, file = "a") => `- **${number}** It holds. ([${file}](../test/${file}.test.ts))`;
  const source = (text: string) => [parseFile("src/a.ts", text)];
  const tests = (text: string) => [parseFile("test/a.test.ts", text)];

  test("a number that a source cites and the document does not list: found", () => {
    const sources = source(
      `
// The database's clock decides (S17, R034).
export const end = \`\${day}T23:59:59Z\`;`,
    );
    expect(
      findRuleMismatches({ rules: list(item("S17")), sources, tests: tests('test("S17: late", () => {});') }),
    ).toEqual(["src/a.ts:2 cites R034, which docs/security.md does not list"]);
  });

  test("a number that a title cites and the document does not list: found", () => {
    const titles = tests(
      'describe("F5, M10: tokens", () => {\n  test.each(["M1", "an actor (B24)"])(`%s`, () => {});\n});',
    );
    expect(findRuleMismatches({ rules: [], sources: [], tests: titles })).toEqual([
      "test/a.test.ts:1 cites F5, which docs/security.md does not list",
      "test/a.test.ts:1 cites M10, which docs/security.md does not list",
      "test/a.test.ts:2 cites B24, which docs/security.md does not list",
    ]);
  });

  test("a listed number without a citation, with another file's test, or listed twice: found", () => {
    const rules = list(item("S01"), item("S02", "b"), item("S03"), item("S03"));
    const titles = tests('test("S02, S03: refused", () => {});');
    expect(findRuleMismatches({ rules, sources: [], tests: titles })).toEqual([
      "docs/security.md:3 lists S01, which nothing cites",
      "docs/security.md:3: no title in test/a.test.ts names S01",
      "docs/security.md:4: no title in test/b.test.ts names S02",
      "docs/security.md:6 lists S03 again",
    ]);
  });

  test("an item of another form: refused", () => {
    expect(() => list("- S01 it holds")).toThrow("docs/security.md:3");
  });
});
