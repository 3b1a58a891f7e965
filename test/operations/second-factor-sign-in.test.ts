import { beforeEach, describe, expect, test, vi } from "vitest";
import { generateOpaqueToken } from "../../src/domain/bearer.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { outcome, type Person, refusal, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, ticketFor } from "../support/factors.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("second factor at sign-in", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  beforeEach(() => world.rows(sql`delete from attempt`));
  const later = (seconds: number) => advanceTestClock(world.database, seconds);
  const wait = () => later(30);
  const wrong = { type: "totp", code: "000000" } as const;
  const signInWith = (person: Person, ticket: string, code: string, type: "totp" | "recovery" = "totp") =>
    world.auth.signIn.factor({ ticket, transport: person.transport, proof: { type, code } });

  test("R040, S20: a right code gives a session at level 2 and spends the ticket", async () => {
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

  test("R033: a code is accepted once, however it is typed, and no earlier code after it", async () => {
    const { app, person } = await addApp(world, await world.person());
    const code = await app.code();
    const early = await app.code(-1);
    await signInWith(person, await ticketFor(world, person), code);
    const ticket = await ticketFor(world, person);
    for (const again of [code, `${code.slice(0, 3)} ${code.slice(3)}`, early]) {
      expect(await outcome(signInWith(person, ticket, again))).toBe("unauthorized.replayed_totp");
    }
  });

  test("R034, F05: a code 90 seconds old by the database's clock: refused", async () => {
    const { app, person } = await addApp(world, await world.person());
    const code = await app.code();
    await later(60);
    expect(await outcome(signInWith(person, await ticketFor(world, person), code))).toBe("unauthorized.invalid_factor");
  });

  test.each([-120, 120])("F05: isolate clock off by %d s: the code is still accepted", async (seconds) => {
    const { app, person } = await addApp(world, await world.person());
    vi.useFakeTimers({ toFake: ["Date"], now: start.getTime() + seconds * 1000 });
    try {
      await signInWith(person, await ticketFor(world, person), await app.code());
    } finally {
      vi.useRealTimers();
    }
  });

  test("S20: after five wrong codes the ticket refuses even the right one", async () => {
    const { app, person } = await addApp(world, await world.person());
    const ticket = await ticketFor(world, person);
    for (let attempt = 0; attempt < 5; attempt++) {
      expect(await outcome(signInWith(person, ticket, "000000"))).toBe("unauthorized.invalid_factor");
    }
    expect(await outcome(signInWith(person, ticket, await app.code()))).toBe("unauthorized.invalid_ticket");
  });

  test("S21: attempts are limited across all tickets of a user; proving the password again refunds none", async () => {
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

  test("R014: a stranger's wrong passwords do not block the owner's second factor", async () => {
    const { app, person } = await addApp(world, await world.person());
    const ticket = await ticketFor(world, person);
    for (let attempt = 0; attempt < 20; attempt++) {
      await outcome(world.auth.signIn.password({ identifier: person.identifier, password: "wrong wrong wrong" }));
    }
    await signInWith(person, ticket, await app.code());
  });

  test("S03: a wrong code is recorded, and its attempt stays counted", async () => {
    const { person } = await addApp(world, await world.person());
    await outcome(signInWith(person, await ticketFor(world, person), "000000"));
    const target = person.userId;
    expect(await world.events({ target, action: "identity.mfa.verify" })).toMatchObject([
      { outcome: "failure", actorUserId: null, metadata: { type: "totp", reason: "wrong" } },
    ]);
  });

  describe("a ticket that cannot be used: always the same refusal", () => {
    test.each<{ case: string; spoil: (ticket: string, person: Person) => Promise<string> }>([
      { case: "an unknown ticket", spoil: async () => generateOpaqueToken() },
      { case: "garbage instead of a ticket", spoil: async () => "' or 1=1 --" },
      { case: "a session token instead of a ticket", spoil: async (_ticket, { token }) => token },
      {
        case: "a ticket older than five minutes",
        spoil: async (ticket) => {
          await later(300);
          return ticket;
        },
      },
      {
        case: "the ticket of a suspended user",
        spoil: async (ticket, { userId }) => {
          await world.rows(sql`update usr set status = 'suspended' where id = ${uuidFor("usr", userId)}::uuid`);
          return ticket;
        },
      },
      {
        case: "the ticket of a suspended credential",
        spoil: async (ticket, { credentialId }) => {
          await world.rows(sql`update cred set status = 'suspended' where id = ${uuidFor("cred", credentialId)}::uuid`);
          return ticket;
        },
      },
      {
        case: "a ticket from before a password change",
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

    test("a ticket of the other transport", async () => {
      const { app, person } = await addApp(world, await world.person({ transport: "cookie" }));
      const ticket = await ticketFor(world, person);
      const proof = { type: "totp", code: await app.code() } as const;
      expect(await outcome(world.auth.signIn.factor({ ticket, transport: "token", proof }))).toBe(
        "unauthorized.invalid_ticket",
      );
    });
  });

  test("a code of another user's app: refused", async () => {
    const mine = await addApp(world, await world.person());
    const theirs = await addApp(world, await world.person());
    const ticket = await ticketFor(world, mine.person);
    expect(await outcome(signInWith(mine.person, ticket, await theirs.app.code()))).toBe("unauthorized.invalid_factor");
  });

  test("finishing a sign-in ends the session that the browser already holds", async () => {
    const { app, person } = await addApp(world, await world.person({ transport: "cookie" }));
    const ticket = await ticketFor(world, person);
    await world.auth.signIn.factor({
      ticket,
      transport: "cookie",
      proof: { type: "totp", code: await app.code() },
      presentedToken: person.token,
    });
    expect(await outcome(world.auth.sessions.verify(person))).toBe("unauthorized.session_expired");
  });

  describe("Flametrench verifyMfa", () => {
    test("upgrades the ticket, whose session then records the factor", async () => {
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

    test("a user other than the ticket's: refused", async () => {
      const { app, person } = await addApp(world, await world.person());
      const { ticket } = await world.auth.verifyPassword(person);
      const { userId } = await world.person();
      const proof = { type: "totp", code: await app.code() } as const;
      expect(await outcome(world.auth.verifyMfa({ ticket, userId, proof }))).toBe("unauthorized.invalid_ticket");
    });

    test("S03, S20: a right code under another user's id: the same refusal as a wrong code", async () => {
      const { person, app } = await addApp(world, await world.person());
      const { userId } = await world.person();
      const ticket = await ticketFor(world, person);
      const codeFor = (code: string) => outcome(auth.verifyMfa({ ticket, userId, proof: { type: "totp", code } }));
      expect(await codeFor(await app.code())).toBe(await codeFor("000000"));
    });

    test("R040: repeated upgrades: the ticket still expires after ten minutes", async () => {
      const { person, app } = await addApp(world, await world.person());
      const { userId } = person;
      let ticket = await ticketFor(world, person);
      const exchange = async () =>
        await auth.verifyMfa({ ticket, userId, proof: { type: "totp", code: await app.code() } });
      for (let n = 0; n < 2; n++) {
        await later(240);
        ({ ticket } = await exchange());
      }
      await later(110);
      ({ ticket } = await exchange());
      await later(20);
      expect(await outcome(exchange())).toBe("unauthorized.invalid_ticket");
    });

    test("S20: five wrong codes after an upgrade: the ticket opens no session", async () => {
      const { person, app } = await addApp(world, await world.person());
      const { userId, credentialId } = person;
      const ticket = await ticketFor(world, person);
      await later(30);
      const proof = { type: "totp", code: await app.code() } as const;
      const { ticket: complete } = await auth.verifyMfa({ ticket, userId, proof });
      for (let n = 0; n < 5; n++) await outcome(auth.verifyMfa({ ticket: complete, userId, proof: wrong }));
      expect(await outcome(auth.sessions.create({ ticket: complete, userId, credentialId }))).toBe(
        "unauthorized.invalid_ticket",
      );
    });
  });
});
