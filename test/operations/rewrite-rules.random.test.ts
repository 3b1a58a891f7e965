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
import { type CompiledRules, compileRules, rulesFor } from "../../src/domain/rewrite-rule.ts";
import { anyWay, firstInOrder } from "../../src/store/rule-check.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import type { AskedRelation, TupleAnswer } from "../../src/store/tuple-answers.ts";
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
const maxWork = 100;

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

interface AskedWorld extends OracleWorld {
  readonly compiled: CompiledRules;
  readonly asked: readonly OracleQuestion[];
}

const world: fc.Arbitrary<AskedWorld> = fc
  .record({
    types: fc.subarray([...types], { minLength: 1, maxLength: 3 }),
    relations: fc.subarray([...relations], { minLength: 2, maxLength: 4 }),
    objects: fc.integer({ min: 1, max: 5 }),
    maxDepth: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 9 }), fc.constant(8)),
    maxFanOut: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constant(1_024)),
    shape: fc.constantFrom("any", "any", "chain", "fan", "cycle"),
  })
  .chain(({ types: own, relations: named, objects, maxDepth, maxFanOut, shape }) => {
    const relation = fc.constantFrom(...named);
    const object = fc.tuple(fc.constantFrom(...own), fc.nat(objects - 1)).map(([type, number]) => entity(type, number));
    const user = fc.nat(2).map((number) => entity("usr", number));
    // Most hops and most tuples use the same relation, or hardly a way would be longer than one.
    const link = fc.oneof({ weight: 2, arbitrary: fc.constant(named[0]!) }, { weight: 1, arbitrary: relation });
    const node: fc.Arbitrary<RewriteNode> = fc.oneof(
      { weight: 1, arbitrary: fc.constant({ type: "this" as const }) },
      { weight: 3, arbitrary: fc.record({ type: fc.constant("computed_userset" as const), relation }) },
      {
        weight: 6,
        arbitrary: fc.record({
          type: fc.constant("tuple_to_userset" as const),
          tupleset_relation: link,
          computed_userset_relation: relation,
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          type: fc.constant("tuple_to_userset" as const),
          tupleset_relation: link,
          computed_userset_relation: relation,
          subject_type: fc.constantFrom(...own, "usr"),
        }),
      },
    );
    const rules: fc.Arbitrary<OracleRules> = fc
      .tuple(
        ...own.flatMap((type) =>
          named.map((name) =>
            fc
              .option(fc.array(node, { maxLength: 3, size: "max" }), { freq: 5 })
              .map((nodes) => ({ type, relation: name, nodes })),
          ),
        ),
      )
      .map((all) => all.flatMap(({ nodes, ...rule }) => (nodes ? [{ ...rule, nodes }] : [])));
    const edge = fc.oneof(
      { weight: 1, arbitrary: fc.record({ subject: user, relation, object }) },
      { weight: 4, arbitrary: fc.record({ subject: object, relation: link, object }) },
    );
    return fc
      .record({
        rules,
        edges: fc.array(edge, { minLength: 8, maxLength: 48, size: "max" }),
        long: fc.record({ type: fc.constantFrom(...own), relation, length: fc.integer({ min: 3, max: 14 }) }),
        inactive: fc.subarray([0, 1, 2, 3]),
        // One draw for each question is much quicker than one for each of its parts.
        asked: fc.array(fc.nat(), { minLength: questionsPerWorld, maxLength: questionsPerWorld }),
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
          compiled: compiledFrom(made),
          inactive: inactive.map((number) => entity("org", number).id),
          maxDepth,
          maxFanOut,
          asked: asked.map((number) => questionOf(number, own, named, objects)),
        };
      });
  });

/** With own members only, because `__proto__` is one of the names. */
function compiledFrom(rules: OracleRules): CompiledRules {
  const ofType = (type: string) =>
    rules.filter((rule) => rule.type === type).map(({ relation, nodes }) => [relation, nodes] as const);
  return compileRules(Object.fromEntries(types.map((type) => [type, Object.fromEntries(ofType(type))])));
}

/** A question from a number: its parts are the digits. */
function questionOf(number: number, own: readonly string[], named: readonly string[], objects: number): OracleQuestion {
  let rest = number;
  const draw = (below: number): number => {
    const digit = rest % below;
    rest = Math.floor(rest / below);
    return digit;
  };
  const object = () => entity(own[draw(own.length)]!, draw(objects));
  const on = object();
  // One in four asks about an object, and as many about several relations.
  const by = draw(4) === 0 ? object() : entity("usr", draw(3));
  const relation = () => named[draw(named.length)]!;
  const several = draw(4) === 0 ? [relation(), relation()] : [];
  return {
    subjectType: by.type,
    subjectId: by.id,
    relations: [relation(), ...several],
    objectType: on.type,
    objectId: on.id,
  };
}

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
  { compiled, asked, maxDepth, maxFanOut }: AskedWorld,
  verdict: typeof anyWay,
  work: number,
): Promise<readonly TupleAnswer[]> {
  const rules = rulesFor(
    compiled,
    types.map((objectType) => ({ objectType, relations })),
  );
  const settings = { rules, maxDepth, maxFanOut, maxWork: work };
  const question: AskedRelation = {
    subjectType: sql`question.subject_type`,
    subjectId: sql`question.subject_id`,
    relations: sql`string_to_array(question.relations, ',')`,
    objectType: sql`question.object_type`,
    objectId: sql`question.object_id`,
  };
  const asking = sql<TupleAnswer>`
    select verdict.id, verdict."isLimited"
    from unnest(${asked.map((one) => one.subjectType)}::text[], ${asked.map((one) => one.subjectId)}::uuid[],
      ${asked.map((one) => one.relations.join())}::text[], ${asked.map((one) => one.objectType)}::text[],
      ${asked.map((one) => one.objectId)}::uuid[])
      with ordinality question(subject_type, subject_id, relations, object_type, object_id, place)
    cross join lateral (${verdict(question, settings)}) verdict
    order by question.place`;
  // For one question, the planner expects too little work to compile; for four hundred, it would.
  const [, found] = await database.batch([sql`set local jit = off`, asking]);
  return found as TupleAnswer[];
}

