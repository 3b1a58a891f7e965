import { describe, expect, test } from "vitest";
import { generateId, newUuid } from "../../src/domain/id.ts";
import { rewriteRules } from "../../src/engine/rule-set.ts";
import type { CheckInput } from "../../src/operations/tuple-checks.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { type End, tupleOf, tuplesIn } from "../support/tuples.ts";

const rules = {
  doc: {
    viewer: [
      { type: "computed_userset", relation: "editor" },
      { type: "tuple_to_userset", tupleset_relation: "parent", computed_userset_relation: "viewer" },
    ],
  },
  folder: {
    viewer: [{ type: "tuple_to_userset", tupleset_relation: "parent", computed_userset_relation: "viewer" }],
  },
} as const;

describe.each([
  { mode: "without rules", options: {} },
  { mode: "any way", options: { rules: rewriteRules(rules, { maxDepth: 4 }) } },
  { mode: "in order", options: { rules: rewriteRules(rules, { maxDepth: 4, exactOrder: true }) } },
])("checkMany: $mode", ({ mode, options }) => {
  describeWorld("questions", { on: ["pglite", "postgres"], auth: options }, (world, auth) => {
    const { write } = tuplesIn(world);

    test("answers as check does, in the order of the questions, in one request", async () => {
      const users: End[] = Array.from({ length: 4 }, () => ["usr", generateId("usr")]);
      const docs: End[] = Array.from({ length: 6 }, () => ["doc", newUuid()]);
      const folders: End[] = Array.from({ length: 3 }, () => ["folder", newUuid()]);
      await write(folders[1]!, "parent", folders[0]!);
      await write(folders[2]!, "parent", folders[1]!);
      for (const [index, doc] of docs.entries()) {
        await write(folders[index % 3]!, "parent", doc);
        await write(users[index % 4]!, index % 2 ? "viewer" : "editor", doc);
      }
      await write(users[3]!, "viewer", folders[2]!);
      const questions: CheckInput[] = users.flatMap((user) =>
        docs.flatMap((doc) => ["viewer", "editor", "constructor"].map((relation) => tupleOf(user, relation, doc))),
      );
      const each = await Promise.all(questions.map((question) => auth.tuples.check(question)));
      world.counting.reset(1);
      expect(await auth.tuples.checkMany(questions)).toEqual(each);
      world.counting.reset();
      const allowed = each.filter((one) => one.allowed).length;
      expect(allowed).toBeGreaterThan(mode === "without rules" ? 5 : 9);
      expect(allowed).toBeLessThan(questions.length / 2);
      expect(await auth.tuples.checkMany([...questions].reverse())).toEqual([...each].reverse());
      expect(await auth.tuples.checkMany([questions[0]!, questions[0]!])).toEqual([each[0], each[0]]);
    });

    test("an organization that is suspended grants nothing", async () => {
      const [user, org] = [
        ["usr", generateId("usr")],
        ["org", newUuid()],
      ] as const;
      await write(user, "reporter", org);
      const asked = [tupleOf(user, "reporter", org)];
      expect((await auth.tuples.checkMany(asked))[0]!.allowed).toBe(true);
      await world.rows(sql`insert into org (id, status) values (${org[1]}::uuid, 'suspended')`);
      expect((await auth.tuples.checkMany(asked))[0]!.allowed).toBe(false);
    });

    test("none, 100 and 101 questions, and a malformed one: nothing is asked but for the 100", async () => {
      const question = tupleOf(["usr", generateId("usr")], "viewer", ["doc", newUuid()]);
      const ask = (more: readonly CheckInput[]) => auth.tuples.checkMany(more);
      expect(await ask(Array(100).fill(question))).toEqual(Array(100).fill({ allowed: false, matchedTupleId: null }));
      world.counting.reset(0);
      expect(await ask([])).toEqual([]);
      await expect(ask(Array(101).fill(question))).rejects.toThrow(RangeError);
      expect(await outcome(ask([question, { ...question, relation: "X" }]))).toBe("invalid_format.relation");
      expect(await outcome(ask([question, { ...question, objectId: "1" }]))).toBe("invalid_format.object_id");
      world.counting.reset();
    });

    test("a limit is an error for all, and never a no", async () => {
      const [user, doc] = [
        ["usr", generateId("usr")],
        ["doc", newUuid()],
      ] as const;
      let last: End = doc;
      for (let depth = 0; depth < 6; depth++) {
        const folder: End = ["folder", newUuid()];
        await write(folder, "parent", last);
        last = folder;
      }
      const other = tupleOf(user, "viewer", ["doc", newUuid()]);
      const asked = outcome(auth.tuples.checkMany([other, tupleOf(user, "viewer", doc)]));
      expect(await asked).toBe(mode === "without rules" ? "done" : "evaluation_limit_exceeded");
    });
  });
});
