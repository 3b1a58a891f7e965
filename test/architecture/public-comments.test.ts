import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
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

test("tags in comments begin a line, so that an editor shows them as such", () => {
  const hidden = readSourceTree("src").flatMap(({ path, text }) =>
    [...text.matchAll(/^\s*(?:\/\*)?\*+ \S.* @(?:throws|param|returns|default|example)\b.*$/gm)].map(
      ([line]) => `${path}: ${line.trim()}`,
    ),
  );
  expect(hidden).toEqual([]);
});
