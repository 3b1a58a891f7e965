/** Flametrench `docs/tenancy.md`, organizations. @module */
import { describe, expect, test } from "vitest";
import { generateId, type OrganizationId, uuidFor } from "../../src/domain/id.ts";
import { type Role, roles } from "../../src/domain/membership.ts";
import { sql } from "../../src/store/sql.ts";
import { freshName, outcome, refusal, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { organizationsIn } from "../support/organizations.ts";

const freshSlug = () => `s${generateId("org").slice(-20)}`;

describeWorld(
  "organizations",
  { on: ["pglite", "postgres"], auth: { organizations: { maxPerUser: 3 } } },
  (world, auth) => {
    const { form, join, members, named } = organizationsIn(world);
    const get = (organizationId: OrganizationId) => auth.organizations.get({ actor: system, organizationId });

    describe("create", () => {
      test("makes an organization, its owner's membership and tuple, and one event", async () => {
        const { actor, userId } = await world.person();
        const created = await auth.organizations.create({ actor, userId, name: "Acme", slug: freshSlug() });
        const { organization, membership } = created;
        expect(organization).toMatchObject({ name: "Acme", status: "active" });
        expect(membership).toMatchObject({
          userId,
          organizationId: organization.id,
          role: "owner",
          status: "active",
          replaces: null,
          invitedBy: null,
          removedBy: null,
        });
        expect(await members(organization.id)).toEqual([`${uuidFor("usr", userId)} owner`]);
        const events = await world.events({ target: organization.id });
        expect(events.map(({ action, outcome: how }) => [action, how])).toEqual([["tenancy.org.create", "success"]]);
      });

      test("for another user: only the application may", async () => {
        const [person, other] = [await world.person(), await world.person()];
        const make = (actor: typeof person.actor | typeof system) =>
          auth.organizations.create({ actor, userId: other.userId });
        expect(await outcome(make(person.actor))).toBe("not_found");
        expect((await make(system)).membership.userId).toBe(other.userId);
      });

      test("for an unknown or a suspended user: not_found, precondition.user_not_active", async () => {
        const { userId } = await world.person();
        await auth.users.suspend({ actor: system, userId });
        const make = (id: typeof userId) => outcome(auth.organizations.create({ actor: system, userId: id }));
        expect(await make(userId)).toBe("precondition.user_not_active");
        expect(await make(generateId("usr"))).toBe("not_found");
      });

      test("owning as many as allowed: precondition.limit_reached; one that has ended does not count", async () => {
        const person = await world.person();
        const formed = [await form(person), await form(person), await form(person)];
        expect(await outcome(form(person))).toBe("precondition.limit_reached");
        await auth.organizations.revoke(formed[0]!);
        await form(person);
        await auth.organizations.create({ actor: system, userId: person.userId });
      });

      test("attack: forming and ending organizations to take their slugs: twice as many in a day as one may own", async () => {
        const [person, other] = [await world.person(), await world.person()];
        const slug = () => `s${generateId("org").slice(-20)}`;
        for (let made = 0; made < 6; made++) await auth.organizations.revoke(await form(person, { slug: slug() }));
        const taken = slug();
        expect(await outcome(form(person, { slug: taken }))).toBe("too_many_requests");
        const refused = { actor: person.actor, userId: person.userId, idempotencyKey: "again" };
        expect(await outcome(auth.organizations.create(refused))).toBe("too_many_requests");
        // Others are not counted with them, the application is not counted, and nothing that was refused is.
        await form(other, { slug: taken });
        await auth.organizations.create({ actor: system, userId: person.userId });
        const [counter] = await world.rows(
          sql<{
            count: number;
          }>`select count from attempt where bucket = ${`organizations:${uuidFor("usr", person.userId)}`}`,
        );
        expect(counter).toMatchObject({ count: 6 });
      });

      test("a day later, the user may form organizations again", async () => {
        const person = await world.person();
        for (let made = 0; made < 6; made++) await auth.organizations.revoke(await form(person));
        await world.rows(sql`update attempt set resets_at = sallyport_now() - interval '1 second'
          where bucket = ${`organizations:${uuidFor("usr", person.userId)}`}`);
        await form(person);
      });

      test("refused and repeated creations count nothing", async () => {
        const person = await world.person();
        const { slug } = await form(person, { slug: `s${generateId("org").slice(-20)}` }).then(
          async ({ organizationId }) => auth.organizations.get({ actor: system, organizationId }),
        );
        for (let tries = 0; tries < 10; tries++)
          expect(await outcome(form(person, { slug: slug! }))).toBe("conflict.org_slug");
        const asked = { actor: person.actor, userId: person.userId, idempotencyKey: "key" };
        for (let tries = 0; tries < 10; tries++) await outcome(auth.organizations.create(asked));
        await form(person);
        expect(await outcome(form(person))).toBe("precondition.limit_reached");
      });

      test.each(["", "-a", "a-", "A", "a_b", "a b", "a".repeat(64), "a\n", "é"])("slug %j: refused", async (slug) => {
        const { actor, userId } = await world.person();
        const error = await refusal(auth.organizations.create({ actor, userId, slug }));
        expect([error.code, error.name]).toEqual(["precondition.org_slug_format", "PreconditionError"]);
      });

      test("a slug of an organization that exists or has ended: conflict.org_slug, and nothing is made", async () => {
        const slug = freshSlug();
        const first = await form(undefined, { slug });
        const { actor, userId } = await world.person();
        const again = () => refusal(auth.organizations.create({ actor, userId, slug }));
        expect(await again()).toMatchObject({ code: "conflict.org_slug", name: "OrgSlugConflictError" });
        await auth.organizations.revoke(first);
        expect(await again()).toMatchObject({ code: "conflict.org_slug" });
        expect((await auth.memberships.listOfUser({ actor, userId })).data).toEqual([]);
      });

      test("a name beyond 4,096 bytes, and one that cannot be stored: refused", async () => {
        const { actor, userId } = await world.person();
        const make = (name: string) => outcome(auth.organizations.create({ actor, userId, name }));
        expect(await make("n".repeat(4097))).toBe("invalid_format.name");
        expect(await make("a\0b")).toBe("invalid_format.text");
      });
    });

    describe("access", () => {
      test.each(roles)("a member with the role %s reads it, and leaves no event", async (role) => {
        const { organizationId } = await form();
        const { actor } = await join(organizationId, role);
        expect((await auth.organizations.get({ actor, organizationId })).id).toBe(organizationId);
        const reads = await world.events({ target: organizationId, action: "tenancy.org.read" });
        expect(reads).toEqual([]);
      });

      test("a stranger, a suspended and a former member: as if it did not exist", async () => {
        const { organizationId } = await form();
        const [stranger, suspended, former] = [
          await world.person(),
          await join(organizationId, "admin"),
          await join(organizationId, "admin"),
        ];
        await auth.memberships.suspend({ actor: system, membershipId: suspended.membershipId });
        await auth.memberships.leave(former);
        for (const { actor } of [stranger, suspended, former]) {
          for (const id of [organizationId, generateId("org")]) {
            expect(await outcome(auth.organizations.get({ actor, organizationId: id }))).toBe("not_found");
            expect(await outcome(auth.organizations.update({ actor, organizationId: id, name: "x" }))).toBe(
              "not_found",
            );
            expect(await outcome(auth.organizations.revoke({ actor, organizationId: id }))).toBe("not_found");
            expect(await outcome(auth.memberships.list({ actor, organizationId: id }))).toBe("not_found");
          }
        }
      });

      const may: readonly { role: Role; update: string; revoke: string }[] = [
        { role: "owner", update: "done", revoke: "done" },
        { role: "admin", update: "done", revoke: "forbidden" },
        { role: "member", update: "forbidden", revoke: "forbidden" },
        { role: "editor", update: "forbidden", revoke: "forbidden" },
        { role: "viewer", update: "forbidden", revoke: "forbidden" },
        { role: "guest", update: "forbidden", revoke: "forbidden" },
      ];
      test.each(may)("$role: update $update, revoke $revoke, suspend and reinstate never", async (expected) => {
        const { organizationId } = await form();
        const { actor } = await join(organizationId, expected.role);
        const asked = { actor, organizationId };
        expect(await outcome(auth.organizations.suspend(asked))).toBe("not_found");
        expect(await outcome(auth.organizations.reinstate(asked))).toBe("not_found");
        expect(await outcome(auth.organizations.update({ ...asked, name: "Acme" }))).toBe(expected.update);
        expect(await outcome(auth.organizations.revoke(asked))).toBe(expected.revoke);
      });

      test("an owner whose proof is older than ten minutes does not end it", async () => {
        const owner = await form();
        await world.age(owner.session, 601);
        expect(await outcome(auth.organizations.revoke(owner))).toBe("unauthorized.reauthentication_required");
        expect(await outcome(auth.organizations.update({ ...owner, name: "Acme" }))).toBe("done");
      });

      test("an administrator reads it, which leaves an event, and changes its state, but not its name", async () => {
        const { organizationId } = await form();
        const { actor, userId } = await world.administrator();
        const asked = { actor, organizationId };
        expect((await auth.organizations.get(asked)).id).toBe(organizationId);
        expect(await world.events({ target: organizationId, action: "tenancy.org.read" })).toMatchObject([
          { actorUserId: uuidFor("usr", userId) },
        ]);
        expect(await outcome(auth.organizations.update({ ...asked, name: "x" }))).toBe("forbidden");
        expect(await outcome(auth.organizations.suspend(asked))).toBe("done");
        expect(await outcome(auth.organizations.reinstate(asked))).toBe("done");
        expect(await outcome(auth.organizations.revoke(asked))).toBe("done");
      });
    });

    describe("update", () => {
      test("a missing member stays, and null clears it", async () => {
        const owner = await form(undefined, { name: "Acme", slug: freshSlug() });
        const { slug } = await get(owner.organizationId);
        expect(await auth.organizations.update({ ...owner, name: "Other" })).toMatchObject({ name: "Other", slug });
        expect(await auth.organizations.update({ ...owner, slug: null })).toMatchObject({ name: "Other", slug: null });
        expect(await auth.organizations.update(owner)).toMatchObject({ name: "Other", slug: null });
        await form(undefined, { slug: slug! });
      });

      test("to a slug that another organization has: conflict.org_slug, and nothing changes", async () => {
        const slug = freshSlug();
        await form(undefined, { slug });
        const owner = await form(undefined, { name: "Acme" });
        const error = await refusal(auth.organizations.update({ ...owner, name: "Other", slug }));
        expect(error).toMatchObject({ code: "conflict.org_slug", name: "OrgSlugConflictError" });
        expect(await get(owner.organizationId)).toMatchObject({ name: "Acme", slug: null });
      });

      test("of a suspended organization: allowed; of one that has ended: conflict.already_terminal", async () => {
        const { organizationId } = await form();
        const asked = { actor: system, organizationId };
        await auth.organizations.suspend(asked);
        expect(await outcome(auth.organizations.update({ ...asked, name: "x" }))).toBe("done");
        await auth.organizations.revoke(asked);
        expect(await outcome(auth.organizations.update({ ...asked, name: "y" }))).toBe("conflict.already_terminal");
      });
    });

    describe("states", () => {
      test("a suspended organization grants nothing, and does again once it is reinstated", async () => {
        const { organizationId, userId } = await form();
        const question = { subjectType: "usr", subjectId: userId, objectType: "org", objectId: organizationId };
        const isAllowed = async () => (await auth.tuples.check({ ...question, relation: "owner" })).allowed;
        expect(await isAllowed()).toBe(true);
        const asked = { actor: system, organizationId };
        expect((await auth.organizations.suspend(asked)).status).toBe("suspended");
        expect((await auth.organizations.suspend(asked)).status).toBe("suspended");
        expect(await isAllowed()).toBe(false);
        expect((await auth.organizations.reinstate(asked)).status).toBe("active");
        expect(await isAllowed()).toBe(true);
        expect(await outcome(auth.organizations.reinstate(asked))).toBe("precondition.invalid_transition");
      });

      test("revoking ends memberships that are active or suspended, tuples, and invitations that wait", async () => {
        const owner = await form();
        const { organizationId } = owner;
        const [member, suspended] = [await join(organizationId, "member"), await join(organizationId, "guest")];
        await auth.memberships.suspend({ actor: system, membershipId: suspended.membershipId });
        const org = uuidFor("org", organizationId);
        await world.rows(sql`
        insert into inv (id, org_id, identifier, role, invited_by, expires_at)
        values (${uuidFor("inv", generateId("inv"))}::uuid, ${org}::uuid, ${freshName()}, 'member',
          ${uuidFor("usr", owner.userId)}::uuid, now() + interval '1 day')`);
        await world.rows(sql`
        insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
        values (${uuidFor("tup", generateId("tup"))}::uuid, 'usr', ${uuidFor("usr", member.userId)}::uuid, 'billing', 'org',
          ${org}::uuid)`);
        expect((await auth.organizations.revoke(owner)).status).toBe("revoked");
        expect(await members(organizationId)).toEqual([]);
        const { data } = await auth.memberships.list({ actor: system, organizationId });
        expect(data.map(({ status, removedBy }) => [status, removedBy])).toEqual([
          ["revoked", owner.userId],
          ["revoked", owner.userId],
          ["revoked", owner.userId],
        ]);
        const [left] = await world.rows(sql`
        select (select count(*)::int from tup where object_type = 'org' and object_id = ${org}::uuid) as tuples,
          (select count(*)::int from inv where org_id = ${org}::uuid and status = 'pending') as waiting`);
        expect(left).toEqual({ tuples: 0, waiting: 0 });
        expect(await outcome(auth.organizations.revoke({ actor: system, organizationId }))).toBe(
          "conflict.already_terminal",
        );
        expect(await outcome(auth.organizations.suspend({ actor: system, organizationId }))).toBe(
          "conflict.already_terminal",
        );
        expect(await outcome(auth.organizations.reinstate({ actor: system, organizationId }))).toBe(
          "precondition.invalid_transition",
        );
      });
    });

    describe("list", () => {
      test("pages of all, by text and by state; for administrators alone", async () => {
        const word = freshName().replaceAll(/[^a-z0-9]/g, "");
        const formed = [
          await form(undefined, { name: `An ${word.toUpperCase()} name` }),
          await form(undefined, { slug: word.slice(0, 40) }),
          await form(undefined, { name: `${word}%_` }),
        ];
        const ids = formed.map(({ organizationId }) => organizationId);
        await auth.organizations.suspend({ actor: system, organizationId: ids[1]! });
        const { actor } = await world.administrator();
        const first = await auth.organizations.list({ actor, query: word.slice(0, 40), limit: 2 });
        expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
        const next = await auth.organizations.list({ actor, query: word.slice(0, 40), cursor: first.nextCursor! });
        expect(next).toMatchObject({ data: [{ id: ids[2] }], nextCursor: null });
        const found = async (query: string, status?: "suspended") =>
          (await auth.organizations.list({ actor, query, status })).data.map(({ id }) => id);
        expect(await found(word.slice(0, 40), "suspended")).toEqual([ids[1]]);
        expect(await found(`${word}%`)).toEqual([ids[2]]);
        expect(await found(`${word}_`)).toEqual([]);
        // An empty text asks for all, those without a name too.
        const unnamed = await form();
        const [newest] = (await auth.organizations.list({ actor, query: "", cursor: ids[2]! })).data;
        expect(newest?.id).toBe(unnamed.organizationId);
        expect(await outcome(auth.organizations.list({ actor: formed[0]!.actor }))).toBe("forbidden");
        expect(await outcome(auth.organizations.list({ actor, cursor: "org_1" }))).toBe("invalid_format.cursor");
      });
    });

    test("a user who is suspended in between makes nothing, and the plan of a batch undoes the rest", async () => {
      const person = await world.person();
      const plan = await auth.organizations.create.plan({ actor: person.actor, userId: person.userId });
      const { organizationId } = plan.known;
      await auth.batch([plan]);
      expect(await members(organizationId)).toEqual([named(person, "owner")]);
      const second = await auth.organizations.create.plan({ actor: person.actor, userId: person.userId });
      await auth.users.suspend({ actor: system, userId: person.userId });
      expect(await outcome(auth.batch([second]))).toBe("unauthorized.invalid_token");
      expect(await outcome(get(second.known.organizationId))).toBe("not_found");
    });
  },
);
