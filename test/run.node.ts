/**
 * `npm test`: runs every check of the project, and prints its wall time and one line at the end with the count.
 *
 * Each check by a tool counts as one test. A check that did not run counts as failed: a skipped test, a file that could not be
 * loaded, an error outside any test, a project of `vitest.config.ts` without tests.
 *
 * `npm test -- FILE…` runs these test files only, without the checks of the tools.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startVitest, type TestCase, type Vitest } from "vitest/node";

const root = fileURLToPath(new URL("../", import.meta.url));

const started = performance.now();
const files = process.argv.slice(2);
const isWholeRun = files.length === 0;

/** In this order: later checks need the generated files and `dist/`, which the first one builds. */
const checks = isWholeRun
  ? [
      { name: "build and types", script: "typecheck" },
      { name: "format and lint", script: "lint" },
      { name: "unused exports", script: "lint:exports" },
      { name: "spelling", script: "lint:spelling" },
    ]
  : [{ name: "build", script: "build" }];

const failures: string[] = [];
/** The files that took longest, and what each says about it. */
const slowest: string[] = [];
let passed = 0;

if (Number.parseInt(process.versions.node, 10) >= 22) passed++;
else failures.push(`Node 22 or later runs the tools: this is ${process.version}`);

for (const { name, script } of checks) {
  console.log(`\n${name}: npm run ${script}`);
  const { status } = spawnSync("npm", ["run", "--silent", script], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status === 0) passed++;
  else failures.push(name);
}

try {
  const vitest = await startVitest("test", files, { root, run: true, watch: false });
  countTests(vitest);
  await vitest.close();
} catch (error) {
  console.error(error);
  failures.push("the tests did not run to their end");
}

if (!existsSync(new URL("../../shared/", import.meta.url)))
  console.log("There is no folder ../shared: this run is without the extra tests that read published vectors from it.");
console.log("\nthe slowest files, and why:");
for (const line of slowest) console.log(line);
console.log();
for (const failure of failures) console.log(`failed: ${failure}`);
const seconds = Math.round((performance.now() - started) / 1000);
console.log(`\nwall time: ${Math.floor(seconds / 60)} min ${seconds % 60} s`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;

function countTests({ projects, state }: Vitest): void {
  const modules = state.getTestModules();
  for (const module of modules.toSorted((a, b) => b.diagnostic().duration - a.diagnostic().duration).slice(0, 10)) {
    const [, reason] =
      /^(?:\/\*\*| \*) Slow: (.*?)(?: @module \*\/)?$/m.exec(readFileSync(module.moduleId, "utf8")) ?? [];
    const seconds = `${Math.round(module.diagnostic().duration / 1000)} s`;
    slowest.push(`${seconds.padStart(6)}  ${module.relativeModuleId}${reason ? `: ${reason}` : ""}`);
  }
  for (const { name } of isWholeRun ? projects : []) {
    if (!modules.some((module) => module.project.name === name)) failures.push(`no test ran in the project ${name}`);
  }
  for (const module of modules) {
    const where = `${module.project.name} ${module.relativeModuleId}`;
    const tests: TestCase[] = [...module.children.allTests()];
    for (const test of tests) {
      if (test.result().state === "passed") passed++;
      else failures.push(`${where} > ${test.fullName} (${test.result().state})`);
    }
    const suiteErrors = [...module.children.allSuites()].flatMap((suite) => suite.errors());
    const errors = [...module.errors(), ...suiteErrors];
    for (const { message } of errors) failures.push(`${where}: ${message}`);
    if (tests.length === 0 && errors.length === 0) failures.push(`${where}: it has no tests`);
  }
  for (const error of state.getUnhandledErrors())
    failures.push(`an error outside any test: ${(error as Error).message}`);
}
