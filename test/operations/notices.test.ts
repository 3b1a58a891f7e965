import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import type { ProvedIdentity } from "../../src/domain/identity-provider.ts";
import { type NoticeKind, noticeOf } from "../../src/domain/notices.ts";
import type { PasswordHasher } from "../../src/index.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  quickHasher,
  secret,
  system,
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, registrationBy } from "../support/factors.ts";
import { askers, mailed, withVerifiedAddress } from "../support/links.ts";
import { answerOf, freshIdentity } from "../support/practice-provider.ts";

const invalid = "unauthorized.invalid_link";

describeWorld("R021: notices", { on: ["pglite", "postgres"] }, (world) => {
  const verified = async () => await withVerifiedAddress(world, await world.person());
  /** The kinds of the messages that are owed to a person's addresses, and not sent yet. */
  const owed = async ({ userId }: Person) => {
    const rows = await world.rows<{ kind: string }>(sql`
      select kind from mail_message
      where usr_id = ${uuidFor("usr", userId)}::uuid and event_id is not null and status = 'owed' order by created_at, kind`);
    return rows.map(({ kind }) => kind);
  };
  const register = async (person: Person) =>
    await world.auth.passkeys.register({
      actor: person.actor,
      response: await registrationBy(world, person, await newAuthenticator()),
      transport: "token",
    });
  const signIn = ({ identifier, password }: Person, more: object = {}) =>
    world.auth.signIn.password({ identifier, password, context: { address: freshAddress(), ...more } });

  /** What happens to an account, by the notice that it owes. */
  const causes: Readonly<
    Record<Exclude<NoticeKind, "account_closed" | `membership_${string}`>, (person: Person) => Promise<unknown>>
  > = {
    password_changed: ({ actor }) =>
      world.auth.changePassword({
        actor,
        currentPassword: goodPassword,
        newPassword: otherPassword,
        transport: "token",
      }),
    password_reset: async ({ identifier }) => {
      const { token } = await mailed(world, "reset", identifier);
      await world.auth.passwordReset.confirm({ token, password: otherPassword });
    },
    password_added: ({ userId }) =>
      world.auth.credentials.createPassword({
        actor: system,
        userId,
        identifier: freshIdentifier(),
        password: otherPassword,
      }),
    credential_ended: ({ credentialId }) => world.auth.credentials.suspend({ actor: system, credentialId }),
    passkey_added: register,
    identity_linked: async ({ actor }) => {
      const { auth } = world;
      const started = await auth.federation.start({ provider: "practice", purpose: "link", actor });
      const { attempt } = started;
      const answer = answerOf(started, freshIdentity());
      await auth.federation.finishLink({ provider: "practice", attempt, answer, actor });
    },
    factor_added: (person) => addApp(world, person),
    factor_removed: async (person) => {
      const { person: withApp } = await addApp(world, person);
      await world.rows(sql`
        update mail_message set status = 'expired', recipient = null, content = null, ended_at = sallyport_now()
        where kind = 'factor_added' and status = 'owed'`);
      const { data } = await world.auth.factors.list(withApp);
      await world.auth.factors.revoke({ actor: system, factorId: data[0]!.id });
    },
    async recovery_codes_made(person) {
      const { person: withApp } = await addApp(world, person);
      await world.rows(sql`
        update mail_message set status = 'expired', recipient = null, content = null, ended_at = sallyport_now()
        where kind = 'factor_added' and status = 'owed'`);
      await world.auth.factors.replaceRecoveryCodes({ actor: withApp.actor });
    },
    accounts_merged: async ({ actor }) => {
      const { actor: other } = await world.person();
      await world.auth.merging.merge({ actor: other, into: actor });
    },
    enrollment_permitted: ({ userId }) => world.auth.mfaPolicies.grantEnrollment({ actor: system, userId }),
    address_verified: async ({ actor, userId }) => {
      const identifier = freshIdentifier();
      await world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword });
      await world.auth.identifiers.requestVerification({ actor, identifier });
      await world.auth.mail.deliver();
      const token = world.mailbox.secretTo(identifier);
      await world.auth.identifiers.verify({ token, proof: { type: "session", actor } });
    },
    // The address that changes is another one of the account.
    address_changed: async ({ actor, userId }) => {
      const [replaces, identifier] = [freshIdentifier(), freshIdentifier()];
      const added = { actor: system, userId, identifier: replaces, password: otherPassword };
      await world.auth.credentials.createPassword(added);
      await world.auth.identifiers.requestChange({ actor, identifier, replaces });
      await world.auth.mail.deliver();
      await world.auth.identifiers.confirmChange({
        actor,
        token: world.mailbox.secretTo(identifier),
        transport: "token",
      });
      const sent = await world.rows(sql`
        update mail_message set status = 'expired', recipient = null, content = null, ended_at = sallyport_now()
        where kind = 'address_changed' and recipient = ${identifier} returning id`);
      expect(sent).toHaveLength(1);
    },
    token_made: ({ actor, userId }) => world.auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: [] }),
    token_reused: async ({ token }) => {
      await world.auth.sessions.refresh({ token, transport: "token" });
      await world.rows(sql`update ses set revoked_at = revoked_at - interval '1 minute', created_at = created_at - interval '1 hour'
        where successor_id is not null and revoked_at > sallyport_now() - interval '10 seconds'`);
      await outcome(world.auth.sessions.refresh({ token, transport: "token" }));
    },
    administrator_granted: async ({ userId }) => {
      await world.enroll(userId);
      await world.auth.administrators.grant({ actor: system, userId });
    },
    new_device: (person) => signIn(person, { userAgent: "Firefox" }),
  };

  test.each(Object.keys(causes) as (keyof typeof causes)[])(
    "%s: one message, in the transaction of the change",
    async (kind) => {
      const person = await verified();
      expect(await owed(person)).toEqual([]);
      world.counting.reset();
      await causes[kind](person);
      expect(await owed(person)).toEqual([kind]);
      await world.auth.mail.deliver();
      const message = world.mailbox.newestTo(person.identifier);
      expect(message.text).toContain("This was not me:\nhttps://example.com/not-me?token=");
      expect(message.subject).toMatch(/ – example\.com$/);
      expect(message.text).toContain(" UTC.");
      expect(await owed(person)).toEqual([]);
    },
  );

  test.each(["application", "user"])(
    "account_closed, by the %s: every verified address hears of it, without a link",
    async (by) => {
      const person = await verified();
      const { actor, userId } = person;
      if (by === "user") await world.auth.users.revokeOwn({ actor, userId, currentPassword: goodPassword });
      else await world.auth.users.revoke({ actor: system, userId });
      expect(await owed(person)).toEqual(["account_closed"]);
      await world.auth.mail.deliver();
      const { subject, text } = world.mailbox.newestTo(person.identifier);
      expect(subject).toBe("Your account at example.com was closed");
      expect(text).toContain(" UTC.");
      expect(text).not.toContain("https://");
    },
  );

  test("S41: no notice names the address or the device of an administrator", async () => {
    const context = { address: "203.0.113.99", userAgent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0" };
    const administrator = await world.administrator();
    const { token } = administrator;
    const { actor } = await world.auth.sessions.verify({ token, transport: administrator.transport, context });
    for (const act of [
      ({ credentialId }: Person) => world.auth.credentials.suspend({ actor, credentialId }),
      ({ userId }: Person) => world.auth.recovery.start({ actor, userId, identifier: freshIdentifier() }),
      ({ userId }: Person) => world.auth.users.revoke({ actor, userId }),
    ]) {
      const person = await verified();
      await act(person);
      await world.auth.mail.deliver();
      const { text } = world.mailbox.newestTo(person.identifier);
      expect(text).toContain(" UTC.");
      expect([text.includes("203.0.113"), text.includes("Firefox")]).toEqual([false, false]);
    }
  });

  test("every kind in the table has a cause", () => {
    // Those of memberships have a file of their own.
    const kinds = [...noticeOf().values()].filter((kind) => !kind.startsWith("membership_"));
    expect(new Set(kinds)).toEqual(new Set([...Object.keys(causes), "account_closed"]));
  });

  test("a change that is refused or undone owes none", async () => {
    const person = await verified();
    const { actor, userId, credentialId } = person;
    const wrong = world.auth.changePassword({
      actor,
      currentPassword: otherPassword,
      newPassword: otherPassword,
      transport: "token",
    });
    expect(await outcome(wrong)).not.toBe("done");
    const plan = await world.auth.credentials.suspend.plan({ actor: system, credentialId });
    await expect(world.auth.batch([plan, sql`select 1 / 0`])).rejects.toThrow();
    const name = "x".repeat(1_000);
    expect(await outcome(world.auth.personalAccessTokens.create({ actor, userId, name, scope: [] }))).not.toBe("done");
    expect(await owed(person)).toEqual([]);
  });

  test.each(["garbage", "", "order 17", `pat_${"z".repeat(32)}`, `usr_${"0".repeat(31)}`])(
    "an application's own event about %j, in the transaction of a change, is written and owes none",
    async (target) => {
      const person = await verified();
      const { credentialId } = person;
      const plan = await world.auth.credentials.suspend.plan({ actor: system, credentialId });
      const events = ["order.made", "identity.pat.create"].flatMap((action) =>
        ["usr", "cred", "mfa", "pat", "ses", "order"].map(
          (kind) => sql`
          insert into aud (id, occurred_at, action, target_kind, target_id, outcome)
          values (gen_random_uuid(), sallyport_now(), ${action}, ${kind}, ${target}, 'success')`,
        ),
      );
      await world.auth.batch([plan, ...events]);
      expect(await owed(person)).toEqual(["credential_ended"]);
    },
  );

  test("none goes to an address that is not verified, and each goes to every one that is", async () => {
    const person = await world.person();
    await causes.token_made(person);
    expect(await owed(person)).toEqual([]);
    await withVerifiedAddress(world, person);
    const identifier = freshIdentifier();
    await world.auth.credentials.createPassword({
      actor: system,
      userId: person.userId,
      identifier,
      password: otherPassword,
    });
    await world.auth.mail.deliver();
    await world.rows(sql`update cred set identifier_verified_at = sallyport_now() where identifier = ${identifier}`);
    const before = world.mailbox.messages.length;
    await world.auth.personalAccessTokens.create({ actor: system, userId: person.userId, name: "ci", scope: [] });
    await world.auth.mail.deliver();
    const sent = world.mailbox.messages.slice(before).map(({ to }) => to);
    expect(sent.toSorted()).toEqual([identifier, person.identifier].toSorted());
  });

  test("an address that was just taken away is told as well", async () => {
    const person = await verified();
    await world.auth.credentials.revoke({ actor: system, credentialId: person.credentialId });
    expect(await owed(person)).toEqual(["credential_ended"]);
  });

  test("only a change says which notices it owes: neither an attempt that is counted nor a purge beside it does", async () => {
    const { identifier } = await verified();
    for (let time = 0; time < 300; time++) {
      world.counting.reset();
      await outcome(world.auth.signIn.password({ identifier, password: "", context: { address: freshAddress() } }));
      expect(world.counting.statements.filter((text) => text.includes("sallyport.notices"))).toEqual([]);
    }
    await signIn({ ...(await verified()) });
    expect(world.counting.statements.filter((text) => text.includes("sallyport.notices"))).not.toEqual([]);
  });

  test("a change that may owe one runs without JIT, and the next transaction has it again", async () => {
    const jit = sql<{ jit: string }>`select current_setting('jit') as jit`;
    const [{ jit: before }] = (await world.rows(jit)) as [{ jit: string }];
    const plan = await world.auth.users.suspend.plan({ actor: system, userId: (await verified()).userId });
    const [, [during]] = await world.auth.batch([plan, jit]);
    expect([during!.jit, (await world.rows(jit))[0]!.jit]).toEqual(["off", before]);
  });

  test("the option turns them off", async () => {
    const person = await verified();
    const { userId } = person;
    const silent = world.isolate({ mail: { mailer: world.mailbox, notices: false } });
    await silent.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: [] });
    expect(await owed(person)).toEqual([]);
  });

  describe("a device is new", () => {
    test.each<[string, object, boolean]>([
      ["with another browser", { address: "203.0.113.7", userAgent: "Firefox" }, true],
      ["in another network", { address: "198.51.100.7", userAgent: "Safari" }, true],
      ["not in the same network and browser", { address: "203.0.113.99", userAgent: "Safari" }, false],
    ])("%s", async (_case, context, isNew) => {
      const person = await verified();
      await signIn(person, { address: "203.0.113.7", userAgent: "Safari" });
      await world.auth.mail.deliver();
      await signIn(person, context);
      expect(await owed(person)).toEqual(isNew ? ["new_device"] : []);
      await signIn(person, context);
      expect(await owed(person)).toEqual(isNew ? ["new_device"] : []);
    });

    test("not by an address of IPv6 in the same /48, nor without any", async () => {
      const person = await verified();
      await signIn(person, { address: "2001:db8:1:2::3" });
      await signIn(person, { address: undefined });
      await world.auth.mail.deliver();
      await signIn(person, { address: "2001:db8:1:9::7" });
      await signIn(person, { address: "2001:db8:1::7" });
      await signIn(person, { address: undefined });
      expect(await owed(person)).toEqual([]);
    });

    test("after half a year, and only once the second factor is proved", async () => {
      const { person, app } = await addApp(world, await verified());
      await world.auth.mail.deliver();
      const needed = await signIn(person, { userAgent: "Firefox" });
      if (!needed.mfaRequired) throw new Error("No second factor was asked for.");
      expect(await owed(person)).toEqual([]);
      const proof = { type: "totp", code: await app.code() } as const;
      const context = { address: freshAddress(), userAgent: "Firefox" };
      await world.auth.signIn.factor({ ticket: needed.ticket, transport: "token", proof, context });
      expect(await owed(person)).toEqual(["new_device"]);
    });
  });

  describe("“this was not me”", () => {
    const disown = (token: string) => world.auth.notices.disown({ token, context: { address: freshAddress() } });
    const noticeTo = async (person: Person) => {
      await world.auth.mail.deliver();
      return world.mailbox.secretTo(person.identifier);
    };
    const kept = async ({ userId }: Person) => {
      const user = uuidFor("usr", userId);
      const rows = await world.rows<{ kind: string }>(sql`
        select type as kind from cred where usr_id = ${user}::uuid and status = 'active' and password_hash is distinct from '*'
        union all select type from mfa where usr_id = ${user}::uuid and status = 'active'
        union all select 'session' from ses where usr_id = ${user}::uuid and revoked_at is null
        union all select 'token' from pat where usr_id = ${user}::uuid and revoked_at is null
        union all select 'ticket' from login_ticket where usr_id = ${user}::uuid order by 1`);
      return rows.map(({ kind }) => kind);
    };

    test("takes the account from whoever did it: and the link that follows gives it back", async () => {
      const person = await verified();
      const own = await register(person);
      await world.auth.mail.deliver();
      const { actor } = await world.auth.sessions.verify({ token: own.token, transport: "token" });
      const { person: thief } = await addApp(world, { ...person, token: own.token, actor });
      await world.auth.mail.deliver();
      await causes.token_made(thief);
      const aboutToken = await noticeTo(person);
      expect(await kept(person)).toEqual(["passkey", "password", "session", "token", "totp"]);
      expect(await disown(aboutToken)).toEqual({ identifier: person.identifier });
      // The notice was about a token: the factor and the passkey stay.
      expect(await kept(person)).toEqual(["passkey", "totp"]);
      expect(await outcome(signIn(person))).toBe("unauthorized.invalid_credential");
      await world.auth.mail.deliver();
      const token = world.mailbox.secretTo(person.identifier);
      expect(world.mailbox.newestTo(person.identifier).text).toContain("/reset?token=");
      expect(await outcome(world.auth.passwordReset.confirm({ token, password: otherPassword }))).toBe("done");
      expect(await kept(person)).toEqual(["passkey", "password", "totp"]);
    });

    test("removes the passkey that it is about, and no other", async () => {
      const person = await verified();
      const own = await register(person);
      await world.auth.mail.deliver();
      const { actor } = await world.auth.sessions.verify({ token: own.token, transport: "token" });
      const response = await registrationBy(world, { ...person, actor }, await newAuthenticator());
      await world.auth.passkeys.register({ actor, response, transport: "token" });
      await disown(await noticeTo(person));
      expect(await kept(person)).toEqual(["passkey"]);
    });

    test("unlinks the identity that it is about, and no other", async () => {
      const person = await verified();
      const link = async (identity: ProvedIdentity) => {
        const started = await world.auth.federation.start({
          provider: "practice",
          purpose: "link",
          actor: person.actor,
        });
        const answer = answerOf(started, identity);
        const { attempt } = started;
        return await world.auth.federation.finishLink({ provider: "practice", attempt, answer, actor: person.actor });
      };
      const own = await link(freshIdentity());
      await world.auth.mail.deliver();
      await link(freshIdentity());
      await disown(await noticeTo(person));
      const { data } = await world.auth.federation.list({ actor: system, userId: person.userId });
      expect(data.map(({ id }) => id)).toEqual([own.id]);
    });

    test("removes the factor that it is about, and what required one", async () => {
      const person = await verified();
      await addApp(world, person);
      await disown(await noticeTo(person));
      expect(await kept(person)).toEqual([]);
      const policies = await world.rows(sql`
        select from usr_mfa_policy where usr_id = ${uuidFor("usr", person.userId)}::uuid and required`);
      expect(policies).toEqual([]);
    });

    test("removes the recovery codes that it is about, and leaves the factor of before", async () => {
      const { person } = await addApp(world, await verified());
      await world.auth.mail.deliver();
      await world.auth.factors.replaceRecoveryCodes({ actor: person.actor });
      const token = await noticeTo(person);
      expect(world.mailbox.newestTo(person.identifier).subject).toContain("recovery codes");
      await disown(token);
      expect(await kept(person)).toEqual(["totp"]);
    });

    describe("the link that follows reaches the owner, although", () => {
      const changed = async ({ actor }: Person) =>
        await world.auth.changePassword({
          actor,
          currentPassword: goodPassword,
          newPassword: otherPassword,
          transport: "token",
        });
      const withOtherAddress = async ({ actor, userId, credentialId }: Person) => {
        const identifier = freshIdentifier();
        const [currentPassword, password] = [goodPassword, otherPassword];
        await world.auth.credentials.createOwnPassword({ actor, userId, identifier, password, currentPassword });
        return { actor, credentialId, currentPassword };
      };
      test.each<[string, (person: Person) => Promise<unknown>]>([
        ["somebody has asked for another one", ({ identifier }) => askers.reset(world, identifier)],
        ["the password was changed after the notice", changed],
        [
          "it was changed twice",
          async (person) => {
            const { session, token } = await changed(person);
            await world.auth.credentials.rotateOwnPassword({
              actor: (await world.auth.sessions.verify({ token, transport: "token" })).actor,
              credentialId: session.credentialId,
              password: goodPassword,
              currentPassword: otherPassword,
            });
          },
        ],
        [
          "the thief has revoked the owner's address",
          async (person) => await world.auth.credentials.revokeOwnPassword(await withOtherAddress(person)),
        ],
        [
          "the thief has replaced the owner's address, and proved another",
          async (person) => {
            const other = await withOtherAddress(person);
            await world.rows(sql`
              update cred set identifier_verified_at = sallyport_now(), created_at = created_at - interval '1 year'
              where usr_id = ${uuidFor("usr", person.userId)}::uuid and identifier_verified_at is null`);
            await world.auth.credentials.revokeOwnPassword(other);
            const { userId, identifier } = person;
            await world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword });
          },
        ],
        [
          "the thief has suspended the owner's address",
          async (person) => await world.auth.credentials.suspendOwnPassword(await withOtherAddress(person)),
        ],
      ])("%s", async (_case, happens) => {
        const person = await verified();
        await causes.token_made(person);
        const token = await noticeTo(person);
        await happens(person);
        await world.auth.mail.deliver();
        const before = world.mailbox.messages.length;
        expect(await disown(token)).toEqual({ identifier: person.identifier });
        await world.auth.mail.deliver();
        await world.mailbox.arrival(person.identifier, before);
        const back = world.mailbox.secretTo(person.identifier);
        const password = "the owner's own pass phrase";
        expect(await outcome(world.auth.passwordReset.confirm({ token: back, password }))).toBe("done");
        expect(await outcome(signIn({ ...person, password }))).toBe("done");
      });
    });

    test("an address that an administrator has taken away stays away", async () => {
      const person = await verified();
      await world.auth.credentials.revoke({ actor: system, credentialId: person.credentialId });
      const token = await noticeTo(person);
      const before = world.mailbox.messages.length;
      await disown(token);
      await world.auth.mail.deliver();
      expect(world.mailbox.messages).toHaveLength(before);
      expect(await kept(person)).toEqual([]);
    });

    test.each(["the notice of it", "an earlier notice"])(
      "an address that a thief has added goes with %s",
      async (which) => {
        const person = await verified();
        const { actor, userId } = person;
        await causes.token_made(person);
        const earlier = await noticeTo(person);
        const identifier = freshIdentifier();
        const [currentPassword, password] = [goodPassword, otherPassword];
        await world.auth.credentials.createOwnPassword({ actor, userId, identifier, password, currentPassword });
        await world.rows(
          sql`update cred set identifier_verified_at = sallyport_now() where identifier = ${identifier}`,
        );
        const own = await noticeTo(person);
        await disown(which === "the notice of it" ? own : earlier);
        await world.auth.mail.deliver();
        const before = world.mailbox.messages.length;
        await askers.reset(world, identifier);
        await askers.signIn(world, identifier);
        await world.auth.mail.deliver();
        expect(world.mailbox.messages).toHaveLength(before);
      },
    );

    test.each(["has an older passkey", "was given one by the thief"])(
      "an address that was ended comes back or not: the account %s",
      async (which) => {
        const isThiefs = which === "was given one by the thief";
        const person = await verified();
        const registered = await register(person);
        const token = await noticeTo(person);
        const { actor } = await world.auth.sessions.verify({ token: registered.token, transport: "token" });
        const { credentialId, password: currentPassword } = person;
        await world.auth.credentials.revokeOwnPassword({ actor, credentialId, currentPassword });
        await disown(isThiefs ? token : await noticeTo(person));
        const before = world.mailbox.messages.length;
        await world.auth.mail.deliver();
        if (isThiefs) await world.mailbox.arrival(person.identifier, before);
        else expect(world.mailbox.messages).toHaveLength(before);
        expect(await kept(person)).toEqual(isThiefs ? [] : ["passkey"]);
      },
    );

    test("an address of before stays", async () => {
      const person = await verified();
      const identifier = freshIdentifier();
      const { actor, userId } = person;
      const [currentPassword, password] = [goodPassword, otherPassword];
      await world.auth.credentials.createOwnPassword({ actor, userId, identifier, password, currentPassword });
      await world.auth.mail.deliver();
      await causes.token_made(person);
      await disown(await noticeTo(person));
      const active = await world.rows(sql`select from cred where identifier = ${identifier} and status = 'active'`);
      expect(active).toHaveLength(1);
    });

    describe("S40: a factor that took the place of another stays: the mailbox alone opens nothing", () => {
      const agedBy = (userId: Person["userId"]) =>
        world.rows(sql`
        with factors as (
          update mfa set confirmed_at = confirmed_at - interval '1 year', created_at = created_at - interval '1 year'
          where usr_id = ${uuidFor("usr", userId)}::uuid)
        update cred set created_at = created_at - interval '1 year' where usr_id = ${uuidFor("usr", userId)}::uuid`);

      test("an app, before which another was ended", async () => {
        const { person } = await addApp(world, await verified());
        const { userId } = person;
        const { data } = await world.auth.factors.list({ actor: system, userId });
        await agedBy(userId);
        await world.auth.factors.revoke({ actor: system, factorId: data[0]!.id });
        await world.auth.mfaPolicies.grantEnrollment({ actor: system, userId });
        const again = await world.auth.signIn.password({ identifier: person.identifier, password: goodPassword });
        if (again.mfaRequired) throw new Error("A second factor is demanded.");
        const { actor } = await world.auth.sessions.verify({ token: again.token, transport: "token" });
        await world.auth.mail.deliver();
        await addApp(world, { ...person, ...again, actor });
        await disown(await noticeTo(person));
        expect(await kept(person)).toEqual(["totp"]);
      });

      test("an app, after which a passkey was ended", async () => {
        const person = await verified();
        const own = await register(person);
        await agedBy(person.userId);
        await world.auth.mail.deliver();
        const { actor } = await world.auth.sessions.verify({ token: own.token, transport: "token" });
        await addApp(world, { ...person, token: own.token, actor });
        const token = await noticeTo(person);
        await world.auth.credentials.revoke({ actor: system, credentialId: own.passkey.id });
        await disown(token);
        expect(await kept(person)).toEqual(["totp"]);
      });
    });

    test.each(["a session", "a ticket"] as const)(
      "S16: a sign-in that has verified the password just before gets no %s",
      async (kind) => {
        const person = await verified();
        await causes.token_made(person);
        const token = await noticeTo(person);
        const hasher = quickHasher();
        const verify: PasswordHasher["verify"] = async (...asked) => {
          await disown(token);
          return await hasher.verify(...asked);
        };
        const auth = world.isolate({ passwordHasher: { ...hasher, verify } });
        const login = { identifier: person.identifier, password: goodPassword, context: { address: freshAddress() } };
        const signedIn = kind === "a session" ? auth.signIn.password(login) : auth.verifyPassword(login);
        expect(await outcome(signedIn)).toBe("unauthorized.invalid_credential");
        expect(await kept(person)).toEqual([]);
      },
    );

    test("works once, however often it is sent", async () => {
      const person = await verified();
      await causes.token_made(person);
      const token = await noticeTo(person);
      const codes = await Promise.all(Array.from({ length: 20 }, () => outcome(disown(token))));
      expect(codes.filter((code) => code === "done")).toHaveLength(1);
      expect(await outcome(disown(token))).toBe(invalid);
    });

    test.each<[string, (token: string, person: Person) => Promise<string>]>([
      ["a made-up secret", async () => "A".repeat(43)],
      ["an empty one", async () => ""],
      ["an enormous one", async () => "A".repeat(100_000)],
      ["one with a changed last part", async (token) => token.slice(0, 42) + (token.endsWith("A") ? "E" : "A")],
      ["one with another notice's id", async (token) => (token.startsWith("A") ? "B" : "A") + token.slice(1)],
      [
        "one that is eight days old",
        async (token) => {
          await world.rows(sql`update mail_message set created_at = created_at - interval '8 days'`);
          return token;
        },
      ],
      [
        "one of an account that has ended",
        async (token, { userId }) => {
          await world.auth.users.revoke({ actor: system, userId });
          return token;
        },
      ],
      [
        "the secret of a link of another kind",
        async (_token, { identifier }) => (await mailed(world, "reset", identifier)).token,
      ],
    ])("%s is refused, and changes nothing", async (_case, made) => {
      const person = await verified();
      await causes.token_made(person);
      const token = await made(await noticeTo(person), person);
      const before = await kept(person);
      expect(await outcome(disown(token))).toBe(invalid);
      expect(await kept(person)).toEqual(before);
    });

    test("a secret under an older key works until the key is dropped", async () => {
      const person = await verified();
      await causes.token_made(person);
      const token = await noticeTo(person);
      const other = secret.replace(/^./, (first) => (first === "A" ? "B" : "A"));
      const dropped = world.isolate({ secrets: `2:${other}` });
      expect(await outcome(dropped.notices.disown({ token }))).toBe(invalid);
      const rotated = world.isolate({ secrets: `2:${other},1:${secret}` });
      expect(await outcome(rotated.notices.disown({ token }))).toBe("done");
    });
  });
});
