/** Flametrench `docs/tenancy.md`, invitations, and ADR 0009. @module */
import { describe, expect, test } from "vitest";
import { generateId, type InvitationId, newUuid, type UserId, uuidFor } from "../../src/domain/id.ts";
import { type Role, roles } from "../../src/domain/membership.ts";
import type { InviteToOrganization } from "../../src/operations/organization-invitations.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  freshName,
  goodPassword,
  outcome,
  type Person,
  system,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { invitedTo, verifyAddress } from "../support/invitations.ts";
import { type Member, organizationsIn } from "../support/organizations.ts";

const invalid = "unauthorized.invalid_link";
const notPending = "conflict.invitation_not_pending";
const rank = (role: Role) => roles.indexOf(role);
const pairs = roles.flatMap((own) => roles.map((given) => ({ own, given })));

describeWorld("invitations to an organization", { on: ["pglite", "postgres"] }, (world) => {
  const { form, join, members, named } = organizationsIn(world);
  const operations = () => world.auth.organizationInvitations;
  const invite = (
    by: Pick<InviteToOrganization, "actor" | "organizationId">,
    more: Partial<InviteToOrganization> = {},
  ) =>
    operations().create({
      actor: by.actor,
      organizationId: by.organizationId,
      identifier: freshIdentifier(),
      role: "member",
      ...more,
    });
  const signUp = (token: string, more: { displayName?: string } = {}) =>
    operations().acceptAsNewUser({ token, password: goodPassword, ...more, context: { address: freshAddress() } });
  const accept = ({ actor }: Pick<Person, "actor">, token: string) => operations().accept({ actor, token });
  const statusOf = async ({ actor, organizationId }: Member, invitationId: `inv_${string}`) =>
    (await operations().get({ actor, organizationId, invitationId })).status;
  const verify = (person: Person) => verifyAddress(world, person);
  /** Makes a tuple as the application does. */
  const hold = async (userId: UserId, relation: string, objectId: string, objectType = "doc") =>
    await world.rows(sql`
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      values (gen_random_uuid(), 'usr', ${uuidFor("usr", userId)}::uuid, ${relation}, ${objectType}, ${objectId}::uuid)`);
  const relationsOf = async (userId: UserId) =>
    (
      await world.rows<{ r: string }>(sql`
        select relation || ' ' || object_type || ' ' || object_id as r from tup where subject_id = ${uuidFor("usr", userId)}::uuid order by 1`)
    ).map(({ r }) => r);

  describe("inviting", () => {
    test.each(pairs)("$own invites $given", async ({ own, given }) => {
      const { organizationId } = await form();
      const { actor } = await join(organizationId, own);
      const code =
        rank(own) > rank("admin") ? "forbidden" : rank(given) < rank(own) ? "forbidden.role_hierarchy" : "done";
      expect(await outcome(invite({ actor, organizationId }, { role: given }))).toBe(code);
    });

    test("a stranger, and any organization that is none: not found; the same for reading, listing and revoking", async () => {
      const owner = await form();
      const { invitation } = await invite(owner);
      const stranger = await form();
      for (const organizationId of [owner.organizationId, generateId("org")]) {
        const asked = { actor: stranger.actor, organizationId };
        expect(await outcome(invite(asked))).toBe("not_found");
        expect(await outcome(operations().list(asked))).toBe("not_found");
      }
      for (const invitationId of [invitation.id, generateId("inv")]) {
        const asked = { actor: stranger.actor, invitationId };
        expect(await outcome(operations().get(asked))).toBe("not_found");
        expect(await outcome(operations().revoke(asked))).toBe("not_found");
      }
      const elsewhere = { actor: owner.actor, organizationId: stranger.organizationId, invitationId: invitation.id };
      expect(await outcome(operations().get(elsewhere))).toBe("not_found");
      expect(await outcome(operations().revoke(elsewhere))).toBe("not_found");
      expect(await statusOf(owner, invitation.id)).toBe("pending");
    });

    test("a suspended or ended organization invites no one", async () => {
      const owner = await form();
      await world.auth.organizations.suspend({ actor: system, organizationId: owner.organizationId });
      expect(await outcome(invite(owner))).toBe("precondition.org_not_active");
      await world.auth.organizations.reinstate({ actor: system, organizationId: owner.organizationId });
      const { invitation, token } = await invite(owner);
      await world.auth.organizations.revoke({ actor: system, organizationId: owner.organizationId });
      const { organizationId, userId } = owner;
      const again = { actor: system, organizationId, invitedBy: userId };
      expect(await outcome(invite(again, { invitedBy: userId }))).toBe("precondition.org_not_active");
      const { status } = await operations().get({ actor: system, invitationId: invitation.id });
      expect([status, await outcome(operations().look({ token }))]).toEqual(["revoked", invalid]);
    });

    test("the end: past, more than a year ahead, and none given", async () => {
      const owner = await form();
      const at = (days: number) => new Date(Date.now() + days * 86_400_000);
      for (const expiresAt of [
        at(-1),
        new Date(0),
        at(367),
        new Date("9999-12-31"),
        new Date(Number.NaN),
        new Date(-6.3e13),
        new Date(8.64e15),
      ]) {
        expect(await outcome(invite(owner, { expiresAt }))).toBe("precondition.past_expiration");
      }
      const { invitation } = await invite(owner);
      expect(invitation.expiresAt.getTime() - invitation.createdAt.getTime()).toBe(7 * 86_400_000);
      const end = at(300);
      expect((await invite(owner, { expiresAt: end })).invitation.expiresAt).toEqual(end);
    });

    test("an inviter whom the application names must exist and be active", async () => {
      const { organizationId } = await form();
      const gone = await world.person();
      await world.auth.users.suspend({ actor: system, userId: gone.userId });
      const by = { actor: system, organizationId };
      await expect(invite(by)).rejects.toThrow("invitedBy");
      expect(await outcome(invite(by, { invitedBy: generateId("usr") }))).toBe("not_found");
      expect(await outcome(invite(by, { invitedBy: gone.userId }))).toBe("not_found");
    });

    test("a member cannot name another inviter", async () => {
      const owner = await form();
      const other = await world.person();
      const { invitation } = await invite(owner, { invitedBy: other.userId });
      expect(invitation.invitedBy).toBe(owner.userId);
    });

    test("malformed input", async () => {
      const owner = await form();
      const preTuple = { relation: "reader", objectType: "doc", objectId: newUuid() };
      const withTuple = (more: object) => outcome(invite(owner, { preTuples: [{ ...preTuple, ...more }] }));
      expect(await outcome(invite(owner, { identifier: "a b" }))).toBe("invalid_format.identifier");
      expect(await withTuple({ relation: "Reader" })).toBe("invalid_format.relation");
      expect(await withTuple({ objectType: "documents" })).toBe("invalid_format.object_type");
      expect(await withTuple({ objectType: "sys" })).toBe("invalid_format.object_type");
      expect(await withTuple({ objectId: generateId("usr") })).toBe("invalid_format.object_id");
      for (const relation of [...roles, "billing"]) {
        const asked = { relation, objectType: "org", objectId: owner.organizationId };
        expect(await withTuple(asked)).toBe("invalid_format.object_type");
      }
      const many = Array.from({ length: 51 }, () => preTuple);
      expect(await outcome(invite(owner, { preTuples: many }))).toBe("precondition.limit_reached");
    });

    test("a key makes one invitation, and a repeat never shows its link again", async () => {
      const owner = await form();
      const asked = { identifier: freshIdentifier(), idempotencyKey: "one" };
      const codes = await Promise.all([1, 2, 3].map(() => outcome(invite(owner, asked))));
      expect(codes.toSorted()).toEqual(["conflict.idempotency_key_used", "conflict.idempotency_key_used", "done"]);
      const { data } = await operations().list(owner);
      expect(data).toHaveLength(1);
    });

    test("a mailbox gets five messages an hour, from however many organizations", async () => {
      const identifier = freshIdentifier();
      const codes: string[] = [];
      for (let index = 0; index < 7; index++) codes.push(await outcome(invite(await form(), { identifier })));
      expect(codes).toEqual([...Array(5).fill("done"), "too_many_requests", "too_many_requests"]);
    });

    test("a user invites 50 an hour; a refused attempt is not counted, and the first refusal is audited once", async () => {
      const owner = await form();
      const name = () => `n${freshIdentifier().split("@")[0]}`;
      const once = (more: object = {}) => outcome(invite(owner, { identifier: name(), ...more }));
      expect(await once({ expiresAt: new Date(0) })).toBe("precondition.past_expiration");
      const codes: string[] = [];
      for (let index = 0; index < 52; index++) codes.push(await once());
      expect(codes).toEqual([...Array(50).fill("done"), "too_many_requests", "too_many_requests"]);
      const events = await world.events({ action: "tenancy.inv.create" });
      const own = events.filter(({ actorUserId }) => actorUserId === uuidFor("usr", owner.userId));
      expect(own.filter(({ outcome: how }) => how === "denied")).toHaveLength(1);
    });
  });

  describe("relations that come with the membership", () => {
    const objectId = newUuid();
    test.each([
      ["owner", "owner", "done"],
      ["owner", "reader", "done"],
      ["admin", "reader", "done"],
      ["admin", "admin", "done"],
      ["admin", "owner", "forbidden"],
      ["editor", "reader", "forbidden"],
      ["", "reader", "forbidden"],
    ])("an inviter who is %j of the object gives %s: %s", async (held, relation, code) => {
      const owner = await form();
      const id = newUuid();
      if (held) await hold(owner.userId, held, id);
      const preTuples = [{ relation, objectType: "doc", objectId: id }];
      expect(await outcome(invite(owner, { preTuples }))).toBe(code);
    });

    test("all or none: one object among many that the inviter does not own", async () => {
      const owner = await form();
      const mine = newUuid();
      await hold(owner.userId, "owner", mine);
      const preTuples = [mine, newUuid()].map((id) => ({ relation: "reader", objectType: "doc", objectId: id }));
      expect(await outcome(invite(owner, { preTuples }))).toBe("forbidden");
    });

    test("they come with the acceptance, also one that exists already", async () => {
      const owner = await form();
      await hold(owner.userId, "owner", objectId);
      const ada = await world.person();
      await verify(ada);
      await hold(ada.userId, "reader", objectId);
      const preTuples = ["reader", "editor"].map((relation) => ({ relation, objectType: "doc", objectId }));
      const { token } = await invite(owner, { identifier: ada.identifier, preTuples });
      const { invitation } = await accept(ada, token);
      expect(invitation.preTuples).toEqual(preTuples);
      const org = uuidFor("org", owner.organizationId);
      expect(await relationsOf(ada.userId)).toEqual([
        `editor doc ${objectId}`,
        `member org ${org}`,
        `reader doc ${objectId}`,
      ]);
    });
  });

  describe("S10: accepting with an account", () => {
    test("the copied link, with a verified address", async () => {
      const owner = await form();
      const ada = await world.person();
      const { token, invitation } = await invite(owner, { identifier: ada.identifier.toUpperCase(), role: "admin" });
      expect(await outcome(accept(ada, token))).toBe("precondition.identifier_unverified");
      await verify(ada);
      const accepted = await accept(ada, token);
      expect(accepted.membership).toMatchObject({ userId: ada.userId, role: "admin", invitedBy: owner.userId });
      expect(accepted.invitation).toMatchObject({
        id: invitation.id,
        status: "accepted",
        invitedUserId: ada.userId,
        terminalBy: ada.userId,
      });
      expect(await members(owner.organizationId)).toContain(named(ada, "admin"));
      const [event] = await world.events({ action: "tenancy.inv.accept", target: invitation.id });
      expect([event!.outcome, event!.actorUserId]).toEqual(["success", uuidFor("usr", ada.userId)]);
    });

    test("the mailed link proves the address that the account has", async () => {
      const owner = await form();
      const ada = await world.person();
      const { mailedToken } = await invitedTo(world, owner, { identifier: ada.identifier });
      expect((await accept(ada, mailedToken)).membership.role).toBe("member");
    });

    test.each(["token", "mailedToken"] as const)(
      "another's %s: refused, and the invitation stays open",
      async (which) => {
        const owner = await form();
        const made = await invitedTo(world, owner);
        const eve = await world.person();
        await verify(eve);
        expect(await outcome(accept(eve, made[which]))).toBe("precondition.identifier_mismatch");
        expect(await statusOf(owner, made.invitation.id)).toBe("pending");
      },
    );

    test("the address of a password that is suspended or replaced is not the user's", async () => {
      const owner = await form();
      const ada = await world.person();
      await verify(ada);
      const { token } = await invite(owner, { identifier: ada.identifier });
      await world.rows(sql`update cred set status = 'suspended' where identifier = ${ada.identifier}`);
      expect(await outcome(accept(ada, token))).toBe("precondition.identifier_mismatch");
    });

    test.each(["token", "mailedToken"] as const)("once: after the %s, both have ended", async (first) => {
      const owner = await form();
      const ada = await world.person();
      await verify(ada);
      const made = await invitedTo(world, owner, { identifier: ada.identifier });
      await accept(ada, made[first]);
      for (const token of [made.token, made.mailedToken]) {
        expect(await outcome(accept(ada, token))).toBe(notPending);
        expect(await outcome(signUp(token))).toBe(invalid);
        expect(await outcome(operations().look({ token }))).toBe(invalid);
        expect(await outcome(operations().decline({ token }))).toBe(notPending);
      }
    });

    test("a member, also a suspended one, is no member twice", async () => {
      const owner = await form();
      const ada = await world.person();
      await verify(ada);
      const { token } = await invite(owner, { identifier: ada.identifier });
      const member = await join(owner.organizationId, "guest", ada);
      expect(await outcome(accept(ada, token))).toBe("conflict.duplicate_membership");
      await world.auth.memberships.suspend({ actor: owner.actor, membershipId: member.membershipId });
      expect(await outcome(accept(ada, token))).toBe("conflict.duplicate_membership");
    });

    test("expired by the database's clock", async () => {
      const owner = await form();
      const ada = await world.person();
      await verify(ada);
      const { token, invitation } = await invite(owner, { identifier: ada.identifier });
      await world.rows(sql`
        update inv set created_at = created_at - interval '8 days', expires_at = sallyport_now()
        where id = ${uuidFor("inv", invitation.id)}::uuid`);
      expect(await outcome(accept(ada, token))).toBe("conflict.invitation_expired");
      expect(await outcome(signUp(token))).toBe(invalid);
      expect(await outcome(operations().decline({ token }))).toBe(notPending);
      expect(await outcome(operations().revoke({ actor: owner.actor, invitationId: invitation.id }))).toBe(notPending);
      expect(await statusOf(owner, invitation.id)).toBe("expired");
      const { data } = await operations().list({ ...owner, status: "expired" });
      expect(data.map(({ id }) => id)).toEqual([invitation.id]);
      expect((await operations().list({ ...owner, status: "pending" })).data).toEqual([]);
    });

    test("a suspended organization: refused until it is reinstated", async () => {
      const owner = await form();
      const ada = await world.person();
      await verify(ada);
      const { token } = await invite(owner, { identifier: ada.identifier });
      await world.auth.organizations.suspend({ actor: system, organizationId: owner.organizationId });
      expect(await outcome(accept(ada, token))).toBe("precondition.org_not_active");
      expect(await outcome(operations().look({ token }))).toBe(invalid);
      await world.auth.organizations.reinstate({ actor: system, organizationId: owner.organizationId });
      expect(await outcome(accept(ada, token))).toBe("done");
    });

    test("the secret of another invitation, another kind of secret, and no secret", async () => {
      const owner = await form();
      const ada = await world.person();
      await verify(ada);
      const [one, two] = [await invite(owner, { identifier: ada.identifier }), await invite(owner)];
      const asked = { actor: ada.actor, token: one.token, invitationId: two.invitation.id };
      expect(await outcome(operations().accept(asked))).toBe(invalid);
      expect(await outcome(operations().decline(asked))).toBe(invalid);
      for (const token of ["", "x", one.invitation.id, "A".repeat(43), ada.token, "A".repeat(100_000)]) {
        expect(await outcome(accept(ada, token))).toBe(invalid);
        expect(await outcome(signUp(token))).toBe(invalid);
        expect(await outcome(operations().look({ token }))).toBe(invalid);
        expect(await outcome(operations().decline({ token }))).toBe(invalid);
      }
    });

    test("the application has no identifier, and an ended session none either", async () => {
      const { token } = await invite(await form());
      expect(await outcome(operations().accept({ actor: system, token }))).toBe("forbidden");
      const ada = await world.person();
      await world.auth.sessions.revoke({ actor: ada.actor, sessionId: ada.session.id });
      expect(await outcome(accept(ada, token))).toBe("unauthorized.invalid_token");
    });
  });

  describe("S10: the inviter's rights are those of the moment of acceptance", () => {
    const loses: Readonly<Record<string, (inviter: Member, owner: Member) => Promise<unknown>>> = {
      "the role": (inviter, owner) =>
        world.auth.memberships.changeRole({ actor: owner.actor, membershipId: inviter.membershipId, role: "member" }),
      membership: (inviter, owner) =>
        world.auth.memberships.remove({ actor: owner.actor, membershipId: inviter.membershipId }),
      "it for a while": (inviter, owner) =>
        world.auth.memberships.suspend({ actor: owner.actor, membershipId: inviter.membershipId }),
      "the account": ({ userId }) => world.auth.users.suspend({ actor: system, userId }),
      "the object": async ({ userId }) =>
        await world.rows(
          sql`delete from tup where object_type = 'doc' and subject_id = ${uuidFor("usr", userId)}::uuid`,
        ),
    };

    test.each(Object.keys(loses))("who has lost %s invites no one any more", async (what) => {
      const owner = await form();
      const inviter = await join(owner.organizationId, "admin");
      const objectId = newUuid();
      await hold(inviter.userId, "admin", objectId);
      const ada = await world.person();
      await verify(ada);
      const preTuples = [{ relation: "reader", objectType: "doc", objectId }];
      const own = await invite(inviter, { identifier: ada.identifier, preTuples });
      const fresh = await invite(inviter, { preTuples });
      await loses[what]!(inviter, owner);
      expect(await outcome(accept(ada, own.token))).toBe(notPending);
      expect(await outcome(signUp(fresh.token))).toBe(invalid);
      expect(await outcome(operations().look({ token: own.token }))).toBe(invalid);
      expect(await relationsOf(ada.userId)).toEqual([]);
      const endsWithIt = what === "the role" || what === "membership";
      expect(await statusOf(owner, own.invitation.id)).toBe(endsWithIt ? "revoked" : "pending");
    });

    const withdraws: Readonly<Record<string, (inviter: Member, owner: Member) => Promise<unknown>>> = {
      removed: ({ membershipId }, { actor }) => world.auth.memberships.remove({ actor, membershipId }),
      demoted: ({ membershipId }, { actor }) =>
        world.auth.memberships.changeRole({ actor, membershipId, role: "member" }),
      "gone of their own will": (inviter) => world.auth.memberships.leave(inviter),
    };

    test.each(Object.keys(withdraws))(
      "an admin who was %s and is one again: the old invitations stay ended",
      async (how) => {
        const owner = await form();
        const inviter = await join(owner.organizationId, "admin");
        const { organizationId } = owner;
        const [ada, ben] = [await world.person(), await world.person()];
        for (const one of [ada, ben]) await verify(one);
        const { token } = await invite(inviter, { identifier: ada.identifier });
        const others = await invite(owner, { identifier: ben.identifier });
        const trusted = await invite({ actor: system, organizationId }, { invitedBy: inviter.userId });
        await withdraws[how]!(inviter, owner);
        const [held] = (await world.auth.memberships.listOfUser({ ...inviter, organizationId })).data;
        if (held) await world.auth.memberships.changeRole({ actor: owner.actor, membershipId: held.id, role: "admin" });
        else await join(organizationId, "admin", inviter);
        expect(await outcome(accept(ada, token))).toBe(notPending);
        expect(await outcome(operations().look({ token }))).toBe(invalid);
        expect(await outcome(accept(ben, others.token))).toBe("done");
        expect(await statusOf(owner, trusted.invitation.id)).toBe("pending");
      },
    );

    test("whom another SDK has removed: none while they are out, and the same ones once they are in again", async () => {
      const owner = await form();
      const inviter = await join(owner.organizationId, "admin");
      const ada = await world.person();
      await verify(ada);
      const { token } = await invite(inviter, { identifier: ada.identifier });
      // That SDK ends the membership and its tuple, and no invitation.
      await world.rows(sql`update mem set status = 'revoked' where id = ${uuidFor("mem", inviter.membershipId)}::uuid`);
      await world.rows(
        sql`delete from tup where object_type = 'org' and subject_id = ${uuidFor("usr", inviter.userId)}::uuid`,
      );
      expect(await outcome(accept(ada, token))).toBe(notPending);
      await join(owner.organizationId, "admin", inviter);
      expect(await outcome(accept(ada, token))).toBe("done");
    });

    test("an owner who hands over and is an owner again: the same", async () => {
      const owner = await form();
      const { organizationId, actor, membershipId: fromMembershipId } = owner;
      const next = await join(organizationId, "admin");
      const ada = await world.person();
      await verify(ada);
      const { token } = await invite(owner, { identifier: ada.identifier, role: "guest" });
      const { from } = await world.auth.memberships.transferOwnership({
        actor,
        organizationId,
        fromMembershipId,
        toMembershipId: next.membershipId,
      });
      await world.auth.memberships.changeRole({ actor: next.actor, membershipId: from.id, role: "owner" });
      expect(await outcome(accept(ada, token))).toBe(notPending);
    });

    test("a stronger role ends nothing; nor does an admin's suspension, once it is over", async () => {
      const owner = await form();
      const inviter = await join(owner.organizationId, "admin");
      const { actor } = owner;
      const ada = await world.person();
      await verify(ada);
      const { token } = await invite(inviter, { identifier: ada.identifier });
      const { id } = await world.auth.memberships.changeRole({
        actor,
        membershipId: inviter.membershipId,
        role: "owner",
      });
      await world.auth.memberships.suspend({ actor, membershipId: id });
      expect(await outcome(accept(ada, token))).toBe(notPending);
      await world.auth.memberships.reinstate({ actor, membershipId: id });
      expect(await outcome(accept(ada, token))).toBe("done");
    });

    test("an admin who was an owner gives `admin` and no more `owner`", async () => {
      const owner = await form();
      const inviter = await join(owner.organizationId, "owner");
      const [first, second] = [await world.person(), await world.person()];
      for (const one of [first, second]) await verify(one);
      const asOwner = await invite(inviter, { identifier: first.identifier, role: "owner" });
      const asAdmin = await invite(inviter, { identifier: second.identifier, role: "admin" });
      await world.auth.memberships.changeRole({
        actor: owner.actor,
        membershipId: inviter.membershipId,
        role: "admin",
      });
      expect(await outcome(accept(first, asOwner.token))).toBe(notPending);
      expect(await outcome(accept(second, asAdmin.token))).toBe("done");
    });

    test("an invitation of the application does not depend on the inviter", async () => {
      const owner = await form();
      const ada = await world.person();
      await verify(ada);
      const preTuples = [{ relation: "reader", objectType: "doc", objectId: newUuid() }];
      const asked = { identifier: ada.identifier, invitedBy: owner.userId, preTuples };
      const { token } = await invite({ actor: system, organizationId: owner.organizationId }, asked);
      await join(owner.organizationId, "owner");
      await world.auth.memberships.leave({ actor: owner.actor, membershipId: owner.membershipId });
      expect(await outcome(accept(ada, token))).toBe("done");
    });
  });

  describe("accepting as a new user", () => {
    test.each([
      ["mailedToken", true],
      ["token", false],
    ] as const)("with the %s: an account whose address is verified: %s", async (which, isVerified) => {
      const owner = await form();
      const objectId = newUuid();
      await hold(owner.userId, "owner", objectId);
      const preTuples = [{ relation: "reader", objectType: "doc", objectId }];
      const made = await invitedTo(world, owner, { role: "viewer", preTuples });
      const account = await signUp(made[which], { displayName: "Ada" });
      const verified = await world.auth.sessions.verify({ token: account.token, transport: "token" });
      expect(verified.user).toMatchObject({ identifier: made.identifier, identifierVerified: isVerified });
      const ada = { ...verified, userId: verified.user.id } as unknown as Person;
      expect(await members(owner.organizationId)).toContain(named(ada, "viewer"));
      const org = uuidFor("org", owner.organizationId);
      expect(await relationsOf(account.user.id)).toEqual([`reader doc ${objectId}`, `viewer org ${org}`]);
      expect(await operations().get({ actor: owner.actor, invitationId: made.invitation.id })).toMatchObject({
        status: "accepted",
        invitedUserId: account.user.id,
        terminalBy: account.user.id,
      });
    });

    test("an identifier that has an account: refused, and nothing is made", async () => {
      const owner = await form();
      const ada = await world.person();
      const { token, invitation } = await invite(owner, { identifier: ada.identifier });
      expect(await outcome(signUp(token))).toBe("conflict.duplicate_credential");
      expect(await statusOf(owner, invitation.id)).toBe("pending");
      expect(await members(owner.organizationId)).toEqual([named(owner, "owner")]);
    });

    test("no account where sign-up is closed; users can join", async () => {
      const owner = await form();
      const { token } = await invite(owner);
      const closed = world.isolate({ signUp: "closed" });
      const asked = { token, password: goodPassword, context: { address: freshAddress() } };
      expect(await outcome(closed.organizationInvitations.acceptAsNewUser(asked))).toBe("forbidden.sign_up_closed");
    });

    test.each(["invited", "verify-first"] as const)(
      "where sign-up is %s, a link that its inviter has seen makes no account",
      async (signUpMode) => {
        const owner = await form();
        const made = await invitedTo(world, owner);
        const taken = await world.person();
        const ofUser = await invite(owner, { identifier: taken.identifier });
        const asked = { actor: system, organizationId: owner.organizationId };
        const ofApplication = await invite(asked, { invitedBy: owner.userId, identifier: freshName() });
        const auth = world.isolate({ signUp: signUpMode });
        const make = (token: string) =>
          outcome(
            auth.organizationInvitations.acceptAsNewUser({
              token,
              password: goodPassword,
              context: { address: freshAddress() },
            }),
          );
        // The answer is the same whether or not the address has an account.
        expect([await make(made.token), await make(ofUser.token)]).toEqual([invalid, invalid]);
        expect((await auth.organizationInvitations.look({ token: made.token })).makesAccount).toBe(false);
        expect((await auth.organizationInvitations.look({ token: made.mailedToken })).makesAccount).toBe(true);
        expect([await make(made.mailedToken), await make(ofApplication.token)]).toEqual(["done", "done"]);
      },
    );

    test("guesses at one invitation are limited, and the first refusal is audited", async () => {
      const owner = await form();
      const { token, invitation } = await invite(owner);
      const auth = world.isolate({ limits: { account: { attempts: 3, windowSeconds: 300 } } });
      const weak = () =>
        outcome(
          auth.organizationInvitations.acceptAsNewUser({
            token,
            password: "x",
            context: { address: freshAddress() },
          }),
        );
      expect([await weak(), await weak(), await weak(), await weak(), await weak()]).toEqual([
        ...Array(3).fill("invalid_format.password"),
        "too_many_requests",
        "too_many_requests",
      ]);
      const events = await world.events({ action: "tenancy.inv.accept", target: invitation.id });
      expect(events.map(({ outcome: how }) => how)).toEqual(["denied"]);
    });
  });

  describe("renewing, revoking and declining", () => {
    test("a renewal ends the links before it, and nothing is mailed with the old secret", async () => {
      const owner = await form();
      const identifier = freshIdentifier();
      const first = await invite(owner, { identifier });
      const second = await invitedTo(world, owner, { identifier, role: "guest", renew: true });
      expect(second.invitation).toMatchObject({ id: first.invitation.id, role: "guest" });
      expect(await outcome(operations().look({ token: first.token }))).toBe(invalid);
      expect(await operations().look({ token: second.mailedToken })).toMatchObject({ identifier, role: "guest" });
      const sent = world.mailbox.messages.filter(({ to }) => to === identifier);
      expect(sent).toHaveLength(1);
    });

    test("without an open one, a renewal makes one; without `renew`, there are two", async () => {
      const owner = await form();
      const identifier = freshIdentifier();
      const first = await invite(owner, { identifier, renew: true });
      const second = await invite(owner, { identifier });
      expect(second.invitation.id).not.toBe(first.invitation.id);
      const third = await invite(owner, { identifier, renew: true });
      expect(third.invitation.id).toBe(second.invitation.id);
      expect(await outcome(operations().look({ token: first.token }))).toBe("done");
      await operations().revoke({ actor: owner.actor, invitationId: first.invitation.id });
      await operations().revoke({ actor: owner.actor, invitationId: second.invitation.id });
      const fourth = await invite(owner, { identifier, renew: true });
      expect([first.invitation.id, second.invitation.id]).not.toContain(fourth.invitation.id);
    });

    test("an admin cannot renew an owner's invitation of an owner, and gets no link with its relations", async () => {
      const owner = await form();
      const admin = await join(owner.organizationId, "admin");
      const objectId = newUuid();
      await hold(owner.userId, "owner", objectId);
      const identifier = freshIdentifier();
      const preTuples = [{ relation: "owner", objectType: "doc", objectId }];
      await invite(owner, { identifier, role: "owner", preTuples });
      expect(await outcome(invite(admin, { identifier, renew: true }))).toBe("forbidden.role_hierarchy");
      await invite(owner, { identifier, preTuples });
      expect(await outcome(invite(admin, { identifier, renew: true }))).toBe("forbidden");
      const { invitation } = await invite(admin, { identifier, renew: true, preTuples: [] });
      expect([invitation.invitedBy, invitation.preTuples]).toEqual([admin.userId, []]);
    });

    test("a renewal keeps the relations unless it names others", async () => {
      const owner = await form();
      const objectId = newUuid();
      await hold(owner.userId, "owner", objectId);
      const identifier = freshIdentifier();
      const preTuples = [{ relation: "reader", objectType: "doc", objectId }];
      await invite(owner, { identifier, preTuples });
      const { invitation } = await invite(owner, { identifier, renew: true });
      expect(invitation.preTuples).toEqual(preTuples);
    });

    test.each(["remove", "changeRole"] as const)(
      "%s ends the open invitations of the member: no way back",
      async (act) => {
        const owner = await form();
        const eve = await world.person();
        await verify(eve);
        const first = await invite(owner, { identifier: eve.identifier, role: "admin" });
        const second = await invite(owner, { identifier: eve.identifier, role: "admin" });
        const { membership } = await accept(eve, first.token);
        expect(await statusOf(owner, second.invitation.id)).toBe("revoked");
        const third = await invite(owner, { identifier: eve.identifier, role: "admin" });
        const asked = { actor: owner.actor, membershipId: membership.id };
        if (act === "remove") await world.auth.memberships.remove(asked);
        else {
          const { id } = await world.auth.memberships.changeRole({ ...asked, role: "guest" });
          await world.auth.memberships.leave({ actor: eve.actor, membershipId: id });
        }
        for (const { token } of [second, third]) expect(await outcome(accept(eve, token))).toBe(notPending);
      },
    );

    test("the end of an organization withdraws what it still owes", async () => {
      const owner = await form();
      const { invitation } = await invite(owner);
      await world.auth.organizations.revoke({ actor: system, organizationId: owner.organizationId });
      await world.auth.mail.deliver();
      expect(world.mailbox.messages.filter(({ to }) => to === invitation.identifier)).toEqual([]);
    });

    test.each(pairs)("$own revokes an invitation of $given", async ({ own, given }) => {
      const owner = await form();
      const { actor } = await join(owner.organizationId, own);
      const { invitation, token } = await invite(owner, { role: given });
      const code =
        rank(own) > rank("admin") ? "forbidden" : rank(given) < rank(own) ? "forbidden.role_hierarchy" : "done";
      const asked = { actor, invitationId: invitation.id };
      expect(await outcome(operations().revoke(asked))).toBe(code);
      expect(await outcome(operations().look({ token }))).toBe(code === "done" ? invalid : "done");
      if (code === "done") expect(await outcome(operations().revoke(asked))).toBe(notPending);
      const reads = rank(own) > rank("admin") ? "forbidden" : "done";
      expect(await outcome(operations().get(asked))).toBe(reads);
      expect(await outcome(operations().list({ actor, organizationId: owner.organizationId }))).toBe(reads);
    });

    test("a message that is still owed is not sent after the end", async () => {
      const owner = await form();
      const identifiers = [freshIdentifier(), freshIdentifier()];
      const [one, two] = await Promise.all(identifiers.map((identifier) => invite(owner, { identifier })));
      await operations().revoke({ actor: owner.actor, invitationId: one!.invitation.id });
      await operations().decline({ token: two!.token });
      await world.auth.mail.deliver();
      expect(world.mailbox.messages.filter(({ to }) => identifiers.includes(to))).toEqual([]);
    });

    test("declined is for good, and says who only if the application knows", async () => {
      const owner = await form();
      const ada = await world.person();
      await verify(ada);
      const { token, invitation } = await invite(owner, { identifier: ada.identifier });
      expect(await operations().decline({ token })).toMatchObject({ status: "declined", terminalBy: null });
      expect(await outcome(accept(ada, token))).toBe(notPending);
      expect(await outcome(operations().decline({ token }))).toBe(notPending);
      const second = await invite(owner, { identifier: ada.identifier });
      const asked = { actor: system, invitationId: second.invitation.id, userId: ada.userId };
      expect(await operations().declineFor(asked)).toMatchObject({ terminalBy: ada.userId });
      const [event] = await world.events({ action: "tenancy.inv.decline", target: invitation.id });
      expect([event!.outcome, event!.actorUserId]).toEqual(["success", null]);
    });
  });

  describe("the application, for a user", () => {
    test("needs the identifier, and it must be the invited one", async () => {
      const owner = await form();
      const ada = await world.person();
      const { invitation } = await invite(owner, { identifier: ada.identifier });
      const asked = { actor: system, invitationId: invitation.id, userId: ada.userId };
      const acceptFor = (acceptingIdentifier?: string) =>
        outcome(operations().acceptFor({ ...asked, acceptingIdentifier }));
      expect(await acceptFor()).toBe("precondition.identifier_binding_required");
      expect(await acceptFor(freshIdentifier())).toBe("precondition.identifier_mismatch");
      expect(await statusOf(owner, invitation.id)).toBe("pending");
      expect(await acceptFor(ada.identifier.toUpperCase())).toBe("done");
      expect(await acceptFor(ada.identifier)).toBe(notPending);
    });

    test("a user cannot do it, for whomever", async () => {
      const owner = await form();
      const { invitation } = await invite(owner, { identifier: owner.identifier });
      const { actor, userId, identifier } = owner;
      const asked = { actor, invitationId: invitation.id, userId, acceptingIdentifier: identifier };
      expect(await outcome(operations().acceptFor(asked))).toBe("forbidden");
      expect(await outcome(operations().declineFor(asked))).toBe("forbidden");
      const administrator = await world.administrator();
      expect(await outcome(operations().acceptFor({ ...asked, actor: administrator.actor }))).toBe("forbidden");
      expect(await outcome(operations().declineFor({ ...asked, actor: administrator.actor }))).toBe("forbidden");
    });

    test("nothing that is not there, and no user who is not active", async () => {
      const owner = await form();
      const ada = await world.person();
      const { invitation } = await invite(owner, { identifier: ada.identifier });
      const asked = {
        actor: system,
        invitationId: invitation.id,
        userId: ada.userId,
        acceptingIdentifier: ada.identifier,
      };
      expect(await outcome(operations().acceptFor({ ...asked, invitationId: generateId("inv") }))).toBe("not_found");
      expect(await outcome(operations().declineFor({ ...asked, invitationId: generateId("inv") }))).toBe("not_found");
      expect(await outcome(operations().acceptFor({ ...asked, userId: generateId("usr") }))).toBe("not_found");
      expect(await outcome(operations().declineFor({ ...asked, userId: generateId("usr") }))).toBe("not_found");
      await world.auth.users.suspend({ actor: system, userId: ada.userId });
      expect(await outcome(operations().acceptFor(asked))).toBe("precondition.user_not_active");
    });

    test("one of another SDK has no secret, and is accepted so", async () => {
      const owner = await form();
      const ada = await world.person();
      const invitationId = generateId("inv");
      await world.rows(sql`
        insert into inv (id, org_id, identifier, role, invited_by, expires_at)
        values (${uuidFor("inv", invitationId)}::uuid, ${uuidFor("org", owner.organizationId)}::uuid, 'Ada', 'guest',
          ${uuidFor("usr", owner.userId)}::uuid, sallyport_now() + interval '1 day')`);
      const asked = { actor: system, invitationId, userId: ada.userId, acceptingIdentifier: "Ada" };
      expect((await operations().acceptFor(asked)).membership.role).toBe("guest");
    });

    test.each(["sys", "org"])("one of another SDK that gives a relation on %s is not accepted", async (objectType) => {
      const owner = await form();
      const ada = await world.person();
      const invitationId = generateId("inv");
      const preTuples = [{ relation: "administrator", object_type: objectType, object_id: newUuid() }];
      await world.rows(sql`
        insert into inv (id, org_id, identifier, role, invited_by, expires_at, pre_tuples)
        values (${uuidFor("inv", invitationId)}::uuid, ${uuidFor("org", owner.organizationId)}::uuid, ${ada.identifier}, 'guest',
          ${uuidFor("usr", owner.userId)}::uuid, sallyport_now() + interval '1 day', ${JSON.stringify(preTuples)}::jsonb)`);
      const asked = { actor: system, invitationId, userId: ada.userId, acceptingIdentifier: ada.identifier };
      expect(await outcome(operations().acceptFor(asked))).toBe("forbidden");
      expect(await relationsOf(ada.userId)).toEqual([]);
    });

    describe.each(["sys", "org"])("one of another SDK that gives a relation on %s", (objectType) => {
      /** Such an invitation of a user, to an organization. */
      async function foreign() {
        const [owner, ada] = [await form(), await world.person()];
        await verify(ada);
        const preTuples = [{ relation: "administrator", object_type: objectType, object_id: newUuid() }];
        // For any other type, the inviter may give it.
        await hold(owner.userId, "owner", preTuples[0]!.object_id, objectType);
        const store = (identifier: string) =>
          world.rows(sql`
            insert into inv (id, org_id, identifier, role, invited_by, expires_at, pre_tuples)
            values (${newUuid()}::uuid, ${uuidFor("org", owner.organizationId)}::uuid, ${identifier}, 'guest',
              ${uuidFor("usr", owner.userId)}::uuid, sallyport_now() + interval '1 day', ${JSON.stringify(preTuples)}::jsonb)`);
        return { owner, ada, preTuples, store };
      }

      test("cannot be renewed, unless other relations take their place", async () => {
        const { owner, ada, store } = await foreign();
        const { organizationId, userId: invitedBy } = owner;
        const again = { identifier: ada.identifier, renew: true } as const;
        await store(ada.identifier);
        expect(await outcome(invite(owner, again))).toBe("forbidden");
        expect(await outcome(invite({ actor: system, organizationId }, { ...again, invitedBy }))).toBe("forbidden");
        const { token } = await invite(owner, { ...again, preTuples: [] });
        await accept(ada, token);
        expect(await relationsOf(ada.userId)).toEqual([`member org ${uuidFor("org", organizationId)}`]);
      });

      test.each(["an owner", "the application"])("opens nothing where %s has renewed it before", async (by) => {
        const { owner, ada, preTuples } = await foreign();
        const { organizationId, userId: invitedBy } = owner;
        const asked = by === "an owner" ? owner : { actor: system, organizationId };
        const { token, invitation } = await invite(asked, {
          identifier: ada.identifier,
          ...(asked !== owner && { invitedBy }),
        });
        await world.rows(sql`
          update inv set pre_tuples = ${JSON.stringify(preTuples)}::jsonb where id = ${uuidFor("inv", invitation.id)}::uuid`);
        expect(await outcome(accept(ada, token))).toBe(notPending);
        expect(await outcome(signUp(token))).toBe(invalid);
        expect(await outcome(operations().look({ token }))).toBe(invalid);
        expect(await relationsOf(ada.userId)).toEqual([]);
      });
    });

    test("with a new user in one batch: both, or neither", async () => {
      const owner = await form();
      const { invitation } = await invite(owner, { identifier: "new-user" });
      const user = await world.auth.users.create.plan({ actor: system });
      const plan = await operations().acceptFor.plan({
        actor: system,
        invitationId: invitation.id,
        userId: user.known.userId,
        acceptingIdentifier: "new-user",
      });
      const [made, accepted] = await world.auth.batch([user, plan]);
      expect(accepted.membership.userId).toBe(made.id);
    });
  });

  describe("an address that only the user's provider vouches for", () => {
    /** A user with a password for one address, and an identity with another. */
    async function withProvider() {
      const person = await world.person();
      const email = freshIdentifier();
      const id = newUuid();
      await world.rows(sql`
        insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject)
        values (${id}::uuid, ${uuidFor("usr", person.userId)}::uuid, 'oidc', ${id}, 'https://practice.example', ${id})`);
      await world.rows(
        sql`insert into linked_identity (cred_id, provider, email) values (${id}::uuid, 'practice', ${email})`,
      );
      return { person, email, identity: id };
    }

    test("is theirs: the copied secret suffices, unless the identity is suspended", async () => {
      const { person, email, identity } = await withProvider();
      const owner = await form();
      const { token } = await invite(owner, { identifier: email });
      const set = (status: "active" | "suspended") =>
        world.rows(sql`update cred set status = ${status} where id = ${identity}::uuid`);
      await set("suspended");
      expect(await outcome(accept(person, token))).toBe("precondition.identifier_mismatch");
      await set("active");
      expect((await accept(person, token)).membership.userId).toBe(person.userId);
    });

    test("is no way back for a member who was removed", async () => {
      const { person, email } = await withProvider();
      const owner = await form();
      const member = await join(owner.organizationId, "member", person);
      const { token } = await invite(owner, { identifier: email });
      const { actor } = owner;
      await world.auth.memberships.remove({ actor, membershipId: member.membershipId });
      expect(await outcome(accept(person, token))).toBe(notPending);
      expect(await members(owner.organizationId)).toEqual([named(owner, "owner")]);
    });
  });

  test("S10: the copied secret of the application's own invitation proves no address of a user either", async () => {
    const owner = await form();
    const person = await world.person();
    const { organizationId, userId: invitedBy } = owner;
    const { token } = await invite({ actor: system, organizationId }, { identifier: person.identifier, invitedBy });
    expect(await outcome(accept(person, token))).toBe("precondition.identifier_unverified");
    await verify(person);
    expect(await outcome(accept(person, token))).toBe("done");
  });

  test("an ended invitation is removed after a month, and an open one is not", async () => {
    const owner = await form();
    const made: InvitationId[] = [];
    for (let index = 0; index < 3; index++) made.push((await invite(owner)).invitation.id);
    const [kept, ended, expired] = made.map((id) => uuidFor("inv", id));
    await operations().revoke({ actor: owner.actor, invitationId: made[1]! });
    await world.rows(sql`
      update inv set created_at = created_at - interval '60 days', terminal_at = terminal_at - interval '31 days'
      where id = ${ended!}::uuid`);
    await world.rows(sql`
      update inv set created_at = created_at - interval '60 days', expires_at = sallyport_now() - interval '31 days'
      where id = ${expired!}::uuid`);
    await world.auth.purge();
    const { data } = await operations().list(owner);
    expect(data.map(({ id }) => uuidFor("inv", id))).toEqual([kept]);
  });

  test("a page of invitations, in every state", async () => {
    const owner = await form();
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push((await invite(owner)).invitation.id);
    const first = await operations().list({ ...owner, limit: 3 });
    const second = await operations().list({ ...owner, limit: 3, cursor: first.nextCursor! });
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
    expect(await outcome(operations().list({ ...owner, cursor: "x" }))).toBe("invalid_format.cursor");
  });
});
