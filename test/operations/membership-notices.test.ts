/** R021: what a user hears of their memberships in organizations. @module */
import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import type { NoticeKind } from "../../src/domain/notices.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, outcome, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { withVerifiedAddress } from "../support/links.ts";
import { domainsIn } from "../support/organization-domains.ts";
import { type Member, organizationsIn } from "../support/organizations.ts";
import { freshIdentity, signInWith } from "../support/practice-provider.ts";

describeWorld(
  "R021: notices of memberships",
  { on: ["pglite", "postgres"], auth: { signUp: "open" } },
  (world, auth) => {
    const { form, join } = organizationsIn(world);
    /** The notices of memberships that a user was owed, oldest first. */
    const owed = ({ userId }: Pick<Person, "userId">) =>
      world.rows(sql<{ kind: string; recipient: string | null; isUsed: boolean }>`
        select kind, recipient, used_at is not null as "isUsed" from mail_message
        where usr_id = ${uuidFor("usr", userId)}::uuid and kind like 'membership%' order by created_at, recipient`);
    const kindsOf = async (person: Pick<Person, "userId">) => (await owed(person)).map(({ kind }) => kind);
    const forget = ({ userId }: Pick<Person, "userId">) =>
      world.rows(sql`delete from mail_message where usr_id = ${uuidFor("usr", userId)}::uuid`);
    const verified = async () => await withVerifiedAddress(world, await world.person());
    const textTo = async ({ identifier }: Pick<Person, "identifier">) => {
      await auth.mail.deliver();
      await world.mailbox.arrival(identifier);
      return world.mailbox.newestTo(identifier);
    };

    /** An organization with a name, two owners and a member with verified addresses, who have heard nothing yet. */
    async function acme() {
      const owner = await form(await verified(), { name: "Acme" });
      const second = await join(owner.organizationId, "owner", await verified());
      const member = await join(owner.organizationId, "member", await verified());
      for (const person of [owner, second, member]) await forget(person);
      return { owner, second, member };
    }
    type Acme = Awaited<ReturnType<typeof acme>>;
    const of = ({ actor }: Pick<Person, "actor">, { organizationId, membershipId }: Member) => ({
      actor,
      organizationId,
      membershipId,
    });

    /** What others do to a membership. */
    interface ByOthers {
      /** Returns who hears of it. */
      readonly act: (of: Acme) => Promise<Pick<Person, "userId" | "identifier">>;
      /** Who hears of it too. */
      readonly besides?: keyof Acme;
      readonly kind: NoticeKind;
      /** A line of the message. */
      readonly line: string;
    }
    const byOthers: Readonly<Record<string, ByOthers>> = {
      "added by an owner": {
        act: async ({ owner: { actor, organizationId } }) => {
          const person = await verified();
          await auth.memberships.add({ actor, organizationId, userId: person.userId, role: "viewer" });
          return person;
        },
        kind: "membership_given",
        line: "Role: viewer",
      },
      "added by the application": {
        act: async ({ owner: { organizationId } }) => await join(organizationId, "guest", await verified()),
        kind: "membership_given",
        line: "Role: guest",
      },
      "another role": {
        act: async ({ owner, member }) => {
          await auth.memberships.changeRole({ ...of(owner, member), role: "admin" });
          return member;
        },
        kind: "membership_given",
        line: "Role: admin",
      },
      suspended: {
        act: async ({ owner, member }) => {
          await auth.memberships.suspend(of(owner, member));
          return member;
        },
        kind: "membership_suspended",
        line: "until it is reinstated",
      },
      reinstated: {
        act: async ({ owner, member }) => {
          await auth.memberships.suspend(of(owner, member));
          await forget(member);
          await auth.memberships.reinstate(of(owner, member));
          return member;
        },
        kind: "membership_given",
        line: "Role: member",
      },
      "removed by an owner": {
        act: async ({ owner, member }) => {
          await auth.memberships.remove(of(owner, member));
          return member;
        },
        kind: "membership_ended",
        line: "no longer a member",
      },
      "removed by an administrator": {
        act: async ({ member }) => {
          await auth.memberships.remove(of(await world.administrator(), member));
          return member;
        },
        kind: "membership_ended",
        line: "no longer a member",
      },
      "handed over to": {
        act: async ({ owner, member }) => {
          const { actor, organizationId, membershipId: fromMembershipId } = owner;
          const toMembershipId = member.membershipId;
          await auth.memberships.transferOwnership({ actor, organizationId, fromMembershipId, toMembershipId });
          return member;
        },
        kind: "membership_given",
        line: "Role: owner",
      },
      "handed over by the application": {
        act: async ({ owner, member: { membershipId: toMembershipId } }) => {
          const { organizationId, membershipId: fromMembershipId } = owner;
          await auth.memberships.transferOwnership({ actor: system, organizationId, fromMembershipId, toMembershipId });
          return owner;
        },
        besides: "member",
        kind: "membership_given",
        line: "Role: member",
      },
      "the heir of an owner who leaves": {
        act: async ({ owner, second, member }) => {
          await auth.memberships.leave(of(second, second));
          await auth.memberships.leave({ ...of(owner, owner), transferTo: member.userId });
          return member;
        },
        kind: "membership_given",
        line: "Role: owner",
      },
      "approved by an owner, after they asked": {
        act: async () => {
          const { owner, organizationId, domain } = await domainsIn(world).open("request");
          const person = await domainsIn(world).personOf(domain);
          await auth.organizationDomains.join({ actor: person.actor, organizationId });
          await auth.organizationDomains.approve({ actor: owner.actor, organizationId, userId: person.userId });
          return person;
        },
        kind: "membership_given",
        line: "Role: member",
      },
    };

    test.each(Object.entries(byOthers))(
      "%s: one message without a link, and none to who did it",
      async (_title, row) => {
        const { act, besides, kind, line } = row;
        const acted = await acme();
        const told = await act(acted);
        expect(await owed(told)).toEqual([{ kind, recipient: told.identifier, isUsed: true }]);
        for (const person of Object.values(acted)) {
          const isTold = person === told || person === acted[besides!];
          expect(await owed(person)).toHaveLength(isTold ? 1 : 0);
        }
        const { subject, text, html } = await textTo(told);
        expect(subject).toMatch(/ – example\.com$/);
        expect(text).toContain(line);
        expect(text).toContain(told.identifier);
        expect(text).toMatch(/^Organization: (Acme|an organization without a name)$/m);
        expect(`${text}${html}`).not.toContain("https://");
      },
    );

    const byThemselves: Readonly<Record<string, (of: Acme) => Promise<Pick<Person, "userId">>>> = {
      leaving: async ({ member }) => {
        await auth.memberships.leave(of(member, member));
        return member;
      },
      "founding an organization": async () => await form(await verified()),
      "joining by a domain": async () => {
        const { organizationId, domain } = await domainsIn(world).open("automatic");
        const person = await domainsIn(world).personOf(domain);
        await auth.organizationDomains.join({ actor: person.actor, organizationId });
        return person;
      },
      "accepting an invitation": async ({ owner: { actor, organizationId } }) => {
        const person = await verified();
        const { identifier } = person;
        const invited = { actor, organizationId, identifier, role: "member" } as const;
        const { token } = await auth.organizationInvitations.create(invited);
        await auth.organizationInvitations.accept({ actor: person.actor, token });
        return person;
      },
      "taking a lower role": async ({ second }) => {
        await auth.memberships.changeRole({ ...of(second, second), role: "member" });
        return second;
      },
    };

    test.each(Object.entries(byThemselves))("%s is the user's own act: no message", async (_title, act) => {
      expect(await kindsOf(await act(await acme()))).toEqual([]);
    });

    test("what is refused, undone or changes nothing owes none", async () => {
      const { owner, member } = await acme();
      const suspended = { ...of(member, owner) };
      expect(await outcome(auth.memberships.suspend(suspended))).toBe("forbidden");
      await auth.memberships.changeRole({ ...of(owner, member), role: "member" });
      const plan = await auth.memberships.suspend.plan(of(owner, member));
      await expect(auth.batch([plan, sql`select 1 / 0`])).rejects.toThrow();
      expect([await kindsOf(owner), await kindsOf(member)]).toEqual([[], []]);
    });

    test.each(["garbage", "", `mem_${"0".repeat(31)}`, `mem_${"0".repeat(32)}`, `org_${"0".repeat(32)}`])(
      "an application's own event about %j is written and owes none",
      async (target) => {
        const { owner, member } = await acme();
        const plan = await auth.memberships.suspend.plan(of(owner, member));
        const metadata = JSON.stringify({ usr: owner.userId, heir: owner.userId, from: "usr_1", to: "" });
        const events = ["mem", "org"].map(
          (kind) => sql`
          insert into aud (id, occurred_at, action, target_kind, target_id, outcome, metadata)
          values (gen_random_uuid(), sallyport_now(), 'tenancy.mem.create', ${kind}, ${target}, 'success', ${metadata}::jsonb)`,
        );
        await auth.batch([plan, ...events]);
        expect([await kindsOf(owner), await kindsOf(member)]).toEqual([[], ["membership_suspended"]]);
      },
    );

    describe("whom it goes to", () => {
      test("every verified address, and none that is not", async () => {
        const { owner, member } = await acme();
        const [proved, unproved] = [freshIdentifier(), freshIdentifier()];
        for (const identifier of [proved, unproved]) {
          const password = "correct horse battery staple";
          await auth.credentials.createPassword({ actor: system, userId: member.userId, identifier, password });
        }
        await world.rows(sql`update cred set identifier_verified_at = sallyport_now() where identifier = ${proved}`);
        await auth.memberships.suspend(of(owner, member));
        const recipients = (await owed(member)).map(({ recipient }) => recipient);
        expect(recipients.toSorted()).toEqual([member.identifier, proved].toSorted());
      });

      test("the address that a provider has verified, of a user without one of their own", async () => {
        const { owner } = await acme();
        const identity = freshIdentity({ email: freshIdentifier(), emailVerified: true });
        const done = await signInWith(auth, identity, { context: { address: freshAddress() } });
        if (!("session" in done)) throw new Error("No session was made.");
        const { user } = await auth.sessions.verify({ token: done.token, transport: "cookie" });
        const { actor, organizationId } = owner;
        await auth.memberships.add({ actor, organizationId, userId: user.id, role: "member" });
        expect(await owed({ userId: user.id })).toEqual([
          { kind: "membership_given", recipient: identity.email, isUsed: true },
        ]);
      });

      test("no user whose account is suspended", async () => {
        const { owner, member } = await acme();
        await auth.users.suspend({ actor: system, userId: member.userId });
        await auth.memberships.suspend(of(owner, member));
        expect(await kindsOf(member)).toEqual([]);
      });

      test("no user, if the option turns notices off", async () => {
        const { member } = await acme();
        const silent = world.isolate({ mail: { mailer: world.mailbox, notices: false } });
        await silent.memberships.suspend(of({ actor: system } as never, member));
        expect(await kindsOf(member)).toEqual([]);
      });
    });

    test("a name makes no link, and no line of its own", async () => {
      const name = "Acme\n\nYour account is locked: https://evil.example/x <b>now</b>";
      const owner = await form(undefined, { name: name.replaceAll("\n", " ") });
      const member = await join(owner.organizationId, "member", await verified());
      const { text, html } = await textTo(member);
      expect(text).not.toMatch(/https:\/\/|evil\.example/);
      expect(html).not.toMatch(/<b>|href/);
    });

    test("twenty in an hour at most: an organization cannot flood a mailbox", async () => {
      const { owner, member } = await acme();
      for (let time = 0; time < 12; time++) {
        await auth.memberships.suspend(of(owner, member));
        await auth.memberships.reinstate(of(owner, member));
      }
      expect(await owed(member)).toHaveLength(20);
      await world.rows(sql`
        update mail_message set created_at = created_at - interval '61 minutes'
        where usr_id = ${uuidFor("usr", member.userId)}::uuid`);
      await auth.memberships.suspend(of(owner, member));
      expect(await owed(member)).toHaveLength(21);
    });

    test("a message without a link does not keep the account from being merged", async () => {
      const { member } = await acme();
      await join((await form()).organizationId, "member", member);
      const kept = await world.person();
      expect(await outcome(auth.merging.merge({ actor: member.actor, into: kept.actor }))).toBe("done");
    });
  },
);
