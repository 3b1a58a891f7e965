/** S06, S16, S29: what a member, a former member and an administrator try against an organization. @module */
import { describe, expect, test } from "vitest";
import { systemObjectId } from "../../src/domain/administrator.ts";
import { newUuid, type OrganizationId, uuidFor } from "../../src/domain/id.ts";
import { type Role, roles } from "../../src/domain/membership.ts";

import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, otherPassword, outcome, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { organizationsIn } from "../support/organizations.ts";
import { asksNothing } from "../support/security-policies.ts";

describeWorld(
  "attacks on organizations",
  { on: ["pglite", "postgres"], auth: { organizations: { maxPerUser: 3 } } },
  (world, auth) => {
    const { form, join, members, owners } = organizationsIn(world);

    /** A tuple that another writer of the table puts there, such as another SDK with what an invitation grants in advance. */
    const write = ({ userId }: Person, relation: string, type: string, id: string) =>
      world.rows(sql`
        insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
        values (${newUuid()}::uuid, 'usr', ${uuidFor("usr", userId)}::uuid, ${relation}, ${type}, ${id}::uuid)`);
    const writeRole = (person: Person, role: Role, organizationId: OrganizationId) =>
      write(person, role, "org", uuidFor("org", organizationId));

    describe("a tuple without its membership gives no right", () => {
      test.each(roles)("%s, to a stranger: the organization is absent", async (role) => {
        const owner = await form();
        const { organizationId } = owner;
        const [stranger, member] = [await world.person(), await join(organizationId, "member")];
        await writeRole(stranger, role, organizationId);
        const { actor } = stranger;
        const asked = { actor, organizationId, membershipId: member.membershipId };
        for (const attempt of [
          () => auth.organizations.get(asked),
          () => auth.organizations.update({ ...asked, name: "taken" }),
          () => auth.organizations.revoke(asked),
          () => auth.memberships.list(asked),
          () => auth.memberships.get(asked),
          () => auth.memberships.history(asked),
          () => auth.memberships.add({ ...asked, userId: stranger.userId, role: "guest" }),
          () => auth.memberships.changeRole({ ...asked, role: "guest" }),
          () => auth.memberships.suspend(asked),
          () => auth.memberships.remove(asked),
          () =>
            auth.memberships.transferOwnership({
              ...asked,
              fromMembershipId: owner.membershipId,
              toMembershipId: member.membershipId,
            }),
        ]) {
          expect(await outcome(attempt())).toBe("not_found");
        }
      });

      test("owner, to a member, a suspended and a former one: the rights of their membership", async () => {
        const { organizationId } = await form();
        const [guest, suspended, former] = [
          await join(organizationId, "guest"),
          await join(organizationId, "admin"),
          await join(organizationId, "admin"),
        ];
        await auth.memberships.suspend({ actor: system, membershipId: suspended.membershipId });
        await auth.memberships.leave(former);
        for (const person of [guest, suspended, former]) await writeRole(person, "owner", organizationId);
        const update = ({ actor }: Person) => outcome(auth.organizations.update({ actor, organizationId, name: "x" }));
        expect(await update(guest)).toBe("forbidden");
        expect(await update(suspended)).toBe("not_found");
        expect(await update(former)).toBe("not_found");
        const raised = auth.memberships.changeRole({ ...guest, role: "owner" });
        expect(await outcome(raised)).toBe("forbidden");
      });
    });

    describe("an administrator whom an owner has added", () => {
      test.each(["guest", "member", "viewer"] as const)("as %s: is an administrator all the same", async (role) => {
        const owner = await form();
        const { organizationId } = owner;
        const [member, heir] = [await join(organizationId, "admin"), await join(organizationId, "member")];
        const administrator = await world.administrator();
        await auth.memberships.add({ ...owner, userId: administrator.userId, role });
        const asked = { actor: administrator.actor, organizationId, membershipId: member.membershipId };
        await auth.memberships.history(asked);
        await auth.memberships.remove(asked);
        await auth.memberships.transferOwnership({
          ...asked,
          fromMembershipId: owner.membershipId,
          toMembershipId: heir.membershipId,
        });
        await auth.memberships.list(asked);
        await auth.organizations.revoke(asked);
        // What the relation does not suffice for is an administrator's act, and leaves its event.
        const events = await world.events({ actor: administrator.userId });
        expect(events.map(({ action }) => action)).toContain("tenancy.mem.history");
        expect(events.some(({ action }) => action === "tenancy.mem.list")).toBe(role === "guest");
      });

      test("as guest, without a second factor of the last half hour: refused as anywhere", async () => {
        const owner = await form();
        const administrator = await world.administrator();
        const { userId, actor } = administrator;
        await auth.memberships.add({ ...owner, userId, role: "guest" });
        await world.rows(sql`
          update ses set created_at = created_at - interval '1 hour', auth_time = auth_time - interval '1 hour',
            mfa_verified_at = mfa_verified_at - interval '31 minutes'
          where id = ${uuidFor("ses", administrator.session.id)}::uuid`);
        const { organizationId } = owner;
        const code = "unauthorized.reauthentication_required";
        expect(await outcome(auth.organizations.revoke({ actor, organizationId }))).toBe(code);
        expect(await outcome(auth.memberships.list({ actor, organizationId }))).toBe(code);
      });

      test("as owner, without a second factor: takes no other owner's ownership", async () => {
        const owner = await form();
        const other = await join(owner.organizationId, "owner");
        // Since `grant` demands a second factor, only a row that another hand wrote makes this administrator.
        await write(other, "administrator", "sys", systemObjectId);
        const taken = auth.memberships.transferOwnership({
          ...other,
          fromMembershipId: owner.membershipId,
          toMembershipId: other.membershipId,
        });
        expect(await outcome(taken)).toBe("forbidden");
        expect(await members(owner.organizationId)).toHaveLength(2);
      });
    });

    test("others make a user the owner of many organizations: the user can still form their own", async () => {
      const [attacker, victim] = [await world.person(), await world.person()];
      for (let number = 0; number < 3; number++) {
        const { organizationId } = await form(attacker);
        await auth.memberships.add({ ...attacker, organizationId, userId: victim.userId, role: "owner" });
      }
      for (let number = 0; number < 3; number++) await form(victim);
      expect(await outcome(form(victim))).toBe("precondition.limit_reached");
      expect(await outcome(form(attacker))).toBe("precondition.limit_reached");
    });

    describe("an owner makes a stranger the only owner, under a policy that the stranger cannot meet", () => {
      async function given() {
        const [giver, stranger] = [await form(), await world.person()];
        const { actor, organizationId } = giver;
        await auth.memberships.add({ actor, organizationId, userId: stranger.userId, role: "owner" });
        await auth.organizations.setSecurityPolicy({ ...asksNothing, actor: system, organizationId, require: "mfa" });
        const member = await join(organizationId, "member");
        await auth.organizationInvitations.create({
          actor: system,
          invitedBy: stranger.userId,
          organizationId,
          identifier: freshIdentifier(),
          role: "guest",
        });
        await auth.memberships.leave(giver);
        return { stranger, organizationId, member };
      }
      const statusOf = async (organizationId: OrganizationId) =>
        (await auth.organizations.get({ actor: system, organizationId })).status;

      test("the stranger closes the account, and says that the organization ends with it", async () => {
        const { stranger, organizationId, member } = await given();
        const [own, shared] = [await form(stranger), await form(stranger)];
        await join(shared.organizationId, "owner");
        const close = (endOrganizations?: boolean) =>
          outcome(auth.users.revokeOwn({ ...stranger, currentPassword: stranger.password, endOrganizations }));
        for (const without of [undefined, false]) expect(await close(without)).toBe("conflict.sole_owner");
        expect(await close(true)).toBe("done");
        for (const ended of [organizationId, own.organizationId]) {
          expect([await statusOf(ended), await members(ended)]).toEqual(["revoked", []]);
        }
        expect([await statusOf(shared.organizationId), await owners(shared.organizationId)]).toEqual(["active", 1]);
        expect(await auth.memberships.get({ actor: system, membershipId: member.membershipId })).toMatchObject({
          status: "revoked",
          removedBy: stranger.userId,
        });
        const { data } = await auth.organizationInvitations.list({ actor: system, organizationId });
        expect(data).toMatchObject([{ status: "revoked" }]);
        const [event] = await world.events({ target: stranger.userId, action: "identity.user.revoke" });
        expect(event!.metadata).toEqual({ organizations: [organizationId, own.organizationId].sort() });
      });

      test("a wrong password ends nothing", async () => {
        const { stranger, organizationId } = await given();
        const wrong = { ...stranger, currentPassword: otherPassword, endOrganizations: true };
        expect(await outcome(auth.users.revokeOwn(wrong))).toBe("unauthorized.invalid_credential");
        expect([await statusOf(organizationId), await owners(organizationId)]).toEqual(["active", 1]);
      });

      test("the stranger ends the organization, with a fresh proof, and keeps the account", async () => {
        const { stranger, organizationId } = await given();
        const { actor } = stranger;
        await world.age(stranger.session, 601);
        const end = () => outcome(auth.organizations.revoke({ actor, organizationId }));
        expect(await end()).toBe("unauthorized.reauthentication_required");
        await world.age(stranger.session, 0);
        expect(await end()).toBe("done");
        expect(await outcome(auth.users.revokeOwn({ ...stranger, currentPassword: stranger.password }))).toBe("done");
      });

      test("beside another owner, an owner who does not meet the policy leaves, and ends nothing", async () => {
        const { stranger, organizationId, member } = await given();
        await join(organizationId, "owner");
        for (const { actor } of [stranger, member]) {
          const code = await outcome(auth.organizations.revoke({ actor, organizationId }));
          expect(code).toBe(actor === member.actor ? "forbidden" : "unauthorized.enrollment_required");
        }
        const { data } = await auth.memberships.listOfUser(stranger);
        expect(await outcome(auth.memberships.leave({ ...stranger, membershipId: data[0]!.id }))).toBe("done");
      });

      test("an administrator closes the account of a last owner only by ending the organization", async () => {
        const { stranger, organizationId } = await given();
        const { actor } = await world.administrator();
        const close = (endOrganizations: boolean) =>
          outcome(auth.users.revoke({ actor, userId: stranger.userId, endOrganizations }));
        expect(await close(false)).toBe("conflict.sole_owner");
        expect([await close(true), await statusOf(organizationId)]).toEqual(["done", "revoked"]);
      });
    });

    test("what a suspended organization still lets its owner do: look, rename, leave and end it", async () => {
      const owner = await form();
      const { organizationId } = owner;
      const [member, heir] = [await join(organizationId, "member"), await join(organizationId, "member")];
      const { userId } = await world.person();
      await auth.organizations.suspend({ actor: system, organizationId });
      const ofMember = { actor: owner.actor, organizationId, membershipId: member.membershipId };
      const codes: Record<string, string> = {};
      for (const [name, attempt] of Object.entries({
        get: () => auth.organizations.get(owner),
        update: () => auth.organizations.update({ ...owner, name: "x" }),
        reinstate: () => auth.organizations.reinstate(owner),
        list: () => auth.memberships.list(owner),
        history: () => auth.memberships.history(ofMember),
        add: () => auth.memberships.add({ ...owner, userId, role: "guest" }),
        changeRole: () => auth.memberships.changeRole({ ...ofMember, role: "guest" }),
        suspend: () => auth.memberships.suspend(ofMember),
        remove: () => auth.memberships.remove(ofMember),
        transferOwnership: () =>
          auth.memberships.transferOwnership({
            ...owner,
            fromMembershipId: owner.membershipId,
            toMembershipId: heir.membershipId,
          }),
        leave: () => auth.memberships.leave(heir),
        revoke: () => auth.organizations.revoke(owner),
      })) {
        codes[name] = await outcome(attempt());
      }
      expect(codes).toEqual({
        get: "done",
        update: "done",
        reinstate: "not_found",
        list: "done",
        history: "done",
        add: "precondition.org_not_active",
        changeRole: "precondition.org_not_active",
        suspend: "precondition.org_not_active",
        remove: "precondition.org_not_active",
        transferOwnership: "precondition.org_not_active",
        leave: "done",
        revoke: "done",
      });
    });
  },
);
