/**
 * Flametrench conformance fixtures: their form, and the rules for running them (specification digest, section 10).
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface IndexEntry {
  path: string;
  capability: string;
  operation: string;
  conformance_level: "MUST" | "SHOULD" | "MAY";
  runnable_today?: boolean;
}

export interface Expected {
  result?: unknown;
  error?: string;
  error_matches?: string;
  [pageKey: string]: unknown;
}

export interface Step {
  op: string;
  input?: Record<string, unknown>;
  captures?: Record<string, string>;
  expected?: Expected;
}

export interface FixtureTest {
  id: string;
  input?: Record<string, unknown>;
  expected?: Expected;
  users?: string[];
  steps?: Step[];
  rules?: unknown;
}

export interface Fixture {
  operation: string;
  shared?: Record<string, unknown>;
  tests: FixtureTest[];
}

/** An operation of the specification, by its fixture name. Answers in snake_case, or throws an error with the pinned name. */
export type FixtureOperation = (input: Record<string, unknown>) => Promise<unknown>;
export type FixtureOperations = ReadonlyMap<string, FixtureOperation>;

/** The outcome of one file: the number of passed cases, the failures with reasons, or the operations that are missing here. */
export interface FileReport {
  readonly entry: IndexEntry;
  readonly passed: number;
  readonly failures: readonly { test: string; reason: string }[];
  readonly missing: readonly string[];
}

export async function readIndex(folder: string): Promise<{ specVersion: string; entries: readonly IndexEntry[] }> {
  const index = JSON.parse(await readFile(join(folder, "index.json"), "utf8"));
  return { specVersion: index.spec_version, entries: index.fixtures };
}

/**
 * Runs one file. Each test gets its own world from `world`, because some expect an installation without other users.
 */
export async function runFile(
  folder: string,
  entry: IndexEntry,
  world: () => Promise<{
    operations: FixtureOperations;
    createUser: () => Promise<string>;
    close: () => Promise<void>;
  }>,
): Promise<FileReport> {
  const fixture: Fixture = JSON.parse(await readFile(join(folder, entry.path), "utf8"));
  if (fixture.tests.length === 0) throw new Error(`${entry.path} has no tests in ${dirname(entry.path)}.`);
  const failures: { test: string; reason: string }[] = [];
  const missing = new Set<string>();
  let passed = 0;
  for (const test of fixture.tests) {
    const { operations, createUser, close } = await world();
    try {
      const needed = [...(test.steps?.map((step) => step.op) ?? [fixture.operation]), ...(test.rules ? ["rules"] : [])];
      const absent = needed.filter((name) => !operations.has(name));
      if (absent.length > 0) {
        for (const name of absent) missing.add(name);
        continue;
      }
      // Immutable for a store, so each test begins with its own.
      await operations.get("rules")?.({ rules: test.rules ?? {} });
      const reasons = test.steps
        ? await runSteps(test, operations, createUser)
        : await runCase(operations.get(fixture.operation)!, { ...fixture.shared, ...test.input }, test.expected ?? {});
      if (reasons.length === 0) passed += 1;
      else failures.push({ test: test.id, reason: reasons.join("; ") });
    } finally {
      await close();
    }
  }
  return { entry, passed, failures, missing: [...missing].sort() };
}

/** Continues after an expected error: several fixtures assert afterwards, whatever the schema says. */
async function runSteps(
  test: FixtureTest,
  operations: FixtureOperations,
  createUser: () => Promise<string>,
): Promise<string[]> {
  const variables = new Map<string, unknown>();
  for (const name of test.users ?? []) variables.set(name, await createUser());
  const reasons: string[] = [];
  for (const [index, step] of test.steps!.entries()) {
    const input = substitute(step.input ?? {}, variables) as Record<string, unknown>;
    const expected = substitute(step.expected ?? {}, variables) as Expected;
    const outcome = await attempt(operations.get(step.op)!, input);
    reasons.push(...compare(outcome, expected).map((reason) => `step ${index + 1} (${step.op}): ${reason}`));
    for (const [name, path] of Object.entries(step.captures ?? {})) {
      variables.set(
        name,
        path.split(".").reduce((value, key) => (value as Record<string, unknown>)?.[key], outcome.value),
      );
    }
  }
  return reasons;
}

