import { describe, expect, test } from "vitest";
import { describeMutant, mutantsOf, withMutant } from "./mutants.ts";
import { sampleOf } from "./sample.ts";
import { equivalentOf, type Settings, staleEntries } from "./settings.ts";
import { suitesFor } from "./suites.ts";

/** The mutants of a source, without its path. */
function changes(text: string): string[] {
  return mutantsOf("a.ts", text).map((mutant) => describeMutant(mutant).replace(/^a\.ts:\d+ {2}/, ""));
}

describe("mutants of TypeScript", () => {
  test.each([
    { source: "x = a === b;", expected: ["x = a === b; → ;", "=== → !=="] },
    { source: "const x = a <= b;", expected: ["<= → <"] },
    { source: "const x = a > b;", expected: ["> → >="] },
    { source: "const x = a && b || c;", expected: ["&& → ||", "|| → &&"] },
    { source: "const x = !a;", expected: ["!a → a"] },
    { source: "const x = !!a;", expected: ["!!a → !a"] },
    { source: "const x = { ok: true };", expected: ["true → false"] },
    { source: "const x = 8;", expected: ["8 → (8 + 1)", "8 → (8 - 1)"] },
    { source: "const x = a ?? b;", expected: ["a ?? b → (a)"] },
    { source: "const x = a ? b : c;", expected: ["a → false", "a → true"] },
    { source: "for (; a; ) b();", expected: ["a → false", "b(); → ;"] },
    { source: 'if (a) throw new TypeError("b" + 1);', expected: ["a → false", "a → true"] },
    { source: 'try {} catch { throw new AuthError("c"); }', expected: ['throw new AuthError("c"); → ;'] },
  ])("$source", ({ source, expected }) => {
    expect(changes(source)).toEqual(expected);
  });

  test.each([
    { case: "a comment", source: "// a === 1\nexport {};" },
    { case: "a type", source: "type A = { b: 1; c: true } | 2; let d: 3;" },
    { case: "an import", source: 'import { a } from "./1.ts"; export * from "./2.ts";' },
    { case: "a string", source: `const a = "1 === 2 and 3"; const b = \`\${a} = 1\`;` },
    { case: "a template with another tag", source: "const a = css`b = c and d`;" },
    { case: "the name of a property", source: "const a = { 1: b };" },
    { case: "a directive", source: '"use strict";' },
    { case: "the text of an error", source: `const a = new RangeError(\`at most \${1 + 2}\`);` },
  ])("$case: no mutant", ({ source }) => {
    expect(changes(source)).toEqual([]);
  });

  test("a mutant has its line and its place", () => {
    const text = "const a =\n  b === c;\n";
    const [mutant] = mutantsOf("src/a.ts", text);
    expect(mutant).toMatchObject({ path: "src/a.ts", line: 2, lineText: "b === c;" });
    expect(withMutant(text, mutant!)).toBe("const a =\n  b !== c;\n");
  });
});

describe("mutants of SQL", () => {
  test.each([
    { statement: "where a = 1", expected: ["= → <>"] },
    { statement: "where a <> b", expected: ["<> → ="] },
    { statement: "where a < b", expected: ["< → <="] },
    { statement: "where a >= b", expected: [">= → >"] },
    { statement: "where a is null", expected: ["is null → is not null"] },
    { statement: "where a is not null", expected: ["is not null → is null"] },
    { statement: "where not a", expected: ["not → (removed)"] },
    { statement: "where exists (select b)", expected: ["exists → not exists"] },
    { statement: "where not exists (select b)", expected: ["not → (removed)"] },
    { statement: "select greatest(a, least(b, c))", expected: ["greatest → least", "least → greatest"] },
    {
      statement: "select coalesce((select f(a, b)), c)",
      expected: ["coalesce((select f(a, b)), c) → (select f(a, b))"],
    },
    { statement: "select now() + make_interval(secs => 1)", expected: ["+ → -"] },
    { statement: "where a or b", expected: ["or → and"] },
    { statement: "where f(a and b) or c", expected: ["and → or", "and b → (removed)", "or → and"] },
    {
      statement: "where a and b\n  and c order by d",
      expected: ["and → or", "and b → (removed)", "and → or", "and c → (removed)"],
    },
    { statement: "where a between 1 and 2", expected: [] },
    { statement: "update a set b = 1, c = (select d = 2) where e = 3", expected: ["= → <>", "= → <>"] },
    { statement: "select 'a = b' -- c = d", expected: [] },
    { statement: "create table a (b text not null)", expected: [] },
    { statement: "select a->>'b', a @> c, a <@ d", expected: [] },
  ])("$statement: $expected", ({ statement, expected }) => {
    expect(changes(`const s = sql\`${statement}\`;`)).toEqual(expected);
  });

  test("a value keeps its text, and a statement inside it has mutants of its own", () => {
    expect(changes(`const s = sql\`where a = \${b} and \${sql\`c < d\`}\`;`)).toEqual([
      "= → <>",
      "and → or",
      `and \${sql\`c < d\`} → (removed)`,
      "< → <=",
    ]);
  });

  test("a list of assignments under `set` is no comparison", () => {
    expect(changes("const s = { set: sql`a = 1, b = case when c = 2 then 3 end` };")).toEqual(["= → <>"]);
  });
});

