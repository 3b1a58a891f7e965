/**
 * Random rules, tuples and questions, answered by the statements and by the naive evaluators of `test/support/rule-oracle.ts`. One
 * statement asks all questions of a world. `RULE_WORLDS=5000 npx vitest run test/operations/rewrite-rules.random.test.ts` asks more
 * than two million questions in each mode.
 *
 * @module
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RewriteNode } from "../../src/domain/rewrite-rule.ts";
import { compileRules, rulesFor } from "../../src/domain/rewrite-rule.ts";
import { type AskedRelation, anyWay, firstInOrder, type RuleVerdict } from "../../src/store/rule-check.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import { describeWorld } from "../support/describe-world.ts";
import {
  anyWayVerdict,
  literalVerdict,
  literalWork,
  type OracleQuestion,
  type OracleRules,
  type OracleTuple,
  type OracleVerdict,
  type OracleWorld,
} from "../support/rule-oracle.ts";

const worlds = Number(process.env.RULE_WORLDS ?? 255);
const questionsPerWorld = 400;
/** More than a question needs: larger ones are compared for never being answered wrongly. */
const maxWork = 2_000;

const types = ["doc", "fold", "org", "grp", "aa"] as const;
const relations = ["viewer", "editor", "constructor", "__proto__", "__", "has_own_property", "parent"] as const;

