import { describe, expect, test } from "vitest";
import { AuthError } from "../../src/domain/error.ts";
import { rewriteRules } from "../../src/engine/rule-set.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { chain, type Edge, type Name, storeGraph } from "../support/rule-graphs.ts";
import { cases, documents, limit, linked, onNode, same } from "./rules/rule-cases.ts";

describeWorld("checks with rules", { on: ["pglite", "postgres"] }, (world) => {
  for (const [mode, exactOrder] of [
    ["any way", false],
    ["in order", true],
  ] as const) {
    test.each(cases)(`${mode}: $case`, async ({ rules = documents, edges, ask, answer, options }) => {
      const graph = await storeGraph(world, edges);
      world.counting.reset(1);
      const found = await graph.ask(rules, ask as never, { ...options, exactOrder });
      expect(world.counting.requests).toBe(1);
      world.counting.reset();
      expect(found).toBe(Array.isArray(answer) ? answer[exactOrder ? 1 : 0] : answer);
    });
  }

  describe.each(["suspended", "revoked"])("an organization that is %s", (status) => {
    const edges: readonly Edge[] = [
      ["fold:1", "parent", "doc:a"],
      ["org:inner", "org", "fold:1"],
      ["org:outer", "parent", "org:inner"],
      ["usr:ada", "admin", "org:outer"],
      ["usr:ada", "admin", "org:inner"],
    ];
    const rules = {
      ...documents,
      org: { member: [linked("parent", "member"), same("admin")] },
      doc: { viewer: [linked("parent", "viewer"), linked("late", "viewer")] },
    };
    test.each<{ case: string; inactive: Name[]; ask: Edge; allowed: boolean }>([
      { case: "none", inactive: [], ask: ["usr:ada", "viewer", "doc:a"], allowed: true },
      { case: "on the way", inactive: ["org:inner"], ask: ["usr:ada", "viewer", "doc:a"], allowed: false },
      {
        case: "at the end of the way",
        inactive: ["org:outer"],
        ask: ["usr:ada", "member", "org:outer"],
        allowed: false,
      },
      { case: "the other one", inactive: ["org:outer"], ask: ["usr:ada", "viewer", "doc:a"], allowed: true },
      { case: "the one asked for", inactive: ["org:inner"], ask: ["usr:ada", "member", "org:inner"], allowed: false },
      { case: "the subject", inactive: ["org:outer"], ask: ["org:outer", "late", "doc:b"], allowed: true },
    ])("$case: $allowed", async ({ inactive, ask, allowed }) => {
      const graph = await storeGraph(world, [...edges, ["org:outer", "late", "doc:b"]]);
      for (const name of inactive) {
        await world.rows(sql`insert into org (id, status) values (${graph.idOf(name)}::uuid, ${status})`);
      }
      for (const exactOrder of [false, true]) {
        expect((await graph.ask(rules, ask, { exactOrder })) !== false).toBe(allowed);
      }
    });
  });

  test("S49: a limit is an error with its own name and status, never a no", async () => {
    const graph = await storeGraph(world, chain(9, ["usr:ada", "viewer", "node:9"]));
    const auth = world.isolate({ rules: rewriteRules(onNode as never) });
    const question = {
      subjectType: "usr",
      subjectId: graph.idOf("usr:ada"),
      relation: "viewer",
      objectType: "node",
      objectId: graph.idOf("node:0"),
    };
    const error = await auth.tuples.check(question).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({ name: "EvaluationLimitExceededError", code: limit, status: 503 });
    expect((error as AuthError).getResponse().status).toBe(503);
  });

  test("a tuple that was deleted does not allow, at the next check", async () => {
    const graph = await storeGraph(world, [["usr:ada", "owner", "doc:a"]]);
    expect(await graph.ask(documents, ["usr:ada", "viewer", "doc:a"])).toBe("usr:ada owner doc:a");
    await world.rows(sql`delete from tup where subject_id = ${graph.idOf("usr:ada")}::uuid`);
    expect(await graph.ask(documents, ["usr:ada", "viewer", "doc:a"])).toBe(false);
  });

  test("no rules, and relations without one: the statement of a plain check", async () => {
    const graph = await storeGraph(world, [["usr:ada", "editor", "doc:a"]]);
    const sent: string[] = [];
    const database = {
      ...world.database,
      run: <Row>(statement: { text: string; params: readonly unknown[] }) => {
        sent.push(JSON.stringify([statement.text, statement.params]));
        return world.database.run<Row>(statement as never);
      },
    };
    const question = {
      subjectType: "usr",
      subjectId: graph.idOf("usr:ada"),
      relations: ["editor", "owner"],
      objectType: "doc",
      objectId: graph.idOf("doc:a"),
    };
    const answers = [];
    for (const rules of [undefined, rewriteRules({}), rewriteRules({ doc: {} }), rewriteRules(onNode as never)]) {
      const auth = world.isolate({ database, ...(rules && { rules }) });
      answers.push(await auth.tuples.checkAny(question));
    }
    expect(new Set(sent).size).toBe(1);
    expect(sent).toHaveLength(4);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]!.allowed).toBe(true);
  });

  test.each([
    { part: { relation: "viewer' or true --" }, code: "invalid_format.relation" },
    { part: { relation: "Viewer" }, code: "invalid_format.relation" },
    { part: { objectType: "doc'" }, code: "invalid_format.object_type" },
    { part: { subjectType: "usr;" }, code: "invalid_format.subject_type" },
    { part: { objectId: "x'); drop table tup; --" }, code: "invalid_format.object_id" },
    { part: { subjectId: "' or true --" }, code: "invalid_format.subject_id" },
  ])("malformed $part: $code, and no request", async ({ part, code }) => {
    const auth = world.isolate({ database: world.counting, rules: rewriteRules(documents as never) });
    const id = crypto.randomUUID();
    const question = {
      subjectType: "usr",
      subjectId: id,
      relation: "viewer",
      objectType: "doc",
      objectId: id,
      ...part,
    };
    world.counting.reset(0);
    expect(await outcome(auth.tuples.check(question))).toBe(code);
    world.counting.reset();
  });

  test("rules that change after they are given: the first ones count", async () => {
    const rules = { doc: { viewer: [same("editor")] } };
    const set = rewriteRules(rules as never);
    rules.doc.viewer[0]!.relation = "guest";
    rules.doc.viewer.push(same("guest"));
    const graph = await storeGraph(world, [["usr:ada", "guest", "doc:a"]]);
    const question = {
      subjectType: "usr",
      subjectId: graph.idOf("usr:ada"),
      relation: "viewer",
      objectType: "doc",
      objectId: graph.idOf("doc:a"),
    };
    expect((await world.isolate({ rules: set }).tuples.check(question)).allowed).toBe(false);
  });
});