describe("sample of mutants", () => {
  const values = Array.from({ length: 100 }, (_, index) => index);

  test("one seed draws the same values, in their order", () => {
    const drawn = sampleOf(values, 20, 1);
    expect(drawn).toEqual(sampleOf(values, 20, 1));
    expect(drawn).toEqual(drawn.toSorted((a, b) => a - b));
    expect(new Set(drawn).size).toBe(20);
  });

  test("another seed draws others", () => {
    expect(sampleOf(values, 20, 2)).not.toEqual(sampleOf(values, 20, 1));
  });

  test("without a count, all", () => {
    expect(sampleOf(values, undefined, 1)).toEqual(values);
  });
});

describe("suites of a source", () => {
  const names = ["domain/totp", "domain/id", "operations/recovery-codes", "operations/access", "http/totp-page"];
  const suites = names.map((name) => ({ path: `test/${name}.test.ts`, text: "", isQuick: name.startsWith("domain") }));
  const layer = { folder: "src/store", except: [], projects: [], suites: ["test/operations/access"] };

  test("those that share words come first, then the broad ones, and others not at all", () => {
    expect(suitesFor("src/store/recovery-code.ts", suites, layer)).toEqual([
      "test/operations/recovery-codes.test.ts",
      "test/operations/access.test.ts",
    ]);
  });

  test("one that imports the source comes before those that share a word", () => {
    const text = 'import { a } from "../../src/store/totp.ts";';
    const importing = suites.map((suite) => (suite.path.includes("/domain/id") ? { ...suite, text } : suite));
    expect(suitesFor("src/store/totp.ts", importing, layer)).toEqual([
      "test/domain/id.test.ts",
      "test/domain/totp.test.ts",
      "test/http/totp-page.test.ts",
      "test/operations/access.test.ts",
    ]);
  });
});

describe("equivalent mutants", () => {
  const entry = { path: "test/mutation/sample.ts", line: "a < b;", before: "<", after: "<=", why: "A reason." };
  const settings: Settings = { never: [], layers: {}, equivalent: [entry] };
  const mutant = mutantsOf(entry.path, "  a < b;").find(({ before }) => before === "<");

  test("a mutant of the same line and change is equivalent", () => {
    expect(equivalentOf(mutant!, settings)).toBe(entry);
  });

  test.each([
    { case: "another line", changed: { lineText: "a < c;" } },
    { case: "another file", changed: { path: "test/mutation/suites.ts" } },
    { case: "another change", changed: { after: ">" } },
  ])("$case: not equivalent", ({ changed }) => {
    expect(equivalentOf({ ...mutant!, ...changed }, settings)).toBeUndefined();
  });

  test("an entry is stale once its line or its file is gone", () => {
    const root = new URL("../../", import.meta.url).pathname;
    expect(staleEntries(settings, root, () => [mutant!])).toEqual([]);
    expect(staleEntries(settings, root, () => [])).toEqual([entry]);
    const lost = { ...settings, equivalent: [{ ...entry, path: "src/lost.ts" }] };
    expect(staleEntries(lost, root, () => [mutant!])).toHaveLength(1);
  });
});
