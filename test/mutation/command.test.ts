/** Slow: each run of the command starts a Vitest of its own. @module */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const mutants = fileURLToPath(new URL("run.node.ts", import.meta.url));
const faults = fileURLToPath(new URL("faults.node.ts", import.meta.url));
const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));

const source = `export function isAdult(age: number): boolean {
  return age >= 18;
}
`;

const settings = {
  never: [],
  layers: { domain: { folder: "src/domain", except: [], projects: ["unit"], suites: [] } },
  equivalent: [] as object[],
};

const equivalent = {
  path: "src/domain/adult.ts",
  line: "return age >= 18;",
  before: "18",
  after: "(18 - 1)",
  why: "Planted.",
};

type Cases = Readonly<Record<number, boolean>>;

/** The output and the exit code of `npm run mutants` in a small project with one suite. */
async function mutantsOfProject({
  cases,
  listed = [],
  args = [],
}: {
  cases: Cases;
  listed?: readonly object[];
  args?: readonly string[];
}): Promise<{ output: string; code: number }> {
  const settingsFile = { "test/mutation/settings.json": JSON.stringify({ ...settings, equivalent: listed }) };
  return await runIn(cases, settingsFile, [mutants, "--layer", "domain", ...args]);
}

/** The same of `npm run test:faults`. */
async function faultsOfProject(rows: readonly object[]): Promise<{ output: string; code: number }> {
  const table = { "table.mjs": `export const plantedFaults = ${JSON.stringify(rows)};` };
  return await runIn({ 17: false, 18: true }, table, [faults, "--table", "table.mjs"]);
}

/** The global setup of the project runs the source too: with a fault in it, no test would run. */
async function runIn(
  cases: Cases,
  more: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<{ output: string; code: number }> {
  const root = await mkdtemp(join(tmpdir(), "sallyport-mutation-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const tests = Object.entries(cases).map(([age, is]) => `test("${age}", () => expect(isAdult(${age})).toBe(${is}));`);
  const files = {
    "src/domain/adult.ts": source,
    "test/domain/adult.test.ts": `import { describe, expect, test } from "vitest";
import { isAdult } from "../../src/domain/adult.ts";
describe("age", () => {
${tests.join("\n")}
});
`,
    ...more,
    "test/global-setup.ts": `import { isAdult } from "../src/domain/adult.ts";
export default () => {
  if (isAdult(0) || !isAdult(99)) throw new Error("This is not the source.");
};
`,
    "vitest.config.ts": `const test = { name: "unit", include: ["test/**/*.test.ts"], globalSetup: ["test/global-setup.ts"] };
export default { test: { projects: [{ test }] } };
`,
    "package.json": `{ "type": "module" }`,
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await symlink(modules, join(root, "node_modules"));
  const result = await new Promise<{ output: string; code: number }>((resolve) => {
    execFile(process.execPath, args, { cwd: root, env: { PATH: process.env.PATH } }, (error, stdout, stderr) =>
      resolve({ output: stdout + stderr, code: error ? Number(error.code) : 0 }),
    );
  });
  expect(await readFile(join(root, "src/domain/adult.ts"), "utf8")).toBe(source);
  return result;
}

test("every limit has a test on each side: all mutants are killed, and the code is 0", async () => {
  const { output, code } = await mutantsOfProject({ cases: { 17: false, 18: true } });
  expect(output).toContain(
    "domain: 3 generated, 3 sampled (seed 1), 3 killed, 0 survived, 0 timed out, 0 invalid, 0 equivalent: 100.0 % killed",
  );
  expect(code).toBe(0);
});

test("no test has the limit itself: the mutants survive with their line, and the code is 1", async () => {
  const { output, code } = await mutantsOfProject({
    cases: { 17: false, 19: true },
    args: ["--files", "src/*/adult.ts:2"],
  });
  expect(output).toContain("survived: src/domain/adult.ts:2  >= → >\n");
  expect(output).toContain("survived: src/domain/adult.ts:2  18 → (18 + 1)\n");
  expect(output).toContain("1 killed, 2 survived");
  expect(code).toBe(1);
});

test("a listed mutant does not run; more than 5 % of them, or an entry whose line is gone, fails the command", async () => {
  const stale = { ...equivalent, line: "return age > 17;" };
  const { output, code } = await mutantsOfProject({ cases: { 17: false, 18: true }, listed: [equivalent, stale] });
  expect(output).toContain("The list of equivalent mutants has no such line: src/domain/adult.ts: return age > 17;");
  expect(output).toContain("equivalent: src/domain/adult.ts:2  18 → (18 - 1)  Planted.");
  expect(output).toContain("2 killed, 0 survived, 0 timed out, 0 invalid, 1 equivalent: 100.0 % killed");
  expect(code).toBe(1);
});

test("a suite that fails without a mutant kills none", async () => {
  const { output, code } = await mutantsOfProject({ cases: { 17: true } });
  expect(output).toContain("test/domain/adult.test.ts fails without a mutant too, so it is left out.");
  expect(output).toContain("0 killed");
  expect(code).toBe(1);
});

test("an unknown layer and a sample that is no number are refused", async () => {
  const options = { cases: { 18: true } };
  const layer = await mutantsOfProject({ ...options, args: ["--layer", "http"] });
  expect(layer.output).toContain("--layer is one of domain.");
  const sample = await mutantsOfProject({ ...options, args: ["--sample", "many"] });
  expect(sample.output).toContain("--sample is a whole number from 1.");
  expect([layer.code, sample.code]).toEqual([1, 1]);
});

const fault = {
  rule: "age",
  fault: "nobody is too young",
  file: "src/domain/adult.ts",
  find: ">= 18",
  replace: ">= 0",
  suite: "test/domain/adult.test.ts",
  title: "age > 17",
};

test("faults: one that its test notices is killed, and the code is 0", async () => {
  const { output, code } = await faultsOfProject([fault, { ...fault, within: "age" }]);
  expect(output).toMatch(
    /2\/2 killed \d+ s {2}age: nobody is too young {2}\[test\/domain\/adult\.test\.ts: age > 17\]\n +expected true/,
  );
  expect(output).toContain("2 faults: 2 killed\n");
  expect(code).toBe(0);
});

test.each([
  { case: "no test notices", change: { replace: ">= 17.5" }, says: "1 survived" },
  { case: "another test notices", change: { within: "age", title: "age > 18" }, says: "1 another test" },
  { case: "the source no longer has", change: { find: ">= 21" }, says: "has 0 times: >= 21" },
  { case: "no test is for", change: { title: "age > 19" }, says: "has no test of the title age > 19" },
  { case: "no suite is for", change: { suite: "test/gone.test.ts" }, says: "There is no suite test/gone.test.ts" },
])("faults: one that $case: the code is 1", async ({ change, says }) => {
  const { output, code } = await faultsOfProject([{ ...fault, ...change }]);
  expect(output).toContain(says);
  expect(code).toBe(1);
});

test("faults: a test that fails without the fault proves nothing", async () => {
  const table = { "table.mjs": `export const plantedFaults = ${JSON.stringify([fault])};` };
  const { output, code } = await runIn({ 17: true }, table, [faults, "--table", "table.mjs"]);
  expect(output).toContain("Without the fault, test/domain/adult.test.ts: age > 17 killed");
  expect(code).toBe(1);
});
