/** S10, S16: invitations to an organization under concurrent changes. @module */
import { describe, expect, test } from "vitest";
import { newUuid, type OrganizationId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, freshAddress, freshName, goodPassword, outcome, system, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { holdLock } from "../support/held-lock.ts";
import { invitedTo, verifyAddress } from "../support/invitations.ts";
import { organizationsIn } from "../support/organizations.ts";
import { isUserLock } from "../support/races.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const unlimited = { attempts: 1_000_000, windowSeconds: 60 };
const roomy = {
  on: ["postgres"] as const,
  timeoutMilliseconds: 120_000,
  auth: { limits: { address: unlimited, account: { attempts: 100, windowSeconds: 60 } } },
};
const notPending = "conflict.invitation_not_pending";
const invalid = "unauthorized.invalid_link";

const isOrganizationLock = (text: string) => /^select id from org where id in .* for no key update$/s.test(text);
/** The planted faults: nothing locks the organization first, or not the invitation either. */
const withoutLock = (text: string) => (isOrganizationLock(text) ? undefined : text);
const withoutAny = (text: string) =>
  withoutLock(text)?.replaceAll(/(select inv\.\* from inv where .*?) for no key update/gs, "$1");

const withoutEvery = (text: string) => (isUserLock(text) ? undefined : withoutAny(text));

describeWorld("racing invitations to an organization", roomy, (world) => {
  const { form, join, members, named } = organizationsIn(world);
  const twin = (rewrite: typeof withoutLock) => world.isolate({ database: rewritingDatabase(world.database, rewrite) });
  const person = async () => {
    const made = await world.person({ identifier: freshName() });
    await verifyAddress(world, made);
    return made;
  };
  const invite = async (
    { identifier }: { identifier: string } = { identifier: freshName() },
    role = "member" as const,
  ) => {
    const owner = await form();
    const { actor, organizationId } = owner;
    const made = await world.auth.organizationInvitations.create({ actor, organizationId, identifier, role });
    return { owner, identifier, token: made.token, invitationId: made.invitation.id };
  };
  const signUp = (auth: FullAuth, token: string) =>
    outcome(
      auth.organizationInvitations.acceptAsNewUser({
        token,
        password: goodPassword,
        context: { address: freshAddress() },
      }),
    );
  const count = async (organizationId: OrganizationId) => (await members(organizationId)).length;
  const expire = (invitationId: `inv_${string}`) =>
    world.rows(sql`
      update inv set created_at = created_at - interval '8 days', expires_at = sallyport_now()
      where id = ${uuidFor("inv", invitationId)}::uuid`);

  test("1,000 acceptances of one invitation by its user: one membership", async () => {
    const ada = await person();
    const { owner, token } = await invite(ada);
    const isolates = [world.auth, world.isolate()];
    const codes = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        outcome(isolates[index % 2]!.organizationInvitations.accept({ actor: ada.actor, token })),
      ),
    );
    expect(tally(codes)).toEqual({ done: 1, [notPending]: 999 });
    expect(await members(owner.organizationId)).toContain(named(ada, "member"));
    expect(await count(owner.organizationId)).toBe(2);
  });

  describe("two acceptances of its user wait for one invitation", () => {
    const both = async (auth: FullAuth) => {
      const ada = await person();
      const { owner, token, invitationId } = await invite(ada);
      const id = uuidFor("inv", invitationId);
      const held = await holdLock(
        world.backend.connectionString!,
        sql`select from inv where id = ${id}::uuid for update`,
      );
      const racing: Promise<string>[] = [];
      while (racing.length < 2) {
        racing.push(outcome(auth.organizationInvitations.accept({ actor: ada.actor, token })));
        await held.waiting(racing.length);
      }
      await held.release();
      return [...(await Promise.all(racing)), await count(owner.organizationId)];
    };

    test("the second one finds it accepted", async () => {
      expect(await both(world.auth)).toEqual(["done", notPending, 2]);
    });

    test("planted fault, nothing is locked: the second one makes a membership too, which only the index refuses", async () => {
      expect(await both(twin(withoutEvery))).toEqual(["done", "conflict.duplicate_membership", 2]);
    });
  });

  test("1,000 new users with one invitation: one account, one membership, one session", async () => {
    const { owner, token, identifier } = await invite();
    const codes = await Promise.all(Array.from({ length: 1_000 }, () => signUp(world.auth, token)));
    // A link has a hundred attempts.
    const late = codes.filter((code) => ["unavailable.busy", "too_many_requests", invalid].includes(code));
    expect([tally(codes).done, late.length]).toEqual([1, 999]);
    const [made] = await world.rows(sql<{ accounts: number; sessions: number }>`
      select count(*)::int as accounts, (select count(*)::int from ses where ses.usr_id = any(array_agg(cred.usr_id))) as sessions
      from cred where identifier = ${identifier}`);
    expect(made).toEqual({ accounts: 1, sessions: 1 });
    expect(await count(owner.organizationId)).toBe(2);
  });

  test("acceptance × revocation × declining × expiry, 30 rounds: one of them happened, and a member only if accepted", async () => {
    for (let round = 0; round < 30; round++) {
      const ada = await person();
      const { owner, token, invitationId } = await invite(ada);
      const operations = world.auth.organizationInvitations;
      const acts = [
        () => operations.accept({ actor: ada.actor, token }),
        () => operations.revoke({ actor: owner.actor, invitationId }),
        () => operations.decline({ token }),
      ];
      const isExpiring = round % 3 === 0;
      const racing = acts.map((act) => outcome(act()));
      if (isExpiring) await expire(invitationId).catch(() => undefined);
      const codes = await Promise.all(racing);
      expect(codes.filter((code) => code.startsWith("unavailable"))).toEqual([]);
      expect(tally(codes).done ?? 0).toBeLessThanOrEqual(1);
      if (!isExpiring) expect(tally(codes).done).toBe(1);
      expect(await count(owner.organizationId)).toBe(codes[0] === "done" ? 2 : 1);
    }
  });

  describe("an acceptance and a revocation wait for one invitation", () => {
    const both = async (auth: FullAuth, first: "acceptance" | "revocation") => {
      const ada = await person();
      const { owner, token, invitationId } = await invite(ada);
      const id = uuidFor("inv", invitationId);
      const held = await holdLock(
        world.backend.connectionString!,
        sql`select from inv where id = ${id}::uuid for update`,
      );
      const acts = [
        () => outcome(auth.organizationInvitations.accept({ actor: ada.actor, token })),
        () => outcome(auth.organizationInvitations.revoke({ actor: owner.actor, invitationId })),
      ];
      if (first === "revocation") acts.reverse();
      const racing: Promise<string>[] = [];
      for (const act of acts) {
        racing.push(act());
        await held.waiting(racing.length);
      }
      await held.release();
      return (await Promise.all(racing)).filter((code) => code === "done").length;
    };

    test.each(["acceptance", "revocation"] as const)("the %s first: one of them happens", async (first) => {
      expect(await both(world.auth, first)).toBe(1);
    });

    // The update of a revocation would find an accepted invitation changed, so the fault shows in the other order.
    test("planted fault, neither the organization nor the invitation is locked: after the revocation, both happen", async () => {
      expect(await both(twin(withoutAny), "revocation")).toBe(2);
    });
  });

  test("four new users with one invitation, 20 rounds: one joins", async () => {
    for (let round = 0; round < 20; round++) {
      const { owner, token } = await invite();
      const codes = await Promise.all(Array.from({ length: 4 }, () => signUp(world.auth, token)));
      expect(tally(codes).done).toBe(1);
      expect(await count(owner.organizationId)).toBe(2);
    }
  });

  test("both links of one invitation, by two users who have the address, a new one, and one who declines: one outcome", async () => {
    for (let round = 0; round < 10; round++) {
      const owner = await form();
      const [ada, eve] = [await world.person(), await world.person()];
      const { token, mailedToken } = await invitedTo(world, owner, { identifier: ada.identifier });
      // Eve's provider vouches for the same address.
      const identity = newUuid();
      await world.rows(sql`
        insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject)
        values (${identity}::uuid, ${uuidFor("usr", eve.userId)}::uuid, 'oidc', ${identity}, 'https://practice.example', ${identity})`);
      await world.rows(sql`
        insert into linked_identity (cred_id, provider, email) values (${identity}::uuid, 'practice', ${ada.identifier})`);
      const { accept, decline } = world.auth.organizationInvitations;
      const joining = await Promise.all([
        outcome(decline({ token })),
        outcome(accept({ actor: ada.actor, token: mailedToken })),
        outcome(accept({ actor: eve.actor, token })),
        outcome(accept({ actor: eve.actor, token: mailedToken })),
        signUp(world.auth, mailedToken),
      ]);
      expect(joining.filter((code) => code === "done")).toEqual(["done"]);
      expect(await count(owner.organizationId)).toBe(joining[0] === "done" ? 1 : 2);
    }
  });

  test("acceptance beside the end of the organization, 40 rounds: no member of an ended one", async () => {
    for (let round = 0; round < 40; round++) {
      const ada = await person();
      const { owner, token } = await invite(ada);
      const codes = await Promise.all([
        outcome(world.auth.organizationInvitations.accept({ actor: ada.actor, token })),
        outcome(world.auth.organizations.revoke({ actor: system, organizationId: owner.organizationId })),
      ]);
      expect([codes[0] === "done" || codes[0] === notPending, codes[1]]).toEqual([true, "done"]);
      expect(await count(owner.organizationId)).toBe(0);
    }
  });

  test("an invitation that is made while its maker loses the role: none is left. Planted fault, no lock: one is", async () => {
    const race = async (auth: FullAuth) => {
      const owner = await form();
      const { organizationId } = owner;
      const inviter = await join(organizationId, "admin");
      const id = uuidFor("mem", inviter.membershipId);
      const held = await holdLock(
        world.backend.connectionString!,
        sql`select from mem where id = ${id}::uuid for update`,
      );
      const asked = { actor: owner.actor, membershipId: inviter.membershipId, role: "member" as const };
      const demoted = outcome(auth.memberships.changeRole(asked));
      await held.waiting(1);
      const invitation = { actor: inviter.actor, organizationId, identifier: freshName(), role: "guest" as const };
      const made = outcome(auth.organizationInvitations.create(invitation));
      await Promise.race([held.waiting(2), made]);
      await held.release();
      const codes = [await demoted, await made];
      const { data } = await world.auth.organizationInvitations.list({
        actor: system,
        organizationId,
        status: "pending",
      });
      return [...codes, data.length];
    };
    expect(await race(world.auth)).toEqual(["done", "forbidden", 0]);
    expect(await race(twin(withoutLock))).toEqual(["done", "done", 1]);
  });

  describe("an acceptance that waits while", () => {
    /** The outcome of an acceptance through an isolate, while another connection changes something and holds the organization. */
    const during = async (
      auth: FullAuth,
      change: (ids: { organizationId: string; inviterId: string }) => ReturnType<typeof sql>,
    ): Promise<string> => {
      const ada = await person();
      const founder = await form();
      const inviter = await join(founder.organizationId, "admin");
      const { token } = await world.auth.organizationInvitations.create({
        actor: inviter.actor,
        organizationId: founder.organizationId,
        identifier: ada.identifier,
        role: "member",
      });
      const ids = {
        organizationId: uuidFor("org", founder.organizationId),
        inviterId: uuidFor("usr", inviter.userId),
      };
      const held = await holdLock(world.backend.connectionString!, change(ids));
      let isOver = false;
      const accepted = outcome(auth.organizationInvitations.accept({ actor: ada.actor, token })).finally(() => {
        isOver = true;
      });
      // The twin without the lock does not wait.
      await Promise.race([held.waiting(1), accepted]);
      expect(isOver).toBe(auth !== world.auth);
      await held.commit();
      return await accepted;
    };
    const demotion = ({ organizationId, inviterId }: { organizationId: string; inviterId: string }) => sql`
      with held as (select id from org where id = ${organizationId}::uuid for no key update),
      gone as (delete from tup using held where tup.object_id = held.id and tup.subject_id = ${inviterId}::uuid)
      update mem set status = 'revoked' from held where mem.org_id = held.id and mem.usr_id = ${inviterId}::uuid`;
    const suspension = ({ organizationId }: { organizationId: string }) =>
      sql`update org set status = 'suspended' where id = ${organizationId}::uuid`;

    test("the inviter loses the role: makes no member", async () => {
      expect(await during(world.auth, demotion)).toBe(notPending);
      expect(await during(twin(withoutLock), demotion)).toBe("done");
    });

    test("the organization is suspended: makes no member", async () => {
      expect(await during(world.auth, suspension)).toBe("precondition.org_not_active");
      expect(await during(twin(withoutLock), suspension)).toBe("done");
    });
  });
});
