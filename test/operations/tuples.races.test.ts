/** Races of tuples, on a server with real connections. @module */
import { expect, test } from "vitest";
import { newUuid, type UserId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { holdLock } from "../support/held-lock.ts";
import { organizationsIn } from "../support/organizations.ts";
import { newDoc, tupleOf, tuplesIn, user } from "../support/tuples.ts";

describeWorld("races of tuples", { on: ["postgres"], timeoutMilliseconds: 30_000 }, (world, auth) => {
  const { owned, write } = tuplesIn(world);
  const tuplesOf = async (userId: UserId) => {
    const rows = await world.rows<{ relation: string }>(
      sql`select relation from tup where subject_id = ${uuidFor("usr", userId)}::uuid order by relation`,
    );
    return rows.map(({ relation }) => relation);
  };

  test("S07: a user is revoked while a tuple is written for them: refused; a twin that locks nothing writes it", async () => {
    const { userId } = await world.person();
    const uuid = uuidFor("usr", userId);
    const revoking = await holdLock(
      world.backend.connectionString!,
      sql`update usr set status = 'revoked' where id = ${uuid}::uuid`,
    );
    const writing = outcome(write(user(userId), "viewer", newDoc()));
    await revoking.waiting(1);
    await world.rows(sql`
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      select ${newUuid()}::uuid, 'usr', usr.id, 'naive', 'doc', ${newUuid()}::uuid
      from usr where usr.id = ${uuid}::uuid and usr.status <> 'revoked'`);
    await revoking.commit();
    expect(await writing).toBe("precondition.user_not_active");
    expect(await tuplesOf(userId)).toEqual(["naive"]);
  });

  test("tuples are written for a user while they are revoked, 30 times: none is left", async () => {
    for (let round = 0; round < 30; round++) {
      const { userId } = await world.person();
      const written = ["viewer", "editor", "owner"].map((relation) => outcome(write(user(userId), relation, newDoc())));
      await auth.users.revoke({ actor: system, userId });
      for (const one of await Promise.all(written)) expect(["done", "precondition.user_not_active"]).toContain(one);
      expect(await tuplesOf(userId)).toEqual([]);
    }
  });

  test("20 writers of one tuple: one writes it, the others learn which; 20 deletions: one", async () => {
    const ada = await world.person();
    const key = tupleOf(user(ada.userId), "viewer", await owned(ada.userId));
    const creations = await Promise.allSettled(
      Array.from({ length: 20 }, () => auth.tuples.create({ actor: ada.actor, ...key })),
    );
    const [made] = creations.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const refused = creations.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    expect(refused.map(({ code, details }) => [code, details])).toEqual(
      Array(19).fill(["conflict.duplicate_tuple", { tup_id: made!.id }]),
    );
    const deletions = await Promise.all(
      Array.from({ length: 20 }, () => outcome(auth.tuples.delete({ actor: ada.actor, tupleId: made!.id }))),
    );
    expect(deletions.toSorted()).toEqual(["done", ...Array(19).fill("not_found")]);
  });

  test("a member is added while all tuples of the user are deleted, 20 times: the companion stays", async () => {
    const { form } = organizationsIn(world);
    const owner = await form();
    const { organizationId } = owner;
    for (let round = 0; round < 20; round++) {
      const { userId } = await world.person();
      const org = ["org", uuidFor("org", organizationId)] as const;
      // Written by hand before: the membership takes it as its companion.
      await write(user(userId), "member", org);
      const [added] = await Promise.all([
        outcome(auth.memberships.add({ ...owner, userId, role: "member" })),
        auth.tuples.deleteBySubject({ actor: system, subjectType: "usr", subjectId: userId }),
      ]);
      expect([added, await tuplesOf(userId)]).toEqual(["done", ["member"]]);
    }
  });
});
