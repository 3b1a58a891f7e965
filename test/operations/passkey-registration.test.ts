import { beforeEach, describe, expect, test } from "vitest";
import { randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshIdentifier, otherPassword, outcome, type Person, system } from "../support/auth.ts";
import { type Misuse, newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, personAt, registrationBy } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("passkey registration", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  beforeEach(() => world.rows(sql`delete from attempt`));
  const later = (seconds: number) => advanceTestClock(world.database, seconds);
  const { withPasskey, passkeySignIn: signIn, inside } = usersWithPasskeys(world);

  test("options: a discoverable credential with user verification", async () => {
    const person = await world.person();
    const options = await auth.passkeys.registrationOptions(person);
    expect(options).toEqual({
      rp: { id: "example.com", name: "example.com" },
      user: { id: expect.stringMatching(/^[\w-]{43}$/), name: person.identifier, displayName: person.identifier },
      challenge: expect.any(String),
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
      timeout: 300_000,
      excludeCredentials: [],
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none",
    });
  });

  test("the name in the options: the session's password, the oldest one, the display name, or none", async () => {
    const { person } = await inside();
    const { actor, userId, credentialId } = person;
    const names = async (one: Pick<Person, "actor"> = person) => {
      const { name, displayName } = (await auth.passkeys.registrationOptions(one)).user;
      return [name, displayName];
    };
    const second = { identifier: freshIdentifier(), password: otherPassword };
    const { id: secondId } = await auth.credentials.createPassword({ actor: system, userId, ...second });
    expect(await names()).toEqual([person.identifier, person.identifier]);
    const inSecond = await world.signIn({ ...person, ...second });
    await world.levelTwo(inSecond.session);
    expect(await names(inSecond)).toEqual([second.identifier, second.identifier]);
    for (const id of [credentialId, secondId]) await auth.credentials.revoke({ actor: system, credentialId: id });
    expect(await names()).toEqual(["account", "account"]);
    await auth.users.update({ actor, userId, displayName: "Ada" });
    expect(await names()).toEqual(["Ada", "Ada"]);
  });

  test("S45: the user handle is permanent, opaque and unique to the user", async () => {
    const person = await world.person();
    const handles = await Promise.all(
      [person, person, await world.person()].map(async (one) => (await auth.passkeys.registrationOptions(one)).user.id),
    );
    expect(handles[0]).toBe(handles[1]);
    expect(handles[0]).not.toBe(handles[2]);
  });

  test.each(["ES256", "RS256", "EdDSA"] as const)("an %s key: registered, and signs in", async (kind) => {
    const { authenticator, passkey, person } = await withPasskey({ kind });
    expect(passkey).toEqual({
      id: expect.stringMatching(/^cred_/),
      userId: person.userId,
      status: "active",
      name: "laptop",
      transports: ["hybrid", "internal"],
      aaguid: null,
      backupEligible: false,
      backedUp: false,
      createdAt: start,
      lastUsedAt: null,
    });
    expect((await signIn(authenticator)).user.id).toBe(person.userId);
  });

  test("options: exclude the user's existing passkeys", async () => {
    const { authenticator, person } = await inside();
    const { excludeCredentials } = await auth.passkeys.registrationOptions(person);
    const transports = ["hybrid", "internal"];
    expect(excludeCredentials).toEqual([{ type: "public-key", id: authenticator.credentialId, transports }]);
  });

  describe("a registration is refused", () => {
    test.each<{ case: string; misuse: Misuse }>([
      { case: "from another origin", misuse: { origin: "https://example.com.evil.test" } },
      { case: "from a subdomain", misuse: { origin: "https://evil.example.com" } },
      { case: "for another relying party", misuse: { rpId: "evil.test" } },
      { case: "with an unknown challenge", misuse: { challenge: toBase64Url(randomBytes(70)) } },
      { case: "with the challenge of an assertion", misuse: {} },
      { case: "without a present user", misuse: { flags: 0x44 } },
      { case: "backed up without being eligible", misuse: { flags: 0x55 } },
      { case: "in a frame", misuse: { clientData: { crossOrigin: true } } },
      { case: "as an assertion", misuse: { clientData: { type: "webauthn.get" } } },
      { case: "under another id", misuse: { credentialId: toBase64Url(randomBytes(32)) } },
    ])("$case", async ({ case: name, misuse }) => {
      const { actor, userId } = await world.person();
      const options = await auth.passkeys.registrationOptions({ actor });
      const { challenge } = await auth.signIn.passkeyOptions();
      const spoilt = name === "with the challenge of an assertion" ? { challenge } : misuse;
      const response = await (await newAuthenticator()).create(options, spoilt);
      expect(await outcome(auth.passkeys.register({ actor, response, transport: "token" }))).toBe(
        "invalid_format.webauthn",
      );
      expect((await auth.passkeys.list({ actor, userId })).data).toEqual([]);
    });

    test.each([null, 1, "x", [], {}, { response: {} }, { id: "", rawId: "", type: "public-key", response: null }])(
      "a response of %j",
      async (response) => {
        const { actor } = await world.person();
        expect(await outcome(auth.passkeys.register({ actor, response, transport: "token" }))).toBe(
          "invalid_format.webauthn",
        );
      },
    );

    test("S28: with the challenge of another session, even of the same user", async () => {
      const person = await world.person();
      const elsewhere = await world.signIn(person);
      const options = await auth.passkeys.registrationOptions(elsewhere);
      const response = await (await newAuthenticator()).create(options);
      expect(await outcome(auth.passkeys.register({ actor: person.actor, response, transport: "token" }))).toBe(
        "invalid_format.webauthn",
      );
    });

    test("a second time with the same challenge, and also if the session were still live", async () => {
      const { actor, userId, session } = (await inside()).person;
      const options = await auth.passkeys.registrationOptions({ actor });
      const answer = async () => await (await newAuthenticator()).create(options);
      const again = async () =>
        await outcome(auth.passkeys.register({ actor, response: await answer(), transport: "token" }));
      expect([await again(), await again()]).toEqual(["done", "unauthorized.invalid_token"]);
      await world.rows(sql`update ses set revoked_at = null where id = ${uuidFor("ses", session.id)}::uuid`);
      expect(await again()).toBe("invalid_format.webauthn");
      expect((await auth.passkeys.list({ actor: system, userId })).data).toHaveLength(2);
    });

    test("after more than five minutes", async () => {
      const { actor } = await world.person();
      const response = await (await newAuthenticator()).create(await auth.passkeys.registrationOptions({ actor }));
      await later(300);
      expect(await outcome(auth.passkeys.register({ actor, response, transport: "token" }))).toBe(
        "invalid_format.webauthn",
      );
    });

    test("R037, S28: in a session that is not fresh, for the options and for the registration", async () => {
      const { actor, session } = await world.person();
      const response = await (await newAuthenticator()).create(await auth.passkeys.registrationOptions({ actor }));
      await world.age(session, 601);
      expect(await outcome(auth.passkeys.registrationOptions({ actor }))).toBe(
        "unauthorized.reauthentication_required",
      );
      expect(await outcome(auth.passkeys.register({ actor, response, transport: "token" }))).toBe(
        "unauthorized.reauthentication_required",
      );
    });

    test("S27: with a credential id that was ever registered, revoked or not", async () => {
      const credentialId = randomBytes(32);
      const first = await withPasskey({ credentialId });
      await auth.credentials.revoke({ actor: system, credentialId: first.passkey.id });
      const { actor } = await world.person();
      const response = await (await newAuthenticator({ credentialId })).create(
        await auth.passkeys.registrationOptions({ actor }),
      );
      expect(await outcome(auth.passkeys.register({ actor, response, transport: "token" }))).toBe(
        "conflict.duplicate_credential",
      );
    });
  });

  describe("S14, S79: a registration is a proof, in a session that replaces the one that it was made in", () => {
    const registered = async ({ actor }: Person) => {
      const response = await (await newAuthenticator()).create(await auth.passkeys.registrationOptions({ actor }));
      return await auth.passkeys.register({ actor, response, transport: "token" });
    };
    /** What an act that needs a fresh proof answers. */
    const freshAct = async ({ actor }: Pick<Person, "actor">) =>
      await outcome(auth.passkeys.registrationOptions({ actor }));

    test("a thief's copy of the token gains nothing: it is refused from then on", async () => {
      const person = await world.person();
      await later(60);
      const { passkey, session, user } = await registered(person);
      const now = new Date(start.getTime() + 60_000);
      expect([user.id, passkey.userId]).toEqual([person.userId, person.userId]);
      expect(session).toMatchObject({ authTime: now, mfaVerifiedAt: now, amr: ["mfa", "pop", "pwd", "user"] });
      for (const act of [auth.sessions.verify, auth.sessions.refresh]) {
        expect(await outcome(act(person))).toBe("unauthorized.session_expired");
      }
      expect(await freshAct(person)).toBe("unauthorized.invalid_token");
      expect(await world.liveSessions(person.userId)).toBe(1);
    });

    test("a thief's own session of the same user stays, and is no longer fresh by the password", async () => {
      const person = await world.person();
      const thief = await world.signIn(person);
      await registered(person);
      expect((await auth.sessions.verify(thief)).session).toMatchObject({ mfaVerifiedAt: null, amr: ["pwd"] });
      expect(await freshAct(thief)).toBe("unauthorized.reauthentication_required");
    });

    test("a session that is not fresh becomes neither fresh nor of level 2: no passkey, no session", async () => {
      for (const mature of [
        async () => await world.person(),
        async () => (await addApp(world, await world.person())).person,
        async () => (await inside()).person,
      ]) {
        const thief = await mature();
        await world.age(thief.session, 601);
        const response = await registrationBy(world, thief, await newAuthenticator());
        const before = (await auth.sessions.verify(thief)).session;
        const [count, live] = [(await auth.passkeys.list(thief)).data.length, await world.liveSessions(thief.userId)];
        const { actor } = thief;
        expect(await outcome(auth.passkeys.register({ actor, response, transport: "token" }))).toBe(
          "unauthorized.reauthentication_required",
        );
        expect((await auth.sessions.verify(thief)).session).toEqual(before);
        expect((await auth.passkeys.list(thief)).data).toHaveLength(count);
        expect(await world.liveSessions(thief.userId)).toBe(live);
      }
    });

    test("a fresh password does not do for a user with a factor, and no passkey is made", async () => {
      const { person } = await addApp(world, await world.person());
      await world.rows(sql`
        update ses set mfa_verified_at = null where id = ${uuidFor("ses", person.session.id)}::uuid`);
      const { actor } = person;
      const response = await registrationBy(world, person, await newAuthenticator());
      expect(await outcome(auth.passkeys.register({ actor, response, transport: "token" }))).toBe(
        "unauthorized.reauthentication_required",
      );
    });

    test("a refused response leaves the session as it was", async () => {
      const person = await world.person();
      const { actor } = person;
      const { challenge, ...options } = await auth.passkeys.registrationOptions({ actor });
      const foreign = toBase64Url(randomBytes(challenge.length));
      const response = await (await newAuthenticator()).create({ ...options, challenge: foreign });
      expect(await outcome(auth.passkeys.register({ actor, response, transport: "token" }))).toBe(
        "invalid_format.webauthn",
      );
      expect((await auth.sessions.verify(person)).session).toEqual(person.session);
    });

    test("the next act goes on without another proof, for ten minutes", async () => {
      const made = await world.person();
      const person = await personAt(world, made, await registered(made));
      expect(await freshAct(person)).toBe("done");
      await later(601);
      expect(await freshAct(person)).toBe("unauthorized.reauthentication_required");
    });

    test("the new session is of the same family, ends no later, and its first refresh drops the proof", async () => {
      const made = await world.person();
      const issued = await registered(made);
      expect(issued.session.expiresAt.getTime()).toBeLessThanOrEqual(made.session.expiresAt.getTime());
      const families = await world.rows<{ family: string }>(sql`
        select distinct coalesce(family_id, id)::text as family from ses
        where usr_id = ${uuidFor("usr", made.userId)}::uuid`);
      expect(families).toHaveLength(1);
      const refreshed = await auth.sessions.refresh({ token: issued.token, transport: "token" });
      expect(refreshed.session.mfaVerifiedAt).toBeNull();
      const { actor } = await auth.sessions.verify({ token: refreshed.token, transport: "token" });
      expect(await freshAct({ actor })).toBe("unauthorized.reauthentication_required");
    });

    test("the transport is the given one: a cookie's session is no bearer token", async () => {
      const { actor, userId } = await world.person({ transport: "cookie" });
      const response = await (await newAuthenticator()).create(await auth.passkeys.registrationOptions({ actor }));
      const { token, session } = await auth.passkeys.register({ actor, response, transport: "cookie" });
      expect([session.transport, session.userId]).toEqual(["cookie", userId]);
      expect(await outcome(auth.sessions.verify({ token, transport: "token" }))).toBe("unauthorized.invalid_token");
    });
  });

  test("options in a passkey session: name the user by identifier, never by credential id", async () => {
    const { person, authenticator } = await withPasskey();
    const owner = await personAt(world, person, await signIn(authenticator));
    const { user } = await auth.passkeys.registrationOptions(owner);
    expect(user.name).toBe(person.identifier);
  });
});
