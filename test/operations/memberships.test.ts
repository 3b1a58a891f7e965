/** Flametrench `docs/tenancy.md`, memberships. @module */
import { describe, expect, test } from "vitest";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import { type Role, roles } from "../../src/domain/membership.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, otherPassword, outcome, refusal, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { type Member, organizationsIn } from "../support/organizations.ts";

/** Every pair of a member who acts and a member, or role, that the act is about. */
const pairs = roles.flatMap((own) => roles.map((other) => ({ own, other })));
const rank = (role: Role) => roles.indexOf(role);

describeWorld("memberships", { on: ["pglite", "postgres"] }, (world, auth) => {
  const { form, join, members, owners, named, addBeside } = organizationsIn(world);
  const of = ({ actor }: Pick<Member, "actor">, { membershipId }: Member) => ({ actor, membershipId });

  /** What an owner or admin may do to members up to their own rank, and others may not. */
  const expected = (own: Role, ...others: Role[]) =>
    rank(own) > rank("admin")
      ? "forbidden"
      : others.some((other) => rank(other) < rank(own))
        ? "forbidden.role_hierarchy"
        : "done";

  /** An organization with an owner who stays, a member who acts and one who is acted on. */
  async function three(own: Role, other: Role): Promise<[Member, Member]> {
    const { organizationId } = await form();
    return [await join(organizationId, own), await join(organizationId, other)];
  }

  describe("giving or taking ownership needs a proof of the last ten minutes, as ending the organization does", () => {
    type Asked = { owner: Member; second: Member; member: Member };
    const acts: Readonly<Record<string, (asked: Asked, role: Role) => Promise<unknown>>> = {
      adding: async ({ owner: { actor, organizationId } }, role) =>
        await auth.memberships.add({ actor, organizationId, userId: (await world.person()).userId, role }),
      inviting: ({ owner: { actor, organizationId } }, role) =>
        auth.organizationInvitations.create({ actor, organizationId, identifier: freshIdentifier(), role }),
      "changing the role": ({ owner, member }, role) => auth.memberships.changeRole({ ...of(owner, member), role }),
      "changing an owner's role": ({ owner, second, member }, role) =>
        auth.memberships.changeRole({ ...of(owner, role === "owner" ? second : member), role: "guest" }),
      suspending: ({ owner, second, member }, role) =>
        auth.memberships.suspend(of(owner, role === "owner" ? second : member)),
      reinstating: async ({ owner, second, member }, role) => {
        const { membershipId } = role === "owner" ? second : member;
        await auth.memberships.suspend({ actor: system, membershipId });
        return await auth.memberships.reinstate({ actor: owner.actor, membershipId });
      },
    };

    test.each(Object.entries(acts))("%s", async (_name, act) => {
      const owner = await form();
      const second = await join(owner.organizationId, "owner");
      const member = await join(owner.organizationId, "member");
      const asked = { owner, second, member };
      await world.age(owner.session, 601);
      expect(await outcome(act(asked, "owner"))).toBe("unauthorized.reauthentication_required");
      expect(await outcome(act(asked, "admin"))).toBe("done");
    });

    test.each(Object.entries(acts))("%s, after a proof", async (_name, act) => {
      const owner = await form();
      const second = await join(owner.organizationId, "owner");
      const member = await join(owner.organizationId, "member");
      expect(await outcome(act({ owner, second, member }, "owner"))).toBe("done");
    });
  });

  describe("who may", () => {
    test.each(pairs)("$own adds $other", async ({ own, other }) => {
      const { organizationId } = await form();
      const { actor } = await join(organizationId, own);
      const { userId } = await world.person();
      const added = auth.memberships.add({ actor, organizationId, userId, role: other });
      expect(await outcome(added)).toBe(expected(own, other));
    });

    test.each(pairs)("$own suspends and reinstates $other", async ({ own, other }) => {
      const [actor, member] = await three(own, other);
      expect(await outcome(auth.memberships.suspend(of(actor, member)))).toBe(expected(own, other));
      if (expected(own, other) !== "done") await auth.memberships.suspend(of({ actor: system } as never, member));
      expect(await outcome(auth.memberships.reinstate(of(actor, member)))).toBe(expected(own, other));
    });

    test.each(pairs)("$own removes $other; an owner is never removed", async ({ own, other }) => {
      const [actor, member] = await three(own, other);
      const code = expected(own, other);
      const removed = outcome(auth.memberships.remove(of(actor, member)));
      expect(await removed).toBe(code === "done" && other === "owner" ? "forbidden.role_hierarchy" : code);
    });

    test.each(pairs)("$own makes a member $other", async ({ own, other }) => {
      const [actor, member] = await three(own, "member");
      const changed = outcome(auth.memberships.changeRole({ ...of(actor, member), role: other }));
      expect(await changed).toBe(expected(own, other));
    });

    test.each(pairs)("$own makes $other a guest", async ({ own, other }) => {
      const [actor, member] = await three(own, other);
      const changed = outcome(auth.memberships.changeRole({ ...of(actor, member), role: "guest" }));
      expect(await changed).toBe(expected(own, other));
    });

    test.each(roles)("%s hands ownership over: only an owner, and only their own", async (own) => {
      const { organizationId, membershipId: fromMembershipId } = await form();
      const [member, heir] = [await join(organizationId, own), await join(organizationId, "guest")];
      const hand = (actor: Member["actor"], from = fromMembershipId) =>
        outcome(
          auth.memberships.transferOwnership({
            actor,
            organizationId,
            fromMembershipId: from,
            toMembershipId: heir.membershipId,
          }),
        );
      expect(await hand(member.actor)).toBe("forbidden");
      expect(await hand(member.actor, member.membershipId)).toBe(own === "owner" ? "done" : "forbidden");
    });

    test.each(roles)("%s lists members and reads them: not a guest, and without an event", async (own) => {
      const [{ actor, organizationId }, member] = await three(own, "member");
      const code = own === "guest" ? "forbidden" : "done";
      expect(await outcome(auth.memberships.list({ actor, organizationId }))).toBe(code);
      expect(await outcome(auth.memberships.get(of({ actor }, member)))).toBe(code);
      const history = rank(own) <= rank("admin") ? "done" : "forbidden";
      expect(await outcome(auth.memberships.history(of({ actor }, member)))).toBe(history);
      const events = await world.events({ target: member.membershipId });
      expect(events.filter(({ outcome: how, action }) => how === "success" && action !== "tenancy.mem.create")).toEqual(
        [],
      );
    });

    test("a guest reads their own membership; a stranger finds none", async () => {
      const { organizationId } = await form();
      const guest = await join(organizationId, "guest");
      const stranger = await form();
      expect((await auth.memberships.get(guest)).role).toBe("guest");
      expect((await auth.memberships.history(guest)).data).toHaveLength(1);
      const acts = [
        auth.memberships.get,
        auth.memberships.history,
        auth.memberships.suspend,
        auth.memberships.reinstate,
        auth.memberships.leave,
        auth.memberships.remove,
      ];
      for (const act of acts) {
        expect(await outcome(act(of(stranger, guest)))).toBe("not_found");
        expect(await outcome(act({ actor: stranger.actor, membershipId: generateId("mem") }))).toBe("not_found");
      }
      expect(await outcome(auth.memberships.changeRole({ ...of(stranger, guest), role: "admin" }))).toBe("not_found");
      const { actor } = stranger;
      const added = auth.memberships.add({ actor, organizationId, userId: stranger.userId, role: "guest" });
      expect(await outcome(added)).toBe("not_found");
      expect(await outcome(auth.memberships.listOfUser({ actor, userId: guest.userId }))).toBe("not_found");
    });

    test("a member of one organization finds no membership of another under its id", async () => {
      const [one, two] = [await form(), await form()];
      const member = await join(two.organizationId, "member");
      const asked = { actor: system, membershipId: member.membershipId, organizationId: one.organizationId };
      for (const act of ["get", "history", "suspend", "reinstate", "leave", "remove"] as const) {
        expect(await outcome(auth.memberships[act](asked))).toBe("not_found");
      }
      expect(await outcome(auth.memberships.changeRole({ ...asked, role: "guest" }))).toBe("not_found");
      const transfer = auth.memberships.transferOwnership({
        actor: one.actor,
        organizationId: one.organizationId,
        fromMembershipId: one.membershipId,
        toMembershipId: member.membershipId,
      });
      expect(await outcome(transfer)).toBe("not_found");
    });

    test("an administrator looks, removes and hands over, and changes nothing else", async () => {
      const owner = await form();
      const { organizationId } = owner;
      const [member, heir] = [await join(organizationId, "member"), await join(organizationId, "member")];
      const { actor, userId } = await world.administrator();
      const asked = of({ actor }, member);
      expect(await outcome(auth.memberships.get(asked))).toBe("done");
      expect(await outcome(auth.memberships.history(asked))).toBe("done");
      expect(await outcome(auth.memberships.list({ actor, organizationId }))).toBe("done");
      expect(await outcome(auth.memberships.listOfUser({ actor, userId: member.userId }))).toBe("done");
      const reads = await world.events({ actor: userId });
      expect(reads.filter(({ action }) => action.startsWith("tenancy.")).map(({ action }) => action)).toEqual([
        "tenancy.mem.read",
        "tenancy.mem.history",
        "tenancy.mem.list",
        "tenancy.mem.list_of_user",
      ]);
      expect(await outcome(auth.memberships.add({ actor, organizationId, userId, role: "guest" }))).toBe("forbidden");
      expect(await outcome(auth.memberships.changeRole({ ...asked, role: "admin" }))).toBe("forbidden");
      expect(await outcome(auth.memberships.suspend(asked))).toBe("forbidden");
      expect(await outcome(auth.memberships.leave(asked))).toBe("forbidden");
      expect(await auth.memberships.remove(asked)).toMatchObject({ status: "revoked", removedBy: userId });
      const { to } = await auth.memberships.transferOwnership({
        actor,
        organizationId,
        fromMembershipId: owner.membershipId,
        toMembershipId: heir.membershipId,
      });
      expect(to).toMatchObject({ userId: heir.userId, role: "owner" });
    });
  });

  describe("add", () => {
    test("a member has a membership, its tuple and one event", async () => {
      const owner = await form();
      const { organizationId, actor, userId: ownerId } = owner;
      const person = await world.person();
      const added = await auth.memberships.add({ actor, organizationId, userId: person.userId, role: "editor" });
      expect(added).toMatchObject({ role: "editor", status: "active", invitedBy: ownerId, replaces: null });
      expect(await members(organizationId)).toEqual([named(owner, "owner"), named(person, "editor")].sort());
      const [event] = await world.events({ target: added.id });
      expect(event).toMatchObject({
        action: "tenancy.mem.create",
        metadata: { org: organizationId, usr: person.userId, role: "editor" },
      });
    });

    test("again, or while suspended: conflict.duplicate_membership", async () => {
      const { organizationId } = await form();
      const member = await join(organizationId, "member");
      const again = () => refusal(join(organizationId, "guest", member));
      expect(await again()).toMatchObject({
        code: "conflict.duplicate_membership",
        name: "DuplicateMembershipError",
      });
      await auth.memberships.suspend({ actor: system, membershipId: member.membershipId });
      expect((await again()).code).toBe("conflict.duplicate_membership");
    });

    test("to an absent, a suspended and an ended organization, of a user who is absent or not active: refused", async () => {
      const { organizationId } = await form();
      const person = await world.person();
      const add = (id = organizationId, userId = person.userId) =>
        outcome(auth.memberships.add({ actor: system, organizationId: id, userId, role: "member" }));
      expect(await add(generateId("org"))).toBe("not_found");
      expect(await add(organizationId, generateId("usr"))).toBe("not_found");
      await auth.organizations.suspend({ actor: system, organizationId });
      expect(await add()).toBe("precondition.org_not_active");
      await auth.organizations.revoke({ actor: system, organizationId });
      expect(await add()).toBe("precondition.org_not_active");
      const other = await form();
      await auth.users.suspend({ actor: system, userId: person.userId });
      expect(await add(other.organizationId)).toBe("precondition.user_not_active");
    });

    test("a tuple that another hand wrote serves, and goes with the membership", async () => {
      const { organizationId } = await form();
      const person = await world.person();
      await world.rows(sql`
        insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
        values (${uuidFor("tup", generateId("tup"))}::uuid, 'usr', ${uuidFor("usr", person.userId)}::uuid, 'guest', 'org',
          ${uuidFor("org", organizationId)}::uuid)`);
      const member = await join(organizationId, "guest", person);
      await members(organizationId);
      await auth.memberships.leave(member);
      expect(await owners(organizationId)).toBe(1);
    });
  });

  describe("another role", () => {
    test("is a new membership that replaces the old one, with its tuple; the history has both", async () => {
      const { organizationId, ...owner } = await form();
      const member = await join(organizationId, "member");
      const admin = await auth.memberships.changeRole({ ...of(owner, { ...member }), role: "admin" });
      expect(admin).toMatchObject({ role: "admin", status: "active", replaces: member.membershipId });
      expect(await auth.memberships.get(member)).toMatchObject({ role: "member", status: "revoked" });
      expect(await members(organizationId)).toContain(named(member, "admin"));
      const guest = await auth.memberships.changeRole({ ...owner, membershipId: admin.id, role: "guest" });
      const { data } = await auth.memberships.history({ ...owner, membershipId: guest.id });
      expect(data.map(({ role, status }) => `${role} ${status}`)).toEqual([
        "guest active",
        "admin revoked",
        "member revoked",
      ]);
      const [event] = await world.events({ target: admin.id, action: "tenancy.mem.change_role" });
      expect(event!.metadata).toMatchObject({ from: "admin", to: "guest" });
    });

    test("the role that they have: nothing changes, and no event", async () => {
      const { organizationId, actor } = await form();
      const member = await join(organizationId, "member");
      const same = await auth.memberships.changeRole({ ...of({ actor }, member), role: "member" });
      expect(same).toMatchObject({ id: member.membershipId, status: "active" });
      expect(await world.events({ target: member.membershipId, action: "tenancy.mem.change_role" })).toEqual([]);
    });

    test("of a membership that is suspended or has ended: precondition.mem_not_active", async () => {
      const { organizationId } = await form();
      const member = await join(organizationId, "member");
      const change = () => outcome(auth.memberships.changeRole({ ...member, actor: system, role: "guest" }));
      await auth.memberships.suspend({ ...member, actor: system });
      expect(await change()).toBe("precondition.mem_not_active");
      await auth.memberships.remove({ ...member, actor: system });
      expect(await change()).toBe("precondition.mem_not_active");
    });
  });

  describe("suspend and reinstate", () => {
    test("the role is gone meanwhile, and comes back", async () => {
      const { organizationId, ...owner } = await form();
      const member = await join(organizationId, "admin");
      expect((await auth.memberships.suspend(of(owner, member))).status).toBe("suspended");
      expect(await members(organizationId)).toEqual([named(owner, "owner")]);
      expect(await outcome(auth.memberships.suspend(of(owner, member)))).toBe("precondition.mem_not_active");
      expect((await auth.memberships.reinstate(of(owner, member))).status).toBe("active");
      expect(await members(organizationId)).toContain(named(member, "admin"));
      expect(await outcome(auth.memberships.reinstate(of(owner, member)))).toBe("precondition.invalid_transition");
      await auth.memberships.leave(member);
      expect(await outcome(auth.memberships.suspend(of(owner, member)))).toBe("conflict.already_terminal");
    });

    test("of a user who is not active, or beside another membership: refused", async () => {
      const { organizationId } = await form();
      const [member, doubled] = [await join(organizationId, "member"), await join(organizationId, "member")];
      for (const { membershipId } of [member, doubled]) await auth.memberships.suspend({ actor: system, membershipId });
      await auth.users.suspend({ actor: system, userId: member.userId });
      expect(await outcome(auth.memberships.reinstate({ ...member, actor: system }))).toBe(
        "precondition.user_not_active",
      );
      // Another SDK lets a suspended member be added again.
      await addBeside(doubled);
      const error = await refusal(auth.memberships.reinstate({ ...doubled, actor: system }));
      expect(error.code).toBe("conflict.duplicate_membership");
    });
  });

  describe("the last owner", () => {
    test("does not leave, step down or get suspended: conflict.sole_owner", async () => {
      const owner = await form();
      await join(owner.organizationId, "admin");
      for (const attempt of [
        () => auth.memberships.leave(owner),
        () => auth.memberships.changeRole({ ...owner, role: "admin" }),
        () => auth.memberships.suspend(owner),
        () => auth.users.revokeOwn({ ...owner, currentPassword: owner.password }),
        () => auth.users.revoke({ ...owner, actor: system }),
      ]) {
        expect(await refusal(attempt())).toMatchObject({ code: "conflict.sole_owner", name: "SoleOwnerError" });
      }
      expect(await owners(owner.organizationId)).toBe(1);
    });

    test("an owner whose account is suspended does not count", async () => {
      const owner = await form();
      const other = await join(owner.organizationId, "owner");
      await auth.users.suspend({ actor: system, userId: other.userId });
      expect(await outcome(auth.memberships.leave(owner))).toBe("conflict.sole_owner");
      await auth.users.reinstate({ actor: system, userId: other.userId });
      expect(await outcome(auth.memberships.leave(owner))).toBe("done");
    });

    test("leaves with an heir, who is an owner then", async () => {
      const owner = await form();
      const heir = await join(owner.organizationId, "guest");
      const left = await auth.memberships.leave({ ...owner, transferTo: heir.userId });
      expect(left).toMatchObject({ id: owner.membershipId, status: "revoked", removedBy: null });
      expect(await members(owner.organizationId)).toEqual([named(heir, "owner")]);
      const { data } = await auth.memberships.listOfUser(heir);
      expect(data).toMatchObject([{ role: "owner", replaces: heir.membershipId, organization: { status: "active" } }]);
      const [event] = await world.events({ target: owner.membershipId, action: "tenancy.mem.leave" });
      expect(event!.metadata).toMatchObject({ heir: heir.userId });
    });

    test("the heir is no member, suspended, a suspended user, or the leaver: refused; without a fresh proof too", async () => {
      const owner = await form();
      const { organizationId } = owner;
      const [stranger, suspended, inactive, heir] = [
        await world.person(),
        await join(organizationId, "admin"),
        await join(organizationId, "admin"),
        await join(organizationId, "admin"),
      ];
      await auth.memberships.suspend({ actor: system, membershipId: suspended.membershipId });
      await auth.users.suspend({ actor: system, userId: inactive.userId });
      const leave = (transferTo: typeof owner.userId) => outcome(auth.memberships.leave({ ...owner, transferTo }));
      for (const { userId } of [stranger, suspended, inactive]) expect(await leave(userId)).toBe("not_found");
      expect(await leave(owner.userId)).toBe("precondition.self_transfer");
      await world.age(owner.session, 601);
      expect(await leave(heir.userId)).toBe("unauthorized.reauthentication_required");
      expect(await owners(organizationId)).toBe(1);
    });

    test("beside another owner, the heir is not read", async () => {
      const owner = await form();
      const other = await join(owner.organizationId, "owner");
      const guest = await join(owner.organizationId, "guest");
      await auth.memberships.leave({ ...owner, transferTo: guest.userId });
      expect(await members(owner.organizationId)).toEqual([named(other, "owner"), named(guest, "guest")].sort());
    });

    test("leaves a suspended organization with an heir too", async () => {
      const owner = await form();
      const heir = await join(owner.organizationId, "member");
      await auth.organizations.suspend({ actor: system, organizationId: owner.organizationId });
      expect(await outcome(auth.memberships.leave(owner))).toBe("conflict.sole_owner");
      expect(await outcome(auth.memberships.leave({ ...owner, transferTo: heir.userId }))).toBe("done");
    });
  });

  describe("handing over", () => {
    const pair = async () => {
      const owner = await form();
      const heir = await join(owner.organizationId, "guest");
      const asked = {
        actor: owner.actor,
        organizationId: owner.organizationId,
        fromMembershipId: owner.membershipId,
        toMembershipId: heir.membershipId,
      };
      return { owner, heir, asked };
    };

    test("both memberships are new, and replace the old ones", async () => {
      const { owner, heir, asked } = await pair();
      const { from, to } = await auth.memberships.transferOwnership(asked);
      expect(from).toMatchObject({ role: "member", userId: owner.userId, replaces: owner.membershipId });
      expect(to).toMatchObject({ role: "owner", userId: heir.userId, replaces: heir.membershipId });
      expect(await members(owner.organizationId)).toEqual([named(owner, "member"), named(heir, "owner")].sort());
    });

    test("to another owner: the first one becomes a member, and the other one stays", async () => {
      const { owner, asked } = await pair();
      const other = await join(owner.organizationId, "owner");
      const { from, to } = await auth.memberships.transferOwnership({ ...asked, toMembershipId: other.membershipId });
      expect(from.role).toBe("member");
      expect(to.id).toBe(other.membershipId);
    });

    test("refused: to oneself, from or to a membership that is not active, without a fresh proof", async () => {
      const { owner, heir, asked } = await pair();
      const { organizationId } = owner;
      const hand = (more: Partial<typeof asked>) =>
        refusal(auth.memberships.transferOwnership({ ...asked, actor: system as never, ...more }));
      const toSelf = await hand({ toMembershipId: owner.membershipId });
      expect(toSelf).toMatchObject({ code: "precondition.self_transfer", name: "PreconditionError" });
      const turned = { fromMembershipId: heir.membershipId, toMembershipId: owner.membershipId };
      expect((await hand(turned)).code).toBe("precondition.from_not_owner");
      await auth.memberships.suspend({ actor: system, membershipId: heir.membershipId });
      expect((await hand({})).code).toBe("precondition.to_not_active");
      expect((await hand(turned)).code).toBe("precondition.from_not_active");
      await auth.memberships.reinstate({ actor: system, membershipId: heir.membershipId });
      await auth.users.suspend({ actor: system, userId: heir.userId });
      expect((await hand({})).code).toBe("precondition.to_not_active");
      await auth.users.reinstate({ actor: system, userId: heir.userId });
      await world.age(owner.session, 601);
      expect((await hand({ actor: owner.actor })).code).toBe("unauthorized.reauthentication_required");
      await auth.organizations.suspend({ actor: system, organizationId });
      expect((await hand({})).code).toBe("precondition.org_not_active");
      expect(await members(organizationId)).toEqual([named(owner, "owner"), named(heir, "guest")].sort());
    });
  });

  test("a suspended organization changes no member", async () => {
    const { organizationId } = await form();
    const [member, held] = [await join(organizationId, "member"), await join(organizationId, "member")];
    await auth.memberships.suspend({ actor: system, membershipId: held.membershipId });
    await auth.organizations.suspend({ actor: system, organizationId });
    const asked = { actor: system, membershipId: member.membershipId };
    for (const attempt of [
      () => auth.memberships.changeRole({ ...asked, role: "admin" }),
      () => auth.memberships.suspend(asked),
      () => auth.memberships.reinstate({ actor: system, membershipId: held.membershipId }),
      () => auth.memberships.remove(asked),
    ]) {
      expect(await outcome(attempt())).toBe("precondition.org_not_active");
    }
  });

  test("removal names who removed; of a suspended member too; again: conflict.already_terminal", async () => {
    const { organizationId, actor, userId } = await form();
    const member = await join(organizationId, "member");
    await auth.memberships.suspend(of({ actor }, member));
    const removed = await auth.memberships.remove(of({ actor }, member));
    expect(removed).toMatchObject({ status: "revoked", removedBy: userId });
    const again = await refusal(auth.memberships.remove(of({ actor }, member)));
    expect(again).toMatchObject({ code: "conflict.already_terminal", name: "AlreadyTerminalError" });
  });

  test("leaving twice: precondition.mem_not_active; then the user may join again", async () => {
    const { organizationId } = await form();
    const member = await join(organizationId, "member");
    await auth.memberships.leave(member);
    expect(await outcome(auth.memberships.leave(member))).toBe("precondition.mem_not_active");
    const again = await join(organizationId, "guest", member);
    expect(await auth.memberships.get(again)).toMatchObject({ replaces: null, status: "active" });
  });

  describe("lists", () => {
    test("pages of members in order, in every state or one", async () => {
      const owner = await form();
      const { organizationId, actor } = owner;
      const joined = [
        await join(organizationId, "member"),
        await join(organizationId, "guest"),
        await join(organizationId, "guest"),
      ];
      await auth.memberships.suspend(of({ actor }, joined[1]!));
      const ids = [owner, ...joined].map(({ membershipId }) => membershipId);
      const first = await auth.memberships.list({ actor, organizationId, limit: 3 });
      expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 3));
      const rest = await auth.memberships.list({ actor, organizationId, cursor: first.nextCursor! });
      expect(rest).toMatchObject({ data: [{ id: ids[3] }], nextCursor: null });
      const suspended = await auth.memberships.list({ actor, organizationId, status: "suspended" });
      expect(suspended.data.map(({ id }) => id)).toEqual([ids[2]]);
      expect(await outcome(auth.memberships.list({ actor, organizationId, cursor: "org_1" }))).toBe(
        "invalid_format.cursor",
      );
    });

    test("a user's memberships that count, each with its organization", async () => {
      const person = await world.person();
      const [one, two, three] = [await form(), await form(), await form()];
      const memberships = [
        await join(one.organizationId, "guest", person),
        await join(two.organizationId, "admin", person),
        await join(three.organizationId, "member", person),
      ];
      await auth.memberships.leave(memberships[2]!);
      await auth.organizations.suspend({ actor: system, organizationId: one.organizationId });
      const first = await auth.memberships.listOfUser({ ...person, limit: 1 });
      expect(first.data).toMatchObject([{ role: "guest", organization: { status: "suspended", slug: null } }]);
      const { data } = await auth.memberships.listOfUser({ ...person, cursor: first.nextCursor! });
      expect(data).toMatchObject([{ id: memberships[1]!.membershipId, organization: { status: "active" } }]);
    });
  });

  describe("the end of a user", () => {
    test("ends their memberships with the tuples, active or suspended", async () => {
      const { organizationId } = await form();
      const person = await world.person();
      const member = await join(organizationId, "admin", person);
      const held = await join((await form()).organizationId, "guest", person);
      await auth.memberships.suspend({ actor: system, membershipId: held.membershipId });
      await auth.users.revokeOwn({ ...person, currentPassword: person.password });
      for (const { membershipId } of [member, held]) {
        expect((await auth.memberships.get({ actor: system, membershipId })).status).toBe("revoked");
      }
      expect(await owners(organizationId)).toBe(1);
      expect(await members(organizationId)).toHaveLength(1);
    });

    test("by another SDK, which knows no organizations: the same", async () => {
      const { organizationId } = await form();
      const member = await join(organizationId, "admin");
      await world.rows(sql`update usr set status = 'revoked' where id = ${uuidFor("usr", member.userId)}::uuid`);
      expect(await members(organizationId)).toHaveLength(1);
    });

    test("a suspended user keeps them, and their role counts again after the reinstatement", async () => {
      const { organizationId } = await form();
      const member = await join(organizationId, "admin");
      await auth.users.suspend({ actor: system, userId: member.userId });
      expect(await members(organizationId)).toContain(named(member, "admin"));
    });
  });

  describe("merging two accounts", () => {
    test("the stronger role of each organization is kept; the tuples agree", async () => {
      const [person, kept] = [await world.person(), await world.person({ password: otherPassword })];
      const [only, both, weaker] = [await form(), await form(), await form()];
      await join(only.organizationId, "editor", person);
      await join(both.organizationId, "admin", person);
      const lesser = await join(both.organizationId, "guest", kept);
      await join(weaker.organizationId, "guest", person);
      const stays = await join(weaker.organizationId, "member", kept);
      const sole = await form(person);
      await auth.merging.merge({ actor: person.actor, into: kept.actor });
      for (const { organizationId } of [only, both, weaker, sole]) await members(organizationId);
      expect(await members(only.organizationId)).toContain(named(kept, "editor"));
      expect(await members(both.organizationId)).toContain(named(kept, "admin"));
      expect(await members(weaker.organizationId)).toContain(named(kept, "member"));
      expect(await members(sole.organizationId)).toEqual([named(kept, "owner")]);
      expect((await auth.memberships.get({ actor: system, membershipId: stays.membershipId })).status).toBe("active");
      const { data } = await auth.memberships.listOfUser({ actor: system, userId: kept.userId });
      expect(data.find(({ organizationId }) => organizationId === both.organizationId)).toMatchObject({
        replaces: lesser.membershipId,
      });
    });

    test("is no way around a suspension, and leaves no organization without an owner", async () => {
      const [person, kept] = [await world.person(), await world.person({ password: otherPassword })];
      const { organizationId } = await form();
      await join(organizationId, "admin", person);
      const held = await join(organizationId, "member", kept);
      await auth.memberships.suspend({ actor: system, membershipId: held.membershipId });
      const sole = await form(person);
      const heldThere = await join(sole.organizationId, "guest", kept);
      await auth.memberships.suspend({ actor: system, membershipId: heldThere.membershipId });
      const into = { actor: person.actor, into: kept.actor };
      expect(await outcome(auth.merging.merge(into))).toBe("conflict.sole_owner");
      await auth.organizations.revoke(sole);
      await auth.merging.merge(into);
      expect(await owners(organizationId)).toBe(1);
      expect(await members(organizationId)).toHaveLength(1);
    });
  });
});
