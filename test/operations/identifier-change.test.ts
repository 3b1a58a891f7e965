import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  system,
  tally,
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, addPasskey, givenApp } from "../support/factors.ts";
import { mailed, mailedChange, withNewAddress, withVerifiedAddress } from "../support/links.ts";

const invalid = "unauthorized.invalid_link";
const stale = "unauthorized.reauthentication_required";

describeWorld("S40: a new address", { on: ["pglite", "postgres"] }, (world) => {
  const verified = async () => await withVerifiedAddress(world, await world.person());
  const confirm = ({ actor }: Pick<Person, "actor">, token: string) =>
    world.auth.identifiers.confirmChange({ actor, token, transport: "token" });
  const signIn = (identifier: string, password = goodPassword) =>
    world.auth.signIn.password({ identifier, password, context: { address: freshAddress() } });
  const verify = (token: string) => outcome(world.auth.sessions.verify({ token, transport: "token" }));
  const passwords = async ({ userId }: Pick<Person, "userId">) =>
    await world.rows<{ identifier: string; usable: boolean; isVerified: boolean }>(sql`
      select identifier, password_hash <> '*' as usable, identifier_verified_at is not null as "isVerified"
      from cred where usr_id = ${uuidFor("usr", userId)}::uuid and type = 'password' and status = 'active' order by identifier`);
  /** Moves a change, and the notices of its account, into the past. */
  const later = async ({ userId }: Pick<Person, "userId">, hours: number) => {
    const user = uuidFor("usr", userId);
    await world.rows(sql`
      update mail_message set created_at = created_at - make_interval(hours => ${hours}::int) where usr_id = ${user}::uuid`);
    await world.rows(sql`
      update cred set created_at = created_at - make_interval(hours => ${hours}::int) where usr_id = ${user}::uuid`);
  };

  describe("confirmed", () => {
    test("has the same password, and the old one has none", async () => {
      const person = await verified();
      const changed = await withNewAddress(world, person);
      expect(await passwords(person)).toEqual([{ identifier: changed.identifier, usable: true, isVerified: true }]);
      expect(await outcome(signIn(changed.identifier))).toBe("done");
      expect(await outcome(signIn(person.identifier))).toBe("unauthorized.invalid_credential");
      const [row] = await world.rows<{ replaces: string; before: string }>(sql`
        select replaces::text, ${uuidFor("cred", person.credentialId)} as before from cred
        where id = ${uuidFor("cred", changed.credentialId)}::uuid`);
      expect(row!.replaces).toBe(row!.before);
    });

    test("leaves one session: the acting one, in its family, with a new token and a proof as old as before", async () => {
      const person = await verified();
      await world.signIn(person);
      await world.age(person.session, 500);
      const { token } = await mailedChange(world, person);
      const changed = await confirm(person, token);
      expect(await verify(person.token)).toBe("unauthorized.session_expired");
      expect(await verify(changed.token)).toBe("done");
      expect(await world.liveSessions(person.userId)).toBe(1);
      const rows = await world.rows<{ family: string; age: number }>(sql`
        select family_id::text as family, extract(epoch from sallyport_now() - auth_time)::int as age from ses
        where usr_id = ${uuidFor("usr", person.userId)}::uuid and id in (
          ${uuidFor("ses", person.session.id)}::uuid, ${uuidFor("ses", changed.session.id)}::uuid)`);
      expect(new Set(rows.map(({ family }) => family)).size).toBe(1);
      expect(rows.every(({ age }) => age >= 500)).toBe(true);
    });

    test("R050: carries no proof of a second factor over, as a refresh does not", async () => {
      const { person } = await addApp(world, await verified());
      expect(person.session.mfaVerifiedAt).not.toBeNull();
      const { token } = await mailedChange(world, person);
      const { session } = await confirm(person, token);
      expect([session.mfaVerifiedAt, session.amr]).toEqual([null, person.session.amr]);
    });

    test("leaves a session that another credential has opened with that credential", async () => {
      const person = await verified();
      const identifier = freshIdentifier();
      const { userId } = person;
      await world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword });
      const second = await world.signIn({ ...person, identifier, password: otherPassword });
      const to = freshIdentifier();
      const before = world.mailbox.messages.length;
      await world.auth.identifiers.requestChange({ actor: second.actor, identifier: to, replaces: person.identifier });
      await world.auth.mail.deliver();
      await world.mailbox.arrival(to, before);
      const { session } = await confirm(second, world.mailbox.secretTo(to));
      expect(session.credentialId).toBe(second.credentialId);
      expect((await passwords(person)).map((password) => password.identifier)).toEqual([identifier, to].toSorted());
    });

    test("ends tickets, links and known devices, and keeps tokens, factors and passkeys", async () => {
      const person = await verified();
      const pat = await world.auth.personalAccessTokens.create({ ...person, name: "ci", scope: [] });
      await addPasskey(world, person, await newAuthenticator());
      await world.levelTwo(person.session);
      const { token } = await mailed(world, "reset", person.identifier);
      await withNewAddress(world, person);
      const reset = world.auth.passwordReset.confirm({ token, password: otherPassword });
      expect(await outcome(reset)).toBe(invalid);
      const check = world.auth.personalAccessTokens.verify({ token: pat.token, context: { address: freshAddress() } });
      expect(await outcome(check)).toBe("done");
      expect((await world.auth.passkeys.list({ actor: system, userId: person.userId })).data).toHaveLength(1);
    });

    test("S22: guesses of before still count against the same password", async () => {
      const person = await verified();
      for (let guess = 0; guess < 9; guess++) await outcome(signIn(person.identifier, otherPassword));
      const { identifier } = await withNewAddress(world, person);
      expect(await outcome(signIn(identifier, otherPassword))).toBe("unauthorized.invalid_credential");
      expect(await outcome(signIn(identifier))).toBe("too_many_requests");
    });

    test("R019: by the code, in the browser that asked", async () => {
      const person = await verified();
      const { requestToken, code, token: link } = await mailedChange(world, person);
      const exchanged = await world.auth.mailedCodes.exchange({ requestToken, code });
      expect(exchanged.purpose).toBe("change_identifier");
      expect(await outcome(confirm(person, link))).toBe(invalid);
      expect(await outcome(confirm(person, exchanged.token))).toBe("done");
    });

    test("R021: the old address and the new one get a message each, even if the old one has left", async () => {
      const person = await verified();
      const { identifier } = await withNewAddress(world, person);
      expect(world.mailbox.newestTo(person.identifier).text).toContain(
        "Put this address back:\nhttps://example.com/address/back?token=",
      );
      expect(world.mailbox.newestTo(person.identifier).text).not.toContain(identifier);
      expect(world.mailbox.newestTo(identifier).text).toContain("This was not me:\nhttps://example.com/not-me?token=");
    });

    test("S11: of an account without a verified address, it ends what the session has not enrolled, and the old address gets nothing", async () => {
      const person = await world.person();
      await givenApp(world, person.userId, "active");
      await world.levelTwo(person.session);
      await world.auth.personalAccessTokens.create({ actor: system, userId: person.userId, name: "ci", scope: [] });
      const other = { actor: system, userId: person.userId, identifier: freshIdentifier(), password: otherPassword };
      await world.auth.credentials.createPassword(other);
      const { identifier, token } = await mailedChange(world, person);
      const before = world.mailbox.messages.length;
      await confirm(person, token);
      await world.auth.mail.deliver();
      expect(world.mailbox.messages.slice(before).map(({ to }) => to)).not.toContain(person.identifier);
      expect(await passwords(person)).toEqual([{ identifier, usable: true, isVerified: true }]);
      const left = await world.rows(sql`
        select from mfa where usr_id = ${uuidFor("usr", person.userId)}::uuid and status <> 'revoked'
        union all select from pat where usr_id = ${uuidFor("usr", person.userId)}::uuid and revoked_at is null`);
      expect(left).toEqual([]);
    });

    test("S11: not in a session of another of the account's ways in, while no address is verified", async () => {
      const person = await world.person();
      const identifier = freshIdentifier();
      const { userId } = person;
      await world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword });
      const second = await world.signIn({ ...person, identifier, password: otherPassword });
      const to = freshIdentifier();
      const before = world.mailbox.messages.length;
      await world.auth.identifiers.requestChange({ actor: second.actor, identifier: to, replaces: person.identifier });
      await world.auth.mail.deliver();
      await world.mailbox.arrival(to, before);
      expect(await outcome(confirm(second, world.mailbox.secretTo(to)))).toBe("unauthorized.invalid_credential");
    });
  });

  describe("is not confirmed", () => {
    test("in another user's session, not even an administrator's: a mistyped address belongs to a stranger", async () => {
      const person = await verified();
      const { token } = await mailedChange(world, person);
      expect(await outcome(confirm(await verified(), token))).toBe(invalid);
      expect(await outcome(confirm(await world.administrator(), token))).toBe(invalid);
      expect(await outcome(confirm(person, token))).toBe("done");
    });

    test("S04: in a session that is not fresh, or not at the account's highest level", async () => {
      const person = await verified();
      const { token } = await mailedChange(world, person);
      await world.age(person.session, 601);
      expect(await outcome(confirm(person, token))).toBe(stale);
      await world.age(person.session, 0);
      await givenApp(world, person.userId, "active");
      expect(await outcome(confirm(person, token))).toBe(stale);
      await world.levelTwo(person.session);
      expect(await outcome(confirm(person, token))).toBe("done");
    });

    test("twice, too late, after a newer request, with the link of another purpose, or malformed", async () => {
      const person = await verified();
      const first = await mailedChange(world, person);
      const second = await mailedChange(world, person);
      expect(await outcome(confirm(person, first.token))).toBe(invalid);
      const reset = await mailed(world, "reset", person.identifier);
      expect(await outcome(confirm(person, reset.token))).toBe(invalid);
      for (const token of ["", "A".repeat(43), "x".repeat(100_000)]) {
        expect(await outcome(confirm(person, token))).toBe(invalid);
      }
      const { actor } = person;
      const verification = world.auth.identifiers.verify({ token: second.token, proof: { type: "session", actor } });
      expect(await outcome(verification)).toBe(invalid);
      const password = world.auth.passwordReset.confirm({ token: second.token, password: otherPassword });
      expect(await outcome(password)).toBe(invalid);
      await world.rows(sql`update verification_token set expires_at = sallyport_now()`);
      expect(await outcome(confirm(person, second.token))).toBe(invalid);
    });

    test("once another account has the address", async () => {
      const person = await verified();
      const { token, identifier } = await mailedChange(world, person);
      await world.person({ identifier });
      expect(await outcome(confirm(person, token))).toBe("conflict.duplicate_credential");
      expect((await passwords(person)).map((password) => password.identifier)).toEqual([person.identifier]);
      expect(await verify(person.token)).toBe("done");
    });
  });

  describe("is asked for", () => {
    const ask = ({ actor }: Pick<Person, "actor">, identifier: string, replaces?: string) =>
      world.auth.identifiers.requestChange({ actor, identifier, replaces });

    test("S58: with the same answer, statements, rows and counters, whether or not another account has it", async () => {
      const seen = [];
      const known = (await verified()).identifier;
      const suspended = await verified();
      await world.auth.credentials.suspend({ actor: system, credentialId: suspended.credentialId });
      for (const identifier of [freshIdentifier(), known, suspended.identifier]) {
        const person = await verified();
        const before = world.mailbox.messages.length;
        world.counting.reset();
        world.hasher.reset();
        const { requestToken } = await ask(person, identifier);
        const { requests, statements } = world.counting;
        const rows = await world.rows(sql`
          select count(*)::int as n from verification_token where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
        const events = await world.events({ actor: person.userId, action: "identity.identifier.request_change" });
        seen.push({
          length: requestToken.length,
          requests,
          statements: [...statements],
          rows,
          hashes: world.hasher.computations,
          events: events.map(({ outcome: how, metadata }) => ({ how, metadata })),
        });
        await world.auth.mail.deliver();
        await world.mailbox.arrival(identifier, before);
        const sent = world.mailbox.messages.slice(before).filter(({ to }) => to === identifier);
        expect(sent).toHaveLength(1);
      }
      expect(seen[1]).toEqual(seen[0]);
      expect(seen[2]).toEqual(seen[0]);
    });

    test("and the owner of the address gets a message that opens nothing", async () => {
      const owner = await verified();
      await ask(await verified(), owner.identifier.toUpperCase());
      await world.auth.mail.deliver();
      const { text } = world.mailbox.newestTo(owner.identifier);
      expect(text).toContain("Your account already has it.");
      expect(text).not.toContain("token=");
      expect(text).not.toMatch(/\d{3} \d{3}/);
    });

    test("S22: at most five times an hour for each mailbox, from any account", async () => {
      const identifier = freshIdentifier();
      const outcomes = [];
      for (let time = 0; time < 6; time++) outcomes.push(await outcome(ask(await verified(), identifier)));
      expect(tally(outcomes)).toEqual({ done: 5, too_many_requests: 1 });
      expect(await outcome(world.auth.mailedSignUp.request({ identifier }))).toBe("too_many_requests");
    });

    test.each<[string, string, (person: Person) => Promise<[string, string?]>]>([
      ["no address", "invalid_format.identifier", async () => ["ada"]],
      ["two addresses", "invalid_format.identifier", async () => ["a@example.com,b@example.com"]],
      ["its own", "precondition.invalid_transition", async ({ identifier }) => [identifier]],
      ["for another user's", "not_found", async () => [freshIdentifier(), (await verified()).identifier]],
      ["for nothing", "not_found", async () => [freshIdentifier(), ""]],
      ["enormous", "invalid_format.identifier", async () => [`${"x".repeat(100_000)}@example.com`]],
    ])("%s: refused", async (_case, code, input) => {
      const person = await verified();
      expect(await outcome(ask(person, ...(await input(person))))).toBe(code);
    });

    test("S04: not in a session that is not fresh; the denial is recorded, and counts at no mailbox", async () => {
      const person = await verified();
      await world.age(person.session, 601);
      const identifier = freshIdentifier();
      for (let time = 0; time < 6; time++) expect(await outcome(ask(person, identifier))).toBe(stale);
      const events = await world.events({ actor: person.userId, action: "identity.identifier.request_change" });
      expect(events.map((event) => event.outcome)).toEqual(Array.from({ length: 6 }, () => "denied"));
      expect(await outcome(ask(await verified(), identifier))).toBe("done");
    });

    test("R013: wrong codes count for the new address over all its links", async () => {
      const identifier = freshIdentifier();
      const outcomes = [];
      for (let time = 0; time < 3; time++) {
        const { requestToken, code } = await mailedChange(world, await verified(), identifier);
        const wrong = code === "000000" ? "111111" : "000000";
        for (let guess = 0; guess < 4; guess++) {
          outcomes.push(await outcome(world.auth.mailedCodes.exchange({ requestToken, code: wrong })));
        }
      }
      expect(tally(outcomes)).toEqual({ [invalid]: 10, too_many_requests: 2 });
    });
  });

  describe("and the way back of the old one", () => {
    const context = () => ({ address: freshAddress() });
    const putBack = (token: string, more: object = {}) =>
      world.auth.notices.disown({ token, context: context(), ...more });
    /** The owner chooses a new password with the message that follows. */
    const recover = async (identifier: string) => {
      await world.auth.mail.deliver();
      const token = world.mailbox.secretTo(identifier);
      return await outcome(world.auth.passwordReset.confirm({ token, password: otherPassword, context: context() }));
    };

    test("puts it back, ends what a thief would have, and leads to a new password", async () => {
      const person = await verified();
      const thief = await withNewAddress(world, person);
      await world.auth.personalAccessTokens.create({ ...thief, name: "ci", scope: [] });
      expect(await putBack(thief.back)).toEqual({ identifier: person.identifier });
      expect(await passwords(person)).toEqual([{ identifier: person.identifier, usable: false, isVerified: true }]);
      expect(await verify(thief.token)).toBe("unauthorized.session_expired");
      expect(await world.liveSessions(person.userId)).toBe(0);
      expect(await outcome(signIn(thief.identifier))).toBe("unauthorized.invalid_credential");
      expect(await outcome(signIn(person.identifier))).toBe("unauthorized.invalid_credential");
      expect(await recover(person.identifier)).toBe("done");
      expect(await outcome(signIn(person.identifier, otherPassword))).toBe("done");
      expect(await outcome(putBack(thief.back))).toBe(invalid);
    });

    test("removes the factors and passkeys that were added since", async () => {
      const person = await verified();
      const changed = await withNewAddress(world, person);
      await addPasskey(world, changed, await newAuthenticator());
      await world.levelTwo(changed.session);
      const { person: thief } = await addApp(world, changed);
      await world.auth.factors.replaceRecoveryCodes(thief);
      await putBack(changed.back);
      const left = await world.rows(sql`
        select from mfa where usr_id = ${uuidFor("usr", person.userId)}::uuid and status <> 'revoked'
        union all select from cred where usr_id = ${uuidFor("usr", person.userId)}::uuid and status = 'active' and type = 'passkey'`);
      expect(left).toEqual([]);
      expect(await recover(person.identifier)).toBe("done");
      expect(await outcome(signIn(person.identifier, otherPassword))).toBe("done");
    });

    test("the new address is told, without a link, and its notices have no more power", async () => {
      const person = await verified();
      const { identifier, back } = await withNewAddress(world, person);
      const notMe = world.mailbox.secretTo(identifier);
      await putBack(back);
      expect(await outcome(putBack(notMe))).toBe(invalid);
      await world.auth.mail.deliver();
      const { subject, text } = world.mailbox.newestTo(identifier);
      expect(subject).toContain("changed back");
      expect(text).not.toContain("https://");
      expect(await recover(person.identifier)).toBe("done");
    });

    test("works for 72 hours, and then no link that the old mailbox holds has any power", async () => {
      const person = await verified();
      await world.auth.personalAccessTokens.create({ ...person, name: "ci", scope: [] });
      await world.auth.mail.deliver();
      const older = world.mailbox.secretTo(person.identifier);
      const changed = await withNewAddress(world, person);
      await later(person, 71);
      expect(await outcome(putBack("A".repeat(43)))).toBe(invalid);
      await later(person, 1);
      expect(await outcome(putBack(changed.back))).toBe(invalid);
      expect(await outcome(putBack(older))).toBe(invalid);
      expect(await verify(changed.token)).toBe("done");
      expect((await passwords(person)).map(({ identifier }) => identifier)).toEqual([changed.identifier]);
    });

    test("an older notice puts it back as well, within the 72 hours, and undoes all that came since", async () => {
      const person = await verified();
      const { person: thief } = await addApp(world, person);
      await world.auth.mail.deliver();
      const aboutFactor = world.mailbox.secretTo(person.identifier);
      await addPasskey(world, thief, await newAuthenticator());
      await world.levelTwo(thief.session);
      const changed = await withNewAddress(world, thief);
      // The thief's own factor is asked for by the link of the change, and by no notice from before the factor.
      expect(await outcome(putBack(changed.back))).toBe(stale);
      expect(await outcome(putBack(aboutFactor))).toBe("done");
      expect(await passwords(person)).toEqual([{ identifier: person.identifier, usable: false, isVerified: true }]);
      expect(await recover(person.identifier)).toBe("done");
      expect(await outcome(signIn(person.identifier, otherPassword))).toBe("done");
    });

    test("after two changes, the second address can put itself back, and then the first", async () => {
      const person = await verified();
      const second = await withNewAddress(world, person);
      const third = await withNewAddress(world, second);
      expect(await outcome(putBack(third.back))).toBe("done");
      expect(await passwords(person)).toMatchObject([{ identifier: second.identifier }]);
      expect(await outcome(putBack(second.back))).toBe("done");
      expect(await passwords(person)).toMatchObject([{ identifier: person.identifier }]);
      expect(await recover(person.identifier)).toBe("done");
    });

    test("after two changes, the first address wins: then the link of the second has no power", async () => {
      const person = await verified();
      const second = await withNewAddress(world, person);
      const third = await withNewAddress(world, second);
      expect(await outcome(putBack(second.back))).toBe("done");
      expect(await passwords(person)).toMatchObject([{ identifier: person.identifier }]);
      expect(await outcome(putBack(third.back))).toBe(invalid);
      expect(await recover(person.identifier)).toBe("done");
    });

    describe("if the account had a factor before the change", () => {
      const withFactor = async () => {
        const own = await addApp(world, await verified());
        const { codes } = await world.auth.factors.replaceRecoveryCodes(own.person);
        const changed = await withNewAddress(world, own.person);
        return { ...own, codes, changed };
      };

      test("the old mailbox alone is not enough, and changes nothing", async () => {
        const { changed } = await withFactor();
        expect(await outcome(putBack(changed.back))).toBe(stale);
        expect(await verify(changed.token)).toBe("done");
      });

      test("a passkey counts as one", async () => {
        const person = await verified();
        await addPasskey(world, person, await newAuthenticator());
        await world.levelTwo(person.session);
        expect(await outcome(putBack((await withNewAddress(world, person)).back))).toBe(stale);
      });

      test.each(["totp", "recovery"] as const)("a code of it, %s, is enough, once", async (type) => {
        const { app, codes, changed, person } = await withFactor();
        const proof = { type, code: type === "totp" ? await app.code() : codes[0]! };
        expect(await outcome(putBack(changed.back, { proof }))).toBe("done");
        expect(await passwords(person)).toMatchObject([{ identifier: person.identifier, usable: false }]);
        const kept = await world.auth.factors.list({ actor: system, userId: person.userId });
        expect(kept.data.map((factor) => factor.type).toSorted()).toEqual(["recovery", "totp"]);
        // Nor may the mailbox alone set up another one.
        const grants = sql`select from mfa_enrollment_grant where usr_id = ${uuidFor("usr", person.userId)}::uuid`;
        expect(await world.rows(grants)).toEqual([]);
        expect(await outcome(putBack(changed.back, { proof }))).toBe(invalid);
      });

      test("a code of a factor that the thief has replaced is enough, and the thief's factor goes", async () => {
        const { app, changed, person } = await withFactor();
        await world.levelTwo(changed.session);
        const { person: thief } = await addApp(world, changed);
        const { data } = await world.auth.factors.list(thief);
        expect(data.map(({ id }) => id)).not.toContain(app.factorId);
        const proof = { type: "totp", code: await app.code() } as const;
        expect(await outcome(putBack(changed.back, { proof }))).toBe("done");
        const left = await world.rows<{ type: string }>(sql`
          select type from mfa where usr_id = ${uuidFor("usr", person.userId)}::uuid and status = 'active' and type = 'totp'`);
        expect(left).toEqual([]);
      });

      test("a code of a factor that was added since is not", async () => {
        const { changed } = await withFactor();
        await world.levelTwo(changed.session);
        const { app } = await addApp(world, changed);
        const proof = { type: "totp", code: await app.code(1) } as const;
        expect(await outcome(putBack(changed.back, { proof }))).toBe("unauthorized.invalid_factor");
      });

      test("R013: wrong codes count on the account's counter of factors, and a right one gives its attempt back", async () => {
        const { app, changed, person } = await withFactor();
        const proof = { type: "totp", code: "000000" } as const;
        const outcomes = [];
        for (let guess = 0; guess < 11; guess++) outcomes.push(await outcome(putBack(changed.back, { proof })));
        expect(tally(outcomes)).toEqual({ "unauthorized.invalid_factor": 10, too_many_requests: 1 });
        const [counter] = await world.rows<{ count: number }>(sql`
          select count from attempt where bucket = ${`factor:${uuidFor("usr", person.userId)}`}`);
        expect(counter!.count).toBeGreaterThanOrEqual(10);
        await world.rows(sql`delete from attempt where bucket = ${`factor:${uuidFor("usr", person.userId)}`}`);
        expect(await outcome(putBack(changed.back, { proof: { type: "totp", code: await app.code() } }))).toBe("done");
        expect(
          await world.rows<{ count: number }>(sql`
          select count from attempt where bucket = ${`factor:${uuidFor("usr", person.userId)}`} and count > 0`),
        ).toEqual([]);
      });

      test("a session of the account is enough only with a proof of the second factor in the last ten minutes", async () => {
        const { changed, person } = await withFactor();
        const stranger = await verified();
        await world.levelTwo(stranger.session);
        const session = (token: string) => ({ session: { token, transport: "token" } as const });
        expect(await outcome(putBack(changed.back, session(stranger.token)))).toBe(stale);
        expect(await outcome(putBack(changed.back, session("x")))).toBe(stale);
        await world.rows(sql`
          update ses set created_at = created_at - interval '1 hour', mfa_verified_at = mfa_verified_at - interval '11 minutes'
          where id = ${uuidFor("ses", changed.session.id)}::uuid`);
        expect(await outcome(putBack(changed.back, session(changed.token)))).toBe(stale);
        await world.levelTwo(changed.session);
        expect(await outcome(putBack(changed.back, session(changed.token)))).toBe("done");
        expect(await passwords(person)).toMatchObject([{ identifier: person.identifier }]);
      });

      test("an application without second factors checks no code", async () => {
        const { app, changed } = await withFactor();
        const proof = { type: "totp", code: await app.code() } as const;
        const without = world.auth.notices.disown({ token: "A".repeat(43), proof });
        expect(await outcome(without)).toBe(invalid);
        expect(await outcome(putBack(changed.back, { proof }))).toBe("done");
      });
    });

    test("is refused if another account has the address, without harm", async () => {
      const person = await verified();
      const changed = await withNewAddress(world, person);
      const other = await withVerifiedAddress(world, await world.person({ identifier: person.identifier }));
      expect(await outcome(putBack(changed.back))).toBe("conflict.duplicate_credential");
      expect(await verify(changed.token)).toBe("done");
      expect(await outcome(signIn(changed.identifier))).toBe("done");
      expect(await verify(other.token)).toBe("done");
      await world.auth.users.revoke({ actor: system, userId: other.userId });
      expect(await outcome(putBack(changed.back))).toBe("done");
    });

    test("takes it from an account that has never proved it: a thief would keep the owner out with such an account", async () => {
      const person = await verified();
      const changed = await withNewAddress(world, person);
      const squatter = await world.person({ identifier: person.identifier });
      expect(await outcome(putBack(changed.back))).toBe("done");
      expect(await verify(squatter.token)).toBe("unauthorized.session_expired");
      expect(await world.liveSessions(squatter.userId)).toBe(0);
      expect(await passwords(squatter)).toEqual([]);
      expect(await passwords(person)).toMatchObject([{ identifier: person.identifier }]);
      const [event] = await world.events({ target: person.userId, action: "identity.notice.disown" });
      expect(event!.metadata).toMatchObject({ evicted: squatter.credentialId });
      expect(await recover(person.identifier)).toBe("done");
    });

    test("keeps the account's other addresses, and tells them of a change", async () => {
      const person = await verified();
      const identifier = freshIdentifier();
      await world.auth.credentials.createPassword({
        actor: system,
        userId: person.userId,
        identifier,
        password: otherPassword,
      });
      await world.rows(sql`
        update cred set identifier_verified_at = sallyport_now() where identifier = ${identifier}`);
      const changed = await withNewAddress(world, person);
      expect(world.mailbox.newestTo(identifier).text).toContain("was changed");
      await putBack(changed.back);
      expect((await passwords(person)).map((password) => password.identifier)).toEqual(
        [person.identifier, identifier].toSorted(),
      );
    });

    test("a locked account is not left without a way in: the new mailbox takes its own back with its notice", async () => {
      const person = await verified();
      const { identifier } = await withNewAddress(world, person);
      expect(await putBack(world.mailbox.secretTo(identifier))).toEqual({ identifier });
      expect(await recover(identifier)).toBe("done");
      expect((await passwords(person)).map((password) => password.identifier)).toEqual([identifier]);
    });
  });
});
