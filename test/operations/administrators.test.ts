import { afterEach, describe, expect, test } from "vitest";
import type { Actor } from "../../src/domain/actor.ts";
import { systemObjectId } from "../../src/domain/administrator.ts";
import { type UserId, uuidOf } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome, type Person, system, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp } from "../support/factors.ts";

describeWorld("administrators", { on: ["pglite", "postgres"] }, (world, auth) => {
  afterEach(() => world.rows(sql`delete from tup`));

  const bare = (person: Person, actor: Actor = system) =>
    world.auth.administrators.grant({ actor, userId: person.userId });
  const grant = async (person: Person, actor: Actor = system) => {
    await world.enroll(person.userId);
    return await bare(person, actor);
  };
  const remove = (person: Person, actor: Actor = system) =>
    world.auth.administrators.remove({ actor, userId: person.userId });
  const isOne = async ({ userId }: Person) =>
    (
      await world.auth.tuples.check({
        subjectType: "usr",
        subjectId: userId,
        relation: "administrator",
        objectType: "sys",
        objectId: systemObjectId,
      })
    ).allowed;

  test("S06: the first user is not made an administrator", async () => {
    const first = await world.person();
    await world.levelTwo(first.session);
    expect(await isOne(first)).toBe(false);
    expect(await outcome(grant(first, first.actor))).toBe("forbidden");
    expect(await isOne(first)).toBe(false);
  });

  test("S05: the right is granted only to a user with a second factor; a repeated grant keeps it", async () => {
    const person = await world.person();
    expect(await outcome(bare(person))).toBe("precondition.factor_needed_first");
    expect(await isOne(person)).toBe(false);
    await world.makeAdministrator(person.userId);
    expect(await bare(person)).toEqual({ granted: false });
  });

  test("a repeated grant or removal reports no change and leaves no event", async () => {
    const [person, other] = [await world.person(), await world.person()];
    await grant(other);
    expect(await grant(person)).toEqual({ granted: true });
    expect(await grant(person)).toEqual({ granted: false });
    expect(await isOne(person)).toBe(true);
    expect(await remove(person)).toEqual({ removed: true });
    expect(await remove(person)).toEqual({ removed: false });
    expect(await isOne(person)).toBe(false);
    const events = await world.events({ target: person.userId });
    expect(events.map(({ action }) => action)).toEqual(["authz.administrator.grant", "authz.administrator.remove"]);
  });

  test("an administrator grants the right: the tuple records who granted it", async () => {
    const [admin, person] = [await world.administrator(), await world.person()];
    expect(await grant(person, admin.actor)).toEqual({ granted: true });
    const [row] = await world.rows<{ by: string }>(sql`
      select created_by as by from tup where subject_id = ${uuidOf(person.userId)}::uuid`);
    expect(row!.by).toBe(uuidOf(admin.userId));
  });

  test("an administrator is removed: the right ends at once in open sessions", async () => {
    const [admin, other, person] = [await world.administrator(), await world.administrator(), await world.person()];
    expect(await outcome(world.auth.users.get({ actor: admin.actor, userId: person.userId }))).toBe("done");
    await remove(admin, other.actor);
    expect(await outcome(world.auth.users.get({ actor: admin.actor, userId: person.userId }))).toBe("not_found");
  });

  test.each(["suspended", "revoked"] as const)("a %s user cannot become an administrator", async (status) => {
    const person = await world.person();
    await world.auth.users[status === "suspended" ? "suspend" : "revoke"]({ actor: system, userId: person.userId });
    expect(await outcome(grant(person))).toBe("precondition.user_not_active");
  });

  test("S05: an administrator cannot remove the last second factor", async () => {
    const { person, app } = await addApp(world, await world.person());
    await auth.administrators.grant({ actor: system, userId: person.userId });
    const act = { actor: person.actor, factorId: app.factorId };
    expect(await outcome(auth.factors.revoke(act))).toBe("conflict.last_factor");
    await world.administrator();
    await auth.administrators.remove({ actor: system, userId: person.userId });
    expect(await outcome(auth.factors.revoke(act))).toBe("done");
  });

  describe("the last administrator", () => {
    const ways: Record<string, (person: Person) => Promise<unknown>> = {
      remove: (person) => remove(person),
      "remove oneself": (person) => remove(person, person.actor),
      suspend: ({ userId }) => world.auth.users.suspend({ actor: system, userId }),
      revoke: ({ userId }) => world.auth.users.revoke({ actor: system, userId }),
      "revoke oneself": ({ actor, userId, password }) =>
        world.auth.users.revokeOwn({ actor, userId, currentPassword: password }),
    };

    test.each(Object.keys(ways))("%s of the last administrator: conflict.last_administrator", async (way) => {
      const last = await world.administrator();
      expect(await outcome(ways[way]!(last))).toBe("conflict.last_administrator");
      expect(await isOne(last)).toBe(true);
      await world.administrator();
      expect(await outcome(ways[way]!(last))).toBe("done");
    });

    test.each(Object.keys(ways))("%s: a suspended administrator does not count as another", async (way) => {
      const [last, suspended] = [await world.administrator(), await world.administrator()];
      await world.auth.users.suspend({ actor: system, userId: suspended.userId });
      expect(await outcome(ways[way]!(last))).toBe("conflict.last_administrator");
      await world.auth.users.reinstate({ actor: system, userId: suspended.userId });
      expect(await outcome(ways[way]!(last))).toBe("done");
    });

    test("the relation on another object, or for another subject type, does not count as another administrator", async () => {
      const [last, near] = [await world.administrator(), await world.person()];
      await world.rows(sql`
        insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
        values (gen_random_uuid(), 'usr', ${uuidOf(near.userId)}::uuid, 'administrator', 'sys', gen_random_uuid()),
          (gen_random_uuid(), 'usr', ${uuidOf(near.userId)}::uuid, 'administrator', 'org', ${systemObjectId}::uuid),
          (gen_random_uuid(), 'org', ${uuidOf(near.userId)}::uuid, 'administrator', 'sys', ${systemObjectId}::uuid)`);
      expect(await outcome(remove(last))).toBe("conflict.last_administrator");
      // Removing a user who is not an administrator does nothing, whatever else they hold.
      expect(await remove(near)).toEqual({ removed: false });
      expect(await world.rows(sql`select id from tup`)).toHaveLength(4);
    });

    test("with all administrators suspended, other users can still be suspended and revoked", async () => {
      const [admin, person] = [await world.administrator(), await world.person()];
      await world.rows(sql`update usr set status = 'suspended' where id = ${uuidOf(admin.userId)}::uuid`);
      const { userId } = person;
      expect(await outcome(world.auth.users.suspend({ actor: system, userId }))).toBe("done");
      expect(await outcome(world.auth.users.revoke({ actor: system, userId }))).toBe("done");
    });
  });
});

