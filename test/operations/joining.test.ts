/** B27, R126: joining an organization by the domain of a verified address. @module */
import { describe, expect, test } from "vitest";
import { generateId, newUuid, type OrganizationId, uuidFor } from "../../src/domain/id.ts";
import { roles } from "../../src/domain/membership.ts";
import { purgeExpired, purgeJoinRequests } from "../../src/store/maintenance.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, outcome, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { verifyAddress } from "../support/invitations.ts";
import { domainsIn, freshDomain } from "../support/organization-domains.ts";
import { organizationsIn } from "../support/organizations.ts";

describeWorld("joining by the domain of an address", { on: ["pglite", "postgres"] }, (world, auth) => {
  const { form, join: add, members, named } = organizationsIn(world);
  const { open, personOf, prove } = domainsIn(world);
  const joinable = async ({ actor }: Pick<Person, "actor">) =>
    (await auth.organizationDomains.joinable({ actor })).data;
  const join = ({ actor }: Pick<Person, "actor">, organizationId: OrganizationId) =>
    auth.organizationDomains.join({ actor, organizationId });
  const requests = async (of: Parameters<typeof auth.organizationDomains.requests>[0]) =>
    (await auth.organizationDomains.requests(of)).data;
  const requestsOf = ({ userId }: Pick<Person, "userId">) =>
    world.rows(sql`select from org_join_request where usr_id = ${uuidFor("usr", userId)}::uuid`);

  describe("automatic", () => {
    test("the user becomes a member by their own act, in one request, with the event and the tuple of an added one", async () => {
      const { organizationId, domain } = await open("automatic");
      const ada = await personOf(domain);
      expect(await members(organizationId)).toHaveLength(1);
      expect(await joinable(ada)).toEqual([{ organizationId, name: null, how: "automatic", requestedAt: null }]);
      world.counting.reset(1);
      const joined = await join(ada, organizationId);
      world.counting.reset();
      expect(joined).toMatchObject({
        status: "joined",
        membership: { organizationId, userId: ada.userId, role: "member", status: "active", invitedBy: null },
      });
      expect(await members(organizationId)).toContain(named(ada, "member"));
      expect(await joinable(ada)).toEqual([]);
      expect(await outcome(join(ada, organizationId))).toBe("conflict.duplicate_membership");
      const events = await world.events({ target: joined.membership!.id, action: "tenancy.mem.create" });
      expect(events).toMatchObject([
        {
          outcome: "success",
          actorUserId: uuidFor("usr", ada.userId),
          metadata: { org: organizationId, usr: ada.userId, role: "member", by: "domain" },
        },
      ]);
    });

    test("it lists the name of the organization, and each organization once", async () => {
      const domain = freshDomain();
      const owner = await form(undefined, { name: "Acme" });
      await prove(owner, domain);
      const second = freshDomain();
      await prove(owner, second);
      const asked = { actor: owner.actor, organizationId: owner.organizationId };
      await auth.organizationDomains.setJoining({ ...asked, domain, joining: "request" });
      await auth.organizationDomains.setJoining({ ...asked, domain: second, joining: "automatic" });
      const ada = await personOf(domain);
      const { actor, userId } = ada;
      const other = `other${ada.identifier.split("@")[0]}@${second}`;
      await auth.credentials.createPassword({ actor: system, userId, identifier: other, password: ada.password });
      const entry = { organizationId: owner.organizationId, name: "Acme", requestedAt: null };
      expect(await joinable({ actor })).toEqual([{ ...entry, how: "request" }]);
      await verifyAddress(world, { identifier: other });
      expect(await joinable({ actor })).toEqual([{ ...entry, how: "automatic" }]);
    });
  });

  describe("a user without a way in: the organization does not exist", () => {
    const others: readonly [string, (domain: string) => Promise<Person>][] = [
      ["an address that is not verified", (domain) => world.person({ identifier: `${newUuid()}@${domain}` })],
      ["another domain", () => personOf(freshDomain())],
      ["a subdomain", (domain) => personOf(`mail.${domain}`)],
      ["the domain above", (domain) => personOf(domain.split(".").slice(1).join("."))],
      ["a domain that ends alike", (domain) => personOf(`evil${domain}`)],
      ["a domain that begins alike", (domain) => personOf(`${domain}.evil.example`)],
      ["the domain before the last @", (domain) => personOf(`${domain}@evil.example`)],
      [
        "a name that looks like the domain",
        async (domain) => {
          const person = await world.person({ identifier: domain });
          await verifyAddress(world, person);
          return person;
        },
      ],
      [
        "a suspended password",
        async (domain) => {
          const person = await personOf(domain);
          const identifier = freshIdentifier();
          const { userId, password } = person;
          await auth.credentials.createPassword({ actor: system, userId, identifier, password });
          const [held] = (await auth.credentials.list({ actor: system, userId })).data;
          await auth.credentials.suspend({ actor: system, credentialId: held!.id });
          return await world.signIn({ ...person, identifier });
        },
      ],
    ];
    test.each(others)("%s", async (_case, make) => {
      const { organizationId, domain } = await open("automatic");
      const person = await make(domain);
      expect(await joinable(person)).toEqual([]);
      const codes = [await outcome(join(person, organizationId)), await outcome(join(person, generateId("org")))];
      expect(codes).toEqual(["not_found", "not_found"]);
      expect(await members(organizationId)).toHaveLength(1);
      const events = await world.events({ actor: person.userId, action: "tenancy.mem.create" });
      expect(events.map(({ outcome: how, metadata }) => [how, metadata.reason])).toEqual([
        ["denied", "not_found"],
        ["denied", "not_found"],
      ]);
    });

    test("R126: an address that only a provider vouches for opens nothing", async () => {
      const { organizationId, domain } = await open("automatic");
      const ada = await world.person();
      const [cred] = await world.rows(sql<{ id: string }>`
        insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject)
        values (${newUuid()}::uuid, ${uuidFor("usr", ada.userId)}::uuid, 'oidc', ${newUuid()}, 'https://idp.example', ${newUuid()})
        returning id`);
      await world.rows(sql`
        insert into linked_identity (cred_id, provider, email) values (${cred!.id}::uuid, 'practice', ${`ada@${domain}`})`);
      expect(await joinable(ada)).toEqual([]);
      expect(await outcome(join(ada, organizationId))).toBe("not_found");
    });

    test.each(["none", "removed", "not proved any more", "suspended", "ended"])(
      "the domain or organization is: %s",
      async (how) => {
        const { organizationId, domain, owner } = await open("automatic");
        const ada = await personOf(domain);
        const asked = { actor: owner.actor, organizationId, domain };
        if (how === "none") await auth.organizationDomains.setJoining({ ...asked, joining: "none" });
        if (how === "removed") await auth.organizationDomains.remove(asked);
        if (how === "suspended") await auth.organizations.suspend({ ...asked, actor: system });
        if (how === "ended") await auth.organizations.revoke(asked);
        if (how === "not proved any more") await prove(await form(), domain);
        expect(await joinable(ada)).toEqual([]);
        expect(await outcome(join(ada, organizationId))).toBe("not_found");
      },
    );

    test("a suspended member: is told that they are a member, and does not come back", async () => {
      const { organizationId, domain } = await open("automatic");
      const ada = await personOf(domain);
      const member = await add(organizationId, "member", ada);
      await auth.memberships.suspend({ ...member, actor: system });
      expect(await joinable(ada)).toEqual([]);
      expect(await outcome(join(ada, organizationId))).toBe("conflict.duplicate_membership");
    });

    test("a session that has ended, and the application: no one joins", async () => {
      const { organizationId, domain } = await open("automatic");
      const ada = await personOf(domain);
      await auth.sessions.signOut(ada);
      expect(await outcome(join(ada, organizationId))).toBe("unauthorized.invalid_token");
      expect(await outcome(auth.organizationDomains.joinable(ada))).toBe("unauthorized.invalid_token");
      expect(await outcome(join({ actor: system as never }, organizationId))).toBe("forbidden");
      expect(await outcome(auth.organizationDomains.joinable({ actor: system }))).toBe("forbidden");
      expect(await outcome(auth.organizationDomains.withdraw({ actor: system, organizationId }))).toBe("forbidden");
    });
  });

  test.each(["removed", "left"])("a former member who %s only asks, where joining is automatic", async (how) => {
    const { organizationId, domain, owner } = await open("automatic");
    const ada = await personOf(domain);
    const membershipId = (await join(ada, organizationId)).membership!.id;
    if (how === "removed") await auth.memberships.remove({ actor: owner.actor, membershipId });
    else await auth.memberships.leave({ actor: ada.actor, membershipId });
    expect(await joinable(ada)).toMatchObject([{ organizationId, how: "request" }]);
    expect(await join(ada, organizationId)).toEqual({ status: "requested", membership: null });
    expect(await members(organizationId)).toHaveLength(1);
    const { actor } = owner;
    await auth.organizationDomains.approve({ actor, organizationId, userId: ada.userId });
    expect(await members(organizationId)).toContain(named(ada, "member"));
  });

  describe("by request", () => {
    test("asking twice is asking once; an owner sees who asks, and approves", async () => {
      const { organizationId, domain, owner } = await open("request");
      const ada = await personOf(domain);
      await auth.users.update({ actor: system, userId: ada.userId, displayName: "Ada" });
      expect(await join(ada, organizationId)).toEqual({ status: "requested", membership: null });
      expect(await join(ada, organizationId)).toEqual({ status: "requested", membership: null });
      expect(await members(organizationId)).toHaveLength(1);
      const [listed] = await joinable(ada);
      expect(listed).toEqual({ organizationId, name: null, how: "request", requestedAt: expect.any(Date) });
      expect(await requests(owner)).toEqual([
        {
          organizationId,
          userId: ada.userId,
          identifier: ada.identifier,
          displayName: "Ada",
          createdAt: listed!.requestedAt,
        },
      ]);
      const made = await auth.organizationDomains.approve({ actor: owner.actor, organizationId, userId: ada.userId });
      expect(made).toMatchObject({ role: "member", status: "active", invitedBy: owner.userId });
      expect(await members(organizationId)).toContain(named(ada, "member"));
      expect(await requests(owner)).toEqual([]);
      expect(await requestsOf(ada)).toEqual([]);
      const events = await world.events({ action: "tenancy.org.request_to_join", target: organizationId });
      expect(events).toMatchObject([{ outcome: "success", actorUserId: uuidFor("usr", ada.userId) }]);
    });

    test("declined: the request is gone, with an event, and the user may ask again", async () => {
      const { organizationId, domain, owner } = await open("request");
      const ada = await personOf(domain);
      await join(ada, organizationId);
      const asked = { actor: owner.actor, organizationId, userId: ada.userId };
      await auth.organizationDomains.decline(asked);
      expect(await outcome(auth.organizationDomains.decline(asked))).toBe("not_found");
      expect(await outcome(auth.organizationDomains.approve(asked))).toBe("not_found");
      expect(await joinable(ada)).toMatchObject([{ requestedAt: null }]);
      expect((await join(ada, organizationId)).status).toBe("requested");
      const events = await world.events({ action: "tenancy.org.decline_join_request", target: organizationId });
      expect(events.map(({ outcome: how, metadata }) => [how, metadata.usr ?? metadata.reason])).toEqual([
        ["success", ada.userId],
        ["denied", "not_found"],
      ]);
    });

    test("withdrawn by the user alone", async () => {
      const { organizationId, domain, owner } = await open("request");
      const [ada, bob] = [await personOf(domain), await personOf(domain)];
      await join(ada, organizationId);
      expect(await outcome(auth.organizationDomains.withdraw({ actor: bob.actor, organizationId }))).toBe("not_found");
      expect(await requests(owner)).toHaveLength(1);
      await auth.organizationDomains.withdraw({ actor: ada.actor, organizationId });
      expect(await requests(owner)).toEqual([]);
    });

    test.each(roles)("%s: only owners and admins see requests and decide", async (role) => {
      const { organizationId, domain } = await open("request");
      const member = await add(organizationId, role);
      const may = role === "owner" || role === "admin" ? "done" : "forbidden";
      const { actor } = member;
      const codes: string[] = [await outcome(auth.organizationDomains.requests(member))];
      for (const decide of [auth.organizationDomains.approve, auth.organizationDomains.decline]) {
        const ada = await personOf(domain);
        await join(ada, organizationId);
        codes.push(await outcome(decide({ actor, organizationId, userId: ada.userId })));
      }
      expect(codes).toEqual([may, may, may]);
    });

    test("an owner of another organization, a stranger and the one who asks: as if it did not exist", async () => {
      const { organizationId, domain } = await open("request");
      const ada = await personOf(domain);
      await join(ada, organizationId);
      for (const { actor } of [await form(), await world.person(), ada]) {
        const asked = { actor, organizationId, userId: ada.userId };
        const { requests: list, approve, decline } = auth.organizationDomains;
        const codes = [await outcome(list(asked)), await outcome(approve(asked)), await outcome(decline(asked))];
        expect(codes).toEqual(["not_found", "not_found", "not_found"]);
      }
      expect(await requestsOf(ada)).toHaveLength(1);
    });

    test("an administrator of the deployment: sees the requests, with an event, and decides nothing", async () => {
      const { organizationId, domain } = await open("request");
      const ada = await personOf(domain);
      await join(ada, organizationId);
      const { actor } = await world.administrator();
      const asked = { actor, organizationId, userId: ada.userId };
      expect(await requests(asked)).toHaveLength(1);
      expect(await outcome(auth.organizationDomains.approve(asked))).toBe("forbidden");
      expect(await outcome(auth.organizationDomains.decline(asked))).toBe("forbidden");
      const events = await world.events({ target: organizationId, actor: actor.userId });
      expect(events.map(({ action }) => action)).toContain("tenancy.org.list_join_requests");
    });

    const changes: readonly [
      string,
      (ada: Person, asked: Parameters<typeof auth.organizationDomains.remove>[0]) => Promise<unknown>,
    ][] = [
      [
        "the address is no longer verified",
        (ada) => world.rows(sql`update cred set identifier_verified_at = null where identifier = ${ada.identifier}`),
      ],
      [
        "the password is suspended",
        (ada) => world.rows(sql`update cred set status = 'suspended' where identifier = ${ada.identifier}`),
      ],
      ["the domain is removed", (_ada, asked) => auth.organizationDomains.remove(asked)],
      ["joining is turned off", (_ada, asked) => auth.organizationDomains.setJoining({ ...asked, joining: "none" })],
      ["the user is suspended", (ada) => auth.users.suspend({ actor: system, userId: ada.userId })],
    ];
    test.each(changes)("%s after the request: it is not listed, and cannot be approved", async (_case, change) => {
      const { organizationId, domain, owner } = await open("request");
      const ada = await personOf(domain);
      await join(ada, organizationId);
      await change(ada, { actor: owner.actor, organizationId, domain });
      expect(await requests(owner)).toEqual([]);
      const asked = { actor: owner.actor, organizationId, userId: ada.userId };
      expect(await outcome(auth.organizationDomains.approve(asked))).toBe("not_found");
      expect(await members(organizationId)).toHaveLength(1);
    });

    test("in a suspended organization: precondition.org_not_active", async () => {
      const { organizationId, domain, owner } = await open("request");
      const ada = await personOf(domain);
      await join(ada, organizationId);
      await auth.organizations.suspend({ actor: system, organizationId });
      const asked = { actor: owner.actor, organizationId, userId: ada.userId };
      expect(await outcome(auth.organizationDomains.approve(asked))).toBe("precondition.org_not_active");
      const absent = { actor: system, organizationId: generateId("org"), userId: ada.userId };
      expect(await outcome(auth.organizationDomains.approve(absent))).toBe("not_found");
    });

    test("a member who was added in another way has no request any more", async () => {
      const { organizationId, domain } = await open("request");
      const ada = await personOf(domain);
      await join(ada, organizationId);
      await add(organizationId, "guest", ada);
      expect(await requestsOf(ada)).toEqual([]);
    });

    test("the requests of a user end with them and with the organization, not with a suspension", async () => {
      const [first, second] = [await open("request"), await open("request")];
      const ada = await personOf(second.domain);
      await join(ada, second.organizationId);
      await auth.users.suspend({ actor: system, userId: ada.userId });
      expect(await requestsOf(ada)).toHaveLength(1);
      await auth.users.revoke({ actor: system, userId: ada.userId });
      expect(await requestsOf(ada)).toEqual([]);
      const bob = await personOf(first.domain);
      await join(bob, first.organizationId);
      await auth.organizations.revoke({ actor: system, organizationId: first.organizationId });
      expect(await requestsOf(bob)).toEqual([]);
    });

    test("a merge moves no request", async () => {
      const { organizationId, domain } = await open("request");
      const [ada, bob] = [await personOf(domain), await world.person()];
      await join(ada, organizationId);
      await auth.merging.merge({ actor: ada.actor, into: bob.actor });
      expect([await requestsOf(ada), await requestsOf(bob)]).toEqual([[], []]);
    });

    test("twenty organizations at the same time; the next one: precondition.limit_reached", async () => {
      const { organizationId, domain } = await open("request");
      const ada = await personOf(domain);
      await world.rows(sql`
        with made as (insert into org (id) select gen_random_uuid() from generate_series(1, 20) returning id)
        insert into org_join_request (org_id, usr_id) select id, ${uuidFor("usr", ada.userId)}::uuid from made`);
      expect(await outcome(join(ada, organizationId))).toBe("precondition.limit_reached");
      await world.rows(sql`
        delete from org_join_request where ctid in (
          select ctid from org_join_request where usr_id = ${uuidFor("usr", ada.userId)}::uuid limit 1)`);
      expect(await outcome(join(ada, organizationId))).toBe("done");
      expect(await outcome(join(ada, organizationId))).toBe("done");
    });

    test("pages in order of the users' ids", async () => {
      const { organizationId, domain, owner } = await open("request");
      const users: string[] = [];
      for (let index = 0; index < 3; index++) {
        const ada = await personOf(domain);
        users.push(ada.userId);
        await join(ada, organizationId);
      }
      const { actor } = owner;
      const first = await auth.organizationDomains.requests({ actor, organizationId, limit: 2 });
      const rest = await auth.organizationDomains.requests({
        actor,
        organizationId,
        limit: 2,
        cursor: first.nextCursor!,
      });
      expect([...first.data, ...rest.data].map(({ userId }) => userId)).toEqual(users.toSorted());
      expect(rest.nextCursor).toBeNull();
      const wrong = auth.organizationDomains.requests({ actor, organizationId, cursor: "x" });
      expect(await outcome(wrong)).toBe("invalid_format.cursor");
    });

    test("a request of 90 days is purged", async () => {
      const { organizationId, domain } = await open("request");
      const [old, recent] = [await personOf(domain), await personOf(domain)];
      for (const one of [old, recent]) await join(one, organizationId);
      const age = ({ userId }: Person, days: number) =>
        world.rows(sql`
          update org_join_request set created_at = sallyport_now() - make_interval(hours => ${days * 24 - 1}::int)
          where usr_id = ${uuidFor("usr", userId)}::uuid`);
      await age(old, 91);
      await age(recent, 90);
      await world.rows(purgeExpired(100, [purgeJoinRequests]));
      expect([await requestsOf(old), (await requestsOf(recent)).length]).toEqual([[], 1]);
    });
  });
});