async function runCase(
  operation: FixtureOperation,
  input: Record<string, unknown>,
  expected: Expected,
): Promise<string[]> {
  if (!("result" in expected) && !("error" in expected)) return ["the fixture expects nothing"];
  return compare(await attempt(operation, input), expected);
}

interface Outcome {
  value?: unknown;
  error?: Error;
}

async function attempt(operation: FixtureOperation, input: Record<string, unknown>): Promise<Outcome> {
  try {
    return { value: await operation(input) };
  } catch (error) {
    return { error: error as Error };
  }
}

function compare({ value, error }: Outcome, expected: Expected): string[] {
  if (expected.error !== undefined) {
    if (!error) return [`expected ${expected.error}, got an answer`];
    if (error.name !== expected.error) return [`expected ${expected.error}, got ${error.name}`];
    const part = expected.error_matches;
    return part === undefined || error.message.includes(part) ? [] : [`the message does not contain "${part}"`];
  }
  if (error) return [`unexpected ${error.name}: ${error.message}`];
  if ("result" in expected && !isPageExpectation(expected.result)) {
    return contains(value, expected.result)
      ? []
      : [`expected ${JSON.stringify(expected.result)}, got ${JSON.stringify(value)}`];
  }
  // At 0.3 page expectations stand in `expected` itself, later ones in `expected.result`.
  return comparePage(value, (expected.result as Expected) ?? expected);
}

const pageKeys = ["data_ids_in_order", "data_ids_unordered", "next_cursor", "user_display_names"];

function isPageExpectation(result: unknown): boolean {
  return typeof result === "object" && result !== null && pageKeys.some((key) => key in result);
}

/** Checks only the members that are present. */
function comparePage(value: unknown, expected: Expected): string[] {
  const page = (value ?? {}) as {
    data?: { id: string; display_name: string | null }[];
    page?: { next_cursor: unknown };
  };
  const ids = page.data?.map((item) => item.id);
  const reasons: string[] = [];
  const check = (name: string, actual: unknown, wanted: unknown): void => {
    if (JSON.stringify(actual) !== JSON.stringify(wanted)) {
      reasons.push(`${name}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(actual)}`);
    }
  };
  const { data_ids_in_order: inOrder, data_ids_unordered: unordered, user_display_names: names } = expected;
  if (inOrder !== undefined) check("data_ids_in_order", ids, inOrder);
  if (unordered !== undefined) check("data_ids_unordered", ids?.toSorted(), (unordered as string[]).toSorted());
  if ("next_cursor" in expected) check("next_cursor", page.page?.next_cursor, expected.next_cursor);
  for (const [id, name] of Object.entries((names as Record<string, unknown>) ?? {})) {
    check(`display_name of ${id}`, page.data?.find((item) => item.id === id)?.display_name, name);
  }
  return reasons;
}

/** True if `value` has everything that `wanted` has. */
function contains(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(value) && value.length === wanted.length && wanted.every((item, at) => contains(value[at], item))
    );
  }
  if (typeof wanted === "object" && wanted !== null) {
    return (
      typeof value === "object" &&
      value !== null &&
      Object.entries(wanted).every(([key, item]) => contains((value as Record<string, unknown>)[key], item))
    );
  }
  return Object.is(value, wanted);
}

/** Replaces `{name}` with captured values, in arrays, objects and the keys of objects too. */
function substitute(value: unknown, variables: ReadonlyMap<string, unknown>): unknown {
  if (typeof value === "string") {
    const name = /^\{([^{}]+)\}$/.exec(value)?.[1];
    return name !== undefined && variables.has(name) ? variables.get(name) : value;
  }
  if (Array.isArray(value)) return value.map((item) => substitute(item, variables));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [String(substitute(key, variables)), substitute(item, variables)]),
    );
  }
  return value;
}
