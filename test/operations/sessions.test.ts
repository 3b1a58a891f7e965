import { describe, expect, test } from "vitest";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { generateOpaqueToken } from "../../src/domain/bearer.ts";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, setTestClock } from "../../src/testing/clock.ts";
import { goodPassword, outcome, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

const hour = 3_600;
const day = 86_400;

describeWorld("sessions", { on: ["pglite", "postgres"] }, (world) => {
  const verify = (token: string, transport: "cookie" | "token" = "token") =>
    outcome(world.auth.sessions.verify({ token, transport }));

  describe("verify", () => {
    test("returns the session, its user and the actor", async () => {
      const person = await world.person();
      const { session, user, actor } = await world.auth.sessions.verify({ token: person.token, transport: "token" });
      expect(session).toEqual(person.session);
      expect(session).toMatchObject({ amr: ["pwd"], transport: "token", revokedAt: null, mfaVerifiedAt: null });
      expect(user).toMatchObject({ id: person.userId, status: "active", displayName: null });
      expect([actor.userId, actor.sessionId]).toEqual([person.userId, session.id]);
    });

    test.each([
      { case: "unknown", token: () => generateOpaqueToken() },
      { case: "empty", token: () => "" },
      { case: "garbage", token: () => "' or 1=1 --" },
      { case: "the session's id", token: ({ session }: Person) => session.id },
      { case: "its UUID", token: ({ session }: Person) => uuidFor("ses", session.id) },
      { case: "padded", token: ({ token }: Person) => `${token}=` },
      { case: "with white space", token: ({ token }: Person) => `${token} ` },
      { case: "in another case", token: ({ token }: Person) => token.toLowerCase() },
      { case: "a personal access token", token: () => `pat_${"a".repeat(39)}` },
    ])("a token that is $case: unauthorized.invalid_token", async ({ token }) => {
      expect(await verify(token(await world.person()))).toBe("unauthorized.invalid_token");
    });

    test("R023, R043: no value stored in the database works as a token", async () => {
      const { session, token } = await world.person();
      const [row] = await world.rows<{ hash: string; whole: string }>(sql`
        select encode(token_hash, 'hex') as hash, to_jsonb(ses)::text as whole from ses
        where id = ${uuidFor("ses", session.id)}::uuid`);
      expect(row!.hash).toBe(await sha256Hex(token));
      expect(row!.whole).not.toContain(token);
      expect(await verify(row!.hash)).toBe("unauthorized.invalid_token");
      expect(await verify(row!.hash.slice(0, 43))).toBe("unauthorized.invalid_token");
    });

    test.each([
      { made: "cookie", presented: "token" },
      { made: "token", presented: "cookie" },
    ] as const)("S08: a $made session presented as $presented: refused", async ({ made, presented }) => {
      const { token } = await world.person({ transport: made });
      expect(await verify(token, made)).toBe("done");
      expect(await verify(token, presented)).toBe("unauthorized.invalid_token");
      const { auth } = world;
      expect(await outcome(auth.sessions.refresh({ token, transport: presented }))).toBe("unauthorized.invalid_token");
      await auth.sessions.signOut({ token, transport: presented });
      expect(await verify(token, made)).toBe("done");
    });

    test("S08: a session from another SDK without a transport counts as a token session", async () => {
      const { userId, credentialId } = await world.person();
      const token = generateOpaqueToken();
      await world.rows(sql`
        insert into ses (id, usr_id, cred_id, expires_at, token_hash)
        values (gen_random_uuid(), ${uuidFor("usr", userId)}::uuid, ${uuidFor("cred", credentialId)}::uuid,
          sallyport_now() + interval '1 hour', decode(${await sha256Hex(token)}, 'hex'))`);
      expect(await verify(token, "cookie")).toBe("unauthorized.invalid_token");
      const { session } = await world.auth.sessions.verify({ token, transport: "token" });
      expect(session).toMatchObject({ transport: null, authTime: null, amr: [] });
      expect(await outcome(world.auth.sessions.refresh({ token, transport: "token" }))).toBe("done");
    });

    test.each([
      { case: "the user is suspended", change: sql`update usr set status = 'suspended' where id = ` },
      { case: "the user is revoked", change: sql`update usr set status = 'revoked' where id = ` },
      { case: "its credential is suspended", change: sql`update cred set status = 'suspended' where usr_id = ` },
      { case: "its credential is revoked", change: sql`update cred set status = 'revoked' where usr_id = ` },
    ])("B23: when $case, without the cascade: unauthorized.session_expired", async ({ change }) => {
      const { token, userId } = await world.person();
      await world.rows(sql`${change}${uuidFor("usr", userId)}::uuid`);
      expect(await verify(token)).toBe("unauthorized.session_expired");
      expect(await outcome(world.auth.sessions.refresh({ token, transport: "token" }))).toBe(
        "unauthorized.session_expired",
      );
    });

    test("S12, S31: an active factor requires more than a password at once", async () => {
      const person = await world.person();
      await world.enroll(person.userId);
      expect(await verify(person.token)).toBe("unauthorized.mfa_required");
      expect(await outcome(world.auth.sessions.refresh({ token: person.token, transport: "token" }))).toBe(
        "unauthorized.mfa_required",
      );
      await world.levelTwo(person.session);
      expect(await verify(person.token)).toBe("done");
    });
  });

  describe("signOut and revoke", () => {
    test("R045: a signed-out session stays ended, and others stay live", async () => {
      const person = await world.person();
      const other = await world.signIn(person);
      const { auth } = world;
      for (let time = 0; time < 2; time++) await auth.sessions.signOut({ token: person.token, transport: "token" });
      for (let time = 0; time < 20; time++) expect(await verify(person.token)).toBe("unauthorized.session_expired");
      expect(await verify(other.token)).toBe("done");
      expect(await outcome(auth.sessions.refresh({ token: person.token, transport: "token" }))).toBe(
        "unauthorized.session_expired",
      );
      expect(await world.events({ target: person.session.id, action: "identity.session.sign_out" })).toHaveLength(1);
    });

    test.each(["", "garbage", generateOpaqueToken(), "pat_x"])("signing out %j: no effect", async (token) => {
      expect(await outcome(world.auth.sessions.signOut({ token, transport: "token" }))).toBe("done");
    });

    test("revoke, repeated: keeps the first time", async () => {
      const person = await world.person();
      const other = await world.signIn(person);
      const act = { actor: person.actor, sessionId: other.session.id };
      const first = await world.auth.sessions.revoke(act);
      expect(first.revokedAt).not.toBeNull();
      expect(await world.auth.sessions.revoke(act)).toEqual(first);
      expect(await verify(other.token)).toBe("unauthorized.session_expired");
      expect(await world.events({ target: other.session.id, action: "identity.session.revoke" })).toHaveLength(1);
    });

    test("revoke: a session may end itself", async () => {
      const { actor, session, token } = await world.person();
      await world.auth.sessions.revoke({ actor, sessionId: session.id });
      expect(await verify(token)).toBe("unauthorized.session_expired");
      expect(await outcome(world.auth.sessions.revoke({ actor, sessionId: session.id }))).toBe(
        "unauthorized.invalid_token",
      );
    });

    test("R048: revokeOthers ends and counts the user's other sessions and tickets", async () => {
      const person = await world.person();
      const stranger = await world.person();
      const others = [await world.signIn(person), await world.signIn(person, { transport: "cookie" })];
      const { ticket } = await world.auth.verifyPassword(person);
      expect(await world.auth.sessions.revokeOthers({ actor: person.actor })).toEqual({ revoked: 2 });
      expect(await Promise.all(others.map(({ token, transport }) => verify(token, transport)))).toEqual(
        Array(2).fill("unauthorized.session_expired"),
      );
      expect([await verify(person.token), await verify(stranger.token)]).toEqual(["done", "done"]);
      const { userId, credentialId } = person;
      expect(await outcome(world.auth.sessions.create({ ticket, userId, credentialId }))).toBe(
        "unauthorized.invalid_ticket",
      );
      expect(await world.auth.sessions.revokeOthers({ actor: person.actor })).toEqual({ revoked: 0 });
      // @ts-expect-error It does not compile, either.
      await expect(world.auth.sessions.revokeOthers({ actor: system })).rejects.toThrow(TypeError);
    });

    test("B18, T02: revoking a session that was refreshed in the meantime ends its successor", async () => {
      const person = await world.person();
      const other = await world.signIn(person);
      const { auth } = world;
      const once = await auth.sessions.refresh({ token: other.token, transport: "token" });
      const twice = await auth.sessions.refresh({ token: once.token, transport: "token" });
      const revoked = await auth.sessions.revoke({ actor: person.actor, sessionId: other.session.id });
      expect(revoked.id).toBe(other.session.id);
      expect(await verify(twice.token)).toBe("unauthorized.session_expired");
      expect(await verify(person.token)).toBe("done");
      expect(await world.events({ target: twice.session.id, action: "identity.session.revoke" })).toHaveLength(1);
    });

    test("R045: signing out with a just refreshed token ends its child", async () => {
      const person = await world.person();
      const { auth } = world;
      const child = await auth.sessions.refresh({ token: person.token, transport: "token" });
      await auth.sessions.signOut({ token: person.token, transport: "token" });
      expect(await verify(child.token)).toBe("unauthorized.session_expired");
      expect(await outcome(auth.sessions.refresh({ token: person.token, transport: "token" }))).toBe(
        "unauthorized.session_expired",
      );
      expect(await world.events({ target: child.session.id, action: "identity.session.sign_out" })).toHaveLength(1);
    });
  });

  describe("list", () => {
    test("pages are in order of creation, with all sessions or only live ones", async () => {
      const person = await world.person();
      const sessions = [person.session];
      for (let number = 0; number < 4; number++) sessions.push((await world.signIn(person)).session);
      const ids = sessions.map(({ id }) => id);
      await world.auth.sessions.revoke({ actor: person.actor, sessionId: ids[1]! });
      await world.rows(sql`
        update ses set created_at = created_at - interval '1 day', expires_at = sallyport_now()
        where id = ${uuidFor("ses", ids[2]!)}::uuid`);
      const list = async (input: object) => {
        const { data, nextCursor } = await world.auth.sessions.list({
          actor: person.actor,
          userId: person.userId,
          ...input,
        });
        return { ids: data.map(({ id }) => id), nextCursor };
      };
      expect(await list({})).toEqual({ ids, nextCursor: null });
      expect(await list({ limit: 2 })).toEqual({ ids: ids.slice(0, 2), nextCursor: ids[1] });
      expect(await list({ limit: 2, cursor: ids[1] })).toEqual({ ids: ids.slice(2, 4), nextCursor: ids[3] });
      expect(await list({ limit: 1, cursor: ids[3] })).toEqual({ ids: ids.slice(4), nextCursor: null });
      expect(await list({ onlyLive: true })).toEqual({ ids: [ids[0], ids[3], ids[4]], nextCursor: null });
      expect(await list({ onlyLive: true, limit: 2 })).toEqual({ ids: [ids[0], ids[3]], nextCursor: ids[3] });
      expect(await outcome(list({ cursor: generateId("usr") }))).toBe("invalid_format.cursor");
    });

    test("another user's cursor only sets the starting point", async () => {
      const [person, stranger] = [await world.person(), await world.person()];
      const { data } = await world.auth.sessions.list({
        actor: stranger.actor,
        userId: stranger.userId,
        cursor: person.session.id,
      });
      expect(data.map(({ id }) => id)).toEqual([stranger.session.id]);
    });
  });
});

const start = new Date("2026-11-22T12:00:00Z");

describeWorld(
  "R049, S31: session lifetimes by the database's clock",
  { on: ["pglite", "postgres"], clock: start },
  (world) => {
    const verify = (token: string) => outcome(world.auth.sessions.verify({ token, transport: "token" }));
    const refresh = (token: string) => outcome(world.auth.sessions.refresh({ token, transport: "token" }));
    /** A session at level 2, as a completed ticket makes it. */
    async function levelTwoSession(): Promise<Person> {
      const person = await world.person();
      const { ticket } = await world.auth.verifyPassword({ identifier: person.identifier, password: goodPassword });
      await world.rows(sql`
      update login_ticket set factors = array['pwd', 'otp', 'mfa'] where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
      const { userId, credentialId } = person;
      const { session, token } = await world.auth.sessions.create({ ticket, userId, credentialId });
      return { ...person, session, token };
    }

    test.each([
      { case: "level 1, without use", make: () => world.person(), step: 7 * day, seconds: 7 * day },
      { case: "level 1, in all", make: () => world.person(), step: 6 * day, seconds: 30 * day },
      { case: "level 2, without use", make: levelTwoSession, step: hour, seconds: hour },
      { case: "level 2, in all", make: levelTwoSession, step: hour - 1, seconds: day },
    ])("$case: a session lives for $seconds s less one, and not for $seconds s", async ({ make, step, seconds }) => {
      const at = (second: number) => setTestClock(world.database, new Date(start.getTime() + second * 1_000));
      // Verifying counts as use, so a session that is used one second before the end is not the one tested at the end.
      const [used, asked] = [await make(), await make()];
      for (let second = step; second < seconds; second += step) {
        await at(second);
        expect([await verify(used.token), await verify(asked.token)]).toEqual(["done", "done"]);
      }
      await at(seconds - 1);
      expect(await verify(used.token)).toBe("done");
      await at(seconds);
      expect(await verify(asked.token)).toBe("unauthorized.session_expired");
      expect(await refresh(asked.token)).toBe("unauthorized.session_expired");
    });

    test("last_seen_at is written at most once a minute", async () => {
      const { token, session } = await world.person();
      const lastSeen = async () => {
        const [row] = await world.rows<{ seconds: number }>(sql`
        select extract(epoch from last_seen_at - created_at)::int as seconds from ses
        where id = ${uuidFor("ses", session.id)}::uuid`);
        return row!.seconds;
      };
      const seen: number[] = [];
      for (const second of [1, 59, 60, 61, 100, 121, 122]) {
        await setTestClock(world.database, new Date(start.getTime() + second * 1_000));
        await verify(token);
        seen.push(await lastSeen());
      }
      expect(seen).toEqual([0, 0, 0, 61, 61, 61, 122]);
    });

    test("the application's own lifetimes apply", async () => {
      const lifetimes = { level1: { absoluteSeconds: 120, idleSeconds: 60 } };
      const auth = world.isolate({ lifetimes });
      const person = await world.person();
      const { session, token } = await world.signIn(person, { auth });
      expect(session.expiresAt.getTime() - session.createdAt.getTime()).toBe(120_000);
      await advanceTestClock(world.database, 59);
      expect(await verify(token)).toBe("done");
      await advanceTestClock(world.database, 1);
      expect(await verify(token)).toBe("unauthorized.session_expired");
    });

    test("onlyLive leaves out sessions that ended unused", async () => {
      const person = await world.person();
      await advanceTestClock(world.database, 7 * day);
      const again = await world.signIn(person);
      const { data } = await world.auth.sessions.list({ actor: again.actor, userId: person.userId, onlyLive: true });
      expect(data.map(({ id }) => id)).toEqual([again.session.id]);
    });

    test("S31: a policy requires the second factor from the moment its grace ends", async () => {
      const { token, userId } = await world.person();
      await world.requireFactor(userId, new Date(start.getTime() + 60_000));
      await advanceTestClock(world.database, 59);
      expect(await verify(token)).toBe("done");
      await advanceTestClock(world.database, 1);
      expect(await verify(token)).toBe("unauthorized.mfa_required");
    });

    test("R050, S04: ten minutes after signing in the session is not fresh", async () => {
      const { actor, userId } = await world.person();
      const create = () =>
        outcome(
          world.auth.credentials.createOwnPassword({
            actor,
            userId,
            identifier: `${Math.random()}@x`,
            password: goodPassword,
            currentPassword: goodPassword,
          }),
        );
      await advanceTestClock(world.database, 599);
      expect(await create()).toBe("done");
      await advanceTestClock(world.database, 1);
      expect(await create()).toBe("unauthorized.reauthentication_required");
    });

    test("S05: half an hour after the second factor an administrator may no longer administer", async () => {
      const admin = await world.administrator();
      const { userId } = await world.person();
      const suspend = () => outcome(world.auth.users.suspend({ actor: admin.actor, userId }));
      await advanceTestClock(world.database, 1_799);
      expect(await suspend()).toBe("done");
      await advanceTestClock(world.database, 1);
      expect(await suspend()).toBe("unauthorized.reauthentication_required");
    });

    test("F05: the isolate's clock decides nothing", async () => {
      const { token } = await world.person();
      const { now } = Date;
      Date.now = () => now() + 400 * day * 1_000;
      try {
        expect(await verify(token)).toBe("done");
        expect(await refresh(token)).toBe("done");
      } finally {
        Date.now = now;
      }
    });
  },
);
