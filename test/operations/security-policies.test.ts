/** Security policies of organizations: who sets them, what they may be, and what they cannot do. @module */
import { describe, expect, test } from "vitest";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import { type Role, roles } from "../../src/domain/membership.ts";
import type { SecuritySettings } from "../../src/domain/security-policy.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome, type Person, refusal, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp } from "../support/factors.ts";
import { organizationsIn } from "../support/organizations.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";
import { asksNothing, policiesIn, twoProviders } from "../support/security-policies.ts";

describeWorld("security policies", { on: ["pglite", "postgres"], auth: twoProviders }, (world, auth) => {
  const { form, join } = organizationsIn(world);
  const { demand, enter } = policiesIn(world);
  const { inside } = usersWithPasskeys(world);
  type Asked = Pick<Parameters<typeof auth.organizations.getSecurityPolicy>[0], "actor" | "organizationId">;
  const get = ({ actor, organizationId }: Asked) => auth.organizations.getSecurityPolicy({ actor, organizationId });
  const set = ({ actor, organizationId }: Asked, settings: Partial<SecuritySettings> = {}) =>
    auth.organizations.setSecurityPolicy({ ...asksNothing, ...settings, actor, organizationId });

  describe("get and set", () => {
    test("until it is set, it asks for nothing; then it is what was set, with one event", async () => {
      const owner = await form((await inside()).person);
      const { organizationId } = owner;
      const made = await auth.organizations.get(owner);
      const before = { organizationId, ...asksNothing, graceUntil: null, updatedAt: made.createdAt };
      expect(await get(owner)).toEqual(before);
      const settings: SecuritySettings = {
        require: "phishing-resistant",
        graceDays: 7,
        maxAgeSeconds: 28_800,
        maxIdleSeconds: 900,
        allowedProviders: ["practice", "other"],
        breakGlass: [owner.userId],
      };
      world.counting.reset(1);
      const policy = await set(owner, settings);
      world.counting.reset();
      const graceUntil = new Date(policy.updatedAt.getTime() + 7 * 86_400_000);
      expect(policy).toEqual({ organizationId, ...settings, graceUntil, updatedAt: policy.updatedAt });
      expect(await get(owner)).toEqual(policy);
      expect(await world.events({ target: organizationId, action: "tenancy.org.set_security_policy" })).toMatchObject([
        {
          outcome: "success",
          actorUserId: uuidFor("usr", owner.userId),
          metadata: {
            require: "phishing-resistant",
            grace_days: 7,
            max_age_seconds: 28_800,
            max_idle_seconds: 900,
            allowed_providers: ["practice", "other"],
            break_glass: [owner.userId],
          },
        },
      ]);
      // It is set as a whole.
      expect(await set(owner)).toMatchObject(asksNothing);
    });

    const wrong: readonly [string, Partial<Record<keyof SecuritySettings, unknown>>][] = [
      ["require", { require: "password" }],
      ["grace_days", { graceDays: -1 }],
      ["grace_days", { graceDays: 15 }],
      ["grace_days", { graceDays: 0.5 }],
      ["max_age_seconds", { maxAgeSeconds: 599 }],
      ["max_age_seconds", { maxAgeSeconds: 2_592_001 }],
      ["max_age_seconds", { maxAgeSeconds: Number.NaN }],
      ["max_age_seconds", { maxAgeSeconds: undefined }],
      ["max_idle_seconds", { maxIdleSeconds: 599 }],
      ["max_idle_seconds", { maxIdleSeconds: 2_592_001 }],
      ["max_idle_seconds", { maxIdleSeconds: "900" }],
      ["allowed_providers", { allowedProviders: ["a", "a"] }],
      ["allowed_providers", { allowedProviders: ["A"] }],
      ["allowed_providers", { allowedProviders: [""] }],
      ["allowed_providers", { allowedProviders: ["a".repeat(33)] }],
      ["allowed_providers", { allowedProviders: [1] }],
      ["allowed_providers", { allowedProviders: "practice" }],
      ["allowed_providers", { allowedProviders: Array.from({ length: 51 }, (_, n) => `p${n}`) }],
      ["break_glass", { breakGlass: [generateId("usr")] }],
      ["break_glass", { allowedProviders: [], breakGlass: [] }],
      ["break_glass", { allowedProviders: [], breakGlass: "usr_" }],
      ["break_glass", { allowedProviders: [], breakGlass: ["usr_1", "usr_1"] }],
      ["break_glass", { allowedProviders: [], breakGlass: Array.from({ length: 11 }, () => generateId("usr")) }],
    ];
    test.each(wrong)("%s in %j: invalid_format.body", async (member, settings) => {
      const owner = await form();
      const error = await refusal(set(owner, settings as SecuritySettings));
      expect(error).toMatchObject({ code: "invalid_format.body", details: { member } });
      expect(await get(owner)).toMatchObject(asksNothing);
    });

    test("the widest values are accepted", async () => {
      const owner = await form();
      const providers = Array.from({ length: 50 }, (_, n) => `p${n}`);
      const widest = { maxAgeSeconds: 2_592_000, maxIdleSeconds: 600, graceDays: 14, allowedProviders: providers };
      expect(await set(owner, widest)).toMatchObject(widest);
    });
  });

  describe("who may", () => {
    const may: readonly { role: Role; read: string; write: string }[] = roles.map((role) => ({
      role,
      read: role === "owner" || role === "admin" ? "done" : "forbidden",
      write: role === "owner" ? "done" : "forbidden",
    }));
    test.each(may)("$role: reads it: $read, sets it: $write", async ({ role, read, write }) => {
      const { organizationId } = await form();
      const member = await join(organizationId, role);
      expect([await outcome(get(member)), await outcome(set(member))]).toEqual([read, write]);
    });

    test("an owner of another organization, a stranger, a suspended and a former owner: as if it did not exist", async () => {
      const { organizationId } = await form();
      const [foreign, stranger] = [await form(), await world.person()];
      const [suspended, former] = [await join(organizationId, "owner"), await join(organizationId, "owner")];
      await auth.memberships.suspend({ ...suspended, actor: system });
      await auth.memberships.leave(former);
      for (const { actor } of [foreign, stranger, suspended, former]) {
        for (const id of [organizationId, generateId("org")]) {
          const asked = { actor, organizationId: id };
          expect([await outcome(get(asked)), await outcome(set(asked))]).toEqual(["not_found", "not_found"]);
        }
      }
    });

    test("an administrator of the deployment: reads it, with an event, and does not set it", async () => {
      const { organizationId } = await form();
      const { actor } = await world.administrator();
      await get({ actor, organizationId });
      expect(await outcome(set({ actor, organizationId }))).toBe("forbidden");
      const events = await world.events({ target: organizationId, actor: actor.userId });
      expect(events.map(({ action, outcome: how }) => [action, how])).toEqual([
        ["tenancy.org.read_security_policy", "success"],
        ["tenancy.org.set_security_policy", "denied"],
      ]);
    });

    test("an owner whose proof is older than ten minutes: reauthentication_required", async () => {
      const owner = await form();
      await world.age(owner.session, 601);
      expect(await outcome(set(owner))).toBe("unauthorized.reauthentication_required");
    });

    test("of an organization that has ended: nothing is left of it, and nothing can be set", async () => {
      const owner = await form();
      await set(owner, { allowedProviders: [] });
      await auth.organizations.revoke(owner);
      expect(await get({ ...owner, actor: system })).toMatchObject(asksNothing);
      expect(await outcome(demand(owner.organizationId, {}))).toBe("conflict.already_terminal");
      expect(await outcome(set(owner))).toBe("not_found");
      expect(await outcome(demand(generateId("org"), {}))).toBe("not_found");
      const rows = await world.rows(
        sql`select from org_security_policy where org_id = ${uuidFor("org", owner.organizationId)}::uuid`,
      );
      expect(rows).toEqual([]);
    });

    test("of a suspended organization: it can be set, for the time after", async () => {
      const owner = await form();
      await auth.organizations.suspend({ ...owner, actor: system });
      expect(await set(owner, { maxIdleSeconds: 900 })).toMatchObject({ maxIdleSeconds: 900 });
    });
  });

  describe("no owner locks the organization out", () => {
    const password = () => world.person();
    const code = async () => (await addApp(world, await world.person())).person;
    const passkey = async () => (await inside()).person;
    const ways: readonly [string, () => Promise<Person>, Partial<SecuritySettings>, string][] = [
      ["a password", password, { require: "mfa" }, "unauthorized.enrollment_required"],
      ["a password", password, { require: "mfa", graceDays: 14 }, "unauthorized.enrollment_required"],
      ["a password", password, { require: "phishing-resistant", graceDays: 14 }, "unauthorized.enrollment_required"],
      ["a password", password, { maxAgeSeconds: 600, maxIdleSeconds: 600, allowedProviders: [] }, "done"],
      ["a code", code, { require: "mfa" }, "done"],
      ["a code", code, { require: "phishing-resistant", graceDays: 14 }, "unauthorized.enrollment_required"],
      ["a passkey", passkey, { require: "mfa" }, "done"],
      ["a passkey", passkey, { require: "phishing-resistant", maxIdleSeconds: 600 }, "done"],
    ];
    test.each(ways)("by a session with %s: %#", async (_name, person, settings, expected) => {
      const owner = await form(await person());
      expect(await outcome(set(owner, settings))).toBe(expected);
      expect(await enter(owner, owner.organizationId)).toBe("done");
      expect(await get(owner)).toMatchObject(expected === "done" ? settings : asksNothing);
    });

    test("an owner whose session is by a provider does not forbid it", async () => {
      const owner = await form();
      await world.rows(sql`update ses set amr = array['fed'] where id = ${uuidFor("ses", owner.session.id)}::uuid`);
      expect(await outcome(set(owner, { allowedProviders: [] }))).toBe("forbidden.provider_not_allowed");
      expect(await outcome(set(owner, { allowedProviders: null }))).toBe("done");
    });

    test("an owner who has a passkey, in a session without it: reauthentication_required", async () => {
      const { person } = await usersWithPasskeys(world).withPasskey();
      const owner = await form(person);
      const refused = await outcome(set(owner, { require: "phishing-resistant" }));
      expect(refused).toBe("unauthorized.reauthentication_required");
    });

    test("the owner who set it lowers it again, and the application does so for others", async () => {
      const owner = await form(await passkey());
      const second = await join(owner.organizationId, "owner");
      await set(owner, { require: "phishing-resistant" });
      // Otherwise someone who has stolen a password would begin with this.
      expect(await outcome(set(second))).toBe("unauthorized.enrollment_required");
      await set(owner);
      expect(await outcome(set(second))).toBe("done");
      await demand(owner.organizationId, { require: "phishing-resistant" });
      await demand(owner.organizationId, {});
      expect(await enter(second, owner.organizationId)).toBe("done");
    });
  });

  describe("in a session that does not meet it", () => {
    test("no role counts, so no thief of a password brings in an account; leaving and one's own rows stay", async () => {
      const owner = await form(await world.person());
      const { organizationId, actor } = owner;
      const [member, second] = [await join(organizationId, "member"), await join(organizationId, "owner")];
      await demand(organizationId, { require: "mfa" });
      const { userId } = await world.person();
      const asked = { actor, organizationId, membershipId: member.membershipId };
      const attempts: Record<string, () => Promise<unknown>> = {
        get: () => auth.organizations.get(asked),
        update: () => auth.organizations.update({ ...asked, name: "x" }),
        revoke: () => auth.organizations.revoke(asked),
        policy: () => get(asked),
        lower: () => set(asked),
        add: () => auth.memberships.add({ ...asked, userId, role: "owner" }),
        list: () => auth.memberships.list(asked),
        read: () => auth.memberships.get(asked),
        changeRole: () => auth.memberships.changeRole({ ...asked, role: "owner" }),
        suspend: () => auth.memberships.suspend(asked),
        remove: () => auth.memberships.remove(asked),
        transfer: () =>
          auth.memberships.transferOwnership({
            ...asked,
            fromMembershipId: owner.membershipId,
            toMembershipId: member.membershipId,
          }),
      };
      for (const [name, attempt] of Object.entries(attempts))
        expect([name, await outcome(attempt())]).toEqual([name, "unauthorized.enrollment_required"]);
      expect((await auth.memberships.listOfUser(owner)).data).toMatchObject([{ role: "owner" }]);
      await auth.memberships.get(owner);
      await auth.memberships.history(second);
      await auth.memberships.leave(second);
      await auth.memberships.leave(member);
      // The session itself stays.
      expect(await outcome(auth.sessions.verify(owner))).toBe("done");
    });

    test("its last owner makes no one an owner by leaving, and leaves once another is one", async () => {
      const owner = await form();
      const { organizationId } = owner;
      const heir = await join(organizationId, "member");
      await demand(organizationId, { require: "mfa" });
      const asked = { ...owner, transferTo: heir.userId };
      expect(await outcome(auth.memberships.leave(asked))).toBe("unauthorized.enrollment_required");
      // The application does so for them.
      const left = await auth.memberships.leave({ ...asked, actor: system });
      expect(left.status).toBe("revoked");
      await join(organizationId, "owner");
      const next = (await auth.memberships.listOfUser(heir)).data[0]!;
      expect(next.role).toBe("owner");
      await auth.memberships.leave({ actor: heir.actor, membershipId: next.id, transferTo: owner.userId });
    });

    test("a role that would not suffice anyway: forbidden, as without a policy", async () => {
      const { organizationId } = await form();
      const { actor } = await join(organizationId, "guest");
      await demand(organizationId, { require: "mfa" });
      expect(await outcome(auth.memberships.list({ actor, organizationId }))).toBe("forbidden");
    });

    test("an administrator whom an owner has made an owner, too, is an administrator all the same", async () => {
      const owner = await form();
      const { organizationId } = owner;
      const administrator = await world.administrator();
      const { actor } = administrator;
      await join(organizationId, "owner", administrator);
      await demand(organizationId, { require: "phishing-resistant" });
      expect(await outcome(auth.organizations.update({ actor, organizationId, name: "x" }))).toBe(
        "unauthorized.enrollment_required",
      );
      await auth.organizations.get({ actor, organizationId });
      const { action } = (await world.events({ target: organizationId, actor: administrator.userId })).at(-1)!;
      // As an administrator, so it is recorded.
      expect(action).toBe("tenancy.org.read");
      await world.rows(sql`
        update ses set mfa_verified_at = null where id = ${uuidFor("ses", administrator.session.id)}::uuid`);
      const late = await outcome(auth.organizations.revoke({ actor, organizationId }));
      expect(late).toBe("unauthorized.reauthentication_required");
      await world.levelTwo(administrator.session);
      await auth.organizations.revoke({ actor, organizationId });
    });

    test("personal access tokens are no sessions: no check of a membership takes one", async () => {
      const owner = await form();
      const { userId, organizationId: organization } = owner;
      const { token } = await auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: ["*"] });
      await demand(organization, { require: "mfa", graceDays: 14 });
      const verified = auth.memberships.verify({ token, transport: "token", organization });
      expect(await outcome(verified)).toBe("unauthorized.invalid_token");
    });
  });

  test("ten owners who set it at once: one of the ten, as a whole, and ten events", async () => {
    const owner = await form();
    const { organizationId } = owner;
    const limits = Array.from({ length: 10 }, (_, n) => 700 + n);
    const isolates = limits.map(() => world.isolate());
    await Promise.all(
      limits.map((seconds, n) =>
        isolates[n]!.organizations.setSecurityPolicy({
          ...asksNothing,
          ...{ maxAgeSeconds: seconds, maxIdleSeconds: seconds },
          actor: n % 2 ? owner.actor : system,
          organizationId,
        }),
      ),
    );
    const { maxAgeSeconds, maxIdleSeconds } = await get(owner);
    expect(maxAgeSeconds).toBe(maxIdleSeconds);
    expect(limits).toContain(maxAgeSeconds);
    const events = await world.events({ target: organizationId, action: "tenancy.org.set_security_policy" });
    expect(events).toHaveLength(10);
  });

  test("an owner who is removed while they lower it: the policy and the membership are one or the other", async () => {
    for (let round = 0; round < 5; round++) {
      const first = await form();
      const second = await join(first.organizationId, "owner");
      await demand(first.organizationId, { maxIdleSeconds: 900 });
      const [lowered] = await Promise.all([
        outcome(set(second)),
        auth.memberships.suspend({ ...second, actor: system }),
      ]);
      const { maxIdleSeconds } = await get(first);
      expect([lowered, maxIdleSeconds]).toEqual(lowered === "done" ? ["done", null] : ["not_found", 900]);
    }
  });
});
