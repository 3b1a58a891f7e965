/** S16, S33: organizations under concurrent changes. Each rule has a twin without its lock, which fails. @module */
import { describe, expect, test } from "vitest";
import { generateId, newUuid, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, otherPassword, outcome, system, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { holdLock } from "../support/held-lock.ts";
import { type Member, organizationsIn } from "../support/organizations.ts";
import { untilItLeaks, withoutEarlierLock } from "../support/races.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const roomy = { on: ["postgres"] as const, timeoutMilliseconds: 60_000, auth: { organizations: { maxPerUser: 3 } } };

const isOrganizationLock = (text: string) => /^select id from org where id in .* for no key update$/s.test(text);
const isOwnersLock = (text: string) => /select id from mem where org_id in .* for no key update$/s.test(text);
/** The planted faults: nothing locks the organization and its owners before the statement, nor the membership, or not the owners. */
const withoutLock = (text: string) => (isOrganizationLock(text) || isOwnersLock(text) ? undefined : text);
const withoutAny = (text: string) =>
  withoutLock(text)?.replaceAll(/(select mem\.\* from mem where .*?) for no key update/gs, "$1");
const withoutOwners = (text: string) => (isOwnersLock(text) ? undefined : text);

describeWorld("racing changes of an organization", roomy, (world) => {
  const { form, join, members, owners } = organizationsIn(world);
  const twin = (rewrite = withoutLock) => world.isolate({ database: rewritingDatabase(world.database, rewrite) });

  /** An organization with some owners and one plain member. */
  async function withOwners(count: number): Promise<{ all: Member[]; member: Member }> {
    const all = [await form()];
    const { organizationId } = all[0]!;
    while (all.length < count) all.push(await join(organizationId, "owner"));
    return { all, member: await join(organizationId, "member") };
  }

  describe("the last owner", () => {
    test.each([2, 3, 5, 10, 20])("%i owners leave at once: one stays, always", async (count) => {
      for (let round = 0; round < 10; round++) {
        const { all } = await withOwners(count);
        const codes = await Promise.all(all.map((owner) => outcome(world.auth.memberships.leave(owner))));
        expect(tally(codes)).toEqual({ done: count - 1, "conflict.sole_owner": 1 });
        expect(await owners(all[0]!.organizationId)).toBe(1);
      }
    });

    test("without the lock, all of them leave", async () => {
      const auth = twin();
      await untilItLeaks(100, async () => {
        const { all } = await withOwners(4);
        await Promise.all(all.map((owner) => outcome(auth.memberships.leave(owner))));
        return (await owners(all[0]!.organizationId)) === 0 ? 1 : 0;
      });
    });

    type Way = (auth: FullAuth, owner: Member, member: Member) => Promise<unknown>;
    const ways: Record<string, Way> = {
      leave: (auth, owner) => auth.memberships.leave(owner),
      "leave with an heir": (auth, owner, { userId }) => auth.memberships.leave({ ...owner, transferTo: userId }),
      demote: (auth, owner) => auth.memberships.changeRole({ ...owner, role: "admin" }),
      suspend: (auth, owner) => auth.memberships.suspend({ ...owner, actor: system }),
      "close the account": (auth, owner) => auth.users.revokeOwn({ ...owner, currentPassword: owner.password }),
      "hand over": (auth, owner, member) =>
        auth.memberships.transferOwnership({
          ...owner,
          fromMembershipId: owner.membershipId,
          toMembershipId: member.membershipId,
        }),
    };
    const names = Object.keys(ways);
    const pairs = names.flatMap((one, place) => names.slice(place).map((other) => ({ one, other })));

    test.each(pairs)("$one and $other by the two owners: an owner stays", async ({ one, other }) => {
      for (let round = 0; round < 6; round++) {
        const { all, member } = await withOwners(2);
        const acts = [ways[one]!(world.auth, all[0]!, member), ways[other]!(world.auth, all[1]!, member)];
        const codes = await Promise.all(acts.map(outcome));
        expect(codes.filter((code) => code.startsWith("unavailable"))).toEqual([]);
        expect(await owners(all[0]!.organizationId)).toBeGreaterThan(0);
      }
    });

    test("without the lock, a demotion beside a closed account leaves no owner", async () => {
      const auth = twin();
      await untilItLeaks(100, async () => {
        const { all, member } = await withOwners(2);
        const acts = [ways.demote!(auth, all[0]!, member), ways["close the account"]!(auth, all[1]!, member)];
        await Promise.all(acts.map(outcome));
        return (await owners(all[0]!.organizationId)) === 0 ? 1 : 0;
      });
    });

    test("two plans in one batch, of the last two owners: refused together", async () => {
      const { all } = await withOwners(2);
      const plans = await Promise.all(all.map((owner) => world.auth.memberships.leave.plan(owner)));
      expect(await outcome(world.auth.batch(plans))).toBe("conflict.sole_owner");
      expect(await owners(all[0]!.organizationId)).toBe(2);
    });
  });

  test("a role change beside a removal, 40 rounds: the member is out, or has the role", async () => {
    for (let round = 0; round < 40; round++) {
      const { all, member } = await withOwners(1);
      const { actor, organizationId } = all[0]!;
      const asked = { actor, membershipId: member.membershipId };
      const [changed, removed] = await Promise.all([
        outcome(world.auth.memberships.changeRole({ ...asked, role: "admin" })),
        outcome(world.auth.memberships.remove(asked)),
      ]);
      const outcomes = [
        // The removal came too late for this membership: another one has taken its place.
        ["done", "conflict.already_terminal"],
        ["precondition.mem_not_active", "done"],
      ];
      expect(outcomes).toContainEqual([changed, removed]);
      expect((await members(organizationId)).length).toBe(removed === "done" ? 1 : 2);
    }
  });

  test("two admins demote each other, 40 rounds: one of them has the right no more", async () => {
    for (let round = 0; round < 40; round++) {
      const { organizationId } = await form();
      const [one, two] = [await join(organizationId, "admin"), await join(organizationId, "admin")];
      const demote = (by: Member, whom: Member) =>
        outcome(world.auth.memberships.changeRole({ actor: by.actor, membershipId: whom.membershipId, role: "guest" }));
      const codes = await Promise.all([demote(one, two), demote(two, one)]);
      expect(codes.toSorted()).toEqual(["done", "forbidden"]);
    }
  });

  test("one user is added a hundred times at once: one membership", async () => {
    const { organizationId, actor } = await form();
    const { userId } = await world.person();
    const add = () => outcome(world.auth.memberships.add({ actor, organizationId, userId, role: "member" }));
    const codes = await Promise.all(Array.from({ length: 100 }, add));
    expect(tally(codes)).toEqual({ done: 1, "conflict.duplicate_membership": 99 });
    expect(await members(organizationId)).toHaveLength(2);
  });

  describe("a removal and then a role change wait for one membership", () => {
    /** The outcomes, and how many members there are afterwards. */
    const both = async (auth: FullAuth) => {
      const { all, member } = await withOwners(1);
      const { actor, organizationId } = all[0]!;
      const id = uuidFor("mem", member.membershipId);
      const held = await holdLock(
        world.backend.connectionString!,
        sql`select from mem where id = ${id}::uuid for update`,
      );
      const asked = { actor, membershipId: member.membershipId };
      const removed = outcome(auth.memberships.remove(asked));
      await held.waiting(1);
      const changed = outcome(auth.memberships.changeRole({ ...asked, role: "admin" }));
      await held.waiting(2);
      await held.release();
      return [await removed, await changed, (await members(organizationId)).length];
    };

    test("the member is out", async () => {
      expect(await both(world.auth)).toEqual(["done", "precondition.mem_not_active", 1]);
    });

    test("planted fault, neither the organization nor the membership is locked: the removed member is an admin", async () => {
      expect(await both(twin(withoutAny))).toEqual(["done", "done", 2]);
    });
  });

  test("a slug that a hundred users claim at once: one has it", async () => {
    const slug = `s${generateId("org").slice(-20)}`;
    const people = await Promise.all(Array.from({ length: 100 }, () => world.person()));
    const codes = await Promise.all(people.map((person) => outcome(form(person, { slug }))));
    expect(tally(codes)).toEqual({ done: 1, "conflict.org_slug": 99 });
  });

  test("a naive twin, which looks for the slug and then takes it: many have it", async () => {
    await world.rows(sql`create table slug_of_twin (slug text)`);
    const claim = async () => {
      const taken = await world.rows(sql`select from slug_of_twin where slug = 'acme'`);
      if (taken.length === 0) await world.rows(sql`insert into slug_of_twin values ('acme')`);
    };
    await Promise.all(Array.from({ length: 100 }, claim));
    expect((await world.rows(sql`select from slug_of_twin`)).length).toBeGreaterThan(1);
    await world.rows(sql`drop table slug_of_twin`);
  });

  test("a slug that an update and a creation claim at once, 20 rounds: one has it", async () => {
    for (let round = 0; round < 20; round++) {
      const slug = `s${generateId("org").slice(-20)}`;
      const [owner, person] = [await form(), await world.person()];
      const update = outcome(world.auth.organizations.update({ ...owner, slug }));
      const codes = await Promise.all([update, outcome(form(person, { slug }))]);
      expect(codes.toSorted()).toEqual(["conflict.org_slug", "done"]);
    }
  });

  test("twenty organizations at once, where three are allowed: three", async () => {
    const person = await world.person();
    const codes = await Promise.all(Array.from({ length: 20 }, () => outcome(form(person))));
    expect(tally(codes)).toEqual({ done: 3, "precondition.limit_reached": 17 });
  });

  describe("organizations that a user forms in a day", () => {
    /** A user who has formed five of the six, none of which is left. */
    const almostThere = async () => {
      const person = await world.person();
      for (let made = 0; made < 5; made++) await world.auth.organizations.revoke(await form(person));
      return person;
    };
    const atOnce = async (auth: FullAuth) => {
      const { actor, userId } = await almostThere();
      const create = () => outcome(auth.organizations.create({ actor, userId }));
      return tally(await Promise.all(Array.from({ length: 20 }, create)));
    };

    test("twenty at once, where one is left: one", async () => {
      expect(await atOnce(world.auth)).toEqual({ done: 1, too_many_requests: 19 });
    });

    test("without the lock of the user: more than one", async () => {
      const auth = twin(withoutEarlierLock);
      await untilItLeaks(100, async () => ((await atOnce(auth)).done ?? 0) - 1);
    });
  });

  test("a user who is added while they are revoked, 40 rounds: no membership is left", async () => {
    for (let round = 0; round < 40; round++) {
      const { organizationId } = await form();
      const { userId } = await world.person();
      const add = () => outcome(world.auth.memberships.add({ actor: system, organizationId, userId, role: "member" }));
      const revoke = () => outcome(world.auth.users.revoke({ actor: system, userId }));
      await Promise.all(round % 2 ? [add(), revoke()] : [revoke(), add()]);
      expect(await members(organizationId)).toHaveLength(1);
    }
  });

  test("a member is added while the organization ends, 40 rounds: no membership is left", async () => {
    for (let round = 0; round < 40; round++) {
      const owner = await form();
      const { organizationId } = owner;
      const { userId } = await world.person();
      const add = () => outcome(world.auth.memberships.add({ actor: system, organizationId, userId, role: "member" }));
      const end = () => outcome(world.auth.organizations.revoke(owner));
      await Promise.all(round % 2 ? [add(), end()] : [end(), add()]);
      expect(await members(organizationId)).toEqual([]);
    }
  });

  test("a role changes while the accounts merge, 30 rounds: the kept account has it, or the change is refused", async () => {
    for (let round = 0; round < 30; round++) {
      const { organizationId, ...owner } = await form();
      const [person, kept] = [await join(organizationId, "guest"), await world.person({ password: otherPassword })];
      const [changed] = await Promise.all([
        outcome(world.auth.memberships.changeRole({ ...owner, membershipId: person.membershipId, role: "admin" })),
        outcome(world.auth.merging.merge({ actor: person.actor, into: kept.actor })),
      ]);
      const role = changed === "done" ? "admin" : "guest";
      expect(await members(organizationId)).toContain(`${uuidFor("usr", kept.userId)} ${role}`);
    }
  });

  /** Another SDK, which locks the one row, and then ends it if it is not the last owner's. */
  const leaveElsewhere = async (owner: Member) => {
    const id = uuidFor("mem", owner.membershipId);
    await world.database.batch([sql`select id from mem where id = ${id}::uuid for update`, endElsewhere(owner)]);
  };
  const endElsewhere = ({ membershipId, userId, organizationId }: Member) => {
    const [id, org] = [uuidFor("mem", membershipId), uuidFor("org", organizationId)];
    return sql`
        with ended as (
          update mem set status = 'revoked' where id = ${id}::uuid and status = 'active'
            and exists (select from mem other where other.org_id = ${org}::uuid and other.id <> ${id}::uuid
              and other.role = 'owner' and other.status = 'active')
          returning *)
        delete from tup using ended where tup.object_type = 'org' and tup.object_id = ended.org_id
          and tup.subject_id = ${uuidFor("usr", userId)}::uuid and tup.relation = ended.role`;
  };

  describe("an owner leaves by another SDK while the other one goes", () => {
    const goes: Record<string, (auth: FullAuth, owner: Member) => Promise<unknown>> = {
      leave: (auth, owner) => auth.memberships.leave(owner),
      demote: (auth, owner) => auth.memberships.changeRole({ ...owner, role: "admin" }),
      suspend: (auth, owner) => auth.memberships.suspend({ ...owner, actor: system }),
      "close the account": (auth, { userId }) => auth.users.revoke({ actor: system, userId }),
    };
    const both = async (auth: FullAuth, go: (auth: FullAuth, owner: Member) => Promise<unknown>) => {
      const { all } = await withOwners(2);
      const [code] = await Promise.all([outcome(go(auth, all[0]!)), leaveElsewhere(all[1]!)]);
      expect(["done", "conflict.sole_owner"]).toContain(code);
      return await owners(all[0]!.organizationId);
    };

    test.each(Object.keys(goes))("%s, 40 rounds: an owner stays", async (name) => {
      for (let round = 0; round < 40; round++) expect(await both(world.auth, goes[name]!)).toBe(1);
    });

    /** The other SDK has begun first, and commits last. */
    const elsewhereFirst = async (go: (owner: Member) => Promise<unknown>) => {
      const { all } = await withOwners(2);
      const held = await holdLock(world.backend.connectionString!, endElsewhere(all[1]!));
      const gone = outcome(go(all[0]!));
      await Promise.race([gone, held.waiting(1)]);
      await held.commit();
      return [await gone, await owners(all[0]!.organizationId)];
    };

    test.each(Object.keys(goes))("%s, while the other SDK has not committed: refused", async (name) => {
      expect(await elsewhereFirst((owner) => goes[name]!(world.auth, owner))).toEqual(["conflict.sole_owner", 1]);
    });

    test.each(Object.keys(goes))("%s, without the lock of the owners: none stays", async (name) => {
      const auth = twin(withoutOwners);
      expect(await elsewhereFirst((owner) => goes[name]!(auth, owner))).toEqual(["done", 0]);
    });
  });

  test("another SDK suspends a member while the accounts merge: the kept account gets no role", async () => {
    for (const isKept of [false, true]) {
      const { organizationId } = await form();
      const [person, kept] = [await join(organizationId, "admin"), await world.person({ password: otherPassword })];
      const suspended = isKept ? await join(organizationId, "guest", kept) : person;
      const held = await holdLock(
        world.backend.connectionString!,
        sql`
          with held as (
            update mem set status = 'suspended' where id = ${uuidFor("mem", suspended.membershipId)}::uuid returning *)
          delete from tup using held where tup.object_type = 'org' and tup.object_id = held.org_id
            and tup.subject_id = held.usr_id and tup.relation = held.role`,
      );
      const merged = outcome(world.auth.merging.merge({ actor: person.actor, into: kept.actor }));
      await held.waiting(1);
      await held.commit();
      expect(await merged).toBe("done");
      expect(await members(organizationId)).toHaveLength(1);
    }
  });

  test("another SDK gives a user another role while the user ends: nothing of it stays", async () => {
    const { organizationId } = await form();
    const member = await join(organizationId, "member");
    const [id, org, user] = [
      uuidFor("mem", member.membershipId),
      uuidFor("org", organizationId),
      uuidFor("usr", member.userId),
    ];
    const held = await holdLock(
      world.backend.connectionString!,
      sql`
        with ended as (update mem set status = 'revoked' where id = ${id}::uuid returning *),
        parted as (delete from tup where object_id = ${org}::uuid and subject_id = ${user}::uuid),
        made as (
          insert into mem (id, usr_id, org_id, role, replaces)
          select ${newUuid()}::uuid, usr_id, org_id, 'admin', id from ended returning *)
        insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
        select ${newUuid()}::uuid, 'usr', usr_id, role, 'org', org_id from made`,
    );
    const revoked = outcome(world.auth.users.revoke({ actor: system, userId: member.userId }));
    await held.waiting(1);
    await held.commit();
    expect(await revoked).toBe("done");
    expect(await members(organizationId)).toHaveLength(1);
  });

  test("the end of a user waits for the organizations that have suspended them, too", async () => {
    const { organizationId } = await form();
    const member = await join(organizationId, "member");
    await world.auth.memberships.suspend({ actor: system, membershipId: member.membershipId });
    const held = await holdLock(
      world.backend.connectionString!,
      sql`select from org where id = ${uuidFor("org", organizationId)}::uuid for no key update`,
    );
    const revoked = outcome(world.auth.users.revoke({ actor: system, userId: member.userId }));
    await held.waiting(1);
    await held.release();
    expect(await revoked).toBe("done");
  });

  /** Another SDK, which locks the one row. */
  const revokedElsewhere = async ({ membershipId, userId, organizationId }: Member, role: string) =>
    await world.database.batch([
      sql`select id from mem where id = ${uuidFor("mem", membershipId)}::uuid for update`,
      sql`update mem set status = 'revoked' where id = ${uuidFor("mem", membershipId)}::uuid and status = 'active'`,
      sql`delete from tup where object_type = 'org' and object_id = ${uuidFor("org", organizationId)}::uuid
        and subject_id = ${uuidFor("usr", userId)}::uuid and relation = ${role}`,
    ]);

  test("another SDK removes the heir while ownership is handed over, 40 rounds: memberships and tuples agree", async () => {
    for (let round = 0; round < 40; round++) {
      const { all, member } = await withOwners(1);
      const hand = () =>
        outcome(
          world.auth.memberships.transferOwnership({
            ...all[0]!,
            fromMembershipId: all[0]!.membershipId,
            toMembershipId: member.membershipId,
          }),
        );
      const [code] = await Promise.all([hand(), revokedElsewhere(member, "member")]);
      expect(["done", "precondition.to_not_active"]).toContain(code);
      expect(await owners(all[0]!.organizationId)).toBe(1);
    }
  });
});
