import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { fromHex, toHex } from "../../src/crypto/bytes.ts";
import { isSealed } from "../../src/crypto/sealing.ts";
import { generateOpaqueToken } from "../../src/domain/bearer.ts";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import { openAuth, outcome, type Person, refusal, system, type World } from "../support/auth.ts";
import { addApp, appOf, personAt, ticketFor } from "../support/factors.ts";

describe.each(["pglite", "postgres"] as const)("%s", (name) => {
  let world: World;
  const start = new Date("2026-11-22T12:00:00Z");
  beforeAll(async () => {
    world = await openAuth(name);
    await installTestClock(world.database);
  });
  beforeEach(async () => {
    await setTestClock(world.database, start);
    // They all come from no address.
    await world.rows(sql`delete from attempt`);
  });
  afterAll(() => world.close());

  const later = (seconds: number) => advanceTestClock(world.database, seconds);
  const wait = () => later(30);
  const signInWith = (person: Person, ticket: string, code: string, type: "totp" | "recovery" = "totp") =>
    world.auth.signInWithFactor({ ticket, transport: person.transport, proof: { type, code } });

  describe("setting an authenticator app up", () => {
    test("R035, S44: its secret is told once, and sealed for this row and user", async () => {
      const { auth } = world;
      const person = await world.person();
      const enrolled = await auth.factors.enrollTotp({ actor: person.actor, label: "phone" });
      expect(enrolled.factor).toMatchObject({ type: "totp", status: "pending", identifier: "phone" });
      expect(enrolled.secretBase32).toMatch(/^[A-Z2-7]{32}$/);
      expect(enrolled.otpauthUri).toContain(enrolled.secretBase32);
      const app = appOf(world, enrolled);
      const [row] = await world.rows<{ secret: string }>(
        sql`select encode(totp_secret, 'hex') as secret from mfa where id = ${uuidFor("mfa", app.factorId)}::uuid`,
      );
      expect(isSealed(fromHex(row!.secret)!)).toBe(true);
      expect(row!.secret).not.toContain(toHex(app.secret));
      expect(JSON.stringify(await auth.factors.list(person))).not.toContain(enrolled.secretBase32);
    });

    test("S12: it is asked for from its confirmation on, and not before", async () => {
      const { auth } = world;
      const person = await world.person();
      const app = appOf(world, await auth.factors.enrollTotp({ actor: person.actor, label: "phone" }));
      expect((await auth.signIn(person)).mfaRequired).toBe(false);
      const { actor, transport } = person;
      await auth.factors.confirmTotp({ actor, transport, factorId: app.factorId, code: await app.code() });
      expect(await auth.signIn(person)).toEqual({
        mfaRequired: true,
        enroll: false,
        factors: ["totp"],
        ticket: expect.any(String),
      });
    });

    test("S14, S32: confirming it ends every other session and ticket and gives a fresh one at level 2", async () => {
      const person = await world.person();
      const other = await world.signIn(person);
      const { session } = (await addApp(world, person)).person;
      expect(session.amr).toEqual(["mfa", "otp", "pwd"]);
      expect(session.mfaVerifiedAt).toEqual(start);
      for (const { token } of [person, other]) {
        expect(await outcome(world.auth.sessions.verify({ token, transport: "token" }))).toBe(
          "unauthorized.session_expired",
        );
        expect(await outcome(world.auth.sessions.refresh({ token, transport: "token" }))).toBe(
          "unauthorized.session_expired",
        );
      }
      expect(await world.liveSessions(person.userId)).toBe(1);
      expect(await world.tickets(person.userId)).toBe(0);
    });

    test("the fresh session is of the family, and ends when it would have ended", async () => {
      const person = await world.person();
      await world.rows(sql`
        update ses set family_expires_at = sallyport_now() + interval '1 hour'
        where id = ${uuidFor("ses", person.session.id)}::uuid`);
      const { session } = (await addApp(world, person)).person;
      expect(session.expiresAt).toEqual(new Date(start.getTime() + 3_600_000));
    });

    test("a wrong code is a conflict and leaves it waiting; so does one of another's app", async () => {
      const { auth } = world;
      const { actor, transport } = await world.person();
      const app = appOf(world, await auth.factors.enrollTotp({ actor, label: "phone" }));
      const stranger = await world.person();
      const theirs = appOf(world, await auth.factors.enrollTotp({ actor: stranger.actor, label: "phone" }));
      for (const code of ["000000", await theirs.code(), "x", ""]) {
        expect(await outcome(auth.factors.confirmTotp({ actor, transport, factorId: app.factorId, code }))).toBe(
          "precondition.factor_code_invalid",
        );
      }
      expect(
        await outcome(
          auth.factors.confirmTotp({ actor, transport, factorId: theirs.factorId, code: await theirs.code() }),
        ),
      ).toBe("not_found");
    });

    test("it waits ten minutes", async () => {
      const { auth } = world;
      const { actor, transport, session } = await world.person();
      const app = appOf(world, await auth.factors.enrollTotp({ actor, label: "phone" }));
      await later(599);
      await world.age(session, 10);
      expect(
        await outcome(auth.factors.confirmTotp({ actor, transport, factorId: app.factorId, code: "000000" })),
      ).toBe("precondition.factor_code_invalid");
      await later(1);
      expect(
        await outcome(auth.factors.confirmTotp({ actor, transport, factorId: app.factorId, code: await app.code() })),
      ).toBe("precondition.factor_not_pending");
    });

    test("only the last one waits, so that none pile up", async () => {
      const { auth } = world;
      const person = await world.person();
      const { actor, transport } = person;
      const first = appOf(world, await auth.factors.enrollTotp({ actor, label: "one" }));
      await auth.factors.enrollTotp({ actor, label: "two" });
      expect(await auth.factors.list(person)).toMatchObject([{ type: "totp", identifier: "two" }]);
      expect(
        await outcome(
          auth.factors.confirmTotp({ actor, transport, factorId: first.factorId, code: await first.code() }),
        ),
      ).toBe("not_found");
    });

    test("R037, S28: it needs a fresh proof of the highest level, to begin and to end", async () => {
      const { auth } = world;
      const person = await world.person();
      const { actor, transport, session } = person;
      const app = appOf(world, await auth.factors.enrollTotp({ actor, label: "phone" }));
      await world.age(session, 601);
      expect(await outcome(auth.factors.enrollTotp({ actor, label: "phone" }))).toBe(
        "unauthorized.reauthentication_required",
      );
      expect(
        await outcome(auth.factors.confirmTotp({ actor, transport, factorId: app.factorId, code: await app.code() })),
      ).toBe("unauthorized.reauthentication_required");
    });

    test.each([
      ["", "invalid_format.name"],
      ["x".repeat(121), "invalid_format.name"],
      ["\0", "invalid_format.text"],
      ["\ud800", "invalid_format.text"],
    ])("a label %j: %s", async (label, code) => {
      const { actor } = await world.person();
      expect(await outcome(world.auth.factors.enrollTotp({ actor, label }))).toBe(code);
    });

    test("another app takes the place of the first, which counts no more", async () => {
      const { auth } = world;
      const before = await addApp(world, await world.person());
      const after = await addApp(world, before.person);
      expect(await auth.factors.list(after.person)).toMatchObject([
        { id: after.app.factorId, replaces: before.app.factorId, status: "active" },
      ]);
      const ticket = await ticketFor(world, after.person);
      expect(await outcome(signInWith(after.person, ticket, await before.app.code()))).toBe(
        "unauthorized.invalid_factor",
      );
      await signInWith(after.person, ticket, await after.app.code());
    });
  });

  describe("finishing a sign-in", () => {
    test("R040, S20: a code gives a session at level 2, and the ticket is spent", async () => {
      const { app, person } = await addApp(world, await world.person());
      const ticket = await ticketFor(world, person);
      const signedIn = await signInWith(person, ticket, await app.code());
      expect(signedIn.session).toMatchObject({ amr: ["mfa", "otp", "pwd"], authTime: start, mfaVerifiedAt: start });
      expect(signedIn.session.expiresAt).toEqual(new Date(start.getTime() + 86_400_000));
      await wait();
      expect(await outcome(signInWith(person, ticket, await app.code()))).toBe("unauthorized.invalid_ticket");
      expect(await world.events({ actor: person.userId, action: "identity.mfa.verify" })).toMatchObject([
        { outcome: "success", metadata: { type: "totp" } },
      ]);
    });

    test("R033: a code counts once, however it is typed, and none before it", async () => {
      const { app, person } = await addApp(world, await world.person());
      const code = await app.code();
      const early = await app.code(-1);
      await signInWith(person, await ticketFor(world, person), code);
      const ticket = await ticketFor(world, person);
      for (const again of [code, `${code.slice(0, 3)} ${code.slice(3)}`, early]) {
        expect(await outcome(signInWith(person, ticket, again))).toBe("unauthorized.replayed_totp");
      }
    });

    test("R034, F05: the step is the database's; a code 90 s off counts no more", async () => {
      const { app, person } = await addApp(world, await world.person());
      const code = await app.code();
      await later(60);
      expect(await outcome(signInWith(person, await ticketFor(world, person), code))).toBe(
        "unauthorized.invalid_factor",
      );
    });

    test.each([-120, 120])("F05: an isolate whose clock is %d s off changes nothing", async (seconds) => {
      const { app, person } = await addApp(world, await world.person());
      vi.useFakeTimers({ toFake: ["Date"], now: start.getTime() + seconds * 1000 });
      try {
        await signInWith(person, await ticketFor(world, person), await app.code());
      } finally {
        vi.useRealTimers();
      }
    });

    test("S20: five wrong codes end a ticket, even for the right one", async () => {
      const { app, person } = await addApp(world, await world.person());
      const ticket = await ticketFor(world, person);
      for (let attempt = 0; attempt < 5; attempt++) {
        expect(await outcome(signInWith(person, ticket, "000000"))).toBe("unauthorized.invalid_factor");
      }
      expect(await outcome(signInWith(person, ticket, await app.code()))).toBe("unauthorized.invalid_ticket");
    });

    test("S21: a user has as many attempts as the account's limit, over all tickets, and a proved password gives none back", async () => {
      const { app, person } = await addApp(world, await world.person());
      for (let attempt = 0; attempt < 10; attempt++) {
        expect(await outcome(signInWith(person, await ticketFor(world, person), "000000"))).toBe(
          "unauthorized.invalid_factor",
        );
      }
      const refused = await refusal(signInWith(person, await ticketFor(world, person), await app.code()));
      expect([refused.code, refused.retryAfterSeconds]).toEqual(["too_many_requests", 900]);
      await later(900);
      await signInWith(person, await ticketFor(world, person), await app.code());
    });

    test("R014: a stranger who has not the password keeps nobody from the second factor", async () => {
      const { app, person } = await addApp(world, await world.person());
      const ticket = await ticketFor(world, person);
      for (let attempt = 0; attempt < 20; attempt++) {
        await outcome(world.auth.signIn({ identifier: person.identifier, password: "wrong wrong wrong" }));
      }
      await signInWith(person, ticket, await app.code());
    });

    test("S03: a wrong code leaves its event, and the attempt stays counted", async () => {
      const { person } = await addApp(world, await world.person());
      await outcome(signInWith(person, await ticketFor(world, person), "000000"));
      const target = person.userId;
      expect(await world.events({ target, action: "identity.mfa.verify" })).toMatchObject([
        { outcome: "failure", actorUserId: null, metadata: { type: "totp", reason: "wrong" } },
      ]);
    });

    describe("all that can be wrong with a ticket looks the same", () => {
      test.each<{ case: string; spoil: (ticket: string, person: Person) => Promise<string> }>([
        { case: "unknown", spoil: async () => generateOpaqueToken() },
        { case: "garbage", spoil: async () => "' or 1=1 --" },
        { case: "a session's token", spoil: async (_ticket, { token }) => token },
        {
          case: "past five minutes",
          spoil: async (ticket) => {
            await later(300);
            return ticket;
          },
        },
        {
          case: "of a suspended user",
          spoil: async (ticket, { userId }) => {
            await world.rows(sql`update usr set status = 'suspended' where id = ${uuidFor("usr", userId)}::uuid`);
            return ticket;
          },
        },
        {
          case: "of a suspended credential",
          spoil: async (ticket, { credentialId }) => {
            await world.rows(
              sql`update cred set status = 'suspended' where id = ${uuidFor("cred", credentialId)}::uuid`,
            );
            return ticket;
          },
        },
        {
          case: "ended by a change of password",
          spoil: async (ticket, { actor, credentialId }) => {
            void actor;
            await world.auth.credentials.rotatePassword({ actor: system, credentialId, password: "gnqjwzfbkcymxhvp" });
            return ticket;
          },
        },
      ])("$case", async ({ spoil }) => {
        const { app, person } = await addApp(world, await world.person());
        const ticket = await spoil(await ticketFor(world, person), person);
        expect(await outcome(signInWith(person, ticket, await app.code()))).toBe("unauthorized.invalid_ticket");
      });

      test("of the other transport", async () => {
        const { app, person } = await addApp(world, await world.person({ transport: "cookie" }));
        const ticket = await ticketFor(world, person);
        const proof = { type: "totp", code: await app.code() } as const;
        expect(await outcome(world.auth.signInWithFactor({ ticket, transport: "token", proof }))).toBe(
          "unauthorized.invalid_ticket",
        );
      });
    });

    test("one's ticket takes no factor of another", async () => {
      const mine = await addApp(world, await world.person());
      const theirs = await addApp(world, await world.person());
      const ticket = await ticketFor(world, mine.person);
      expect(await outcome(signInWith(mine.person, ticket, await theirs.app.code()))).toBe(
        "unauthorized.invalid_factor",
      );
    });

    test("a session that the browser has already ends", async () => {
      const { app, person } = await addApp(world, await world.person({ transport: "cookie" }));
      const ticket = await ticketFor(world, person);
      await world.auth.signInWithFactor({
        ticket,
        transport: "cookie",
        proof: { type: "totp", code: await app.code() },
        presentedToken: person.token,
      });
      expect(await outcome(world.auth.sessions.verify(person))).toBe("unauthorized.session_expired");
    });
  });

  describe("Flametrench verifyMfa", () => {
    test("upgrades the ticket, which then gives a session with the factor in it", async () => {
      const { auth } = world;
      const { app, person } = await addApp(world, await world.person());
      const { userId, credentialId } = person;
      const { ticket, mfaRequired } = await auth.verifyPassword(person);
      expect(mfaRequired).toBe(true);
      expect(await outcome(auth.sessions.create({ ticket, userId, credentialId }))).toBe("unauthorized.invalid_ticket");
      const verified = await auth.verifyMfa({ ticket, userId, proof: { type: "totp", code: await app.code() } });
      expect(verified).toEqual({ factorId: app.factorId, type: "totp", verifiedAt: start, ticket: expect.any(String) });
      expect(await outcome(auth.sessions.create({ ticket, userId, credentialId }))).toBe("unauthorized.invalid_ticket");
      const { session } = await auth.sessions.create({ ticket: verified.ticket, userId, credentialId });
      expect(session).toMatchObject({ amr: ["mfa", "otp", "pwd"], mfaVerifiedAt: start });
    });

    test("not for another user than the ticket's", async () => {
      const { app, person } = await addApp(world, await world.person());
      const { ticket } = await world.auth.verifyPassword(person);
      const { userId } = await world.person();
      const proof = { type: "totp", code: await app.code() } as const;
      expect(await outcome(world.auth.verifyMfa({ ticket, userId, proof }))).toBe("unauthorized.invalid_ticket");
    });
  });

  describe("recovery codes", () => {
    async function withCodes() {
      const made = await addApp(world, await world.person());
      const { codes, factor } = await world.auth.factors.replaceRecoveryCodes(made.person);
      return { ...made, codes, factor };
    }

    test("R036: ten, each for one use; how many are left is told", async () => {
      const { auth } = world;
      const { codes, factor, person } = await withCodes();
      expect({ codes: codes.length, factor }).toMatchObject({ codes: 10, factor: { type: "recovery", remaining: 10 } });
      const again = await signInWith(person, await ticketFor(world, person), codes[3]!.toLowerCase(), "recovery");
      expect(again.session.amr).toEqual(["mfa", "otp", "pwd"]);
      expect(await outcome(signInWith(person, await ticketFor(world, person), codes[3]!, "recovery"))).toBe(
        "unauthorized.invalid_factor",
      );
      const factors = await auth.factors.list(await personAt(world, person, again));
      expect(factors.find(({ type }) => type === "recovery")).toMatchObject({ remaining: 9 });
    });

    test("all ten hashes are verified, whichever matches and however many are used up", async () => {
      const { codes, person } = await withCodes();
      const work: number[] = [];
      for (const code of [codes[0]!, codes[9]!, codes[0]!, "ABCD-EFGH-JKMN"]) {
        const ticket = await ticketFor(world, person);
        world.hasher.reset();
        await outcome(signInWith(person, ticket, code, "recovery"));
        work.push(world.hasher.computations);
      }
      expect(work).toEqual([10, 10, 10, 10]);
    });

    test("what cannot be a code is refused without a hash", async () => {
      const { person } = await withCodes();
      const ticket = await ticketFor(world, person);
      world.hasher.reset();
      expect(await outcome(signInWith(person, ticket, "nonsense", "recovery"))).toBe("unauthorized.invalid_factor");
      expect(world.hasher.computations).toBe(0);
    });

    test("S24: an attempt counts ten times at its address", async () => {
      const { person } = await withCodes();
      const context = { address: "192.0.2.77" };
      let refused = 0;
      for (let attempt = 0; attempt < 11; attempt++) {
        const { transport } = person;
        const ticket = await ticketFor(world, person);
        await world.rows(sql`delete from attempt where bucket like 'factor:%'`);
        const proof = { type: "recovery", code: "nonsense" } as const;
        const code = await outcome(world.auth.signInWithFactor({ ticket, transport, context, proof }));
        if (code === "too_many_requests") refused += 1;
      }
      expect(refused).toBe(1);
    });

    test("a new set voids the old one", async () => {
      const { codes, factor, person } = await withCodes();
      const renewed = await world.auth.factors.replaceRecoveryCodes(person);
      expect(renewed.factor.replaces).toBe(factor.id);
      const ticket = await ticketFor(world, person);
      expect(await outcome(signInWith(person, ticket, codes[0]!, "recovery"))).toBe("unauthorized.invalid_factor");
      await signInWith(person, ticket, renewed.codes[0]!, "recovery");
    });

    test("R047: making them leaves this session and ends the others", async () => {
      const { app, person } = await addApp(world, await world.person());
      const other = await signInWith(person, await ticketFor(world, person), await app.code());
      await world.auth.factors.replaceRecoveryCodes(person);
      expect(await outcome(world.auth.sessions.verify(person))).toBe("done");
      expect(await outcome(world.auth.sessions.verify({ token: other.token, transport: "token" }))).toBe(
        "unauthorized.session_expired",
      );
    });

    test("they stand in for another factor, so there must be one", async () => {
      expect(await outcome(world.auth.factors.replaceRecoveryCodes(await world.person()))).toBe(
        "precondition.factor_needed_first",
      );
    });

    test("R037: they need a fresh second factor", async () => {
      const { person } = await addApp(world, await world.person());
      await later(601);
      await world.age(person.session, 1);
      expect(await outcome(world.auth.factors.replaceRecoveryCodes(person))).toBe(
        "unauthorized.reauthentication_required",
      );
    });
  });

  describe("stepping up", () => {
    test("S14: a fresh session takes the place of this one, whose token is a plain 401 afterwards", async () => {
      const { auth } = world;
      const { app, person } = await addApp(world, await world.person());
      await later(700);
      const { actor, transport } = person;
      const stepped = await auth.stepUp({ actor, transport, proof: { type: "totp", code: await app.code() } });
      const now = new Date(start.getTime() + 700_000);
      expect(stepped.session).toMatchObject({ authTime: now, mfaVerifiedAt: now, amr: ["mfa", "otp", "pwd"] });
      expect(stepped.session.expiresAt).toEqual(person.session.expiresAt);
      for (const act of [auth.sessions.verify, auth.sessions.refresh]) {
        expect(await outcome(act(person))).toBe("unauthorized.session_expired");
      }
      expect(await world.liveSessions(person.userId)).toBe(1);
      await auth.factors.replaceRecoveryCodes(await personAt(world, person, stepped));
    });

    test("S09: its token is drawn, not derived: asking again gives no second one", async () => {
      const { app, person } = await addApp(world, await world.person());
      const { actor, transport } = person;
      await wait();
      const proof = { type: "totp", code: await app.code() } as const;
      await world.auth.stepUp({ actor, transport, proof });
      expect(await outcome(world.auth.stepUp({ actor, transport, proof }))).toBe("unauthorized.invalid_token");
    });

    test("with the password where there is no second factor", async () => {
      const { auth } = world;
      const person = await world.person();
      const { actor, transport, password } = person;
      await later(700);
      const wrong = { type: "password", password: "wrong wrong wrong" } as const;
      expect(await outcome(auth.stepUp({ actor, transport, proof: wrong }))).toBe("unauthorized.invalid_credential");
      const stepped = await auth.stepUp({ actor, transport, proof: { type: "password", password } });
      expect(stepped.session).toMatchObject({ amr: ["pwd"], mfaVerifiedAt: null });
      await addApp(world, await personAt(world, person, stepped));
    });

    test("R037, R014: of a user with a second factor an old session proves no password, nor uses its attempts up", async () => {
      const { auth } = world;
      const { person } = await addApp(world, await world.person());
      const { actor, transport } = person;
      await later(700);
      for (const password of [person.password, ...Array.from({ length: 12 }, () => "guess")]) {
        expect(await outcome(auth.stepUp({ actor, transport, proof: { type: "password", password } }))).toBe(
          "unauthorized.reauthentication_required",
        );
      }
      expect(await outcome(ticketFor(world, person))).toBe("done");
    });

    test("a refresh carries no proof over", async () => {
      const { auth } = world;
      const { person } = await addApp(world, await world.person());
      const { session } = await auth.sessions.refresh(person);
      expect(session.mfaVerifiedAt).toBeNull();
    });

    test("S30: the application has no session to step up", async () => {
      const proof = { type: "totp", code: "000000" } as const;
      // @ts-expect-error It does not compile, either.
      await expect(world.auth.stepUp({ actor: system, transport: "token", proof })).rejects.toThrow(TypeError);
    });
  });

  describe("ending a factor", () => {
    test("R041: at once, with the other sessions, and the recovery codes that stood in for it", async () => {
      const { auth } = world;
      const { app, person } = await addApp(world, await world.person());
      const other = await signInWith(person, await ticketFor(world, person), await app.code());
      await auth.factors.replaceRecoveryCodes(person);
      const revoked = await auth.factors.revoke({ actor: person.actor, factorId: app.factorId });
      expect(revoked.status).toBe("revoked");
      expect(await auth.factors.list(person)).toEqual([]);
      expect(await outcome(auth.sessions.verify(person))).toBe("done");
      expect(await outcome(auth.sessions.verify({ token: other.token, transport: "token" }))).toBe(
        "unauthorized.session_expired",
      );
      expect((await auth.signIn(person)).mfaRequired).toBe(false);
    });

    test("R037: not with an old proof, nor another's, nor twice", async () => {
      const { auth } = world;
      const { app, person } = await addApp(world, await world.person());
      const stranger = await addApp(world, await world.person());
      const { factorId } = app;
      expect(await outcome(auth.factors.revoke({ actor: stranger.person.actor, factorId }))).toBe("not_found");
      expect(await outcome(auth.factors.revoke({ actor: person.actor, factorId: generateId("mfa") }))).toBe(
        "not_found",
      );
      await later(601);
      expect(await outcome(auth.factors.revoke({ actor: person.actor, factorId }))).toBe(
        "unauthorized.reauthentication_required",
      );
      await auth.factors.revoke({ actor: system, factorId });
      expect(await outcome(auth.factors.revoke({ actor: system, factorId }))).toBe("conflict.already_terminal");
    });

    test("S33: the last one stays while the policy requires one, for its owner", async () => {
      const { auth } = world;
      const { app, person } = await addApp(world, await world.person());
      await auth.factors.replaceRecoveryCodes(person);
      await auth.mfaPolicies.set({ actor: person.actor, userId: person.userId, required: true });
      const { factorId } = app;
      expect(await outcome(auth.factors.revoke({ actor: person.actor, factorId }))).toBe("conflict.last_factor");
    });

    test("S32: an administrator's reset ends sessions, tickets and tokens, and gives leave to set one up", async () => {
      const { auth } = world;
      const { app, person } = await addApp(world, await world.person());
      await auth.mfaPolicies.set({
        actor: system,
        userId: person.userId,
        required: true,
        graceUntil: new Date(start.getTime() - 1000),
      });
      await ticketFor(world, person);
      await world.rows(sql`
        insert into pat (id, usr_id, name, secret_hash)
        values (${uuidFor("pat", generateId("pat"))}::uuid, ${uuidFor("usr", person.userId)}::uuid, 'ci', 'x')`);
      const administrator = await world.administrator();
      await auth.factors.revoke({ actor: administrator.actor, factorId: app.factorId });
      expect([await world.liveSessions(person.userId), await world.tickets(person.userId)]).toEqual([0, 0]);
      const [pat] = await world.rows<{ live: boolean }>(
        sql`select revoked_at is null as live from pat where usr_id = ${uuidFor("usr", person.userId)}::uuid`,
      );
      expect(pat!.live).toBe(false);
      expect(await auth.signIn(person)).toMatchObject({ mfaRequired: true, enroll: true, factors: [] });
    });
  });

  describe("who must have a factor and has none", () => {
    test("S31: a policy without grace ends the worth of sessions at level 1 at once", async () => {
      const { auth } = world;
      const person = await world.person();
      await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
      for (const act of [auth.sessions.verify, auth.sessions.refresh]) {
        expect(await outcome(act(person))).toBe("unauthorized.mfa_required");
      }
    });

    test("R039: they may set one up with the ticket, and nothing else", async () => {
      const { auth } = world;
      const person = await world.person();
      const { userId, credentialId, transport } = person;
      await auth.mfaPolicies.set({ actor: system, userId, required: true });
      const needed = await auth.signIn(person);
      if (!needed.mfaRequired) throw new Error("It let them in.");
      expect(needed).toMatchObject({ enroll: true, factors: [] });
      const { ticket } = needed;
      expect(await outcome(auth.sessions.create({ ticket, userId, credentialId }))).toBe("unauthorized.invalid_ticket");
      expect(await outcome(auth.sessions.verify({ token: ticket, transport }))).toBe("unauthorized.invalid_token");
      expect(await outcome(signInWith(person, ticket, "000000"))).toBe("unauthorized.invalid_ticket");

      const app = appOf(world, await auth.factors.enrollTotp({ ticket, transport, label: "phone" }));
      const { factorId } = app;
      expect(await outcome(auth.factors.confirmTotp({ ticket, transport, factorId, code: "000000" }))).toBe(
        "precondition.factor_code_invalid",
      );
      const signedIn = await auth.factors.confirmTotp({ ticket, transport, factorId, code: await app.code() });
      expect(signedIn.session).toMatchObject({ amr: ["mfa", "otp", "pwd"], mfaVerifiedAt: start });
      expect(await outcome(auth.factors.enrollTotp({ ticket, transport, label: "again" }))).toBe(
        "unauthorized.invalid_ticket",
      );
      expect(await outcome(auth.sessions.verify({ token: signedIn.token, transport }))).toBe("done");
    });

    test("S32: after the grace they need an administrator's leave, which is for once", async () => {
      const { auth } = world;
      const person = await world.person();
      const { userId, transport } = person;
      const graceUntil = new Date(start.getTime() + 60_000);
      await auth.mfaPolicies.set({ actor: system, userId, required: true, graceUntil });
      expect((await auth.signIn(person)).mfaRequired).toBe(false);
      await later(60);
      expect(await outcome(auth.signIn(person))).toBe("forbidden.enrollment_not_granted");
      expect(await outcome(auth.verifyPassword(person))).toBe("forbidden.enrollment_not_granted");
      expect(await world.tickets(userId)).toBe(0);

      const administrator = await world.administrator();
      const stranger = await world.person();
      expect(await outcome(auth.mfaPolicies.grantEnrollment({ actor: stranger.actor, userId }))).not.toBe("done");
      await auth.mfaPolicies.grantEnrollment({ actor: administrator.actor, userId });
      const ticket = await ticketFor(world, person);
      const app = appOf(world, await auth.factors.enrollTotp({ ticket, transport, label: "phone" }));
      await auth.factors.confirmTotp({ ticket, transport, factorId: app.factorId, code: await app.code() });
      await world.rows(sql`update mfa set status = 'revoked' where usr_id = ${uuidFor("usr", userId)}::uuid`);
      expect(await outcome(auth.signIn(person))).toBe("forbidden.enrollment_not_granted");
    });

    test("S32: nor does one who had a factor set up another one without leave", async () => {
      const { auth } = world;
      const { person } = await addApp(world, await world.person());
      await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
      await world.rows(sql`update mfa set status = 'revoked' where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
      expect(await outcome(auth.signIn(person))).toBe("forbidden.enrollment_not_granted");
    });
  });

  describe("the policy", () => {
    test("S04: its user raises it and never lowers it", async () => {
      const { auth } = world;
      const { person } = await addApp(world, await world.person());
      const { actor, userId } = person;
      const at = (seconds: number) => new Date(start.getTime() + seconds * 1000);
      const set = (required: boolean, graceUntil: Date | null) =>
        outcome(auth.mfaPolicies.set({ actor, userId, required, graceUntil }));
      expect(await auth.mfaPolicies.get(person)).toEqual({
        userId,
        required: false,
        graceUntil: null,
        updatedAt: start,
      });
      expect(await set(true, at(1000))).toBe("done");
      expect(await set(true, at(1001))).toBe("forbidden");
      expect(await set(false, at(1000))).toBe("forbidden");
      expect(await set(true, at(999))).toBe("done");
      expect(await set(true, null)).toBe("done");
      expect(await set(true, at(1))).toBe("forbidden");
      expect(await auth.mfaPolicies.get(person)).toEqual({
        userId,
        required: true,
        graceUntil: null,
        updatedAt: start,
      });
      expect(await outcome(auth.mfaPolicies.set({ actor: system, userId, required: false }))).toBe("done");
    });

    test.each([Number.NaN, -62_167_219_200_001, 253_402_300_800_000])("R130: no grace ends at %d", async (time) => {
      const { userId } = await world.person();
      const set = world.auth.mfaPolicies.set({ actor: system, userId, required: true, graceUntil: new Date(time) });
      expect(await outcome(set)).toBe("invalid_format.body");
      expect(await world.auth.mfaPolicies.get({ actor: system, userId })).toMatchObject({ required: false });
    });

    test("not another's, nor one of nobody", async () => {
      const { auth } = world;
      const { actor } = await world.person();
      const { userId } = await world.person();
      expect(await outcome(auth.mfaPolicies.get({ actor, userId }))).toBe("not_found");
      expect(await outcome(auth.mfaPolicies.set({ actor, userId, required: true }))).toBe("not_found");
      const nobody = generateId("usr");
      expect(await outcome(auth.mfaPolicies.set({ actor: system, userId: nobody, required: true }))).toBe("not_found");
    });
  });
});
