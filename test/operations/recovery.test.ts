import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { handOutRecovery } from "../../src/operations/recovery.ts";
import { selectBacklog } from "../../src/store/mail.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  quickHasher,
  system,
  tally,
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addPasskey, givenApp } from "../support/factors.ts";
import { recoveryOf, withNewAddress, withVerifiedAddress } from "../support/links.ts";
import { organizationsIn } from "../support/organizations.ts";

const invalid = "unauthorized.invalid_link";

describeWorld("S40: an account whose every way in is lost", { on: ["pglite", "postgres"] }, (world) => {
  const verified = async () => await withVerifiedAddress(world, await world.person());
  const context = () => ({ address: freshAddress() });
  const finish = (token: string, password = otherPassword) =>
    world.auth.recovery.finish({ token, password, context: context() });
  const cancel = (token: string) => world.auth.recovery.cancel({ token, context: context() });
  const signIn = (identifier: string, password: string) =>
    world.auth.signIn.password({ identifier, password, context: context() });
  const start = (
    userId: Person["userId"],
    identifier = freshIdentifier(),
    actor: Person["actor"] | typeof system = system,
  ) => world.auth.recovery.start({ actor, userId, identifier });
  const deliver = async (address: string) => {
    const before = world.mailbox.messages.length;
    await world.auth.mail.deliver();
    await world.mailbox.arrival(address, before);
    return world.mailbox.newestTo(address);
  };

  test("an administrator names an address; after a day its mailbox chooses a password, and everything else has ended", async () => {
    const person = await verified();
    const { userId } = person;
    const administrator = await world.administrator();
    const pat = await world.auth.personalAccessTokens.create({ ...person, name: "ci", scope: [] });
    await addPasskey(world, person, await newAuthenticator());
    await givenApp(world, userId, "active");
    const { identifier, token, stop } = await recoveryOf(world, person, administrator.actor);
    expect(world.mailbox.newestTo(identifier).text).toContain("https://example.com/recover?token=");
    expect(await finish(token)).toMatchObject({ identifier });

    const [left] = await world.rows<Record<string, number>>(sql`
      select (select count(*)::int from cred where usr_id = ${uuidFor("usr", userId)}::uuid and status <> 'revoked') as creds,
        (select count(*)::int from mfa where usr_id = ${uuidFor("usr", userId)}::uuid and status <> 'revoked') as factors`);
    expect(left).toEqual({ creds: 1, factors: 0 });
    expect(await world.liveSessions(userId)).toBe(0);
    expect(await outcome(signIn(person.identifier, goodPassword))).toBe("unauthorized.invalid_credential");
    const check = world.auth.personalAccessTokens.verify({ token: pat.token, context: context() });
    expect(await outcome(check)).toBe("pat.revoked");
    const signedIn = await signIn(identifier, otherPassword);
    expect(signedIn.mfaRequired).toBe(false);
    expect(await outcome(finish(token))).toBe(invalid);
    expect(await outcome(cancel(stop))).toBe(invalid);
    const told = await deliver(person.identifier);
    expect(told.subject).toContain("has a new address");
    expect(told.text).not.toContain("https://");
    const events = await world.events({ target: userId });
    expect(events.filter(({ action }) => action.startsWith("identity.recovery")).map((event) => event.action)).toEqual([
      "identity.recovery.start",
      "identity.recovery.finish",
    ]);
    expect(JSON.stringify(events)).not.toContain(identifier);
  });

  test("the administrator gets no secret, and the new address gets none before the delay", async () => {
    const person = await verified();
    const identifier = freshIdentifier();
    expect(await start(person.userId, identifier, (await world.administrator()).actor)).toBeUndefined();
    await deliver(person.identifier);
    const sentTo = () => world.mailbox.messages.filter(({ to }) => to === identifier).length;
    expect(sentTo()).toBe(0);
    const due = (seconds: number) =>
      world.rows(sql`
        update mail_message set due_at = due_at - make_interval(secs => ${seconds}::int) where recipient = ${identifier}`);
    await due(86_390);
    await world.auth.mail.deliver();
    expect(sentTo()).toBe(0);
    await due(10);
    await deliver(identifier);
    expect(sentTo()).toBe(1);
    // The link itself works no sooner either.
    expect(await outcome(finish(world.mailbox.secretTo(identifier)))).toBe(invalid);
  });

  test("an account whose identifiers no message can reach: refused, because no one could stop it", async () => {
    const [identifier] = freshIdentifier().split("@");
    const person = await world.person({ identifier: identifier! });
    const administrator = await world.administrator();
    for (const actor of [administrator.actor, system]) {
      expect(await outcome(start(person.userId, freshIdentifier(), actor))).toBe("forbidden");
    }
  });

  test("every old identifier hears of it at once, verified or not, and can stop it until it is finished", async () => {
    const person = await world.person();
    const { userId } = person;
    const other = freshIdentifier();
    await world.auth.credentials.createPassword({ actor: system, userId, identifier: other, password: otherPassword });
    const { token } = await recoveryOf(world, person);
    for (const address of [person.identifier, other]) {
      expect(world.mailbox.newestTo(address).text).toContain(
        "Stop the recovery:\nhttps://example.com/recover/stop?token=",
      );
    }
    expect(await outcome(cancel(world.mailbox.secretTo(other)))).toBe("done");
    expect(await outcome(finish(token))).toBe(invalid);
    expect(await outcome(cancel(world.mailbox.secretTo(other)))).toBe(invalid);
    expect(await outcome(signIn(person.identifier, goodPassword))).toBe("done");
  });

  test("an identifier that an administrator has just ended hears of it too, once", async () => {
    const person = await verified();
    await world.auth.credentials.rotatePassword({
      actor: system,
      credentialId: person.credentialId,
      password: otherPassword,
    });
    const { data } = await world.auth.credentials.list({ actor: system, userId: person.userId });
    const { id: credentialId } = data.find(({ status }) => status === "active")!;
    await world.auth.credentials.revoke({ actor: system, credentialId });
    await world.auth.mail.deliver();
    const before = world.mailbox.messages.length;
    const { stop, token } = await recoveryOf(world, person);
    const told = world.mailbox.messages.slice(before).filter(({ to }) => to === person.identifier);
    expect(told).toHaveLength(1);
    expect(await outcome(cancel(stop))).toBe("done");
    expect(await outcome(finish(token))).toBe(invalid);
  });

  test("stopped in time, the link is not even sent", async () => {
    const person = await verified();
    const identifier = freshIdentifier();
    await start(person.userId, identifier);
    await deliver(person.identifier);
    await cancel(world.mailbox.secretTo(person.identifier));
    await world.rows(sql`update mail_message set due_at = sallyport_now() where kind = 'recover_account'`);
    await world.auth.mail.deliver();
    expect(world.mailbox.messages.filter(({ to }) => to === identifier)).toEqual([]);
  });

  test("the link that stops it is good for nothing else, least of all for an unverified address", async () => {
    const person = await world.person();
    const { stop } = await recoveryOf(world, person);
    expect(await outcome(world.auth.notices.disown({ token: stop, context: context() }))).toBe(invalid);
    expect(await outcome(finish(stop))).toBe(invalid);
    const { stop: ofOther } = await recoveryOf(world, await verified());
    expect(await outcome(world.auth.notices.disown({ token: ofOther, context: context() }))).toBe(invalid);
  });

  test("the link of another notice stops nothing", async () => {
    const person = await verified();
    await world.auth.personalAccessTokens.create({ ...person, name: "ci", scope: [] });
    await deliver(person.identifier);
    const notMe = world.mailbox.secretTo(person.identifier);
    const { token } = await recoveryOf(world, person);
    expect(await outcome(cancel(notMe))).toBe(invalid);
    expect(await outcome(cancel("A".repeat(43)))).toBe(invalid);
    expect(await outcome(finish(token))).toBe("done");
  });

  test("a later start replaces an earlier one", async () => {
    const person = await verified();
    const first = await recoveryOf(world, person);
    const second = await recoveryOf(world, person);
    expect(await outcome(finish(first.token))).toBe(invalid);
    expect(await outcome(finish(second.token))).toBe("done");
  });

  test("what ends the user's links ends it: the owner who is still there changes the password", async () => {
    const person = await verified();
    const { token } = await recoveryOf(world, person);
    const { actor } = person;
    await world.auth.changePassword({
      actor,
      currentPassword: goodPassword,
      newPassword: otherPassword,
      transport: "token",
    });
    expect(await outcome(finish(token))).toBe(invalid);
  });

  test("a recovery that another act has ended mails no dead link", async () => {
    for (const end of [
      (person: Person) =>
        world.auth.changePassword({
          actor: person.actor,
          currentPassword: goodPassword,
          newPassword: otherPassword,
          transport: "token",
        }),
      ({ userId }: Person) => world.auth.users.suspend({ actor: system, userId }),
      ({ userId }: Person) => world.auth.users.revoke({ actor: system, userId }),
    ]) {
      const person = await verified();
      const identifier = freshIdentifier();
      await start(person.userId, identifier);
      await end(person);
      const rows = await world.rows<{ status: string }>(sql`
        select status from mail_message
        where usr_id = ${uuidFor("usr", person.userId)}::uuid and kind = 'recover_account'`);
      expect(rows).toEqual([{ status: "expired" }]);
    }
  });

  test("no link to an address of before has power afterwards", async () => {
    const person = await withNewAddress(world, await verified());
    await world.auth.personalAccessTokens.create({ ...person, name: "ci", scope: [] });
    await deliver(person.identifier);
    const notMe = world.mailbox.secretTo(person.identifier);
    const { token } = await recoveryOf(world, person);
    await finish(token);
    for (const old of [person.back, notMe]) {
      expect(await outcome(world.auth.notices.disown({ token: old, context: context() }))).toBe(invalid);
    }
  });

  test("a user who has lost a second factor that is required may set one up", async () => {
    const person = await verified();
    await givenApp(world, person.userId, "active");
    await world.requireFactor(person.userId);
    const { token, identifier } = await recoveryOf(world, person);
    await finish(token);
    const signedIn = await signIn(identifier, otherPassword);
    expect(signedIn).toMatchObject({ mfaRequired: true, enroll: true });
  });

  describe("is refused", () => {
    test("to an administrator for themselves or for another administrator, and to the application for one", async () => {
      const [administrator, other] = [await world.administrator(), await world.administrator()];
      expect(await outcome(start(administrator.userId, freshIdentifier(), administrator.actor))).toBe("forbidden");
      expect(await outcome(start(other.userId, freshIdentifier(), administrator.actor))).toBe("forbidden");
      expect(await outcome(start(other.userId))).toBe("forbidden");
    });

    test("for the last owner of an organization: only the command line gives their account away", async () => {
      const { form, join } = organizationsIn(world);
      const [administrator, owner] = [await world.administrator(), await form(await verified())];
      for (const actor of [administrator.actor, system]) {
        expect(await outcome(start(owner.userId, freshIdentifier(), actor))).toBe("forbidden");
      }
      await join(owner.organizationId, "owner");
      expect(await outcome(start(owner.userId, freshIdentifier(), administrator.actor))).toBe("done");
    });

    test("S05: to everyone else, and to an administrator without a fresh second factor", async () => {
      const person = await verified();
      expect(await outcome(start(person.userId, freshIdentifier(), person.actor))).toBe("not_found");
      expect(await outcome(start(person.userId, freshIdentifier(), (await verified()).actor))).toBe("not_found");
      const administrator = await world.administrator();
      await world.rows(sql`
        update ses set created_at = created_at - interval '1 hour', mfa_verified_at = mfa_verified_at - interval '31 minutes'
        where id = ${uuidFor("ses", administrator.session.id)}::uuid`);
      expect(await outcome(start(person.userId, freshIdentifier(), administrator.actor))).toBe(
        "unauthorized.reauthentication_required",
      );
      const events = await world.events({ target: person.userId, action: "identity.recovery.start" });
      expect(tally(events.map((event) => event.outcome))).toEqual({ denied: 3 });
    });

    test.each<[string, string, () => Promise<[Person["userId"], string]>]>([
      ["no address", "invalid_format.identifier", async () => [(await verified()).userId, "ada"]],
      [
        "a suspended user",
        "precondition.user_not_active",
        async () => {
          const { userId } = await verified();
          await world.auth.users.suspend({ actor: system, userId });
          return [userId, freshIdentifier()];
        },
      ],
      [
        "a closed account",
        "conflict.already_terminal",
        async () => {
          const { userId } = await verified();
          await world.auth.users.revoke({ actor: system, userId });
          return [userId, freshIdentifier()];
        },
      ],
    ])("for %s", async (_case, code, input) => {
      expect(await outcome(start(...(await input())))).toBe(code);
    });

    test("S22: more than five times an hour for one mailbox", async () => {
      const identifier = freshIdentifier();
      const outcomes = [];
      for (let time = 0; time < 6; time++) outcomes.push(await outcome(start((await verified()).userId, identifier)));
      expect(tally(outcomes)).toEqual({ done: 5, too_many_requests: 1 });
    });
  });

  describe("is not finished", () => {
    test("after three days, with a password that is too short, or for a user who has become an administrator", async () => {
      const person = await verified();
      const { token } = await recoveryOf(world, person);
      expect(await outcome(finish(token, "twelve chars"))).toBe("invalid_format.password");
      await world.makeAdministrator(person.userId);
      expect(await outcome(finish(token))).toBe(invalid);
      await world.auth.administrators.remove({ actor: system, userId: person.userId });
      await world.rows(sql`
        update verification_token set created_at = created_at - interval '3 days', expires_at = expires_at - interval '3 days'
        where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
      expect(await outcome(finish(token))).toBe(invalid);
    });

    test("for a user who has become the last owner of an organization", async () => {
      const { form, join } = organizationsIn(world);
      const owner = await form(await verified());
      const second = await join(owner.organizationId, "owner");
      const { token } = await recoveryOf(world, owner);
      await world.auth.memberships.leave({ actor: second.actor, membershipId: second.membershipId });
      expect(await outcome(finish(token))).toBe(invalid);
      await join(owner.organizationId, "owner");
      expect(await outcome(finish(token))).toBe("done");
    });

    test("once another account has the address: without harm", async () => {
      const person = await verified();
      const { token, identifier } = await recoveryOf(world, person);
      await world.person({ identifier });
      expect(await outcome(finish(token))).toBe("conflict.duplicate_credential");
      expect(await outcome(world.auth.sessions.verify({ token: person.token, transport: "token" }))).toBe("done");
    });

    test("S57: more often than a link may be tried", async () => {
      const { token } = await recoveryOf(world, await verified());
      const outcomes = [];
      for (let time = 0; time < 11; time++) outcomes.push(await outcome(finish(token, "twelve chars")));
      expect(tally(outcomes)).toEqual({ "invalid_format.password": 10, too_many_requests: 1 });
    });
  });

  test("with access to the database alone, a link is handed out for any user: at once, and the address stays unproved", async () => {
    const administrator = await verified();
    await world.makeAdministrator(administrator.userId);
    await deliver(administrator.identifier);
    const identifier = freshIdentifier();
    const { database } = world;
    const core = { database, onError: () => undefined };
    const token = await handOutRecovery(core, { actor: system, userId: administrator.userId, identifier });
    // The command line is the last resort: the old address hears of it, and cannot stop it.
    const told = await deliver(administrator.identifier);
    expect([told.text.includes("new address"), told.text.includes("https://")]).toEqual([true, false]);
    expect(await outcome(finish(token))).toBe("done");
    const [row] = await world.rows<{ isVerified: boolean }>(sql`
      select identifier_verified_at is not null as "isVerified" from cred where identifier = ${identifier} and status = 'active'`);
    expect(row).toEqual({ isVerified: false });
    expect(await outcome(signIn(identifier, otherPassword))).toBe("done");
  });

  test("a message that waits for its time is not overdue", async () => {
    await world.rows(sql`delete from mail_message`);
    const { userId } = await verified();
    await world.rows(sql`delete from mail_message`);
    await start(userId);
    await world.rows(sql`update mail_message set created_at = created_at - interval '1 hour'`);
    await world.auth.mail.deliver();
    expect(await world.rows(selectBacklog())).toEqual([{ owed: 1, overdueMinutes: 0, refused: 0, late: 0 }]);
  });

  test("the delay is an option, from an hour to seven days", async () => {
    const person = await verified();
    const isolate = (recoveryDelaySeconds: number) =>
      world.isolate({ passwordHasher: quickHasher(), mail: { mailer: world.mailbox, recoveryDelaySeconds } });
    const asked = { actor: system, userId: person.userId, identifier: freshIdentifier() };
    for (const seconds of [3_599, 604_801, 1.5]) {
      await expect(isolate(seconds).recovery.start(asked)).rejects.toThrow("recoveryDelaySeconds");
    }
    expect(await outcome(isolate(3_600).recovery.start(asked))).toBe("done");
    const [row] = await world.rows<{ seconds: number }>(sql`
      select round(extract(epoch from due_at - sallyport_now()))::int as seconds from mail_message
      where kind = 'recover_account' and usr_id = ${uuidFor("usr", person.userId)}::uuid`);
    expect(row!.seconds).toBeGreaterThan(3_500);
    expect(row!.seconds).toBeLessThanOrEqual(3_600);
  });
});
