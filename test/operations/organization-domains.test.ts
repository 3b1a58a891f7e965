/** B27, B28: domains of organizations: who proves them, and which proofs count. @module */
import { describe, expect, test } from "vitest";
import type { Actor } from "../../src/domain/actor.ts";
import { generateId, type OrganizationId, uuidFor } from "../../src/domain/id.ts";
import { roles } from "../../src/domain/membership.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome, refusal, system, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { domainsIn, freshDomain } from "../support/organization-domains.ts";
import { organizationsIn } from "../support/organizations.ts";
import { publish } from "../support/practice-resolver.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

describeWorld("domains of organizations", { on: ["pglite", "postgres"] }, (world, auth) => {
  const { form, join } = organizationsIn(world);
  const { prove, open, personOf } = domainsIn(world);
  const of = ({ actor, organizationId }: { actor: Actor; organizationId: OrganizationId }, domain = "") => ({
    actor,
    organizationId,
    domain,
  });
  const joinableTo = async (actor: Actor) =>
    (await auth.organizationDomains.joinable({ actor })).data.map(({ organizationId }) => organizationId);
  const found = async (owner: { actor: Actor; organizationId: OrganizationId }) =>
    (await auth.organizationDomains.list(owner)).data;
  const acts = (asked: ReturnType<typeof of>) => ({
    add: () => auth.organizationDomains.add(asked),
    prove: () => auth.organizationDomains.prove(asked),
    setJoining: () => auth.organizationDomains.setJoining({ ...asked, joining: "none" }),
    remove: () => auth.organizationDomains.remove(asked),
  });
  const outcomes = async (asked: ReturnType<typeof of>) => {
    const codes: string[] = [];
    for (const act of Object.values(acts(asked))) codes.push(await outcome(act()));
    return codes;
  };

  describe("B28: who may", () => {
    test.each(roles)("%s: an owner decides, an admin reads, others do neither", async (role) => {
      const { owner, domain, organizationId } = await open("none");
      const member = await join(organizationId, role);
      const can = role === "owner" ? "done" : "forbidden";
      expect(await outcomes(of(member, domain))).toEqual([can, can, can, can]);
      const reads = role === "owner" || role === "admin" ? "done" : "forbidden";
      expect(await outcome(auth.organizationDomains.list(member))).toBe(reads);
      expect(await found(owner)).toHaveLength(role === "owner" ? 0 : 1);
    });

    test("an owner of another organization, a stranger and a suspended owner: as if it did not exist", async () => {
      const { organizationId, domain } = await open("automatic");
      const suspended = await join(organizationId, "owner");
      await auth.memberships.suspend({ ...suspended, actor: system });
      for (const { actor } of [await form(), await world.person(), suspended]) {
        for (const id of [organizationId, generateId("org")]) {
          const asked = of({ actor, organizationId: id }, domain);
          expect([...(await outcomes(asked)), await outcome(auth.organizationDomains.list(asked))]).toEqual(
            Array(5).fill("not_found"),
          );
        }
      }
    });

    test("an owner whose proof is older than ten minutes: reads, and changes nothing", async () => {
      const { owner, domain } = await open("automatic");
      await world.age(owner.session, 601);
      expect(await outcomes(of(owner, domain))).toEqual(Array(4).fill("unauthorized.reauthentication_required"));
      expect(await found(owner)).toMatchObject([{ domain, joining: "automatic" }]);
    });

    test("an administrator of the deployment: reads, with an event, and changes nothing", async () => {
      const { organizationId, domain } = await open("none");
      const { actor } = await world.administrator();
      const asked = of({ actor, organizationId }, domain);
      await auth.organizationDomains.list(asked);
      expect(await outcomes(asked)).toEqual(Array(4).fill("forbidden"));
      const events = await world.events({ target: organizationId, actor: actor.userId });
      expect(events.map(({ action, outcome: how }) => [action.split(".")[2], how])).toEqual([
        ["list_domains", "success"],
        ["add_domain", "denied"],
        ["prove_domain", "denied"],
        ["set_domain_joining", "denied"],
        ["remove_domain", "denied"],
      ]);
    });

    test("an owner whose session lacks what the security policy asks for: changes nothing", async () => {
      const { owner, domain, organizationId } = await open("none");
      await auth.organizations.setSecurityPolicy({
        ...{ actor: system, organizationId, require: "mfa", graceDays: 0 },
        ...{ maxAgeSeconds: null, maxIdleSeconds: null, allowedProviders: null },
      });
      expect(await outcomes(of(owner, domain))).toEqual(Array(4).fill("unauthorized.enrollment_required"));
    });
  });

  describe("add", () => {
    test("one request, one event; a second time returns the same record", async () => {
      const owner = await form();
      const domain = freshDomain();
      world.counting.reset(1);
      const added = await auth.organizationDomains.add(of(owner, domain));
      world.counting.reset();
      expect(added).toMatchObject({ domain, joining: "none", provedAt: null, checkedAt: null });
      expect(added.record).toEqual({
        name: `_sallyport.${domain}`,
        text: expect.stringMatching(/^sallyport-domain-verification=[\w-]{43}$/),
      });
      expect(await auth.organizationDomains.add(of(owner, domain))).toEqual(added);
      expect(await found(owner)).toEqual([added]);
      const events = await world.events({ target: owner.organizationId, action: "tenancy.org.add_domain" });
      expect(events).toMatchObject([{ outcome: "success", metadata: { domain } }]);
    });

    test("two organizations get different values for one domain, and neither learns of the other", async () => {
      const domain = freshDomain();
      const [one, other] = [await form(), await form()];
      await prove(one, domain);
      const added = await auth.organizationDomains.add(of(other, domain));
      expect(added.provedAt).toBeNull();
      expect(added.record.text).not.toBe((await found(one))[0]!.record.text);
    });

    test.each([
      ["BÜCHER.Example", "xn--bcher-kva.example"],
      ["Example.COM.", "example.com"],
      ["  example.com ", "example.com"],
    ])("%j: stored as %s", async (typed, domain) => {
      expect(await auth.organizationDomains.add(of(await form(), typed))).toMatchObject({ domain });
    });

    test.each([
      "",
      "example",
      "a@example.com",
      "@example.com",
      "exa mple.com",
      "*.example.com",
      "10.0.0.1",
      "https://example.com",
      "example.com/",
      "-a.example",
      `${"a.".repeat(121)}b.com`,
      "a\0.example",
      undefined,
      7,
    ])("%j: invalid_format.body", async (typed) => {
      const error = await refusal(auth.organizationDomains.add(of(await form(), typed as string)));
      expect(error).toMatchObject({ code: "invalid_format.body", details: { member: "domain" } });
    });

    test("the twenty-first domain: precondition.limit_reached; one that is there is still returned", async () => {
      const owner = await form();
      const domains = Array.from({ length: 20 }, freshDomain);
      for (const domain of domains) await auth.organizationDomains.add(of(owner, domain));
      expect(await outcome(auth.organizationDomains.add(of(owner, freshDomain())))).toBe("precondition.limit_reached");
      expect(await outcome(auth.organizationDomains.add(of(owner, domains[0])))).toBe("done");
      expect((await found(owner)).map(({ domain }) => domain)).toEqual(domains.toSorted());
    });

    test("to an organization that has ended: conflict.already_terminal, and nothing is left of what it had", async () => {
      const { owner, organizationId } = await open("automatic");
      await auth.organizations.revoke(owner);
      const asked = of({ actor: system, organizationId }, freshDomain());
      expect(await outcome(auth.organizationDomains.add(asked))).toBe("conflict.already_terminal");
      const id = uuidFor("org", organizationId);
      expect(await world.rows(sql`select from org_domain where org_id = ${id}::uuid`)).toEqual([]);
    });
  });

  describe("prove", () => {
    test("two requests, one event; the record of the organization and the domain alone counts", async () => {
      const owner = await form();
      const domain = freshDomain();
      const { record } = await auth.organizationDomains.add(of(owner, domain));
      const another = await auth.organizationDomains.add(of(owner, freshDomain()));
      publish(record.name, ["v=spf1", another.record.text, `${record.text}x`]);
      expect(await outcome(auth.organizationDomains.prove(of(owner, domain)))).toBe("precondition.domain_not_proved");
      publish(record.name, ["v=spf1", record.text]);
      world.counting.reset(2);
      const proved = await auth.organizationDomains.prove(of(owner, domain));
      world.counting.reset();
      expect(proved).toMatchObject({ domain, joining: "none", provedAt: expect.any(Date) });
      expect(proved.checkedAt).toEqual(proved.provedAt);
      const again = await auth.organizationDomains.prove(of(owner, domain));
      expect(again.provedAt).toEqual(proved.provedAt);
      const events = await world.events({ target: owner.organizationId, action: "tenancy.org.prove_domain" });
      expect(events.map(({ outcome: how, metadata }) => [how, metadata])).toEqual([
        ["success", { domain }],
        ["success", { domain }],
      ]);
    });

    test("a domain that is not there: not_found, and the resolver is not asked", async () => {
      const owner = await form();
      const domain = freshDomain();
      let asked = 0;
      publish(`_sallyport.${domain}`, async () => {
        asked += 1;
        return [];
      });
      expect(await outcome(auth.organizationDomains.prove(of(owner, domain)))).toBe("not_found");
      expect(asked).toBe(0);
    });

    test("a user looks up thirty an hour: then too_many_requests, with one event, and the resolver is not asked", async () => {
      const [owner, other] = [await form(), await form()];
      const domain = freshDomain();
      const { record } = await auth.organizationDomains.add(of(owner, domain));
      let asked = 0;
      publish(record.name, async () => {
        asked += 1;
        return [];
      });
      const attempts = Array.from({ length: 35 }, () => outcome(auth.organizationDomains.prove(of(owner, domain))));
      expect(tally(await Promise.all(attempts))).toEqual({
        "precondition.domain_not_proved": 30,
        too_many_requests: 5,
      });
      expect(asked).toBe(30);
      expect(await refusal(auth.organizationDomains.prove(of(owner, domain)))).toMatchObject({
        code: "too_many_requests",
        retryAfterSeconds: expect.any(Number),
      });
      const events = await world.events({ target: owner.organizationId, action: "tenancy.org.prove_domain" });
      expect(events.map(({ outcome: how }) => how)).toEqual(["denied"]);
      // Neither another user nor the application waits for that.
      await auth.organizationDomains.add(of(other, domain));
      for (const { actor, organizationId } of [other, { ...owner, actor: system }]) {
        const asking = auth.organizationDomains.prove({ actor, organizationId, domain });
        expect(await outcome(asking)).toBe("precondition.domain_not_proved");
      }
    });

    test("an outage: unavailable.resolver, and nothing changes", async () => {
      const owner = await form();
      const domain = freshDomain();
      const { record } = await auth.organizationDomains.add(of(owner, domain));
      publish(record.name, "outage");
      const error = await refusal(auth.organizationDomains.prove(of(owner, domain)));
      expect(error).toMatchObject({ code: "unavailable.resolver", retryAfterSeconds: 5 });
      expect(await found(owner)).toMatchObject([{ provedAt: null, checkedAt: null }]);
    });

    /** Removes the domain and adds it again, while the resolver is asked about the first value. */
    const whileAsked = async (through: typeof auth, act: (asked: ReturnType<typeof of>) => Promise<unknown>) => {
      const owner = await form();
      const domain = freshDomain();
      const { record } = await auth.organizationDomains.add(of(owner, domain));
      publish(record.name, async () => {
        await act(of(owner, domain));
        return [record.text];
      });
      return { owner, code: await outcome(through.organizationDomains.prove(of(owner, domain))) };
    };
    const removeAndAdd = async (asked: ReturnType<typeof of>) => {
      await auth.organizationDomains.remove(asked);
      await auth.organizationDomains.add(asked);
    };

    test("B27: removed and added again while the resolver is asked: the answer is of another value, so nothing is proved", async () => {
      const { owner, code } = await whileAsked(auth, removeAndAdd);
      expect(code).toBe("precondition.domain_not_proved");
      expect(await found(owner)).toMatchObject([{ provedAt: null }]);
    });

    test("B27: a twin that does not compare the value proves what was never published", async () => {
      const naive = rewritingDatabase(world.database, (text) =>
        text.replace(/when target\.value <> \$\d+ then 'precondition\.domain_not_proved'/, (found) =>
          found.replace("<>", "is null and '' ="),
        ),
      );
      const { owner, code } = await whileAsked(world.isolate({ database: naive }), removeAndAdd);
      expect(naive.rewritten).toBe(1);
      expect([code, (await found(owner))[0]!.provedAt]).toEqual(["done", expect.any(Date)]);
    });

    test("removed while the resolver is asked: not_found", async () => {
      const { owner, code } = await whileAsked(auth, (asked) => auth.organizationDomains.remove(asked));
      expect([code, await found(owner)]).toEqual(["not_found", []]);
    });

    test("an owner who loses the role while the resolver is asked proves nothing", async () => {
      const { owner, code } = await whileAsked(auth, async ({ organizationId }) => {
        const heir = await join(organizationId, "owner");
        await auth.memberships.changeRole({
          ...{ actor: heir.actor, organizationId, role: "admin" },
          membershipId: (await auth.memberships.list({ actor: system, organizationId })).data[0]!.id,
        });
      });
      expect(code).toBe("forbidden");
      expect((await auth.organizationDomains.list({ ...owner, actor: system })).data).toMatchObject([
        { provedAt: null },
      ]);
    });

    test("another organization has proved it, and its record is there: conflict.domain_proved_elsewhere", async () => {
      const { owner, domain } = await open("automatic");
      const rival = await form();
      const { record } = (await found(owner))[0]!;
      const added = await auth.organizationDomains.add(of(rival, domain));
      publish(record.name, [record.text, added.record.text]);
      expect(await outcome(auth.organizationDomains.prove(of(rival, domain)))).toBe("conflict.domain_proved_elsewhere");
      expect(await found(owner)).toMatchObject([{ joining: "automatic", provedAt: expect.any(Date) }]);
      // Without a record of its own, the other organization does not learn of it.
      publish(record.name, [record.text]);
      expect(await outcome(auth.organizationDomains.prove(of(rival, domain)))).toBe("precondition.domain_not_proved");
    });

    test("another organization has proved it, and its record is gone: its proof ends, with an event, and lets no one join", async () => {
      const { owner, domain } = await open("automatic");
      const ada = await personOf(domain);
      const rival = await form();
      await prove(rival, domain);
      expect(await found(rival)).toMatchObject([{ provedAt: expect.any(Date), joining: "none" }]);
      expect(await found(owner)).toMatchObject([{ provedAt: null, joining: "none" }]);
      expect(await joinableTo(ada.actor)).toEqual([]);
      const events = await world.events({ target: owner.organizationId, action: "tenancy.org.lose_domain" });
      expect(events).toMatchObject([{ outcome: "success", actorUserId: null, metadata: { domain } }]);
    });

    test("the other proof was replaced while the resolver is asked: its old value says nothing of the new one", async () => {
      const { owner, domain } = await open("automatic");
      const rival = await form();
      const { record } = await auth.organizationDomains.add(of(rival, domain));
      let isFirst = true;
      publish(record.name, async () => {
        if (!isFirst) return [record.text];
        isFirst = false;
        await auth.organizationDomains.remove(of(owner, domain));
        await auth.organizationDomains.add(of(owner, domain));
        await world.rows(sql`
          update org_domain set proved_at = sallyport_now(), checked_at = sallyport_now()
          where org_id = ${uuidFor("org", owner.organizationId)}::uuid and domain = ${domain}`);
        return [record.text];
      });
      expect(await outcome(auth.organizationDomains.prove(of(rival, domain)))).toBe("conflict.domain_proved_elsewhere");
    });

    test("two organizations prove one domain at once, 20 rounds: one of them has it", async () => {
      for (let round = 0; round < 20; round++) {
        const domain = freshDomain();
        const pair = [await form(), await form()];
        const added = await Promise.all(pair.map((owner) => auth.organizationDomains.add(of(owner, domain))));
        publish(
          added[0]!.record.name,
          added.map(({ record }) => record.text),
        );
        const codes = await Promise.all(
          pair.map((owner) => outcome(auth.organizationDomains.prove(of(owner, domain)))),
        );
        expect(codes.toSorted()).toEqual(["conflict.domain_proved_elsewhere", "done"]);
      }
    });
  });

  describe("setJoining and remove", () => {
    test("a domain that is not proved lets no one join", async () => {
      const owner = await form();
      const domain = freshDomain();
      const asked = of(owner, domain);
      await auth.organizationDomains.add(asked);
      for (const joining of ["request", "automatic"] as const) {
        const code = await outcome(auth.organizationDomains.setJoining({ ...asked, joining }));
        expect(code).toBe("precondition.domain_not_proved");
      }
      expect(await auth.organizationDomains.setJoining({ ...asked, joining: "none" })).toMatchObject({
        joining: "none",
      });
    });

    test("it is one of three words, and an event says which", async () => {
      const { owner, domain } = await open("none");
      const error = await refusal(
        auth.organizationDomains.setJoining({ ...of(owner, domain), joining: "all" as "none" }),
      );
      expect(error).toMatchObject({ code: "invalid_format.body", details: { member: "joining" } });
      for (const joining of ["request", "request", "automatic"] as const) {
        await auth.organizationDomains.setJoining({ ...of(owner, domain), joining });
      }
      const events = await world.events({ target: owner.organizationId, action: "tenancy.org.set_domain_joining" });
      expect(events.map(({ metadata }) => metadata)).toEqual([
        { domain, joining: "request" },
        { domain, joining: "automatic" },
      ]);
    });

    test("of a domain that the organization does not have: not_found", async () => {
      const { domain } = await open("automatic");
      const asked = of(await form(), domain);
      expect(await outcome(auth.organizationDomains.setJoining({ ...asked, joining: "none" }))).toBe("not_found");
      expect(await outcome(auth.organizationDomains.remove(asked))).toBe("not_found");
    });

    test("removing: no one joins any more, members stay, and the old record proves nothing again", async () => {
      const { owner, domain, organizationId } = await open("automatic");
      const [ada, bob] = [await personOf(domain), await personOf(domain)];
      await auth.organizationDomains.join({ actor: ada.actor, organizationId });
      await auth.organizationDomains.remove(of(owner, domain));
      expect(await joinableTo(bob.actor)).toEqual([]);
      expect((await auth.memberships.list(owner)).data).toHaveLength(2);
      await auth.organizationDomains.add(of(owner, domain));
      expect(await outcome(auth.organizationDomains.prove(of(owner, domain)))).toBe("precondition.domain_not_proved");
    });
  });
});
