import { describe, expect, test } from "vitest";
import { generateOpaqueToken } from "../../src/domain/bearer.ts";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import {
  freshAddress,
  freshIdentifier,
  otherPassword,
  outcome,
  type Person,
  refusal,
  system,
  type World,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("login ticket", { on: ["pglite", "postgres"], clock: start }, (world) => {
  type Claim = Parameters<World["auth"]["sessions"]["create"]>[0];

  async function ticketOf(person: Person): Promise<Claim> {
    const { ticket, userId, credentialId } = await world.auth.verifyPassword(person);
    return { ticket, userId, credentialId, transport: person.transport };
  }
  const create = (claim: Claim) => world.auth.sessions.create(claim);

  test("a ticket states what was proved, is not a session token, and makes one session", async () => {
    const person = await world.person({ transport: "cookie" });
    const verified = await world.auth.verifyPassword(person);
    expect(verified).toEqual({
      userId: person.userId,
      credentialId: person.credentialId,
      mfaRequired: false,
      ticket: verified.ticket,
    });
    const { auth } = world;
    for (const transport of ["cookie", "token"] as const) {
      expect(await outcome(auth.sessions.verify({ token: verified.ticket, transport }))).toBe(
        "unauthorized.invalid_token",
      );
      expect(await outcome(auth.sessions.refresh({ token: verified.ticket, transport }))).toBe(
        "unauthorized.invalid_token",
      );
    }
    await advanceTestClock(world.database, 100);
    const { session, token, user } = await create({ ...verified, transport: "cookie" });
    expect(user.id).toBe(person.userId);
    expect(session).toMatchObject({ transport: "cookie", amr: ["pwd"], authTime: start, mfaVerifiedAt: null });
    expect((await auth.sessions.verify({ token, transport: "cookie" })).session).toEqual(session);
    expect(await world.events({ target: session.id })).toMatchObject([
      { action: "identity.session.create", outcome: "success", actorUserId: uuidFor("usr", person.userId) },
    ]);
  });

  describe("S20: a ticket that cannot be used: always the same refusal", () => {
    test.each<{ case: string; spoil: (claim: Claim, person: Person) => Promise<Claim> }>([
      { case: "unknown", spoil: async (claim) => ({ ...claim, ticket: generateOpaqueToken() }) },
      { case: "garbage", spoil: async (claim) => ({ ...claim, ticket: "' or 1=1 --" }) },
      { case: "empty", spoil: async (claim) => ({ ...claim, ticket: "" }) },
      { case: "a session's token", spoil: async (claim, { token }) => ({ ...claim, ticket: token }) },
      { case: "for another user", spoil: async (claim) => ({ ...claim, userId: (await world.person()).userId }) },
      { case: "for a user who does not exist", spoil: async (claim) => ({ ...claim, userId: generateId("usr") }) },
      { case: "for a malformed user", spoil: async (claim) => ({ ...claim, userId: "usr_1" }) },
      {
        case: "for another user's credential",
        spoil: async (claim) => ({ ...claim, credentialId: (await world.person()).credentialId }),
      },
      {
        case: "for another credential of the user",
        spoil: async (claim, { userId }) => {
          const identifier = `${Math.random()}@example.com`;
          const { id } = await world.auth.credentials.createPassword({
            actor: system,
            userId,
            identifier,
            password: otherPassword,
          });
          return { ...claim, credentialId: id };
        },
      },
      {
        case: "another user's",
        spoil: async (claim) => ({ ...claim, ticket: (await ticketOf(await world.person())).ticket }),
      },
      { case: "of the other transport", spoil: async (claim) => ({ ...claim, transport: "cookie" }) },
      {
        case: "spent",
        spoil: async (claim) => {
          const { token } = await create(claim);
          await world.auth.sessions.signOut({ token, transport: "token" });
          return claim;
        },
      },
      {
        case: "five minutes old",
        spoil: async (claim) => {
          await advanceTestClock(world.database, 300);
          return claim;
        },
      },
      ...(["suspend", "revoke"] as const).map((verb) => ({
        case: `of a user after ${verb}`,
        spoil: async (claim: Claim) => {
          await world.auth.users[verb]({ actor: system, userId: claim.userId });
          return claim;
        },
      })),
      {
        case: "older than a suspension that was lifted",
        spoil: async (claim) => {
          await world.auth.users.suspend({ actor: system, userId: claim.userId });
          await world.auth.users.reinstate({ actor: system, userId: claim.userId });
          return claim;
        },
      },
      {
        case: "older than a suspension of the credential that was lifted",
        spoil: async (claim) => {
          await world.auth.credentials.suspend({ actor: system, credentialId: claim.credentialId });
          await world.auth.credentials.reinstate({ actor: system, credentialId: claim.credentialId });
          return claim;
        },
      },
      {
        case: "of a credential that was rotated",
        spoil: async (claim) => {
          await world.auth.credentials.rotatePassword({
            actor: system,
            credentialId: claim.credentialId,
            password: otherPassword,
          });
          return claim;
        },
      },
      {
        case: "older than a change of password",
        spoil: async (claim, { actor, password }) => {
          const { session } = await world.auth.changePassword({
            actor,
            currentPassword: password,
            newPassword: otherPassword,
            transport: "token",
          });
          return { ...claim, credentialId: session.credentialId };
        },
      },
      {
        case: "without the factor that the user has enrolled since then",
        spoil: async (claim) => {
          await world.enroll(claim.userId);
          return claim;
        },
      },
      {
        case: "without the factor that policy requires since",
        spoil: async (claim) => {
          await world.requireFactor(claim.userId);
          return claim;
        },
      },
      {
        case: "incomplete",
        spoil: async (claim, person) => {
          await world.enroll(claim.userId);
          const verified = await world.auth.verifyPassword(person);
          expect(verified.mfaRequired).toBe(true);
          return { ...claim, ticket: verified.ticket };
        },
      },
      {
        case: "incomplete, though no factor is required any longer",
        spoil: async (claim, person) => {
          await world.enroll(claim.userId);
          const { ticket } = await world.auth.verifyPassword(person);
          await world.rows(sql`update mfa set status = 'revoked' where usr_id = ${uuidFor("usr", claim.userId)}::uuid`);
          return { ...claim, ticket };
        },
      },
    ])("$case", async ({ spoil }) => {
      const person = await world.person();
      const spoiled = await spoil(await ticketOf(person), person);
      const before = await world.liveSessions(person.userId);
      const { name: kind, code, status, message, details } = await refusal(create(spoiled));
      expect({ kind, code, status, message, details }).toEqual({
        kind: "InvalidTokenError",
        code: "unauthorized.invalid_ticket",
        status: 401,
        message: "A valid login ticket is required.",
        details: undefined,
      });
      expect(await world.liveSessions(person.userId)).toBe(before);
    });

    test("one second before its expiry: accepted", async () => {
      const claim = await ticketOf(await world.person());
      await advanceTestClock(world.database, 299);
      expect(await outcome(create(claim))).toBe("done");
    });

    test("a mismatched claim: refused, and the ticket is not spent", async () => {
      const claim = await ticketOf(await world.person());
      expect(await outcome(create({ ...claim, userId: (await world.person()).userId }))).toBe(
        "unauthorized.invalid_ticket",
      );
      expect(await outcome(create(claim))).toBe("done");
    });

    test("revokeOthers: ends the tickets too", async () => {
      const person = await world.person();
      const claim = await ticketOf(person);
      await world.auth.sessions.revokeOthers({ actor: person.actor });
      expect(await outcome(create(claim))).toBe("unauthorized.invalid_ticket");
    });
  });

  describe("session from a ticket", () => {
    test("two factors: level 2, proved now, with the shorter lifetime", async () => {
      const person = await world.person();
      await world.enroll(person.userId);
      const claim = await ticketOf(person);
      await world.rows(sql`
        update login_ticket set factors = array['pwd', 'otp', 'mfa'] where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
      const { session } = await create(claim);
      expect(session).toMatchObject({ amr: ["pwd", "otp", "mfa"], mfaVerifiedAt: start, authTime: start });
      expect(session.expiresAt.getTime() - start.getTime()).toBe(86_400_000);
    });

    test.each([
      { ttlSeconds: 60, lives: 60 },
      { ttlSeconds: 60.9, lives: 60 },
      { ttlSeconds: 3_600, lives: 3_600 },
      { ttlSeconds: 30 * 86_400 + 1, lives: 30 * 86_400 },
      { ttlSeconds: 1e12, lives: 30 * 86_400 },
      { ttlSeconds: Number.POSITIVE_INFINITY, lives: 30 * 86_400 },
    ])("ttlSeconds $ttlSeconds: $lives s", async ({ ttlSeconds, lives }) => {
      const { session } = await create({ ...(await ticketOf(await world.person())), ttlSeconds });
      expect((session.expiresAt.getTime() - session.createdAt.getTime()) / 1_000).toBe(lives);
    });

    test.each([59, 0, -1, Number.NaN, Number.NEGATIVE_INFINITY])(
      "ttlSeconds %d: precondition.ttl_too_short",
      async (ttlSeconds) => {
        const claim = await ticketOf(await world.person());
        expect(await outcome(create({ ...claim, ttlSeconds }))).toBe("precondition.ttl_too_short");
        expect(await outcome(create(claim))).toBe("done");
      },
    );
  });

  test("S29: a plan spends the ticket in its transaction and returns it if that is rolled back", async () => {
    const person = await world.person();
    const claim = await ticketOf(person);
    const { auth } = world;
    const plan = await auth.sessions.create.plan(claim);
    expect(JSON.stringify(plan)).not.toContain(claim.ticket);
    await expect(auth.batch([plan, sql`select 1 / 0`])).rejects.toMatchObject({ code: "22012" });
    expect(await world.liveSessions(person.userId)).toBe(1);
    const [issued] = await auth.batch([await auth.sessions.create.plan(claim)]);
    expect(await outcome(auth.sessions.verify({ token: issued.token, transport: "token" }))).toBe("done");
    const refused = await auth.sessions.create.plan(claim);
    expect(await outcome(auth.batch([sql`delete from usr_mfa_policy`, refused]))).toBe("unauthorized.invalid_ticket");
  });

  test("S46: a purge removes only ended tickets, up to its limit", async () => {
    await world.rows(sql`delete from login_ticket`);
    const people = [await world.person(), await world.person(), await world.person()];
    const old = await Promise.all(people.map(ticketOf));
    await advanceTestClock(world.database, 200);
    const live = await ticketOf(people[0]!);
    await advanceTestClock(world.database, 101);
    const left = async () => (await world.rows<{ n: number }>(sql`select count(*)::int as n from login_ticket`))[0]!.n;
    await world.auth.purge({ limit: 2 });
    expect(await left()).toBe(2);
    await world.auth.purge();
    expect(await left()).toBe(1);
    expect(await outcome(create(live))).toBe("done");
    expect(old).toHaveLength(3);
  });

  const doors = {
    "a password": () =>
      world.auth.signIn.password({
        identifier: freshIdentifier(),
        password: "x",
        context: { address: freshAddress() },
      }),
    "a passkey": () => world.auth.signIn.passkey({ response: {}, context: { address: freshAddress() } }),
  };
  test.each(Object.entries(doors))("S46: one sign-in in a hundred by %s purges too", async (_kind, signIn) => {
    await ticketOf(await world.person());
    await advanceTestClock(world.database, 301);
    const left = () => world.rows(sql`select from login_ticket where expires_at < sallyport_now()`);
    let tried = 0;
    // Each sign-in leaves it with a probability of 253 in 256.
    for (; (await left()).length > 0 && tried < 4_000; tried++) {
      expect(await outcome(signIn())).toBe("unauthorized.invalid_credential");
    }
    expect(tried).toBeLessThan(4_000);
  });
});
