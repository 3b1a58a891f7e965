import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GuardedAct } from "../../src/domain/act.ts";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import { acting, refusalUnless } from "../../src/store/access.ts";
import { sql } from "../../src/store/sql.ts";
import { openAuth, type Person, system, type World } from "../support/auth.ts";

const act: GuardedAct = {
  name: "renameThing",
  action: "test.thing.rename",
  target: "org",
  who: { relation: { on: "org", anyOf: ["owner", "admin"] } },
  locks: [],
  refusals: [],
};
const notAboveOwn: GuardedAct = {
  ...act,
  who: { relation: { on: "org", anyOf: ["owner", "admin", "member"], notAboveOwn: true } },
};

describe.each(["pglite", "postgres"] as const)("%s", (name) => {
  let world: World;
  beforeAll(async () => {
    world = await openAuth(name);
  });
  afterAll(() => world.close());

  const newObject = () => uuidFor("org", generateId("org"));

  async function relate(person: Person, relation: string, object: string, type = "org"): Promise<void> {
    await world.rows(sql`
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      values (${uuidFor("tup", generateId("tup"))}::uuid, 'usr', ${uuidFor("usr", person.userId)}::uuid, ${relation}, ${type},
        ${object}::uuid)`);
  }

  /** The guard's answer: the code, or null. */
  async function verdict(row: GuardedAct, actor: Person["actor"] | typeof system, object: string, relation?: string) {
    const who = acting(actor);
    const about = {
      object: sql`${object}::uuid`,
      ...(relation !== undefined && { relation: sql`${relation}::text` }),
    };
    const [found] = await world.rows<{ refusal: string | null }>(sql`
      with ${who.define}
      select ${refusalUnless(row, who.name, about)} as refusal from (select 1) one left join acting on true`);
    return found!.refusal;
  }

  test.each([
    { case: "the strongest relation", relation: "owner", refusal: null },
    { case: "another relation that the row names", relation: "admin", refusal: null },
    { case: "a relation that the row does not name", relation: "member", refusal: "not_found" },
  ])("$case on the object: $refusal", async ({ relation, refusal }) => {
    const person = await world.person();
    const object = newObject();
    await relate(person, relation, object);
    expect(await verdict(act, person.actor, object)).toBe(refusal);
  });

  test("no relation, a relation on another object, or on another type of object: not_found", async () => {
    const person = await world.person();
    const object = newObject();
    await relate(person, "owner", newObject());
    await relate(person, "owner", object, "proj");
    expect(await verdict(act, person.actor, object)).toBe("not_found");
  });

  test("another user's relation: not_found", async () => {
    const [person, other] = [await world.person(), await world.person()];
    const object = newObject();
    await relate(other, "owner", object);
    expect(await verdict(act, person.actor, object)).toBe("not_found");
  });

  test("a suspended holder: unauthorized.invalid_token", async () => {
    const person = await world.person();
    const object = newObject();
    await relate(person, "owner", object);
    await world.auth.users.suspend({ actor: system, userId: person.userId });
    expect(await verdict(act, person.actor, object)).toBe("unauthorized.invalid_token");
  });

  test("an administrator without the relation, if the row admits none: forbidden; the application: allowed", async () => {
    const administrator = await world.administrator();
    const object = newObject();
    expect(await verdict(act, administrator.actor, object)).toBe("forbidden");
    expect(await verdict(act, system, object)).toBeNull();
  });

  test.each([
    { own: ["admin"], touched: "owner", refusal: "forbidden" },
    { own: ["admin"], touched: "admin", refusal: null },
    { own: ["admin"], touched: "member", refusal: null },
    { own: ["member"], touched: "admin", refusal: "forbidden" },
    { own: ["member", "owner"], touched: "owner", refusal: null },
    { own: ["member"], touched: "guest", refusal: null },
  ])("$own gives or takes $touched: $refusal", async ({ own, touched, refusal }) => {
    const person = await world.person();
    const object = newObject();
    for (const relation of own) await relate(person, relation, object);
    expect(await verdict(notAboveOwn, person.actor, object, touched)).toBe(refusal);
  });
});
