/** Each kind of session against each thing that an organization may ask for. @module */
import { describe, expect, test } from "vitest";
import { generateId, newUuid, uuidFor } from "../../src/domain/id.ts";
import type { SecuritySettings } from "../../src/domain/security-policy.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshAddress, otherPassword, outcome, type Person, refusal, system } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, addPasskey, givenApp, personAt } from "../support/factors.ts";
import { type Member, organizationsIn } from "../support/organizations.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";
import { answerOf, freshIdentity, givenIdentity, practiceIssuer, signInWith } from "../support/practice-provider.ts";
import { asksNothing, otherIssuer, policiesIn, twoProviders } from "../support/security-policies.ts";

const start = new Date("2026-11-22T12:00:00Z");
const day = 86_400;
const [enroll, again, provider] = [
  "unauthorized.enrollment_required",
  "unauthorized.reauthentication_required",
  "forbidden.provider_not_allowed",
] as const;

describeWorld(
  "security policies and sessions",
  { on: ["pglite", "postgres"], clock: start, auth: twoProviders },
  (world, auth) => {
    const { form, join } = organizationsIn(world);
    const { demand, enter } = policiesIn(world);
    const { inside } = usersWithPasskeys(world);
    const later = (seconds: number) => advanceTestClock(world.database, seconds);

    /** A user who has just signed in with an identity that no account had. */
    async function through(name: string, amr: readonly string[] = []): Promise<Person> {
      const identity = freshIdentity({ issuer: name === "practice" ? practiceIssuer : otherIssuer, amr });
      const issued = await signInWith(auth, identity, { provider: name, context: { address: freshAddress() } });
      if (!("session" in issued)) throw new Error("No session was made.");
      const { userId, credentialId } = issued.session;
      const known = { ...(await world.person()), userId, credentialId, transport: "cookie" as const };
      return await personAt(world, known, issued);
    }

    const sessions = {
      "a password": () => world.person(),
      "a password, with a passkey at home": async () => {
        const person = await world.person();
        await addPasskey(world, person, await newAuthenticator());
        return person;
      },
      "a password and a code": async () => (await addApp(world, await world.person())).person,
      "a passkey": async () => (await inside()).person,
      "the first provider": () => through("practice"),
      "the first provider, with two factors": () => through("practice", ["mfa"]),
      "the other provider": () => through("other"),
      "the other provider, with two factors": () => through("other", ["mfa"]),
    } as const satisfies Record<string, () => Promise<Person>>;
    type Kind = keyof typeof sessions;

    const asks = {
      nothing: {},
      "two factors": { require: "mfa" },
      "a passkey or security key": { require: "phishing-resistant" },
      "the first provider": { allowedProviders: ["practice"] },
      "no provider": { allowedProviders: [] },
      "two factors and no provider": { require: "mfa", allowedProviders: [] },
      "the first provider alone": { allowedProviders: ["practice"], breakGlass: "the owner" },
    } as const satisfies Record<string, Partial<Omit<SecuritySettings, "breakGlass">> & { breakGlass?: "the owner" }>;

    /** What each kind of session meets, in the order of `asks`. */
    const expected: Record<Kind, readonly string[]> = {
      "a password": ["done", enroll, enroll, "done", "done", enroll, provider],
      "a password, with a passkey at home": ["done", again, again, "done", "done", again, provider],
      "a password and a code": ["done", "done", enroll, "done", "done", "done", provider],
      "a passkey": ["done", "done", "done", "done", "done", "done", provider],
      "the first provider": ["done", enroll, enroll, "done", provider, provider, "done"],
      "the first provider, with two factors": ["done", "done", enroll, "done", provider, provider, "done"],
      "the other provider": ["done", enroll, enroll, provider, provider, provider, provider],
      "the other provider, with two factors": ["done", "done", enroll, provider, provider, provider, provider],
    };

    test.each(Object.keys(expected) as Kind[])("a session by %s", async (kind) => {
      const person = await sessions[kind]();
      const { organizationId, userId } = await form();
      await join(organizationId, "admin", person);
      const found: string[] = [];
      for (const settings of Object.values(asks)) {
        await demand(organizationId, { ...settings, breakGlass: "breakGlass" in settings ? [userId] : null });
        found.push(await enter(person, organizationId));
      }
      expect(found).toEqual(expected[kind]);
    });

    test("what is missing is in the refusal's details, except about providers", async () => {
      const { organizationId } = await form();
      const member = await join(organizationId, "member");
      const asked = { require: "phishing-resistant", maxAgeSeconds: 3_600, maxIdleSeconds: 900 } as const;
      await demand(organizationId, { ...asked, allowedProviders: ["practice"] });
      const find = (actor: Person["actor"]) => refusal(auth.memberships.find({ actor, organization: organizationId }));
      expect((await find(member.actor)).details).toEqual({
        require: "phishing-resistant",
        max_age_seconds: 3_600,
        max_idle_seconds: 900,
      });
      const stranger = await join(organizationId, "member", await through("other"));
      expect(await find(stranger.actor)).toMatchObject({ code: provider, details: undefined });
    });

    describe("the users who may come in without the provider", () => {
      const alone = { allowedProviders: ["practice"] };

      test("come in by a password and by another provider; no one else does", async () => {
        const owner = await form();
        const { organizationId } = owner;
        const [named, other] = [
          await join(organizationId, "guest", await through("other")),
          await join(organizationId, "admin"),
        ];
        await demand(organizationId, { ...alone, breakGlass: [owner.userId, named.userId] });
        expect(await enter(owner, organizationId)).toBe("done");
        expect(await enter(named, organizationId)).toBe("done");
        expect(await enter(other, organizationId)).toBe(provider);
        await demand(organizationId, { ...alone, breakGlass: [owner.userId] });
        expect(await enter(named, organizationId)).toBe(provider);
      });

      test("still need what else the policy asks for", async () => {
        const { organizationId, userId, ...owner } = await form();
        await demand(organizationId, { ...alone, require: "mfa", breakGlass: [userId] });
        expect(await enter(owner, organizationId)).toBe(enroll);
      });

      test("one of them is an active owner with an active account: otherwise precondition.mem_not_active", async () => {
        const owner = await form();
        const { organizationId } = owner;
        const [admin, closed, ended] = [
          await join(organizationId, "admin"),
          await join(organizationId, "owner"),
          await join(organizationId, "owner"),
        ];
        await auth.users.suspend({ actor: system, userId: closed.userId });
        await auth.memberships.suspend({ ...ended, actor: system });
        const foreign = await form();
        for (const { userId } of [admin, closed, ended, foreign, { userId: generateId("usr") }])
          expect(await outcome(demand(organizationId, { ...alone, breakGlass: [userId] }))).toBe(
            "precondition.mem_not_active",
          );
        expect(
          (await demand(organizationId, { ...alone, breakGlass: [admin.userId, owner.userId] })).breakGlass,
        ).toEqual([admin.userId, owner.userId]);
      });

      test("an owner who signed in with a password does not lock themselves out", async () => {
        const owner = await form();
        const { organizationId, actor } = owner;
        const heir = await join(organizationId, "owner");
        const set = (breakGlass: Person["userId"][]) =>
          outcome(
            auth.organizations.setSecurityPolicy({ ...asksNothing, ...alone, actor, organizationId, breakGlass }),
          );
        expect(await set([heir.userId])).toBe(provider);
        expect(await set([owner.userId])).toBe("done");
        // The other owner, who is not named, can neither read nor lower it with a password.
        const get = auth.organizations.getSecurityPolicy({ actor: heir.actor, organizationId });
        expect(await outcome(get)).toBe(provider);
      });

      const goes: Readonly<Record<string, (listed: Member, other: Member) => Promise<unknown>>> = {
        leaves: (listed) => auth.memberships.leave(listed),
        "gets another role": ({ membershipId }) =>
          auth.memberships.changeRole({ actor: system, membershipId, role: "admin" }),
        "hands over": ({ organizationId, membershipId: fromMembershipId }, { membershipId: toMembershipId }) =>
          auth.memberships.transferOwnership({ actor: system, organizationId, fromMembershipId, toMembershipId }),
        "is suspended in the organization": ({ membershipId }) =>
          auth.memberships.suspend({ actor: system, membershipId }),
        "is suspended": ({ userId }) => auth.users.suspend({ actor: system, userId }),
        "closes the account": (listed) => auth.users.revokeOwn({ ...listed, currentPassword: listed.password }),
        "is removed by another SDK": ({ userId }) =>
          world.rows(sql`update mem set status = 'revoked' where usr_id = ${uuidFor("usr", userId)}::uuid`),
      };

      test.each(Object.keys(goes))(
        "the only owner among them %s: other owners come in by a password, no one else",
        async (way) => {
          const listed = await form();
          const { organizationId } = listed;
          const [owner, admin, guest] = [
            await join(organizationId, "owner"),
            await join(organizationId, "admin"),
            await join(organizationId, "guest"),
          ];
          await demand(organizationId, { ...alone, breakGlass: [listed.userId, guest.userId] });
          expect(await enter(owner, organizationId)).toBe(provider);
          await goes[way]!(listed, owner);
          expect(await enter(owner, organizationId)).toBe("done");
          expect(await enter(guest, organizationId)).toBe("done");
          expect(await enter(admin, organizationId)).toBe(provider);
          const breakGlass = [owner.userId];
          await auth.organizations.setSecurityPolicy({ ...asksNothing, ...alone, ...owner, breakGlass });
          const second = await join(organizationId, "owner");
          expect(await enter(second, organizationId)).toBe(provider);
        },
      );

      test("are the kept account after a merge", async () => {
        const owner = await form();
        const { organizationId } = owner;
        const kept = await world.person({ password: otherPassword });
        await demand(organizationId, { ...alone, breakGlass: [owner.userId] });
        await auth.merging.merge({ actor: owner.actor, into: kept.actor });
        const policy = await auth.organizations.getSecurityPolicy({ actor: kept.actor, organizationId });
        expect(policy.breakGlass).toEqual([kept.userId]);
      });
    });

    describe("providers", () => {
      test("an identity that another SDK linked, of which the provider's name is not known: refused", async () => {
        const person = await world.person();
        const identity = freshIdentity();
        await givenIdentity(world, person.userId, "active", identity);
        const made = await signInWith(auth, identity, { context: { address: freshAddress() } });
        if (!("session" in made)) throw new Error("No session was made.");
        const signedIn = await personAt(world, { ...person, transport: "cookie" }, made);
        const { organizationId } = await form();
        await join(organizationId, "member", signedIn);
        await demand(organizationId, { allowedProviders: ["practice"] });
        expect(await enter(signedIn, organizationId)).toBe("done");
        await world.rows(
          sql`delete from linked_identity where cred_id = ${uuidFor("cred", made.session.credentialId)}::uuid`,
        );
        expect(await enter(signedIn, organizationId)).toBe(provider);
      });

      test("a second factor that a provider proved in a step-up: which provider is not known, so it is refused", async () => {
        const person = await world.person({ transport: "cookie" });
        const identity = freshIdentity({ issuer: otherIssuer, amr: ["mfa"], authTime: Math.floor(Date.now() / 1_000) });
        await world.rows(sql`
          insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject)
          values (${newUuid()}::uuid, ${uuidFor("usr", person.userId)}::uuid, 'oidc', ${identity.subject}, ${otherIssuer},
            ${identity.subject})`);
        const { actor } = person;
        const started = await auth.federation.start({ provider: "other", purpose: "step_up", actor });
        const { attempt } = started;
        const answer = answerOf(started, identity);
        const stepped = await auth.federation.finishStepUp({ provider: "other", attempt, answer, actor });
        expect(stepped.session.amr).toEqual(["fed", "mfa", "pwd"]);
        const { organizationId } = await form();
        const member = await join(organizationId, "member", await personAt(world, person, stepped));
        const found: string[] = [];
        for (const settings of [asks["two factors"], asks["two factors and no provider"], asks["the first provider"]]) {
          await demand(organizationId, settings);
          found.push(await enter(member, organizationId));
        }
        expect(found).toEqual(["done", provider, provider]);
      });
    });

    describe("the grace", () => {
      const graceOf = async ({ actor }: Person, organization: Parameters<typeof enter>[1]) =>
        (await auth.memberships.find({ actor, organization })).graceUntil;
      const asked = { require: "mfa", graceDays: 14 } as const;
      const at = (seconds: number) => new Date(start.getTime() + seconds * 1_000);

      test("lets members in until its last moment, and says until when", async () => {
        const { organizationId } = await form();
        const person = await join(organizationId, "member");
        expect(await graceOf(person, organizationId)).toBeNull();
        expect((await demand(organizationId, asked)).graceUntil).toEqual(at(14 * day));
        expect([await enter(person, organizationId), await graceOf(person, organizationId)]).toEqual([
          "done",
          at(14 * day),
        ]);
        await later(14 * day - 1);
        const signedIn = await world.signIn(person);
        expect(await enter(signedIn, organizationId)).toBe("done");
        await later(1);
        expect(await enter(signedIn, organizationId)).toBe(enroll);
      });

      test("of no days: none", async () => {
        const { organizationId } = await form();
        const person = await join(organizationId, "member");
        await demand(organizationId, { require: "mfa", graceDays: 0 });
        expect(await enter(person, organizationId)).toBe(enroll);
      });

      test("begins for a new member when they join, and not again with another role", async () => {
        const { organizationId } = await form();
        await demand(organizationId, asked);
        await later(10 * day);
        const person = await join(organizationId, "guest");
        expect(await graceOf(person, organizationId)).toEqual(at(24 * day));
        await later(5 * day);
        const changed = { actor: system, membershipId: person.membershipId, role: "member" } as const;
        const next = await auth.memberships.changeRole(changed);
        await auth.memberships.changeRole({ ...changed, membershipId: next.id, role: "admin" });
        const signedIn = await world.signIn(person);
        expect(await graceOf(signedIn, organizationId)).toEqual(at(24 * day));
        await later(9 * day);
        expect(await enter(await world.signIn(person), organizationId)).toBe(enroll);
      });

      test("a suspension does not prolong it", async () => {
        const { organizationId } = await form();
        const person = await join(organizationId, "member");
        await demand(organizationId, asked);
        await auth.memberships.suspend({ ...person, actor: system });
        await later(14 * day);
        await auth.memberships.reinstate({ ...person, actor: system });
        expect(await enter(await world.signIn(person), organizationId)).toBe(enroll);
      });

      test("begins again only if more is required", async () => {
        const { organizationId } = await form();
        const person = await join(organizationId, "member");
        const graces: (Date | null)[] = [];
        for (const [settings, wait] of [
          [asked, day],
          [{ ...asked, maxAgeSeconds: 2_592_000 }, day],
          [{ ...asked, require: "phishing-resistant" }, day],
          [asked, day],
          [{ ...asked, graceDays: 7 }, day],
          [{ ...asked, require: "none" }, day],
          [asked, day],
        ] as const) {
          graces.push((await demand(organizationId, settings)).graceUntil);
          await later(wait);
        }
        expect(await graceOf(await world.signIn(person), organizationId)).toEqual(at(20 * day));
        const days = graces.map((grace) => grace && (grace.getTime() - start.getTime()) / (1_000 * day));
        expect(days).toEqual([14, 14, 16, 16, 9, null, 20]);
      });

      test("is not for members who can prove it: someone who has stolen their password is not let in", async () => {
        const { organizationId } = await form();
        const person = await join(organizationId, "member");
        await demand(organizationId, asked);
        await addPasskey(world, person, await newAuthenticator());
        expect(await enter(person, organizationId)).toBe(again);
      });

      test("is not for the age of a session, nor for its provider", async () => {
        const { organizationId } = await form();
        const person = await join(organizationId, "member");
        const stranger = await join(organizationId, "member", await through("other"));
        await demand(organizationId, { ...asked, maxAgeSeconds: 600, allowedProviders: [] });
        expect(await enter(stranger, organizationId)).toBe(provider);
        await later(600);
        expect(await enter(person, organizationId)).toBe(again);
      });
    });

    describe("the limits of a session", () => {
      test("the age of the last proof, to the second; a refresh does not renew it, a step-up does", async () => {
        const { organizationId } = await form();
        const member = await join(organizationId, "member");
        await demand(organizationId, { maxAgeSeconds: 3_600 });
        await later(3_599);
        expect(await enter(member, organizationId)).toBe("done");
        await later(1);
        expect(await enter(member, organizationId)).toBe(again);
        const refreshed = await personAt(world, member, await auth.sessions.refresh(member));
        expect(await enter(refreshed, organizationId)).toBe(again);
        const proof = { type: "password", password: member.password } as const;
        const stepped = await auth.stepUp({ ...refreshed, proof });
        expect(await enter(await personAt(world, member, stepped), organizationId)).toBe("done");
      });

      test("a proof of which the time is not known counts as too old", async () => {
        const { organizationId } = await form();
        const member = await join(organizationId, "member");
        await demand(organizationId, { maxAgeSeconds: 2_592_000 });
        await world.rows(sql`update ses set auth_time = null where id = ${uuidFor("ses", member.session.id)}::uuid`);
        expect(await enter(member, organizationId)).toBe(again);
      });

      test("the time without use: another route does not hide it, nor does a refresh; a step-up ends it", async () => {
        const { organizationId } = await form();
        const [member, other] = [await join(organizationId, "member"), await join(organizationId, "member")];
        await demand(organizationId, { maxIdleSeconds: 900 });
        await later(900);
        expect(await enter(member, organizationId)).toBe("done");
        await later(900);
        expect(await enter(member, organizationId)).toBe("done");
        await later(901);
        // The check itself uses the session, and so does any other route.
        expect([await enter(member, organizationId), await enter(member, organizationId)]).toEqual([again, again]);
        await auth.sessions.verify(other);
        expect(await enter(other, organizationId)).toBe(again);
        const refreshed = await personAt(world, member, await auth.sessions.refresh(member));
        expect(await enter(refreshed, organizationId)).toBe(again);
        const proof = { type: "password", password: member.password } as const;
        const stepped = await auth.stepUp({ ...refreshed, proof });
        expect(await enter(await personAt(world, member, stepped), organizationId)).toBe("done");
      });

      test("a refresh after a long time without use: counts it", async () => {
        const { organizationId } = await form();
        const member = await join(organizationId, "member");
        await demand(organizationId, { maxIdleSeconds: 900 });
        await later(1_000);
        const refreshed = await personAt(world, member, await auth.sessions.refresh(member));
        expect(await enter(refreshed, organizationId)).toBe(again);
      });

      test("longer than the session's own: the session ends as ever", async () => {
        const { organizationId } = await form();
        const member = await join(organizationId, "member", await sessions["a password and a code"]());
        await demand(organizationId, { maxAgeSeconds: 2_592_000, maxIdleSeconds: 2_592_000 });
        await later(3_601);
        const { token, transport } = member;
        const verified = auth.memberships.verify({ token, transport, organization: organizationId });
        expect(await outcome(verified)).toBe("unauthorized.session_expired");
      });
    });

    test("a security key is as good as a passkey, once it is proved", async () => {
      const { organizationId } = await form();
      const member = await join(organizationId, "member", (await inside()).person);
      await givenApp(world, member.userId, "active");
      await demand(organizationId, { require: "phishing-resistant" });
      expect(await enter(member, organizationId)).toBe("done");
      await world.rows(
        sql`update ses set amr = array['pwd', 'otp', 'mfa'] where id = ${uuidFor("ses", member.session.id)}::uuid`,
      );
      expect(await enter(member, organizationId)).toBe(again);
    });

    test("what is said of a policy is said to members alone", async () => {
      const owner = await form();
      await demand(owner.organizationId, { require: "phishing-resistant", allowedProviders: [] });
      const [stranger, former] = [await world.person(), await join(owner.organizationId, "member")];
      await auth.memberships.leave(former);
      for (const person of [stranger, former, await form()])
        expect(await enter(person, owner.organizationId)).toBe("not_found");
      await auth.organizations.suspend({ ...owner, actor: system });
      const find = auth.memberships.find({ actor: owner.actor, organization: owner.organizationId });
      expect(await outcome(find)).toBe("precondition.org_not_active");
    });
  },
);