const kindOf = ({ id, isLimited }: TupleAnswer): OracleVerdict["kind"] =>
  isLimited ? "limited" : id === null ? "denied" : "allowed";

const on = ["postgres", "pglite"] as const;

describeWorld(
  "random rules, beside a naive evaluator",
  { on, timeoutMilliseconds: 60_000 },
  (opened, _auth, backend) => {
    const runs = backend === "pglite" ? Math.ceil(worlds / 10) : worlds;

    type Ask = (world: AskedWorld) => Promise<readonly TupleAnswer[]>;
    type Compare = (found: TupleAnswer, world: AskedWorld, question: OracleQuestion) => string;

    /** Compares all answers, and counts what `compare` calls them. Each must be frequent, or the test would prove little. */
    async function tally(
      ask: Ask,
      compare: Compare,
      least: Readonly<Record<string, number>>,
      numRuns = runs,
    ): Promise<void> {
      const seen: Record<string, number> = {};
      const property = fc.asyncProperty(world, async (one) => {
        await store(opened.database, one);
        const found = await ask(one);
        for (const [at, question] of one.asked.entries()) {
          const name = compare(found[at]!, one, question);
          seen[name] = (seen[name] ?? 0) + 1;
        }
      });
      await fc.assert(property, { seed: 14, unbiased: true, numRuns, endOnFailure: numRuns > 1_000 });
      const total = Object.values(seen).reduce((sum, count) => sum + count, 0);
      expect(total).toBe(numRuns * questionsPerWorld);
      for (const [name, share] of Object.entries(least))
        expect({ name, seen }).toSatisfy(() => seen[name]! >= share * total);
    }

    /** @throws {Error} If the answer is not the expected one, with all that is needed to ask again. */
    function agree(found: TupleAnswer, expected: OracleVerdict, world: OracleWorld, question: OracleQuestion): string {
      const isNamed = expected.kind !== "allowed" || expected.tuples.includes(found.id!);
      if (kindOf(found) !== expected.kind || !isNamed) {
        const { tuples, rules, inactive, maxDepth, maxFanOut } = world;
        const bounds = { inactive, maxDepth, maxFanOut };
        throw new Error(JSON.stringify({ question, found, expected, rules, tuples, ...bounds }));
      }
      if (expected.kind !== "allowed") return expected.kind;
      return isDirect(world, question) ? "allowed by its own tuple" : "allowed by a rule";
    }

    const isDirect = (world: OracleWorld, question: OracleQuestion): boolean =>
      literalVerdict({ ...world, rules: [] }, question).kind === "allowed";

    test("any way within the limits: no disagreement", { timeout: 600_000 }, async () => {
      await tally(
        (one) => answers(opened.database, one, anyWay, 20_000),
        (found, one, question) => {
          const expected = anyWayVerdict(one, question);
          // A check sends only the rules that its question can meet: these give the same answer.
          const met = rulesFor(one.compiled, [question]);
          const isMet = (rule: { type: string; relation: string }) =>
            met.some(({ type, relation }) => type === rule.type && relation === rule.relation);
          expect(anyWayVerdict({ ...one, rules: one.rules.filter(isMet) }, question)).toEqual(expected);
          return agree(found, expected, one, question);
        },
        { denied: 0.2, limited: 0.05, "allowed by a rule": 0.05, "allowed by its own tuple": 0.05 },
      );
    });

    test("the specification's order: no disagreement", { timeout: 600_000 }, async () => {
      await tally(
        (one) => answers(opened.database, one, firstInOrder, maxWork),
        (found, one, question) => {
          const { entered, met } = literalWork(one, question, maxWork);
          // Frames behind the first way that allows are counted, so more work than the budget is an error; never another answer.
          if (entered > maxWork || (met > maxWork && kindOf(found) === "limited")) {
            agree(found, { kind: "limited" }, one, question);
            return "beyond the budget";
          }
          const name = agree(found, literalVerdict(one, question), one, question);
          const isOrdered = name === "limited" && anyWayVerdict(one, question).kind === "allowed";
          return isOrdered ? "limited before a way that allows" : name;
        },
        {
          denied: 0.2,
          limited: 0.05,
          "limited before a way that allows": 0.005,
          "allowed by a rule": 0.05,
          "allowed by its own tuple": 0.05,
          "beyond the budget": 0.0001,
        },
      );
    });

    test("a small budget: the same answer or an error, never another one", { timeout: 600_000 }, async () => {
      for (const [verdict, oracle] of [
        [anyWay, anyWayVerdict],
        [firstInOrder, literalVerdict],
      ] as const) {
        await tally(
          (one) => answers(opened.database, one, verdict, 1 + (one.tuples.length % 20)),
          (found, one, question) => {
            if (verdict === firstInOrder && literalWork(one, question, maxWork).entered > maxWork) {
              return agree(found, { kind: "limited" }, one, question);
            }
            const expected = oracle(one, question);
            if (kindOf(found) === "limited" && expected.kind !== "limited") return "cut off";
            return agree(found, expected, one, question);
          },
          { denied: 0.2, "cut off": 0.05, "allowed by a rule": 0.01 },
          Math.ceil(runs / 5),
        );
      }
    });
  },
);
