/** Joining by the domain of an address under concurrent changes. @module */
import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome, system, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { holdLock } from "../support/held-lock.ts";
import { domainsIn } from "../support/organization-domains.ts";
import { organizationsIn } from "../support/organizations.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const roomy = { on: ["postgres"] as const, timeoutMilliseconds: 120_000 };

describeWorld("racing to join an organization", roomy, (world, auth) => {
  const { members, named } = organizationsIn(world);
  const { open, personOf } = domainsIn(world);

  test("100 calls of one user at once: one membership", async () => {
    const { organizationId, domain } = await open("automatic");
    const { actor } = await personOf(domain);
    const isolates = [auth, world.isolate()];
    const codes = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        outcome(isolates[index % 2]!.organizationDomains.join({ actor, organizationId })),
      ),
    );
    expect(tally(codes)).toEqual({ done: 1, "conflict.duplicate_membership": 99 });
    expect(await members(organizationId)).toHaveLength(2);
  });

  test("100 calls that ask at once: one request", async () => {
    const { organizationId, domain, owner } = await open("request");
    const { actor } = await personOf(domain);
    const codes = await Promise.all(
      Array.from({ length: 100 }, () => outcome(auth.organizationDomains.join({ actor, organizationId }))),
    );
    expect(tally(codes)).toEqual({ done: 100 });
    expect((await auth.organizationDomains.requests(owner)).data).toHaveLength(1);
    expect(await world.events({ action: "tenancy.org.request_to_join", target: organizationId })).toHaveLength(1);
  });

  test("joining × turning it off × removing the domain × the end of the user, 30 rounds: members and tuples agree", async () => {
    for (let round = 0; round < 30; round++) {
      const { organizationId, domain, owner } = await open("automatic");
      const ada = await personOf(domain);
      const asked = { actor: owner.actor, organizationId, domain };
      const [joined] = await Promise.all([
        outcome(auth.organizationDomains.join({ actor: ada.actor, organizationId })),
        outcome(auth.organizationDomains.setJoining({ ...asked, joining: "none" })),
        outcome(auth.organizationDomains.remove(asked)),
        ...(round % 2 ? [outcome(auth.users.revoke({ actor: system, userId: ada.userId }))] : []),
      ]);
      const isMember = (await members(organizationId)).includes(named(ada, "member"));
      expect(isMember).toBe(joined === "done" && round % 2 === 0);
    }
  });

  test("approving × declining × withdrawing × turning it off, 30 rounds: one of them happened", async () => {
    for (let round = 0; round < 30; round++) {
      const { organizationId, domain, owner } = await open("request");
      const ada = await personOf(domain);
      await auth.organizationDomains.join({ actor: ada.actor, organizationId });
      const asked = { actor: owner.actor, organizationId, userId: ada.userId };
      const [approved, declined, withdrawn] = await Promise.all([
        outcome(auth.organizationDomains.approve(asked)),
        outcome(auth.organizationDomains.decline(asked)),
        outcome(auth.organizationDomains.withdraw({ actor: ada.actor, organizationId })),
        outcome(auth.organizationDomains.setJoining({ ...asked, domain, joining: "none" })),
      ]);
      expect([approved, declined, withdrawn].filter((code) => code === "done")).toHaveLength(1);
      expect((await members(organizationId)).includes(named(ada, "member"))).toBe(approved === "done");
    }
  });

  /** Joins while another transaction turns joining off, which commits once the join waits or is over. */
  async function whileTurnedOff(through: typeof auth): Promise<string> {
    const { organizationId, domain } = await open("automatic");
    const { actor } = await personOf(domain);
    const held = await holdLock(
      world.backend.connectionString!,
      sql`
        with held as (select id from org where id = ${uuidFor("org", organizationId)}::uuid for no key update)
        update org_domain set joining = 'none' from held where org_domain.org_id = held.id`,
    );
    const joined = outcome(through.organizationDomains.join({ actor, organizationId }));
    await Promise.race([held.waiting(1), joined]);
    await held.commit();
    return await joined;
  }

  test("joining is turned off before the join gets its lock: not_found", async () => {
    expect(await whileTurnedOff(auth)).toBe("not_found");
  });

  test("a twin that does not lock the organization first: joins by a setting that is over", async () => {
    const withoutLock = rewritingDatabase(world.database, (text) =>
      /^select id from org where id in .* for no key update$/s.test(text) ? undefined : text,
    );
    expect(await whileTurnedOff(world.isolate({ database: withoutLock }))).toBe("done");
    expect(withoutLock.rewritten).toBe(1);
  });
});
