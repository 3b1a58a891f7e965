/** B27: proofs of domains of organizations are checked again. @module */
import { expect, test } from "vitest";
import type { Actor } from "../../src/domain/actor.ts";
import type { OrganizationId } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { describeWorld } from "../support/describe-world.ts";
import { faultyDatabase } from "../support/faulty-database.ts";
import { domainsIn, freshDomain } from "../support/organization-domains.ts";
import { organizationsIn } from "../support/organizations.ts";
import { publish } from "../support/practice-resolver.ts";

describeWorld("checking domains again", { on: ["pglite", "postgres"] }, (world, auth) => {
  const { form } = organizationsIn(world);
  const { prove, open, personOf, ageChecks } = domainsIn(world);
  type Owner = { readonly actor: Actor; readonly organizationId: OrganizationId };
  const of = ({ actor, organizationId }: Owner, domain: string) => ({ actor, organizationId, domain });
  const found = async (owner: Owner) => (await auth.organizationDomains.list(owner)).data;
  const joinableTo = async (actor: Actor) =>
    (await auth.organizationDomains.joinable({ actor })).data.map(({ organizationId }) => organizationId);

  test("a record that is gone: the domain is not proved any more, with an event; proved again, it lets no one join", async () => {
    const { owner, domain, organizationId } = await open("automatic");
    const ada = await personOf(domain);
    const { record } = (await found(owner))[0]!;
    publish(record.name, []);
    expect((await auth.organizationDomains.recheck()).lost).toEqual([]);
    expect(await joinableTo(ada.actor)).toEqual([organizationId]);
    await ageChecks(owner);
    world.counting.reset(2);
    const { lost } = await auth.organizationDomains.recheck();
    world.counting.reset();
    expect(lost).toEqual([{ organizationId, domain }]);
    expect(await joinableTo(ada.actor)).toEqual([]);
    expect(await found(owner)).toMatchObject([{ provedAt: null, joining: "none", checkedAt: expect.any(Date) }]);
    const events = await world.events({ target: organizationId, action: "tenancy.org.lose_domain" });
    expect(events).toMatchObject([{ actorUserId: null, metadata: { domain } }]);
    publish(record.name, [record.text]);
    await auth.organizationDomains.prove(of(owner, domain));
    expect(await joinableTo(ada.actor)).toEqual([]);
  });

  test("a record that is there: only the time of the check changes, and it is not due again", async () => {
    const { owner } = await open("automatic");
    await ageChecks(owner);
    const [before] = await found(owner);
    expect(await auth.organizationDomains.recheck()).toEqual({ kept: 1, lost: [], unread: 0 });
    const [after] = await found(owner);
    expect(after).toEqual({ ...before!, checkedAt: after!.checkedAt });
    expect(after!.checkedAt!.getTime()).toBeGreaterThan(before!.checkedAt!.getTime());
    expect(await auth.organizationDomains.recheck()).toEqual({ kept: 0, lost: [], unread: 0 });
  });

  test("an outage: nothing changes, it is reported, and tried again after ten minutes, behind those not tried", async () => {
    const { owner, domain } = await open("automatic");
    const { record } = (await found(owner))[0]!;
    publish(record.name, "outage");
    await ageChecks(owner);
    const [before] = await found(owner);
    const errors: unknown[] = [];
    const observed = world.isolate({ onError: (error) => errors.push(error) });
    expect(await observed.organizationDomains.recheck()).toEqual({ kept: 0, lost: [], unread: 1 });
    expect(errors).toMatchObject([{ name: "ResolverError" }]);
    expect(await found(owner)).toEqual([before]);
    expect(await auth.organizationDomains.recheck()).toEqual({ kept: 0, lost: [], unread: 0 });
    const other = await open("none");
    await ageChecks(other.owner);
    await world.rows(sql`update org_domain set leased_until = sallyport_now() where domain = ${domain}`);
    expect(await auth.organizationDomains.recheck({ limit: 1 })).toEqual({ kept: 1, lost: [], unread: 0 });
    expect(await auth.organizationDomains.recheck({ limit: 1 })).toMatchObject({ unread: 1 });
  });

  test("a lease whose reply was lost: nothing changes, and ten minutes later the record is looked up", async () => {
    const { owner, domain, organizationId } = await open("automatic");
    publish(`_sallyport.${domain}`, []);
    await ageChecks(owner);
    const faulty = faultyDatabase(world.database);
    faulty.reset(["after"]);
    const { organizationDomains } = world.isolate({ database: faulty });
    expect(await organizationDomains.recheck()).toEqual({ kept: 0, lost: [], unread: 0 });
    expect(await found(owner)).toMatchObject([{ provedAt: expect.any(Date) }]);
    await world.rows(sql`update org_domain set leased_until = sallyport_now() where domain = ${domain}`);
    expect((await organizationDomains.recheck()).lost).toEqual([{ organizationId, domain }]);
  });

  test("B27: removed, added and proved again while the resolver is asked: the new proof stays", async () => {
    const { owner, domain } = await open("automatic");
    await ageChecks(owner);
    const name = `_sallyport.${domain}`;
    publish(name, async () => {
      await auth.organizationDomains.remove(of(owner, domain));
      await prove(owner, domain);
      return [];
    });
    expect(await auth.organizationDomains.recheck()).toEqual({ kept: 0, lost: [], unread: 0 });
    expect(await found(owner)).toMatchObject([{ provedAt: expect.any(Date) }]);
  });

  test("two callers at once: each record is looked up once", async () => {
    let asked = 0;
    const owner = await form();
    for (let index = 0; index < 4; index++) {
      const { record } = await prove(owner, freshDomain());
      publish(record.name, async () => {
        asked += 1;
        return [record.text];
      });
    }
    await ageChecks(owner);
    const results = await Promise.all([auth, world.isolate()].map((one) => one.organizationDomains.recheck()));
    expect([results.reduce((sum, { kept }) => sum + kept, 0), asked]).toEqual([4, 4]);
  });

  test.each([0, 101, 1.5, Number.NaN])("a limit of %d: a TypeError", async (limit) => {
    await expect(auth.organizationDomains.recheck({ limit })).rejects.toThrow(TypeError);
  });
});
