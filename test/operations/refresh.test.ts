import { describe, expect, test } from "vitest";
import { fromHex, randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { parseRootSecrets, RootKeys } from "../../src/crypto/root-secrets.ts";
import { generateOpaqueToken } from "../../src/domain/bearer.ts";
import { generateId, type SessionId, uuidFor } from "../../src/domain/id.ts";
import type { Session } from "../../src/domain/session.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, setTestClock } from "../../src/testing/clock.ts";
import { type FullAuth as Auth, freshAddress, outcome, secret } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

const day = 86_400;
const start = new Date("2026-11-22T12:00:00Z");

describeWorld("session refresh", { on: ["pglite", "postgres"], clock: start }, (world) => {
  const refresh = (token: string, auth: Auth = world.auth) => auth.sessions.refresh({ token, transport: "token" });
  const verify = (token: string) => outcome(world.auth.sessions.verify({ token, transport: "token" }));
  const ended = "unauthorized.session_expired";

  interface Row {
    family_id: string;
    family_expires_at: string;
    idle_seconds: number;
    auth_time: string;
    amr: string[];
    mfa_verified_at: string | null;
    transport: string;
    successor_id: string | null;
    derivation_nonce: string | null;
    derivation_key: number | null;
  }
  async function rowOf({ id }: Pick<Session, "id">): Promise<Row> {
    const [row] = await world.rows<{ row: Row }>(sql`
      select to_jsonb(ses) as row from ses where id = ${uuidFor("ses", id)}::uuid`);
    return row!.row;
  }
  const refreshEvents = async (session: Pick<Session, "id">) =>
    (await world.events({ target: session.id, action: "identity.session.refresh" })).map((e) => [
      e.outcome,
      e.metadata,
    ]);

  describe("R054: one child, which replaces its parent", () => {
    test("new id and token; the old token is refused at once", async () => {
      const person = await world.person();
      const child = await refresh(person.token);
      expect(child.session.id).not.toBe(person.session.id);
      expect(child.token).not.toBe(person.token);
      expect(child.user.id).toBe(person.userId);
      expect([await verify(person.token), await verify(child.token)]).toEqual([ended, "done"]);
      expect(await refreshEvents(person.session)).toEqual([["success", { successor: child.session.id }]]);
    });

    test("S31: the child keeps family, expiry and authentication, not the proof of the second factor", async () => {
      const person = await world.person();
      await world.levelTwo(person.session);
      await advanceTestClock(world.database, 3_000);
      await verify(person.token);
      const parent = await rowOf(person.session);
      const { session } = await refresh(person.token);
      const child = await rowOf(session);
      for (const column of [
        "family_id",
        "family_expires_at",
        "idle_seconds",
        "auth_time",
        "amr",
        "transport",
      ] as const) {
        expect([column, child[column]]).toEqual([column, parent[column]]);
      }
      expect([parent.mfa_verified_at === null, child.mfa_verified_at]).toEqual([false, null]);
      expect(session.authTime).toEqual(start);
    });

    test("B44, F04: a repeat within 10 s gets the same child in any isolate", async () => {
      const person = await world.person();
      const child = await refresh(person.token);
      for (const second of [0, 5, 9]) {
        await setTestClock(world.database, new Date(start.getTime() + second * 1_000));
        const again = await refresh(person.token, world.isolate());
        expect(again).toEqual(child);
      }
      expect(await world.liveSessions(person.userId)).toBe(1);
      expect(await refreshEvents(person.session)).toHaveLength(1);
    });

    test("R097: repeated refreshes do not outlive the family", async () => {
      const person = await world.person();
      let { token } = person;
      for (let days = 6; days < 30; days += 6) {
        await advanceTestClock(world.database, 6 * day);
        const { session, token: next } = await refresh(token);
        expect(session.expiresAt).toEqual(new Date(start.getTime() + 30 * day * 1_000));
        token = next;
      }
      await setTestClock(world.database, new Date(start.getTime() + 30 * day * 1_000 - 1_000));
      const { token: last } = await refresh(token);
      expect(await verify(last)).toBe("done");
      await advanceTestClock(world.database, 1);
      expect([await verify(last), await outcome(refresh(last))]).toEqual([ended, ended]);
    });

    test("a child has its parent's lifetime and starts after it, even with a stopped clock", async () => {
      const person = await world.person();
      const { ticket } = await world.auth.verifyPassword(person);
      const { userId, credentialId } = person;
      const parent = await world.auth.sessions.create({ ticket, userId, credentialId, ttlSeconds: 600 });
      const child = await refresh(parent.token);
      expect(child.session.expiresAt.getTime() - child.session.createdAt.getTime()).toBe(600_000);
      const [order] = await world.rows<{ after: boolean }>(sql`
        select c.created_at > p.created_at as after from ses c, ses p
        where c.id = ${uuidFor("ses", child.session.id)}::uuid and p.id = ${uuidFor("ses", parent.session.id)}::uuid`);
      expect(order!.after).toBe(true);
    });
  });

  describe("S18: repeat or theft", () => {
    test.each([
      { case: "one second before the window ends", retrySeconds: 10, after: 9, verdict: "done", live: 1 },
      { case: "when it ends", retrySeconds: 10, after: 10, verdict: ended, live: 0 },
      { case: "a day later", retrySeconds: 10, after: day, verdict: ended, live: 0 },
      { case: "in a window of 30 s", retrySeconds: 30, after: 29, verdict: "done", live: 1 },
      { case: "after a window of 30 s", retrySeconds: 30, after: 30, verdict: ended, live: 0 },
      { case: "without a window, at once", retrySeconds: 0, after: 0, verdict: ended, live: 0 },
    ])("$case: $verdict, $live live", async ({ retrySeconds, after, verdict, live }) => {
      const auth = world.isolate({ lifetimes: { retrySeconds } });
      const person = await world.person();
      const child = await refresh(person.token, auth);
      await advanceTestClock(world.database, after);
      expect(await outcome(refresh(person.token, auth))).toBe(verdict);
      expect(await world.liveSessions(person.userId)).toBe(live);
      expect(await verify(child.token)).toBe(live === 1 ? "done" : ended);
    });

    test("late reuse ends the family once, with one event, and no other session", async () => {
      const person = await world.person();
      const other = await world.signIn(person);
      const child = await refresh(person.token);
      const grandchild = await refresh(child.token);
      await advanceTestClock(world.database, 10);
      for (let time = 0; time < 3; time++) expect(await outcome(refresh(person.token))).toBe(ended);
      expect(await outcome(refresh(child.token))).toBe(ended);
      expect([await verify(grandchild.token), await verify(other.token)]).toEqual([ended, "done"]);
      const events = [...(await refreshEvents(person.session)), ...(await refreshEvents(child.session))];
      expect(events.filter(([how]) => how === "denied")).toEqual([["denied", { reason: "reuse", ended: 1 }]]);
    });

    test("a repeat whose child was refreshed already is refused, and nothing ends", async () => {
      const person = await world.person();
      const child = await refresh(person.token);
      const grandchild = await refresh(child.token);
      expect(await outcome(refresh(person.token))).toBe(ended);
      expect(await verify(grandchild.token)).toBe("done");
      expect(await refreshEvents(person.session)).toHaveLength(1);
    });

    test.each([
      {
        case: "signed out",
        act: (token: string) => world.auth.sessions.signOut({ token, transport: "token" as const }),
      },
      {
        case: "ended with its user",
        act: async (token: string) => {
          const { user } = await world.auth.sessions.verify({ token, transport: "token" });
          await world.rows(
            sql`update ses set revoked_at = greatest(sallyport_now(), created_at) where usr_id = ${uuidFor("usr", user.id)}::uuid and revoked_at is null`,
          );
        },
      },
    ])("a repeat whose child was $case revives nothing", async ({ act }) => {
      const person = await world.person();
      const child = await refresh(person.token);
      await act(child.token);
      expect(await outcome(refresh(person.token))).toBe(ended);
      expect(await world.liveSessions(person.userId)).toBe(0);
    });

    test("a token that was signed out, not refreshed: never reported as reuse", async () => {
      const person = await world.person();
      await world.auth.sessions.signOut({ token: person.token, transport: "token" });
      await advanceTestClock(world.database, day);
      expect(await outcome(refresh(person.token))).toBe(ended);
      expect(await refreshEvents(person.session)).toEqual([]);
    });

    test("an old token: ends the family at sign-out, and is plainly refused elsewhere", async () => {
      const person = await world.person();
      const other = await world.signIn(person);
      const child = await refresh(person.token);
      await advanceTestClock(world.database, day);
      expect(await verify(person.token)).toBe(ended);
      expect(await outcome(world.auth.sessions.refresh({ token: person.token, transport: "cookie" }))).toBe(
        "unauthorized.invalid_token",
      );
      expect(await verify(child.token)).toBe("done");
      await world.auth.sessions.signOut({ token: person.token, transport: "token" });
      expect([await verify(child.token), await verify(other.token)]).toEqual([ended, "done"]);
    });

    test.each(["suspend", "revoke"] as const)("a user after %s: refused, even within the window", async (verb) => {
      const person = await world.person();
      await refresh(person.token);
      const column = verb === "suspend" ? "suspended" : "revoked";
      await world.rows(sql`update usr set status = ${column} where id = ${uuidFor("usr", person.userId)}::uuid`);
      expect(await outcome(refresh(person.token))).toBe(ended);
    });
  });

  describe("S08: only the presented session", () => {
    test("another session's id with the token: not_found, and nothing is refreshed", async () => {
      const person = await world.person();
      const [own, foreign] = [await world.signIn(person), await world.person()];
      const withId = (sessionId: SessionId) =>
        outcome(world.auth.sessions.refresh({ token: person.token, transport: "token", sessionId }));
      for (const id of [
        own.session.id,
        foreign.session.id,
        generateId("ses"),
        person.userId as never,
        "garbage" as never,
      ]) {
        expect(await withId(id)).toBe("not_found");
      }
      expect(await verify(person.token)).toBe("done");
      expect(await withId(person.session.id)).toBe("done");
    });

    test.each([
      { case: "unknown", token: generateOpaqueToken() },
      { case: "empty", token: "" },
      { case: "a personal access token", token: "pat_0_0" },
      { case: "garbage", token: "x".repeat(10_000) },
    ])("a token that is $case: unauthorized.invalid_token", async ({ token }) => {
      expect(await outcome(refresh(token))).toBe("unauthorized.invalid_token");
    });

    test("a refreshed cookie session stays a cookie session", async () => {
      const { token } = await world.person({ transport: "cookie" });
      const child = await world.auth.sessions.refresh({ token, transport: "cookie" });
      expect(child.session.transport).toBe("cookie");
      expect(await verify(child.token)).toBe("unauthorized.invalid_token");
    });
  });

  describe("S09: derivation of the child's token", () => {
    test("the child's token needs key, nonce and old token, and each nonce is new", async () => {
      const person = await world.person();
      const children = [await refresh(person.token)];
      for (let turn = 0; turn < 5; turn++) children.push(await refresh(children.at(-1)!.token));
      const rows = await Promise.all(children.map(({ session }) => rowOf(session)));
      const nonces = rows.map(({ derivation_nonce }) => derivation_nonce!.slice(2));
      expect(new Set(nonces).size).toBe(nonces.length);
      expect(nonces.every((nonce) => nonce.length === 64)).toBe(true);

      const keys = new RootKeys(parseRootSecrets(secret));
      const derive = async (nonce: string, token: string) =>
        toBase64Url((await keys.mac("refresh", [fromHex(nonce)!, token]))!);
      const [token, child] = [person.token, children[0]!.token];
      expect(await derive(nonces[0]!, token)).toBe(child);
      for (const guess of ["0".repeat(64), nonces[1]!, ""]) expect(await derive(guess, token)).not.toBe(child);
      const otherKeys = new RootKeys(parseRootSecrets(toBase64Url(randomBytes(32))));
      expect(toBase64Url((await otherKeys.mac("refresh", [fromHex(nonces[0]!)!, token]))!)).not.toBe(child);
    });

    test("sign-up, sign-in, ticket and password change draw fresh randomness", async () => {
      const person = await world.person();
      const signedIn = await world.signIn(person);
      const { ticket } = await world.auth.verifyPassword(person);
      const { userId, credentialId } = person;
      const created = await world.auth.sessions.create({ ticket, userId, credentialId });
      const changed = await world.auth.changePassword({
        actor: person.actor,
        currentPassword: person.password,
        newPassword: "tuldnbfpgycjxwrh",
        transport: "token",
      });
      for (const { session } of [person, signedIn, created, changed]) {
        expect(await rowOf(session)).toMatchObject({
          derivation_nonce: null,
          derivation_key: null,
          successor_id: null,
        });
      }
    });

    test("F16: a repeat after a key change works; with a dropped key it is refused, not taken for reuse", async () => {
      const person = await world.person();
      const child = await refresh(person.token);
      const newest = toBase64Url(randomBytes(32));
      const [both, onlyNew] = [`2:${newest},1:${secret}`, `2:${newest}`].map((secrets) => world.isolate({ secrets }));
      expect(await refresh(person.token, both)).toEqual(child);
      expect(await outcome(refresh(person.token, onlyNew))).toBe(ended);
      expect(await verify(child.token)).toBe("done");
      const grandchild = await refresh(child.token, onlyNew);
      expect((await rowOf(grandchild.session)).derivation_key).toBe(2);
      expect(await refresh(child.token, both)).toEqual(grandchild);
    });

    test("a child that was not derived from this token is not returned", async () => {
      const person = await world.person();
      const child = await refresh(person.token);
      await world.rows(sql`
        update ses set derivation_nonce = decode(${"00".repeat(32)}, 'hex') where id = ${uuidFor("ses", child.session.id)}::uuid`);
      expect(await outcome(refresh(person.token))).toBe(ended);
      expect(await verify(child.token)).toBe("done");
    });
  });

  test("R045, S47: signing out, or in again, with a token refreshed long ago ends its successors", async () => {
    for (const end of ["out", "in"] as const) {
      const person = await world.person();
      const first = await world.auth.sessions.refresh({ token: person.token, transport: "token" });
      const second = await world.auth.sessions.refresh({ token: first.token, transport: "token" });
      await advanceTestClock(world.database, 60);
      const { identifier, password, token } = person;
      if (end === "out") await world.auth.sessions.signOut({ token, transport: "token" });
      else {
        const context = { address: freshAddress() };
        await world.auth.signIn.password({ identifier, password, transport: "token", presentedToken: token, context });
      }
      const verified = outcome(world.auth.sessions.verify({ token: second.token, transport: "token" }));
      expect(await verified).toBe("unauthorized.session_expired");
    }
  });

  test("S31: a session from another SDK that is older than Sallyport's absolute lifetime is not refreshed, however late it ends", async () => {
    const old = async (days: number) => {
      const person = await world.person();
      await world.rows(sql`
        update ses set family_id = null, family_expires_at = null, created_at = sallyport_now() - make_interval(days => ${days}::int),
          expires_at = sallyport_now() + interval '1 year', last_seen_at = sallyport_now()
        where id = ${uuidFor("ses", person.session.id)}::uuid`);
      return outcome(refresh(person.token));
    };
    expect([await old(29), await old(31)]).toEqual(["done", ended]);
  });

  test("S18: a repeat does not return a child that has expired in the meantime", async () => {
    const { token } = await world.person();
    const { session } = await refresh(token);
    await world.rows(sql`
      update ses set expires_at = sallyport_now() + interval '2 seconds' where id = ${uuidFor("ses", session.id)}::uuid`);
    expect(await outcome(refresh(token))).toBe("done");
    await advanceTestClock(world.database, 3);
    expect(await outcome(refresh(token))).toBe(ended);
  });

  test("a session from another SDK starts a family at its first refresh, with Sallyport's absolute lifetime", async () => {
    const person = await world.person();
    await world.rows(sql`
      update ses set family_id = null, family_expires_at = null, idle_seconds = null, auth_time = null, amr = '{}',
        transport = null, last_seen_at = null
      where id = ${uuidFor("ses", person.session.id)}::uuid`);
    const child = await refresh(person.token);
    expect(await rowOf(child.session)).toMatchObject({ family_id: uuidFor("ses", person.session.id) });
    const grandchild = await refresh(child.token);
    // Each child begins a microsecond after its parent, and a `Date` is cut to milliseconds.
    expect(start.getTime() + 30 * day * 1_000 - grandchild.session.expiresAt.getTime()).toBeLessThanOrEqual(1);
    await advanceTestClock(world.database, 10);
    expect(await outcome(refresh(person.token))).toBe(ended);
    expect(await verify(grandchild.token)).toBe(ended);
  });
});
