/**
 * A copy of the checkout in which tests run against one mutant after the other. The checkout itself never changes.
 *
 * One Vitest stays alive, with the databases of its global setup, so that a mutant costs only the tests.
 *
 * @module
 */
import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  createVitest,
  type Reporter,
  type TestCase,
  type TestModule,
  type TestSpecification,
  type TestSuite,
  type Vitest,
} from "vitest/node";
import { type Mutant, withMutant } from "./mutants.ts";
import type { Suite } from "./suites.ts";

export type Fate = "killed" | "survived" | "timed out" | "invalid";

export interface Verdict {
  readonly fate: Fate;
  /** The suite that failed, and the test, unless the suite failed before any. */
  readonly by?: string;
  readonly test?: string | undefined;
  /** The first line of the failure. */
  readonly says?: string | undefined;
}

export interface Laboratory {
  readonly suites: readonly Suite[];
  /** Runs the suites in order until the first failure, for at most `seconds`. */
  tryMutant(mutant: Mutant, suites: readonly string[], seconds: number): Promise<Verdict>;
  /**
   * Runs the tests of one suite whose names contain a text, with the fault and without it.
   *
   * @throws {Error} If there are no such tests, or if they do not pass without the fault.
   */
  tryFault(
    fault: { readonly path: string; readonly text: string },
    tests: { readonly suite: string; readonly within: string },
    seconds: number,
  ): Promise<Verdict>;
  close(): Promise<void>;
}

const leftOut = new Set(["node_modules", ".git", "dist", "coverage", ".vitest", ".wrangler", ".sallyport"]);

/** Copies the checkout at `root` and starts Vitest in the copy. */
export async function openLaboratory(
  root: string,
  { projects, never }: { projects: readonly string[]; never: readonly string[] },
): Promise<Laboratory> {
  const copy = await realpath(await mkdtemp(join(tmpdir(), "sallyport-mutants-")));
  await cp(root, copy, { recursive: true, filter: (path) => !leftOut.has(basename(path)) });
  await symlink(await realpath(join(root, "node_modules")), join(copy, "node_modules"));
  process.chdir(copy);
  const failures = new Failures();
  const vitest = await createVitest(
    "test",
    {
      root: copy,
      watch: false,
      project: [...projects],
      reporters: [failures],
      bail: 1,
      // The sources hold values only, so suites can share what they import.
      isolate: false,
      sequence: { sequencer: InOrder },
    },
    // Vite would write its cache through the link.
    { cacheDir: join(copy, ".vite") },
  );
  const specifications = new Map<string, TestSpecification>();
  for (const specification of await vitest.globTestSpecifications()) {
    const path = specification.moduleId.slice(copy.length + 1);
    if (!never.some((start) => path.startsWith(start))) specifications.set(path, specification);
  }
  const suites: Suite[] = [];
  for (const path of [...specifications.keys()].sort())
    suites.push({
      path,
      text: await readFile(join(copy, path), "utf8"),
      isQuick: specifications.get(path)!.project.name === "unit",
    });

  // Vitest runs a project's global setup before the project's first tests, which would be the tests of the first mutant.
  const firstByProject = new Map(
    [...specifications.values()]
      .toReversed()
      .filter(({ project }) => project.config.globalSetup.length > 0)
      .map((specification) => [specification.project, specification]),
  );
  await vitest.collectTests([...firstByProject.values()]);

  const confirmed = new Set<string>();
  const failing = new Set<string>();
  const specificationOf = (path: string): TestSpecification => {
    const { text } = suites.find((suite) => suite.path === path)!;
    return inOneDatabase(specifications.get(path)!, text);
  };

  /** Whether the same test passes without a mutant. Otherwise its suite is left out of this run. */
  const isConfirmed = async ({ by, test }: Verdict): Promise<boolean> => {
    if (by === undefined || confirmed.has(`${by} ${test}`)) return true;
    const { project, moduleId } = specifications.get(by)!;
    const alone = test && project.createSpecification(moduleId, { testNamePattern: exactly(test) });
    const { fate } = await runUntilFailure(vitest, failures, [alone || specificationOf(by)], 300, copy);
    if (fate === "survived") confirmed.add(`${by} ${test}`);
    else failing.add(by);
    return fate === "survived";
  };

  /** Runs tests against a changed source, and restores it. */
  const runAgainst = async (
    { path, change }: { path: string; change: (original: string) => string },
    tests: TestSpecification[],
    seconds: number,
  ): Promise<Verdict> => {
    const file = join(copy, path);
    const original = await readFile(file, "utf8");
    const write = async (text: string): Promise<void> => {
      await writeFile(file, text);
      vitest.invalidateFile(file);
    };
    await write(change(original));
    return await runUntilFailure(vitest, failures, tests, seconds, copy).finally(() => write(original));
  };

  const tryMutant: Laboratory["tryMutant"] = async (mutant, paths, seconds) => {
    const usable = paths.filter((path) => !failing.has(path)).map(specificationOf);
    const change = (original: string): string => withMutant(original, mutant);
    const verdict = await runAgainst({ path: mutant.path, change }, usable, seconds);
    if (await isConfirmed(verdict)) return verdict;
    console.log(`${verdict.by} fails without a mutant too, so it is left out.`);
    return await tryMutant(mutant, paths, seconds);
  };

  const tryFault: Laboratory["tryFault"] = async ({ path, text }, { suite, within }, seconds) => {
    const named = specifications.get(suite);
    if (!named) throw new Error(`There is no suite ${suite}.`);
    const { text: suiteText } = suites.find((known) => known.path === suite)!;
    const testNamePattern = new RegExp(
      `^${suiteText.includes(onBothDatabases) ? notOnPglite : ""}.*${literally(within)}`,
    );
    const tests = [named.project.createSpecification(named.moduleId, { testNamePattern })];
    const verdict = await runAgainst({ path, change: () => text }, tests, seconds);
    const key = `${suite} ${within}`;
    if (confirmed.has(key)) return verdict;
    const { fate, test, says } = await runUntilFailure(vitest, failures, tests, seconds, copy);
    if (failures.count === 0) throw new Error(`${suite} has no test of the title ${within}.`);
    if (fate !== "survived") throw new Error(`Without the fault, ${suite}: ${test} ${fate}: ${says}`);
    confirmed.add(key);
    return verdict;
  };

  return {
    suites,
    tryMutant,
    tryFault,
    async close() {
      await vitest.close();
      process.chdir(root);
      await rm(copy, { recursive: true, force: true });
    },
  };
}

