import { beforeAll, expect, test } from "vitest";
import { systemObjectId } from "../../src/domain/administrator.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

describeWorld("check: exact match and nothing else", { on: ["pglite", "postgres"] }, (world) => {
  const [document, other] = [crypto.randomUUID(), crypto.randomUUID()];
  let userId: string;
  beforeAll(async () => {
    ({ userId } = await world.person());
    await world.rows(sql`
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      values (gen_random_uuid(), 'usr', ${uuidFor("usr", userId)}::uuid, 'viewer', 'doc', ${document}::uuid),
        (gen_random_uuid(), 'usr', ${uuidFor("usr", userId)}::uuid, 'editor', 'doc', ${document}::uuid)`);
  });

  const question = (more: object = {}) => ({
    subjectType: "usr",
    subjectId: userId,
    relation: "viewer",
    objectType: "doc",
    objectId: document as string,
    ...more,
  });
  const check = async (more: object = {}) => (await world.auth.tuples.check(question(more))).allowed;

  test.each<{ case: string; more: () => object; allowed: boolean }>([
    { case: "the tuple", more: () => ({}), allowed: true },
    {
      case: "its ids bare, in upper case",
      more: () => ({ subjectId: uuidFor("usr", userId as never).toUpperCase() }),
      allowed: true,
    },
    {
      case: "its object in wire form",
      more: () => ({ objectId: `doc_${document.replaceAll("-", "")}` }),
      allowed: true,
    },
    { case: "another relation", more: () => ({ relation: "owner" }), allowed: false },
    { case: "a part of the relation", more: () => ({ relation: "view" }), allowed: false },
    { case: "a pattern (R103)", more: () => ({ relation: "viewe_" }), allowed: false },
    { case: "another object", more: () => ({ objectId: other }), allowed: false },
    { case: "another type of object", more: () => ({ objectType: "file" }), allowed: false },
    { case: "another subject", more: () => ({ subjectId: other }), allowed: false },
    {
      case: "another type of subject",
      more: () => ({ subjectType: "org", subjectId: uuidFor("usr", userId) }),
      allowed: false,
    },
    {
      case: "subject and object exchanged",
      more: () => ({ subjectId: document, objectId: uuidFor("usr", userId) }),
      allowed: false,
    },
    {
      case: "S06: the relation of administrators",
      more: () => ({ relation: "administrator", objectType: "sys", objectId: systemObjectId }),
      allowed: false,
    },
  ])("$case: $allowed", async ({ more, allowed }) => {
    expect(await check(more())).toBe(allowed);
  });

  test.each([
    { case: "a relation in capitals", more: { relation: "Viewer" }, code: "invalid_format.relation" },
    { case: "SQL", more: { relation: "viewer' or true --" }, code: "invalid_format.relation" },
    { case: "a long type", more: { objectType: "project" }, code: "invalid_format.object_type" },
    { case: "no subject", more: { subjectId: "" }, code: "invalid_format.subject_id" },
    {
      case: "the nil UUID",
      more: { objectId: "00000000-0000-0000-0000-000000000000" },
      code: "invalid_format.object_id",
    },
    {
      case: "an id of another type",
      more: { subjectId: `org_${"0190f2a81b3c7abc8123456789abcdef"}` },
      code: "invalid_format.subject_id",
    },
  ])("$case: $code, and no request", async ({ more, code }) => {
    world.counting.reset(0);
    expect(await outcome(world.auth.tuples.check(question(more)))).toBe(code);
    world.counting.reset();
  });

  test("checkAny: returns the first matching relation and needs at least one", async () => {
    const { relation: _, ...subject } = question();
    const tuple = async (relation: string) =>
      (
        await world.rows<{ id: string }>(
          sql`select id from tup where relation = ${relation} and object_id = ${document}::uuid`,
        )
      )[0]!.id;
    for (const relations of [
      ["editor", "viewer"],
      ["owner", "viewer", "editor"],
      ["viewer", "viewer"],
    ]) {
      const found = await world.auth.tuples.checkAny({ ...subject, relations });
      const first = relations.find((relation) => relation !== "owner")!;
      expect(found).toEqual({ allowed: true, matchedTupleId: `tup_${(await tuple(first)).replaceAll("-", "")}` });
    }
    expect(await world.auth.tuples.checkAny({ ...subject, relations: ["owner"] })).toEqual({
      allowed: false,
      matchedTupleId: null,
    });
    const checkAny = (relations: readonly string[]) => outcome(world.auth.tuples.checkAny({ ...subject, relations }));
    expect(await checkAny([])).toBe("invalid_format.relations");
    expect(await checkAny(Array(100).fill("viewer"))).toBe("done");
    expect(await checkAny(Array(101).fill("viewer"))).toBe("invalid_format.relations");
  });

  test("R110: a revoked tuple is gone at the next check", async () => {
    const person = await world.person();
    await world.rows(sql`
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      values (gen_random_uuid(), 'usr', ${uuidFor("usr", person.userId)}::uuid, 'viewer', 'doc', ${document}::uuid)`);
    expect(await check({ subjectId: person.userId })).toBe(true);
    await world.auth.users.revoke({ actor: system, userId: person.userId });
    expect(await check({ subjectId: person.userId })).toBe(false);
  });
});
