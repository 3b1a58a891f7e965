import { describe, expect, test } from "vitest";
import { type RuleOptions, rewriteRules } from "../../src/engine/rule-set.ts";
import { type Statement, sql } from "../../src/store/sql.ts";
import { askedOf } from "../../src/store/tuple-answers.ts";
import { describeWorld } from "../support/describe-world.ts";
import { linked, same } from "./rules/rule-cases.ts";

/** How many documents there are, each in a folder of its own; four folders hang in a chain. */
const documents = 40_000;
/** How many members the one large organization has. */
const members = 30_000;

const rules = {
  doc: { viewer: [same("editor"), linked("parent", "viewer")], editor: [same("owner"), linked("parent", "editor")] },
  fold: { viewer: [same("editor"), linked("parent", "viewer")], editor: [linked("parent", "editor")] },
  org: { viewer: [same("member"), linked("member", "viewer", "org")], editor: [same("admin")] },
};

interface Node {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly Node[];
}

interface Explained {
  readonly Plan: Node & { readonly "Total Cost": number };
  readonly JIT?: unknown;
}

describeWorld("checks with rules among 130,000 tuples", { on: ["postgres"], timeoutMilliseconds: 60_000 }, (world) => {
  const id = (kind: Statement, number: Statement) => sql`md5(${kind} || (${number}))::uuid`;
  const tuples = (from: Statement) =>
    world.rows(
      sql`insert into tup (id, subject_type, subject_id, relation, object_type, object_id) select gen_random_uuid(), * from (${from}) tuple`,
    );

  async function store(): Promise<void> {
    const series = (last: number) => sql`generate_series(0, ${last - 1}::int) n`;
    await tuples(sql`
      select 'fold', ${id(sql`'f'`, sql`n`)}, 'parent', 'doc', ${id(sql`'d'`, sql`n`)} from ${series(documents)}`);
    await tuples(sql`
      select case when n % 4 = 3 then 'org' else 'fold' end,
        case when n % 4 = 3 then ${id(sql`'o'`, sql`n % 400`)} else ${id(sql`'f'`, sql`n + 1`)} end,
        'parent', 'fold', ${id(sql`'f'`, sql`n`)} from ${series(documents)}`);
    await tuples(sql`
      select 'usr', ${id(sql`'u'`, sql`n`)}, 'member', 'org', ${id(sql`'o'`, sql`n % 400`)} from ${series(20_000)}`);
    await tuples(
      sql`select 'usr', ${id(sql`'u'`, sql`n`)}, 'member', 'org', ${id(sql`'hub'`, sql`0`)} from ${series(members)}`,
    );
    await tuples(sql`select 'org', ${id(sql`'hub'`, sql`0`)}, 'parent', 'doc', ${id(sql`'hub document'`, sql`0`)}`);
    await world.rows(sql`insert into org (id) select ${id(sql`'o'`, sql`n`)} from ${series(400)}`);
    await world.rows(sql`insert into org (id) select gen_random_uuid() from ${series(20_000)}`);
  }

  /** What a check reads, and how. */
  async function explain(
    subject: Statement,
    object: Statement,
    options?: RuleOptions,
    asked = ["viewer"],
    of: object = rules,
  ) {
    const [row] = await world.rows<{ subject: string; object: string }>(
      sql`select ${subject} as subject, ${object} as object`,
    );
    const key = {
      subjectType: "usr",
      subjectId: row!.subject,
      relations: asked,
      objectType: "doc",
      objectId: row!.object,
    };
    const statement = rewriteRules(of as never, options).answer(askedOf(key), [key])!;
    const [answer] = await world.rows(statement);
    const [plan] = await world.rows<{ "QUERY PLAN": readonly Explained[] }>(
      sql`explain (analyze, format json) ${statement}`,
    );
    const explained = plan!["QUERY PLAN"][0]!;
    const read = { tuples: 0, places: new Set<string>(), conditions: new Set<string>() };
    const visit = (node: Node): void => {
      const table = node["Relation Name"];
      if (table) read.places.add(`${node["Node Type"]} of ${table} by ${node["Index Name"]}`);
      if (table === "tup") {
        read.tuples += ((node["Rows Removed by Filter"] ?? 0) + node["Actual Rows"]) * node["Actual Loops"];
        // Every condition begins with the object: the type, its id, the relation.
        expect(node["Index Cond"]).toMatch(/^\(\(object_type = .* AND \(object_id = .* AND \(relation = /);
      }
      for (const child of node.Plans ?? []) visit(child);
    };
    visit(explained.Plan);
    const { tuples: rows, places } = read;
    return {
      answer: answer!,
      rows,
      places: [...places].sort(),
      cost: explained.Plan["Total Cost"],
      jit: explained.JIT,
    };
  }

  const byIndex = /^Index (Only )?Scan of (tup by tup_natural_key|org by org_pkey)$/;
  /** The planner compiles a statement that it expects to cost this much. */
  const compiledFrom = 100_000;

  let stored: Promise<void> | undefined;
  const full = () => (stored ??= store());
  const subjects = {
    member: id(sql`'u'`, sql`3`),
    stranger: id(sql`'stranger'`, sql`0`),
  };
  const objects = {
    "5 hops": id(sql`'d'`, sql`0`),
    "3 hops": id(sql`'d'`, sql`2`),
    "an organization with 30,000 members": id(sql`'hub document'`, sql`0`),
    "no object": id(sql`'none'`, sql`0`),
  };

  describe.each([false, true])("tables analyzed: %s", (isAnalyzed) => {
    const rows = Object.keys(objects).flatMap((object) =>
      [false, true].flatMap((exactOrder) =>
        (Object.keys(subjects) as (keyof typeof subjects)[]).map((subject) => ({ object, subject, exactOrder })),
      ),
    );
    test.each(rows)("$object, a $subject, in order: $exactOrder", async ({ object, subject, exactOrder }) => {
      await full();
      if (isAnalyzed) for (const analyze of [sql`analyze tup`, sql`analyze org`]) await world.rows(analyze);
      const found = await explain(subjects[subject], objects[object as keyof typeof objects], { exactOrder });
      const isAllowed = subject === "member" && object !== "no object";
      expect(found.answer).toEqual({ id: isAllowed ? expect.any(String) : null, isLimited: false });
      expect(found.places.filter((place) => !byIndex.test(place))).toEqual([]);
      expect(found.places).toContainEqual(expect.stringMatching(/of tup by tup_natural_key$/));
      expect(found.rows).toBeLessThan(40);
      expect(found.jit).toBeUndefined();
      expect(found.cost).toBeLessThan(compiledFrom / 20);
    });
  });

  test.each([false, true])("two thousand rules and twenty relations, in order: %s", async (exactOrder) => {
    await full();
    const letters = [..."abcdefghijklmnopqrstuvwxyz"];
    const many = Object.fromEntries(
      letters.flatMap((a) =>
        letters.map((b) => [`r${a}${b}`, [same("owner"), same("editor"), linked("parent", "viewer")]]),
      ),
    );
    const asked = Object.keys(many).slice(0, 20);
    const all = Object.fromEntries(
      Object.keys(rules).map((type) => [type, { ...many, ...rules[type as keyof typeof rules] }]),
    );
    const found = await explain(subjects.stranger, objects["5 hops"], { exactOrder }, asked, {
      ...all,
      // All of them are met.
      doc: { ...all.doc, raa: Object.keys(many).slice(0, 64).map(same) },
    });
    expect(found.answer.isLimited).toBe(false);
    expect(found.places.filter((place) => !byIndex.test(place))).toEqual([]);
    expect(found.jit).toBeUndefined();
    expect(found.cost).toBeLessThan(compiledFrom / 2);
  });

  test("more tuples than the budget: each step stops reading when it is used up", async () => {
    await full();
    // Four layers of 120 folders, each linked to all of the next layer: 14,400 tuples in a step.
    await tuples(sql`
      select 'fold', ${id(sql`'l' || (layer + 1) || 'x'`, sql`a`)}, 'parent', 'fold', ${id(sql`'l' || layer || 'x'`, sql`b`)}
      from generate_series(0, 2) layer, generate_series(1, 120) a, generate_series(1, 120) b`);
    await tuples(sql`select 'fold', ${id(sql`'l0x'`, sql`1`)}, 'parent', 'doc', ${id(sql`'layers'`, sql`0`)}`);
    for (const exactOrder of [false, true]) {
      const { answer, rows } = await explain(subjects.stranger, id(sql`'layers'`, sql`0`), {
        maxWork: 1_000,
        exactOrder,
      });
      expect(answer).toEqual({ id: null, isLimited: true });
      // A hop reads 1,025 tuples at most before the step notices, and there are nine steps.
      expect(rows).toBeLessThan(9 * (1_000 + 1_025));
    }
  });
});
