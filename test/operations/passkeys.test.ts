import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import { type FullAuth, openAuth, outcome, type Person, system, type World } from "../support/auth.ts";
import { type Authenticator, type Misuse, newAuthenticator, withBitTurned } from "../support/authenticator.ts";
import { addApp, personAt, ticketFor } from "../support/factors.ts";

describe.each(["pglite", "postgres"] as const)("%s", (name) => {
  let world: World;
  let auth: FullAuth;
  const start = new Date("2026-11-22T12:00:00Z");
  beforeAll(async () => {
    world = await openAuth(name);
    auth = world.auth;
    await installTestClock(world.database);
  });
  beforeEach(async () => {
    await setTestClock(world.database, start);
    await world.rows(sql`delete from attempt`);
  });
  afterAll(() => world.close());

  const later = (seconds: number) => advanceTestClock(world.database, seconds);

  async function withPasskey(device?: Parameters<typeof newAuthenticator>[0]) {
    const person = await world.person();
    const authenticator = await newAuthenticator(device);
    const options = await auth.passkeys.registrationOptions(person);
    const passkey = await auth.passkeys.register({
      actor: person.actor,
      response: await authenticator.create(options),
      name: "laptop",
    });
    return { person, authenticator, passkey };
  }
  /** Somebody who has proved their passkey, which changes of the account then need. */
  async function inside(device?: Parameters<typeof newAuthenticator>[0]) {
    const made = await withPasskey(device);
    return { ...made, person: await personAt(world, made.person, await signIn(made.authenticator)) };
  }
  const signIn = async (authenticator: Authenticator, misuse?: Misuse) =>
    await auth.passkeys.signIn({ response: await authenticator.get(await auth.passkeys.signInOptions(), misuse) });

  describe("making one", () => {
    test("the options are those of a discoverable credential that verifies its user", async () => {
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

    test("S45: the handle is the user's for ever, says nothing of them, and is nobody else's", async () => {
      const person = await world.person();
      const handles = await Promise.all(
        [person, person, await world.person()].map(
          async (one) => (await auth.passkeys.registrationOptions(one)).user.id,
        ),
      );
      expect(handles[0]).toBe(handles[1]);
      expect(handles[0]).not.toBe(handles[2]);
    });

    test.each(["ES256", "RS256", "EdDSA"] as const)("%s", async (kind) => {
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

    test("one that is registered is excluded from then on", async () => {
      const { authenticator, person } = await inside();
      const { excludeCredentials } = await auth.passkeys.registrationOptions(person);
      expect(excludeCredentials).toEqual([{ type: "public-key", id: authenticator.credentialId }]);
    });

    describe("is refused", () => {
      test.each<{ case: string; misuse: Misuse }>([
        { case: "from another origin", misuse: { origin: "https://example.com.evil.test" } },
        { case: "from a subdomain", misuse: { origin: "https://evil.example.com" } },
        { case: "for another relying party", misuse: { rpId: "evil.test" } },
        { case: "with a challenge of nobody", misuse: { challenge: toBase64Url(randomBytes(70)) } },
        { case: "with the challenge of an assertion", misuse: {} },
        { case: "without the user being there", misuse: { flags: 0x44 } },
        { case: "without the user being verified", misuse: { flags: 0x41 } },
        { case: "backed up without being eligible", misuse: { flags: 0x55 } },
        { case: "in a frame", misuse: { clientData: { crossOrigin: true } } },
        { case: "as an assertion", misuse: { clientData: { type: "webauthn.get" } } },
        { case: "under another id", misuse: { credentialId: toBase64Url(randomBytes(32)) } },
      ])("$case", async ({ case: name, misuse }) => {
        const { actor, userId } = await world.person();
        const options = await auth.passkeys.registrationOptions({ actor });
        const { challenge } = await auth.passkeys.signInOptions();
        const spoilt = name === "with the challenge of an assertion" ? { challenge } : misuse;
        const response = await (await newAuthenticator()).create(options, spoilt);
        expect(await outcome(auth.passkeys.register({ actor, response }))).toBe("invalid_format.webauthn");
        expect(await auth.passkeys.list({ actor, userId })).toEqual([]);
      });

      test.each([null, 1, "x", [], {}, { response: {} }, { id: "", rawId: "", type: "public-key", response: null }])(
        "%j",
        async (response) => {
          const { actor } = await world.person();
          expect(await outcome(auth.passkeys.register({ actor, response }))).toBe("invalid_format.webauthn");
        },
      );

      test("S28: with the challenge of another session, be it the same user's", async () => {
        const person = await world.person();
        const elsewhere = await world.signIn(person);
        const options = await auth.passkeys.registrationOptions(elsewhere);
        const response = await (await newAuthenticator()).create(options);
        expect(await outcome(auth.passkeys.register({ actor: person.actor, response }))).toBe(
          "invalid_format.webauthn",
        );
      });

      test("a second time with one challenge", async () => {
        const { actor, userId } = (await inside()).person;
        const options = await auth.passkeys.registrationOptions({ actor });
        await auth.passkeys.register({ actor, response: await (await newAuthenticator()).create(options) });
        const again = await (await newAuthenticator()).create(options);
        expect(await outcome(auth.passkeys.register({ actor, response: again }))).toBe("invalid_format.webauthn");
        expect(await auth.passkeys.list({ actor, userId })).toHaveLength(2);
      });

      test("past five minutes", async () => {
        const { actor } = await world.person();
        const response = await (await newAuthenticator()).create(await auth.passkeys.registrationOptions({ actor }));
        await later(300);
        expect(await outcome(auth.passkeys.register({ actor, response }))).toBe("invalid_format.webauthn");
      });

      test("R037, S28: in a session that is not fresh, at either end", async () => {
        const { actor, session } = await world.person();
        const response = await (await newAuthenticator()).create(await auth.passkeys.registrationOptions({ actor }));
        await world.age(session, 601);
        expect(await outcome(auth.passkeys.registrationOptions({ actor }))).toBe(
          "unauthorized.reauthentication_required",
        );
        expect(await outcome(auth.passkeys.register({ actor, response }))).toBe(
          "unauthorized.reauthentication_required",
        );
      });

      test("S27: if its id was ever anybody's, revoked or not", async () => {
        const credentialId = randomBytes(32);
        const first = await withPasskey({ credentialId });
        await auth.credentials.revoke({ actor: system, credentialId: first.passkey.id });
        const { actor } = await world.person();
        const response = await (await newAuthenticator({ credentialId })).create(
          await auth.passkeys.registrationOptions({ actor }),
        );
        expect(await outcome(auth.passkeys.register({ actor, response }))).toBe("conflict.duplicate_credential");
      });
    });
  });

  describe("signing in", () => {
    test("is two factors: it is held and was unlocked", async () => {
      const { person, authenticator, passkey } = await withPasskey();
      const { session } = await signIn(authenticator);
      expect(session).toMatchObject({
        userId: person.userId,
        credentialId: passkey.id,
        amr: ["mfa", "pop", "user"],
        authTime: start,
        mfaVerifiedAt: start,
      });
      expect((await auth.passkeys.list(person))[0]!.lastUsedAt).toEqual(start);
    });

    test("S45: a synced passkey has no counter, and says so each time", async () => {
      const { authenticator, passkey } = await withPasskey({ counts: false, backup: true });
      expect(passkey).toMatchObject({ backupEligible: true, backedUp: true });
      await signIn(authenticator);
      await signIn(authenticator);
    });

    test("satisfies a policy", async () => {
      const { person, authenticator } = await withPasskey();
      await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
      const { token } = await signIn(authenticator);
      expect(await outcome(auth.sessions.verify({ token, transport: "token" }))).toBe("done");
    });

    test("S26: the options name nobody's credentials", async () => {
      expect(await auth.passkeys.signInOptions()).toEqual({
        challenge: expect.any(String),
        timeout: 300_000,
        rpId: "example.com",
        allowCredentials: [],
        userVerification: "required",
      });
    });

    describe("S26: with an identifier typed first", () => {
      const ids = async (through: FullAuth, identifier: string) =>
        (await through.passkeys.signInOptions({ identifier })).allowCredentials.map(({ id }) => id);

      test("it is ignored unless the application has asked for it", async () => {
        const { person } = await withPasskey();
        expect(await ids(auth, person.identifier)).toEqual([]);
      });

      test("whoever has none gets as many, made up, and the same each time", async () => {
        const asking = world.isolate({ identifierFirst: true });
        const known = await withPasskey({ credentialId: randomBytes(20) });
        const { identifier } = await world.person();
        const lists = new Map<string, readonly string[]>();
        for (const one of [
          known.person.identifier,
          identifier,
          "nobody@example.com",
          "no identifier",
          "x".repeat(5_000),
        ]) {
          const first = await ids(asking, one);
          expect(first).toHaveLength(4);
          expect(new Set(first).size).toBe(4);
          expect(await ids(asking, one)).toEqual(first);
          expect(await ids(asking, one.toUpperCase())).toHaveLength(4);
          lists.set(one, first);
        }
        expect(await ids(asking, "NOBODY@example.com")).toEqual(lists.get("nobody@example.com"));
        expect(new Set([...lists.values()].flat()).size).toBe(20);
        expect(lists.get(known.person.identifier)).toContain(known.authenticator.credentialId);
        const places = new Set<number>();
        for (let turn = 0; turn < 24; turn++) {
          const { person, authenticator } = await withPasskey();
          places.add((await ids(asking, person.identifier)).indexOf(authenticator.credentialId));
        }
        expect(places.size).toBeGreaterThan(1);
      });

      test("one request, and the same statement for everybody", async () => {
        const asking = world.isolate({ database: world.counting, identifierFirst: true });
        const { person } = await withPasskey();
        const texts: (readonly string[])[] = [];
        for (const identifier of [person.identifier, "nobody@example.com"]) {
          world.counting.reset(1);
          await asking.passkeys.signInOptions({ identifier });
          texts.push([...world.counting.statements]);
        }
        world.counting.reset();
        expect(texts[0]).toEqual(texts[1]);
      });
    });

    test("S46: a page view leaves no row", async () => {
      const count = async () =>
        (await world.rows<{ n: number }>(sql`select count(*)::int as n from spent_challenge`))[0]!.n;
      const before = await count();
      await auth.passkeys.signInOptions();
      expect(await count()).toBe(before);
    });

    describe("is refused", () => {
      test.each<{ case: string; misuse: Misuse }>([
        { case: "from another origin", misuse: { origin: "https://example.com:8443" } },
        { case: "for another relying party", misuse: { rpId: "evil.test" } },
        { case: "with a challenge of nobody", misuse: { challenge: toBase64Url(randomBytes(70)) } },
        { case: "without the user being there", misuse: { flags: 0x04 } },
        { case: "without the user being verified", misuse: { flags: 0x01 } },
        { case: "in a frame", misuse: { clientData: { crossOrigin: true } } },
        { case: "as a registration", misuse: { clientData: { type: "webauthn.create" } } },
        { case: "with a counter that stands still", misuse: { signCount: 1 } },
        { case: "with a counter that falls", misuse: { signCount: 0 } },
        { case: "once it is eligible for backup", misuse: { flags: 0x0d } },
        { case: "without a handle", misuse: { userHandle: null } },
        { case: "with another's handle", misuse: { userHandle: toBase64Url(randomBytes(32)) } },
        { case: "with an empty handle", misuse: { userHandle: "" } },
        { case: "under another id", misuse: { credentialId: toBase64Url(randomBytes(32)) } },
      ])("$case", async ({ misuse }) => {
        const { person, authenticator } = await withPasskey();
        const before = await world.liveSessions(person.userId);
        expect(await outcome(signIn(authenticator, misuse))).toBe("unauthorized.invalid_credential");
        expect(await world.liveSessions(person.userId)).toBe(before);
        await signIn(authenticator);
      });

      test("with any bit turned of what is signed", async () => {
        const { authenticator } = await withPasskey();
        const response = await authenticator.get(await auth.passkeys.signInOptions());
        for (const member of ["authenticatorData", "clientDataJSON", "signature"]) {
          for (let bit = 0; bit < 160; bit += 13) {
            await world.rows(sql`delete from attempt`);
            const spoilt = withBitTurned(response, member, bit);
            expect(await outcome(auth.passkeys.signIn({ response: spoilt }))).toBe("unauthorized.invalid_credential");
          }
        }
        await auth.passkeys.signIn({ response });
      });

      test("a second time with one challenge, even where no counter tells", async () => {
        const { authenticator } = await withPasskey({ counts: false });
        const response = await authenticator.get(await auth.passkeys.signInOptions());
        await auth.passkeys.signIn({ response });
        expect(await outcome(auth.passkeys.signIn({ response }))).toBe("unauthorized.invalid_credential");
      });

      test("past five minutes", async () => {
        const { authenticator } = await withPasskey();
        const response = await authenticator.get(await auth.passkeys.signInOptions());
        await later(300);
        expect(await outcome(auth.passkeys.signIn({ response }))).toBe("unauthorized.invalid_credential");
      });

      test.each(["suspend", "revoke"] as const)("after %s of it, or of its user", async (act) => {
        const one = await withPasskey();
        await auth.credentials[act]({ actor: system, credentialId: one.passkey.id });
        expect(await outcome(signIn(one.authenticator))).toBe("unauthorized.invalid_credential");
        const other = await withPasskey();
        await auth.users[act]({ actor: system, userId: other.person.userId });
        expect(await outcome(signIn(other.authenticator))).toBe("unauthorized.invalid_credential");
      });

      test.each([null, {}, "x", { id: "AAAA", rawId: "AAAA", type: "public-key", response: {} }])(
        "%j",
        async (response) => {
          expect(await outcome(auth.passkeys.signIn({ response }))).toBe("unauthorized.invalid_credential");
        },
      );

      test("past the address's limit, before anything is verified", async () => {
        const strict = world.isolate({ limits: { address: { attempts: 2, windowSeconds: 60 } } });
        const { authenticator } = await withPasskey();
        for (const expected of ["unauthorized.invalid_credential", "unauthorized.invalid_credential"]) {
          expect(await outcome(strict.passkeys.signIn({ response: {} }))).toBe(expected);
        }
        const response = await authenticator.get(await strict.passkeys.signInOptions());
        expect(await outcome(strict.passkeys.signIn({ response }))).toBe("too_many_requests");
      });
    });

    test("a failure leaves an event that names the credential by a keyed digest, and nobody", async () => {
      const { authenticator } = await withPasskey();
      await outcome(signIn(authenticator, { flags: 0x01 }));
      const events = await world.events({ action: "identity.sign_in" });
      const failed = events.find(({ metadata }) => metadata.reason === "user_verified" && metadata.method);
      const { outcome: result, actorUserId, metadata, targetId } = failed!;
      expect([result, actorUserId, metadata]).toEqual([
        "failure",
        null,
        { method: "passkey", reason: "user_verified" },
      ]);
      expect(targetId).not.toContain(authenticator.credentialId);
    });
  });

  describe("as the second factor", () => {
    const prove = async (
      of: Parameters<FullAuth["passkeys"]["proofOptions"]>[0],
      authenticator: Authenticator,
      misuse?: Misuse,
    ) =>
      ({ type: "webauthn", response: await authenticator.get(await auth.passkeys.proofOptions(of), misuse) }) as const;

    async function withBoth() {
      const { person, authenticator, passkey } = await inside();
      const made = await addApp(world, person);
      return { ...made, authenticator, passkey };
    }

    test("finishes a sign-in that began with a password", async () => {
      const { authenticator, person } = await withBoth();
      const ticket = await ticketFor(world, person);
      const { transport } = person;
      const proof = await prove({ ticket, transport }, authenticator);
      const { session } = await auth.webauthn.signInWithFactor({ ticket, transport, proof });
      expect(session.amr).toEqual(["mfa", "pop", "pwd", "user"]);
      expect(await outcome(auth.webauthn.signInWithFactor({ ticket, transport, proof }))).toBe(
        "unauthorized.invalid_ticket",
      );
    });

    test("S20: its options name the user's credentials to who has proved the password, and to nobody else", async () => {
      const { authenticator, person } = await withBoth();
      const ticket = await ticketFor(world, person);
      const { allowCredentials } = await auth.passkeys.proofOptions({ ticket, transport: person.transport });
      expect(allowCredentials).toEqual([{ type: "public-key", id: authenticator.credentialId }]);
      const wrong = ticket.startsWith("A") ? `B${ticket.slice(1)}` : `A${ticket.slice(1)}`;
      expect(await outcome(auth.passkeys.proofOptions({ ticket: wrong, transport: person.transport }))).toBe(
        "unauthorized.invalid_ticket",
      );
    });

    test("R040: not with another login's challenge, nor with another user's key", async () => {
      const mine = await withBoth();
      const theirs = await withBoth();
      const { transport } = mine.person;
      const [ticket, other] = [await ticketFor(world, mine.person), await ticketFor(world, mine.person)];
      const swapped = await prove({ ticket: other, transport }, mine.authenticator);
      expect(await outcome(auth.webauthn.signInWithFactor({ ticket, transport, proof: swapped }))).toBe(
        "unauthorized.invalid_factor",
      );
      const foreign = await prove({ ticket, transport }, theirs.authenticator);
      expect(await outcome(auth.webauthn.signInWithFactor({ ticket, transport, proof: foreign }))).toBe(
        "unauthorized.invalid_factor",
      );
      const anonymous = await mine.authenticator.get(await auth.passkeys.signInOptions());
      const proof = { type: "webauthn", response: anonymous } as const;
      expect(await outcome(auth.webauthn.signInWithFactor({ ticket, transport, proof }))).toBe(
        "unauthorized.invalid_factor",
      );
    });

    test("upgrades a ticket", async () => {
      const { authenticator, passkey, person } = await withBoth();
      const { userId, credentialId } = person;
      const { ticket } = await auth.verifyPassword({ ...person, transport: "token" });
      const proof = await prove({ ticket, transport: "token" }, authenticator);
      const verified = await auth.webauthn.verifyMfa({ ticket, transport: "token", userId, proof });
      expect(verified.type).toBe("webauthn");
      expect(verified.factorId.slice(4)).toBe(passkey.id.slice(5));
      await auth.sessions.create({ ticket: verified.ticket, userId, credentialId });
    });

    test("S14: steps a session up, which then may change what needs it", async () => {
      const { authenticator, person } = await withBoth();
      await later(700);
      const { actor, transport } = person;
      const stepped = await auth.webauthn.stepUp({ actor, transport, proof: await prove({ actor }, authenticator) });
      expect(await outcome(auth.sessions.verify(person))).toBe("unauthorized.session_expired");
      await auth.factors.replaceRecoveryCodes(await personAt(world, person, stepped));
    });
  });

  describe("keeping them", () => {
    test("a name is their owner's to change", async () => {
      const { person, passkey } = await withPasskey();
      const renamed = await auth.passkeys.rename({ actor: person.actor, passkeyId: passkey.id, name: "old laptop" });
      expect(renamed).toMatchObject({ id: passkey.id, name: "old laptop", transports: ["hybrid", "internal"] });
      expect((await auth.passkeys.list(person))[0]).toMatchObject({ name: "old laptop", backupEligible: false });
    });

    test("R108: nobody else's", async () => {
      const { passkey, person } = await withPasskey();
      const { actor } = await world.person();
      expect(await outcome(auth.passkeys.rename({ actor, passkeyId: passkey.id, name: "mine" }))).toBe("not_found");
      expect(await outcome(auth.passkeys.list({ actor, userId: person.userId }))).toBe("not_found");
      const password = person.credentialId;
      expect(await outcome(auth.passkeys.rename({ actor: person.actor, passkeyId: password, name: "x" }))).toBe(
        "not_found",
      );
    });

    test.each([
      ["", "invalid_format.name"],
      ["x".repeat(121), "invalid_format.name"],
      ["\0", "invalid_format.text"],
    ])("the name %j: %s", async (name, code) => {
      const { actor, passkey } = await withPasskey().then((made) => ({ ...made, actor: made.person.actor }));
      expect(await outcome(auth.passkeys.rename({ actor, passkeyId: passkey.id, name }))).toBe(code);
    });

    test("S33: the last way in stays, whichever it is", async () => {
      const { person: again, passkey } = await inside();
      await auth.credentials.revoke({ actor: system, credentialId: again.credentialId });
      for (const act of ["revoke", "suspend"] as const) {
        expect(await outcome(auth.credentials[act]({ actor: again.actor, credentialId: passkey.id }))).toBe(
          "conflict.last_way_in",
        );
      }
    });

    test("one that was revoked is listed no more", async () => {
      const { person, passkey } = await inside();
      await auth.credentials.revoke({ actor: person.actor, credentialId: passkey.id });
      expect(await auth.passkeys.list({ actor: system, userId: person.userId })).toEqual([]);
    });

    test("one of another SDK, of which we know nothing more, signs in too", async () => {
      const { person, authenticator } = await withPasskey();
      await world.rows(sql`delete from webauthn_credential where credential_id = ${authenticator.credentialId}`);
      expect((await signIn(authenticator)).user.id).toBe(person.userId);
    });

    test("no such user has none", async () => {
      expect(await outcome(auth.passkeys.list({ actor: system, userId: generateId("usr") }))).toBe("not_found");
    });
  });

  test("two trips to sign in, and one for everything else", async () => {
    const person: Person = await world.person();
    const authenticator = await newAuthenticator();
    const trips = async <Result>(act: () => Promise<Result>): Promise<[number, Result]> => {
      const before = world.counting.requests;
      const result = await act();
      return [world.counting.requests - before, result];
    };
    const [made, options] = await trips(() => auth.passkeys.registrationOptions(person));
    const response = await authenticator.create(options);
    const [kept, passkey] = await trips(() => auth.passkeys.register({ actor: person.actor, response }));
    const [listed] = await trips(() => auth.passkeys.list(person));
    const [renamed] = await trips(() =>
      auth.passkeys.rename({ actor: person.actor, passkeyId: passkey.id, name: "x" }),
    );
    const [asked, request] = await trips(() => auth.passkeys.signInOptions());
    const assertion = await authenticator.get(request);
    const [signedIn] = await trips(() => auth.passkeys.signIn({ response: assertion }));
    expect({ made, kept, listed, renamed, asked, signedIn }).toEqual({
      made: 1,
      kept: 1,
      listed: 1,
      renamed: 1,
      asked: 1,
      signedIn: 2,
    });
    expect(uuidFor("cred", passkey.id)).toBeTruthy();
  });
});
