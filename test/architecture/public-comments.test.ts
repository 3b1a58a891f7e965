import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { operationTags, withOperationTags } from "../../build/operation-refusals.node.ts";
import { isErrorCode } from "../../src/domain/error.ts";
import { packageEntries } from "./package-entries.ts";
import { findCitedRules } from "./public-comments.ts";
import { readSourceTree } from "./source-tree.ts";

test("comments of exported names: cite no rule, because their readers cannot look rules up", () => {
  const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  expect(findCitedRules([...packageEntries], textOf)).toEqual([]);
});

test("planted citations: found on exported names and members, ignored on private names", () => {
  const files: Record<string, string> = {
    "src/index.ts": 'export { type Shown, shown as other } from "./a.ts";\n/** R001. */\nexport const own = 1;\n',
    "src/a.ts": [
      "/** Private (S01). */\ninterface Hidden {}\n",
      "/** Exported, and not from the package (S02). */\nexport interface Internal {}\n",
      "/** Shown. */\nexport interface Shown {\n  /** A member (S03). */\n  member: string;\n}\n",
      "/** A function (B04). */\nexport function shown(): void {\n  // S05 in its body.\n}\n",
    ].join("\n"),
  };
  expect(findCitedRules(["src/index.ts"], (path) => files[path]!)).toEqual([
    "src/a.ts: Shown cites S03",
    "src/a.ts: shown cites B04",
    "src/index.ts: own cites R001",
  ]);
});

test("@throws in comments: every code is in the table of errors", () => {
  const cited = readSourceTree("src").flatMap(({ path, text }) =>
    [...text.matchAll(/@throws \{AuthError\}((?:(?!@|\*\/)[\s\S])*)/g)].flatMap(([, after]) =>
      [...after!.matchAll(/`([a-z_]+\.[a-z_]+)`/g)].map(([, code]) => `${path}: ${code}`),
    ),
  );
  expect(cited.length).toBeGreaterThan(50);
  expect(cited.filter((one) => !isErrorCode(one.split(": ")[1]!))).toEqual([]);
});

test("@throws of operations: exactly the codes of the act's row, for every operation", () => {
  const { changed, remaining } = operationTags();
  expect([...changed.keys()].map(String)).toEqual([]);
  expect(remaining).toEqual([]);
});

test("planted comments of operations: a missing, a wrong and an outdated tag are replaced, an unlisted operation is refused", () => {
  const operation = (comment: string) =>
    `export interface UserOperations {\n${comment}\n  reinstate: PlannableOperation<OfUser, User>;\n}\n`;
  const right = operation(
    "  /**\n   * Text.\n   *\n   * @throws {AuthError} `precondition.invalid_transition`.\n   */",
  );
  for (const comment of [
    "  /** Text. */",
    "  /**\n   * Text.\n   */",
    "  /**\n   * Text.\n   *\n   * @throws {AuthError} `forbidden`,\n   *   `not_found`.\n   */",
  ]) {
    expect(withOperationTags(operation(comment))).toBe(right);
  }
  expect(withOperationTags(right)).toBe(right);
  expect(() => withOperationTags(right.replace("reinstate", "restore"))).toThrow("UserOperations.restore has no row");
});

test("tags in comments begin a line, so that an editor shows them as such", () => {
  const hidden = readSourceTree("src").flatMap(({ path, text }) =>
    [...text.matchAll(/^\s*(?:\/\*)?\*+ \S.* @(?:throws|param|returns|default|example)\b.*$/gm)].map(
      ([line]) => `${path}: ${line.trim()}`,
    ),
  );
  expect(hidden).toEqual([]);
});