/** Vitest would run first what failed last. */
class InOrder {
  async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    return specifications;
  }
  async shard(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    return specifications;
  }
}

/** A suite that runs on both databases needs only one of them to kill a mutant. PostgreSQL opens sooner than PGlite. */
function inOneDatabase(specification: TestSpecification, text: string): TestSpecification {
  if (!text.includes(onBothDatabases)) return specification;
  const testNamePattern = new RegExp(`^${notOnPglite}`);
  return specification.project.createSpecification(specification.moduleId, { testNamePattern });
}

const onBothDatabases = 'on: ["pglite", "postgres"]';
const notOnPglite = "(?!.*, pglite )";

/** The failures of one run, in order. Vitest's own list also has those of earlier runs. */
class Failures implements Reporter {
  readonly found: { readonly module: TestModule; readonly test?: TestCase }[] = [];
  /** How many tests have run. */
  count = 0;

  clear(): void {
    this.found.length = 0;
    this.count = 0;
  }

  onTestCaseResult(test: TestCase): void {
    const { state } = test.result();
    if (state !== "skipped") this.count++;
    if (state === "failed") this.found.push({ module: test.module, test });
  }
  onTestModuleEnd(module: TestModule): void {
    const suites = [...module.children.allSuites()];
    if (module.errors().length > 0 || suites.some((suite) => suite.errors().length > 0)) this.found.push({ module });
  }
}

async function runUntilFailure(
  vitest: Vitest,
  failures: Failures,
  specifications: TestSpecification[],
  seconds: number,
  copy: string,
): Promise<Verdict> {
  if (specifications.length === 0) return { fate: "survived" };
  let isOutOfTime = false;
  const timers = [
    setTimeout(() => {
      isOutOfTime = true;
      void vitest.cancelCurrentRun("keyboard-input");
    }, seconds * 1000),
    // A test that never yields is not cancelled the first time.
    setTimeout(() => void vitest.cancelCurrentRun("keyboard-input"), (seconds + 5) * 1000),
  ];
  failures.clear();
  const { unhandledErrors } = await vitest.runTestSpecifications(specifications);
  for (const timer of timers) clearTimeout(timer);
  if (isOutOfTime) return { fate: "timed out" };
  const [failure] = failures.found;
  if (failure) {
    const { module, test } = failure;
    const isLoaded = [...module.children.allTests()].length > 0;
    const by = module.moduleId.slice(copy.length + 1);
    const suites = [...module.children.allSuites()];
    const [error] = [test?.result().errors ?? [], module.errors(), ...suites.map((suite) => suite.errors())].flat();
    const says = error?.message.split("\n", 1)[0];
    return { fate: isLoaded ? "killed" : "invalid", by, test: test && nameOf(test), says };
  }
  if (unhandledErrors.length > 0) throw new Error("An error outside any test.", { cause: unhandledErrors[0] });
  return { fate: "survived" };
}

/** The name that Vitest compares with a pattern: those of the suites and of the test. */
function nameOf({ name, parent }: TestCase | TestSuite): string {
  return parent.type === "module" ? name : `${nameOf(parent)} > ${name}`;
}

function exactly(name: string): RegExp {
  return new RegExp(`^${literally(name)}$`);
}

/** A pattern that matches the text and nothing else. */
function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