describeWorld(
  "S06: racing removals of the last administrators",
  { on: ["postgres"], timeoutMilliseconds: 30_000 },
  (world) => {
    const ways = [
      (userId: UserId) => world.auth.administrators.remove({ actor: system, userId }),
      (userId: UserId) => world.auth.users.suspend({ actor: system, userId }),
      (userId: UserId) => world.auth.users.revoke({ actor: system, userId }),
    ];
    const active = async () =>
      (
        await world.rows<{ n: number }>(sql`
      select count(*)::int as n from tup join usr on usr.id = tup.subject_id and usr.status = 'active'
      where object_type = 'sys' and relation = 'administrator'`)
      )[0]!.n;
    async function people(count: number): Promise<UserId[]> {
      await world.rows(sql`delete from tup`);
      const ids: UserId[] = [];
      for (let number = 0; number < count; number++) {
        const { id } = await world.auth.users.create({ actor: system });
        await world.makeAdministrator(id);
        ids.push(id);
      }
      return ids;
    }

    test("20 removals at once in all three ways, 20 rounds: one administrator stays", async () => {
      for (let round = 0; round < 20; round++) {
        const ids = await people(20);
        const codes = await Promise.all(ids.map((id, index) => outcome(ways[(index + round) % 3]!(id))));
        expect(tally(codes)).toEqual({ done: 19, "conflict.last_administrator": 1 });
        expect(await active()).toBe(1);
      }
    });

    test("planted fault, no lock: leaves no administrator", async () => {
      const naive = (id: UserId) => sql`
      delete from tup where subject_id = ${uuidOf(id)}::uuid and relation = 'administrator' and exists (
        select from tup other join usr on usr.id = other.subject_id and usr.status = 'active'
        where other.relation = 'administrator' and other.subject_id <> tup.subject_id)`;
      let none = 0;
      for (let round = 0; round < 200 && none === 0; round++) {
        const ids = await people(2);
        await Promise.all(ids.map((id) => world.rows(naive(id))));
        if ((await active()) === 0) none += 1;
      }
      expect(none).toBe(1);
    });
  },
);
