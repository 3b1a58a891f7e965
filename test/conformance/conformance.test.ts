import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Backend, backend } from "../support/databases.ts";
import { hasShared } from "../support/shared.ts";
import {
  type Fixture,
  type FixtureOperation,
  type FixtureOperations,
  type FixtureTest,
  readIndex,
  runFile,
} from "./fixtures.ts";
import { emptyDatabase, fixtureOperations } from "./operations.ts";

const corpus = new URL("../../../shared/conformance", import.meta.url).pathname;

/** The project's own cases, in the same form. */
const own = new URL("own", import.meta.url).pathname;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sallyport-fixtures-"));
});
afterAll(async () => rm(folder, { recursive: true }));

async function runTests(operations: FixtureOperations, tests: FixtureTest[], operation = "echo") {
  await writeFile(join(folder, "file.json"), JSON.stringify({ operation, tests }));
  const entry = { path: "file.json", capability: "ids", operation, conformance_level: "MUST" } as const;
  return await runFile(folder, entry, async () => ({
    operations,
    createUser: async () => await userBy(operations),
    close: async () => undefined,
  }));
}

/** The id of a new user, if the operations make users. */
async function userBy(operations: FixtureOperations): Promise<string> {
  const made = (await operations.get("create_user")?.({})) as { user: { id: string } } | undefined;
  return made?.user.id ?? "usr_1";
}

const echo: FixtureOperations = new Map<string, FixtureOperation>([
  ["echo", async (input) => input.value],
  [
    "fail",
    async () => {
      throw Object.assign(new Error("no separator here"), { name: "InvalidIdError" });
    },
  ],
  ["page", async (input) => ({ data: input.data, page: { next_cursor: null } })],
]);

describe("conformance harness", () => {
  test.each<{ case: string; fixture: Omit<FixtureTest, "id">; passed: number; failed: number }>([
    { case: "an equal result passes", fixture: { input: { value: 1 }, expected: { result: 1 } }, passed: 1, failed: 0 },
    { case: "another result fails", fixture: { input: { value: 1 }, expected: { result: 2 } }, passed: 0, failed: 1 },
    { case: "a case that expects nothing fails", fixture: { input: { value: 1 }, expected: {} }, passed: 0, failed: 1 },
    {
      case: "an expected error that does not come fails",
      fixture: { steps: [{ op: "echo", input: { value: 1 }, expected: { error: "InvalidIdError" } }] },
      passed: 0,
      failed: 1,
    },
    {
      case: "an error of another name fails",
      fixture: { steps: [{ op: "fail", expected: { error: "NotFoundError" } }] },
      passed: 0,
      failed: 1,
    },
    {
      case: "a message without the wanted words fails",
      fixture: { steps: [{ op: "fail", expected: { error: "InvalidIdError", error_matches: "prefix" } }] },
      passed: 0,
      failed: 1,
    },
    {
      case: "steps after an expected error run",
      fixture: {
        steps: [
          { op: "fail", expected: { error: "InvalidIdError", error_matches: "separator" } },
          { op: "echo", input: { value: 1 }, expected: { result: 2 } },
        ],
      },
      passed: 0,
      failed: 1,
    },
    {
      case: "captures reach the keys of objects",
      fixture: {
        steps: [
          { op: "echo", input: { value: { id: "x" } }, captures: { a: "id" } },
          {
            op: "page",
            input: { data: [{ id: "{a}", display_name: "Ada" }] },
            expected: { data_ids_in_order: ["{a}"], user_display_names: { "{a}": "Eve" } },
          },
        ],
      },
      passed: 0,
      failed: 1,
    },
    {
      case: "page expectations may stand in the result",
      fixture: {
        steps: [
          { op: "page", input: { data: [] }, expected: { result: { data_ids_in_order: [], next_cursor: null } } },
        ],
      },
      passed: 1,
      failed: 0,
    },
  ])("$case", async ({ fixture, passed, failed }) => {
    const report = await runTests(echo, [{ id: "one", ...fixture }]);
    expect([report.passed, report.failures.length, report.missing]).toEqual([passed, failed, []]);
  });

  test("a missing operation: reported as missing, not passed", async () => {
    const report = await runTests(echo, [{ id: "one", steps: [{ op: "absent" }] }]);
    expect(report).toMatchObject({ passed: 0, failures: [], missing: ["absent"] });
  });

  test("missing rules: reported as missing, even if the operation exists", async () => {
    const report = await runTests(echo, [{ id: "one", rules: {}, input: { value: 1 }, expected: { result: 1 } }]);
    expect(report).toMatchObject({ passed: 0, missing: ["rules"] });
  });
});

describe.each(["pglite", "postgres"] as const)("our own fixtures on %s", async (name) => {
  let opened: Backend;
  let operations: FixtureOperations;
  beforeAll(async () => {
    opened = await backend(name);
    operations = fixtureOperations(opened.database);
  });
  beforeEach(() => emptyDatabase(opened.database));
  afterAll(() => opened.close());

  const { entries } = await readIndex(own);
  const files = await Promise.all(entries.map(({ path }) => readFile(join(own, path), "utf8")));
  const fixtures = files.map((text) => JSON.parse(text) as Fixture);
  const cases = fixtures.flatMap(({ operation, tests }) => tests.map((one) => ({ ...one, operation })));
  test.each(cases)("$id", async ({ operation, ...one }) => {
    const report = await runTests(operations, [one], operation);
    expect(report).toMatchObject({ passed: 1, failures: [], missing: [] });
  });
});

/** If the corpus is not beside the project, its own tests above and in `test/domain` take its place. */
if (hasShared) {
  describe("Flametrench corpus", () => {
    test.each(["pglite", "postgres"] as const)(
      "every file that runs passes on %s",
      { timeout: 120_000 },
      async (name) => {
        const { entries } = await readIndex(corpus);
        const { database, close } = await backend(name);
        const operations = fixtureOperations(database);
        const createUser = () => userBy(operations);
        const world = { operations, createUser, close: () => emptyDatabase(database) };
        const reports = [];
        for (const entry of entries) reports.push(await runFile(corpus, entry, async () => world));
        await close();
        expect(reports.flatMap((report) => report.failures)).toEqual([]);
        const whole = reports.filter((report) => report.missing.length === 0).map((report) => report.entry.path);
        expect(whole).toEqual(
          expect.arrayContaining([
            ...["encode", "decode", "decode-reject", "is-valid", "type-of"].map((file) => `fixtures/ids/${file}.json`),
            "fixtures/identity/argon2id.json",
            "fixtures/identity/list-users.json",
            "fixtures/identity/pat/token-format.json",
            "fixtures/authorization/rewrite-rules/computed-userset.json",
            ...["change-role", "invitation-accept", "org-name-slug", "self-leave", "transfer-ownership"].map(
              (file) => `fixtures/tenancy/${file}.json`,
            ),
          ]),
        );
      },
    );
  });
}
