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
  who: { relation: { on: "proj", among: ["owner", "admin", "member"], atLeast: "admin" } },
  locks: [],
  refusals: [],
};
const notAboveOwn: GuardedAct = {
  ...act,
  who: { relation: { on: "proj", among: ["owner", "admin", "member", "guest"], atLeast: "member", notAboveOwn: true } },
};

describe.each(["pglite", "postgres"] as const)("%s", (name) => {
  let world: World;
  beforeAll(async () => {
    world = await openAuth(name);
  });
  afterAll(() => world.close());

  const newObject = () => uuidFor("org", generateId("org"));

  async function relate(person: Person, relation: string, object: string, type = "proj"): Promise<void> {
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
      ...(relation !== undefined && { relations: sql`array[${relation}]::text[]` }),
    };
    const [found] = await world.rows<{ refusal: string | null }>(sql`
      with ${who.define}
      select ${refusalUnless(row, who.name, about)} as refusal from (select 1) one left join acting on true`);
    return found!.refusal;
  }

  test.each([
    { case: "the strongest relation", relation: "owner", refusal: null },
    { case: "another relation that the row names", relation: "admin", refusal: null },
    { case: "a weaker relation that the row names", relation: "member", refusal: "forbidden" },
    { case: "a relation that the row does not name", relation: "billing", refusal: "not_found" },
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
    await relate(person, "owner", object, "org");
    expect(await verdict(act, person.actor, object)).toBe("not_found");
  });

  test("a tuple on an organization counts only with an active membership in the same role", async () => {
    const { organizations, memberships } = world.auth;
    const { among } = act.who.relation!;
    const ofMembers = { ...act, who: { relation: { on: "org", among, atLeast: "admin" } } };
    const [owner, person] = [await world.person(), await world.person()];
    const { organization } = await organizations.create({ actor: system, userId: owner.userId });
    const object = uuidFor("org", organization.id);
    await relate(person, "owner", object, "org");
    expect(await verdict(ofMembers, person.actor, object)).toBe("not_found");
    const asked = { actor: system, organizationId: organization.id };
    const { id } = await memberships.add({ ...asked, userId: person.userId, role: "member" });
    expect(await verdict(ofMembers, person.actor, object)).toBe("forbidden");
    const admin = await memberships.changeRole({ actor: system, membershipId: id, role: "admin" });
    expect(await verdict(ofMembers, person.actor, object)).toBeNull();
    await memberships.suspend({ actor: system, membershipId: admin.id });
    expect(await verdict(ofMembers, person.actor, object)).toBe("not_found");
    await world.rows(sql`delete from tup where object_id = ${object}::uuid`);
    expect(await verdict(ofMembers, owner.actor, object)).toBe("not_found");
  });

  test.each([
    { relation: "member", refusal: null },
    { relation: "owner", refusal: null },
  ])("an administrator with the relation $relation, if the row admits them: allowed", async ({ relation, refusal }) => {
    const { actor, userId } = await world.administrator();
    const object = newObject();
    await relate({ actor, userId } as Person, relation, object);
    expect(await verdict({ ...act, who: { ...act.who, administrator: true } }, actor, object)).toBe(refusal);
    expect(await verdict(act, actor, object)).toBe(relation === "owner" ? null : "forbidden");
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
    { own: ["admin"], touched: "owner", refusal: "forbidden.role_hierarchy" },
    { own: ["admin"], touched: "admin", refusal: null },
    { own: ["admin"], touched: "member", refusal: null },
    { own: ["member"], touched: "admin", refusal: "forbidden.role_hierarchy" },
    { own: ["member", "owner"], touched: "owner", refusal: null },
    { own: ["member"], touched: "guest", refusal: null },
    { own: ["guest"], touched: "guest", refusal: "forbidden" },
  ])("$own gives or takes $touched: $refusal", async ({ own, touched, refusal }) => {
    const person = await world.person();
    const object = newObject();
    for (const relation of own) await relate(person, relation, object);
    expect(await verdict(notAboveOwn, person.actor, object, touched)).toBe(refusal);
  });
});