/** The same id for the same number, in the order of the numbers. */
const idOf = (kind: number, number: number): string =>
  `${kind.toString(16).padStart(8, "0")}-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;

interface Entity {
  readonly type: string;
  readonly id: string;
}
const entity = (type: string, number: number): Entity => ({
  type,
  id: idOf(type === "usr" ? 1 : 2 + types.indexOf(type as never), number),
});

const world: fc.Arbitrary<OracleWorld & { readonly asked: readonly OracleQuestion[] }> = fc
  .record({
    types: fc.subarray([...types], { minLength: 1, maxLength: 4 }),
    relations: fc.subarray([...relations], { minLength: 2, maxLength: 5 }),
    objects: fc.integer({ min: 1, max: 6 }),
    maxDepth: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(8)),
    maxFanOut: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(1_024)),
    shape: fc.constantFrom("any", "any", "any", "chain", "fan", "cycle"),
  })
  .chain(({ types: own, relations: named, objects, maxDepth, maxFanOut, shape }) => {
    const relation = fc.constantFrom(...named);
    const object = fc.tuple(fc.constantFrom(...own), fc.nat(objects - 1)).map(([type, number]) => entity(type, number));
    const user = fc.nat(2).map((number) => entity("usr", number));
    const subject = fc.oneof({ weight: 2, arbitrary: user }, { weight: 3, arbitrary: object });
    const node: fc.Arbitrary<RewriteNode> = fc.oneof(
      fc.constant({ type: "this" as const }),
      fc.record({ type: fc.constant("computed_userset" as const), relation }),
      fc.record({
        type: fc.constant("tuple_to_userset" as const),
        tupleset_relation: relation,
        computed_userset_relation: relation,
      }),
      fc.record({
        type: fc.constant("tuple_to_userset" as const),
        tupleset_relation: relation,
        computed_userset_relation: relation,
        subject_type: fc.constantFrom(...own, "usr"),
      }),
    );
    const rules: fc.Arbitrary<OracleRules> = fc
      .tuple(
        ...own.flatMap((type) =>
          named.map((name) =>
            fc.option(fc.array(node, { maxLength: 3 }), { freq: 3 }).map((nodes) => ({ type, relation: name, nodes })),
          ),
        ),
      )
      .map((all) => all.flatMap(({ nodes, ...rule }) => (nodes ? [{ ...rule, nodes }] : [])));
    const edge = fc.record({ subject, relation, object });
    return fc
      .record({
        rules,
        edges: fc.array(edge, { minLength: 2, maxLength: 30 }),
        long: fc.record({ type: fc.constantFrom(...own), relation, length: fc.integer({ min: 3, max: 14 }) }),
        inactive: fc.subarray([0, 1, 2, 3]),
        asked: fc.array(
          fc.record({
            subject: fc.oneof({ weight: 4, arbitrary: user }, { weight: 1, arbitrary: object }),
            relations: fc.oneof(
              { weight: 4, arbitrary: relation.map((one) => [one]) },
              { weight: 1, arbitrary: fc.array(relation, { minLength: 2, maxLength: 3 }) },
            ),
            object,
          }),
          { minLength: questionsPerWorld, maxLength: questionsPerWorld },
        ),
      })
      .map(({ rules: made, edges, long, inactive, asked }) => {
        const more = shapeOf(shape, long);
        const all = [...edges, ...more];
        const isFirst = (key: string, at: number) => all.findIndex((one) => JSON.stringify(one) === key) === at;
        const tuples = all
          .filter((one, at) => isFirst(JSON.stringify(one), at))
          // The ids are in another order than the natural key.
          .map(
            ({ subject: by, relation: name, object: on }, at): OracleTuple => ({
              id: idOf(99, (at * 7_919) % 10_007),
              subjectType: by.type,
              subjectId: by.id,
              relation: name,
              objectType: on.type,
              objectId: on.id,
            }),
          );
        return {
          tuples,
          rules: made,
          inactive: inactive.map((number) => entity("org", number).id),
          maxDepth,
          maxFanOut,
          asked: asked.map(
            (one): OracleQuestion => ({
              subjectType: one.subject.type,
              subjectId: one.subject.id,
              relations: one.relations,
              objectType: one.object.type,
              objectId: one.object.id,
            }),
          ),
        };
      });
  });

/** A long chain of objects, a ring of them, or many subjects of one object. */
function shapeOf(shape: string, { type, relation, length }: { type: string; relation: string; length: number }) {
  if (shape === "any") return [];
  const at = (number: number) => entity(type, number);
  if (shape === "fan") {
    return Array.from({ length }, (_, number) => ({ subject: at(number + 1), relation, object: at(0) }));
  }
  const links = Array.from({ length }, (_, number) => ({ subject: at(number + 1), relation, object: at(number) }));
  const end = shape === "cycle" ? at(0) : entity("usr", 0);
  return [...links, { subject: end, relation, object: at(length) }];
}

async function store(database: Database, { tuples, inactive }: OracleWorld): Promise<void> {
  const column = (name: keyof OracleTuple) => tuples.map((tuple) => tuple[name]);
  await database.batch([
    sql`truncate tup`,
    sql`truncate org cascade`,
    sql`
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      select * from unnest(${column("id")}::uuid[], ${column("subjectType")}::text[], ${column("subjectId")}::uuid[],
        ${column("relation")}::text[], ${column("objectType")}::text[], ${column("objectId")}::uuid[])`,
    sql`
      insert into org (id, status)
      select id, case when place % 2 = 0 then 'suspended' else 'revoked' end
      from unnest(${inactive}::uuid[]) with ordinality inactive(id, place)`,
  ]);
}

/** The answers to all questions, in one statement. */
async function answers(
  database: Database,
  { rules, asked, maxDepth, maxFanOut }: OracleWorld & { asked: readonly OracleQuestion[] },
  verdict: typeof anyWay,
  work: number,
): Promise<readonly RuleVerdict[]> {
  // Own members only: `__proto__` is one of the names.
  const compiled = compileRules(
    Object.fromEntries(
      types.map((type) => [
        type,
        Object.fromEntries(rules.filter((rule) => rule.type === type).map(({ relation, nodes }) => [relation, nodes])),
      ]),
    ),
  );
  const settings = { rules: types.flatMap((type) => rulesFor(compiled, type, relations)), maxDepth, maxFanOut, maxWork: work };
  const unique = { ...settings, rules: [...new Set(settings.rules)] };
  const question: AskedRelation = {
    subjectType: sql`question.subject_type`,
    subjectId: sql`question.subject_id`,
    relations: sql`string_to_array(question.relations, ',')`,
    objectType: sql`question.object_type`,
    objectId: sql`question.object_id`,
  };
  return await database.run(sql<RuleVerdict>`
    select verdict.id, verdict."isLimited"
    from unnest(${asked.map((one) => one.subjectType)}::text[], ${asked.map((one) => one.subjectId)}::uuid[],
      ${asked.map((one) => one.relations.join())}::text[], ${asked.map((one) => one.objectType)}::text[],
      ${asked.map((one) => one.objectId)}::uuid[])
      with ordinality question(subject_type, subject_id, relations, object_type, object_id, place)
    cross join lateral (${verdict(question, unique)}) verdict
    order by question.place`);
}

const kindOf = ({ id, isLimited }: RuleVerdict): OracleVerdict["kind"] =>
  isLimited ? "limited" : id === null ? "denied" : "allowed";

describeWorld("random rules, beside a naive evaluator", { on: ["postgres"], timeoutMilliseconds: 60_000 }, (opened) => {
  const property = (
    seen: Record<string, number>,
    compare: (
      world: OracleWorld & { asked: readonly OracleQuestion[] },
      check: (question: OracleQuestion, found: RuleVerdict, expected: OracleVerdict) => void,
    ) => Promise<void>,
  ) =>
    fc.asyncProperty(world, async (one) => {
      await store(opened.database, one);
      await compare(one, (question, found, expected) => {
        const kind = kindOf(found);
        const isNamed = expected.kind !== "allowed" || expected.tuples.includes(found.id!);
        if (kind !== expected.kind || !isNamed) {
          const { asked: _, ...rest } = one;
          throw new Error(`${JSON.stringify({ question, found, expected, ...rest })}`);
        }
        seen[kind] = (seen[kind] ?? 0) + 1;
      });
    });
  const runs = { seed: 14, numRuns: worlds, endOnFailure: worlds > 1_000 };
  /** Each kind of answer is frequent, or the test would prove nothing. */
  const expectAll = (seen: Record<string, number>) => {
    const total = Object.values(seen).reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThanOrEqual(Math.min(worlds, 250) * questionsPerWorld * 0.98);
    for (const kind of ["allowed", "denied", "limited"]) {
      expect([kind, (seen[kind] ?? 0) / total > 0.05, seen[kind]]).toEqual([kind, true, seen[kind]]);
    }
    return total;
  };

  test("any way within the limits: no disagreement", { timeout: 600_000 }, async () => {
    const seen: Record<string, number> = {};
    await fc.assert(
      property(seen, async (one, check) => {
        const found = await answers(opened.database, one, anyWay, 100_000);
        for (const [at, question] of one.asked.entries()) check(question, found[at]!, anyWayVerdict(one, question));
      }),
      runs,
    );
    expect(expectAll(seen)).toBeGreaterThanOrEqual(worlds * questionsPerWorld);
  });

  test("the specification's order: no disagreement", { timeout: 600_000 }, async () => {
    const seen: Record<string, number> = {};
    let beyond = 0;
    await fc.assert(
      property(seen, async (one, check) => {
        const found = await answers(opened.database, one, firstInOrder, maxWork);
        for (const [at, question] of one.asked.entries()) {
          // Too large for the budget, whichever way frames are counted: an error, never a yes or a no.
          if (literalWork(one, question, maxWork) > maxWork) {
            beyond += 1;
            expect(["limited", literalVerdict(one, question).kind]).toContain(kindOf(found[at]!));
          } else check(question, found[at]!, literalVerdict(one, question));
        }
      }),
      runs,
    );
    expect(expectAll(seen)).toBeGreaterThan(0);
    console.log(seen, beyond);
  });
});
