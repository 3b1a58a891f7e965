import { beforeAll, describe, expect, test } from "vitest";
import { generateId, type UserId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, openAuth, otherPassword, outcome, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

describeWorld("users", { on: ["pglite", "postgres"] }, (world, _auth, name) => {
  /** A user and one row of everything that can refer to them, in each of its states. */
  async function everythingUnder(): Promise<{ userId: UserId; states: () => Promise<unknown> }> {
    const person = await world.person();
    const { userId } = person;
    const id = uuidFor("usr", userId);
    await world.signIn(person);
    await world.auth.verifyPassword({ identifier: person.identifier, password: person.password });
    const spare = await world.auth.credentials.createPassword({
      actor: system,
      userId,
      identifier: freshIdentifier(),
      password: otherPassword,
    });
    await world.auth.credentials.suspend({ actor: system, credentialId: spare.id });
    await world.enroll(userId);
    await world.rows(sql`
      insert into mfa (id, usr_id, type, status, pending_expires_at, identifier, totp_secret, totp_algorithm, totp_digits,
        totp_period)
      values (gen_random_uuid(), ${id}::uuid, 'totp', 'pending', sallyport_now() + interval '10 minutes', 'tablet',
        decode('00', 'hex'), 'sha1', 6, 30)`);
    await world.rows(sql`
      insert into mfa_registration (id, usr_id, type, status, pending_expires_at)
      values (gen_random_uuid(), ${id}::uuid, 'webauthn', 'pending', sallyport_now() + interval '10 minutes')`);
    await world.rows(sql`
      insert into pat (id, usr_id, name, secret_hash) values (gen_random_uuid(), ${id}::uuid, 'laptop', 'x')`);
    await world.rows(sql`
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      values (gen_random_uuid(), 'usr', ${id}::uuid, 'viewer', 'doc', gen_random_uuid()),
        (gen_random_uuid(), 'org', ${id}::uuid, 'viewer', 'doc', gen_random_uuid())`);
    const states = async (): Promise<unknown> => {
      const [row] = await world.rows(sql`
        select (select status from usr where id = ${id}::uuid) as usr,
          (select array_agg(status order by id) from cred where usr_id = ${id}::uuid) as cred,
          (select array_agg((revoked_at is null)::text) from ses where usr_id = ${id}::uuid) as "sessionLives",
          (select count(*)::int from login_ticket where usr_id = ${id}::uuid) as tickets,
          (select array_agg(status order by status) from mfa where usr_id = ${id}::uuid) as mfa,
          (select count(*)::int from mfa_registration where usr_id = ${id}::uuid) as registrations,
          (select array_agg((revoked_at is null)::text) from pat where usr_id = ${id}::uuid) as "tokenLives",
          (select array_agg(subject_type) from tup where subject_id = ${id}::uuid) as tuples`);
      return row;
    };
    return { userId, states };
  }

  const alive = {
    usr: "active",
    cred: ["active", "suspended"],
    sessionLives: ["true", "true"],
    tickets: 1,
    mfa: ["active", "pending"],
    registrations: 1,
    tokenLives: ["true"],
    tuples: ["usr", "org"],
  };

  describe("R046: ending a user ends everything of theirs in the same transaction", () => {
    test("suspend: sessions and tickets end; reinstate: they stay ended", async () => {
      const { userId, states } = await everythingUnder();
      expect(await states()).toEqual(alive);
      const { auth } = world;
      const suspended = { ...alive, usr: "suspended", sessionLives: ["false", "false"], tickets: 0 };
      expect((await auth.users.suspend({ actor: system, userId })).status).toBe("suspended");
      expect(await states()).toEqual(suspended);
      expect((await auth.users.reinstate({ actor: system, userId })).status).toBe("active");
      expect(await states()).toEqual({ ...suspended, usr: "active" });
    });

    test("revoke: everything of the user ends, other subjects' tuples stay", async () => {
      const { userId, states } = await everythingUnder();
      expect((await world.auth.users.revoke({ actor: system, userId })).status).toBe("revoked");
      expect(await states()).toEqual({
        usr: "revoked",
        cred: ["revoked", "revoked"],
        sessionLives: ["false", "false"],
        tickets: 0,
        mfa: ["revoked", "revoked"],
        registrations: 0,
        tokenLives: ["false"],
        tuples: ["org"],
      });
    });

    test("revoke: the identifier is free for another user", async () => {
      const person = await world.person();
      await world.auth.users.revokeOwn({ ...person, currentPassword: person.password });
      const heir = await world.person({ identifier: person.identifier });
      expect(heir.userId).not.toBe(person.userId);
    });
  });

  describe("Flametrench docs/identity.md: states", () => {
    const steps = {
      suspend: (userId: UserId) => world.auth.users.suspend({ actor: system, userId }),
      reinstate: (userId: UserId) => world.auth.users.reinstate({ actor: system, userId }),
      revoke: (userId: UserId) => world.auth.users.revoke({ actor: system, userId }),
      update: (userId: UserId) => world.auth.users.update({ actor: system, userId, displayName: "x" }),
    };
    test.each<{ from: "active" | "suspended" | "revoked"; step: keyof typeof steps; expected: string; to: string }>([
      { from: "active", step: "suspend", expected: "done", to: "suspended" },
      { from: "active", step: "reinstate", expected: "precondition.invalid_transition", to: "active" },
      { from: "active", step: "revoke", expected: "done", to: "revoked" },
      { from: "active", step: "update", expected: "done", to: "active" },
      { from: "suspended", step: "suspend", expected: "done", to: "suspended" },
      { from: "suspended", step: "reinstate", expected: "done", to: "active" },
      { from: "suspended", step: "revoke", expected: "done", to: "revoked" },
      { from: "suspended", step: "update", expected: "done", to: "suspended" },
      { from: "revoked", step: "suspend", expected: "conflict.already_terminal", to: "revoked" },
      { from: "revoked", step: "reinstate", expected: "precondition.invalid_transition", to: "revoked" },
      { from: "revoked", step: "revoke", expected: "conflict.already_terminal", to: "revoked" },
      { from: "revoked", step: "update", expected: "conflict.already_terminal", to: "revoked" },
    ])("$step of a $from user: $expected", async ({ from, step, expected, to }) => {
      const { userId } = await world.person();
      if (from !== "active") await steps[from === "suspended" ? "suspend" : "revoke"](userId);
      expect(await outcome(steps[step](userId))).toBe(expected);
      expect((await world.auth.users.get({ actor: system, userId })).status).toBe(to);
    });

    test("S41: suspending a suspended user: no change and no event", async () => {
      const { userId } = await world.person();
      const first = await steps.suspend(userId);
      expect(await steps.suspend(userId)).toEqual(first);
      expect(await world.events({ target: userId, action: "identity.user.suspend" })).toHaveLength(1);
    });
  });

  describe("ADR 0014: display name", () => {
    test.each([
      { case: "null by default", name: undefined, expected: null },
      { case: "null", name: null, expected: null },
      { case: "empty", name: "", expected: "" },
      { case: "any script, not normalised", name: "Ａda e\u0301 🔑 \u202e", expected: "Ａda e\u0301 🔑 \u202e" },
      { case: "4,096 bytes", name: "é".repeat(2_048), expected: "é".repeat(2_048) },
      { case: "SQL", name: "'); drop table usr; --", expected: "'); drop table usr; --" },
    ])("$case", async ({ name, expected }) => {
      const user = await world.auth.users.create({
        actor: system,
        ...(name === undefined ? {} : { displayName: name }),
      });
      expect(user).toMatchObject({ status: "active", displayName: expected });
      expect(await world.auth.users.get({ actor: system, userId: user.id })).toEqual(user);
    });

    test("S63: more than 4,096 bytes: refused", async () => {
      const { auth } = world;
      const { id } = await auth.users.create({ actor: system });
      const displayName = `${"é".repeat(2_048)}x`;
      expect(await outcome(auth.users.create({ actor: system, displayName }))).toBe("invalid_format.name");
      expect(await outcome(auth.users.update({ actor: system, userId: id, displayName }))).toBe("invalid_format.name");
    });

    test.each(["a\0b", "a\ud800"])("R130: the unstorable display name %j: refused", async (displayName) => {
      const { auth } = world;
      const { id } = await auth.users.create({ actor: system });
      expect(await outcome(auth.users.create({ actor: system, displayName }))).toBe("invalid_format.text");
      expect(await outcome(auth.users.update({ actor: system, userId: id, displayName }))).toBe("invalid_format.text");
      expect(await outcome(auth.users.list({ actor: system, query: displayName }))).toBe("invalid_format.text");
    });

    test("an update: without a name it is kept; null clears it", async () => {
      const { auth } = world;
      const { id } = await auth.users.create({ actor: system, displayName: "Ada" });
      const kept = await auth.users.update({ actor: system, userId: id });
      expect(kept.displayName).toBe("Ada");
      expect(await world.events({ target: id, action: "identity.user.update" })).toHaveLength(0);
      const cleared = await auth.users.update({ actor: system, userId: id, displayName: null });
      expect(cleared.displayName).toBeNull();
      expect(cleared.updatedAt.getTime()).toBeGreaterThanOrEqual(kept.updatedAt.getTime());
      expect(await world.events({ target: id, action: "identity.user.update" })).toHaveLength(1);
    });
  });

  describe("ADR 0015: list of users", () => {
    /** Seven users with a common word in their identifiers, two of them suspended. */
    let word: string;
    const ids: UserId[] = [];
    beforeAll(async () => {
      word = freshIdentifier().slice(0, 12);
      for (let number = 0; number < 7; number++) {
        const { id } = await world.auth.users.create({ actor: system });
        const identifier = `${number}%_\\${word}@example.com`;
        await world.auth.credentials.createPassword({ actor: system, userId: id, identifier, password: otherPassword });
        ids.push(id);
      }
      for (const userId of ids.slice(5)) await world.auth.users.suspend({ actor: system, userId });
    });
    const list = async (input: object) => {
      const { data, nextCursor } = await world.auth.users.list({ actor: system, ...input });
      return { ids: data.map(({ id }) => id), nextCursor };
    };

    test("pages in order of creation; a full last page has no cursor", async () => {
      const first = await list({ query: word, limit: 3 });
      expect(first).toEqual({ ids: ids.slice(0, 3), nextCursor: ids[2] });
      const second = await list({ query: word, limit: 3, cursor: first.nextCursor! });
      expect(second).toEqual({ ids: ids.slice(3, 6), nextCursor: ids[5] });
      expect(await list({ query: word, limit: 3, cursor: second.nextCursor! })).toEqual({
        ids: [ids[6]],
        nextCursor: null,
      });
      expect(await list({ query: word, limit: 7 })).toEqual({ ids, nextCursor: null });
      expect(await list({ query: word, cursor: ids[6] })).toEqual({ ids: [], nextCursor: null });
      // An empty text asks for all, those without a password too.
      const { id } = await world.auth.users.create({ actor: system });
      expect((await list({ query: "", cursor: ids[6]! })).ids).toEqual([id]);
    });

    test.each([
      { case: "in another case", query: () => word.toUpperCase(), count: 7 },
      { case: "a percent sign is literal", query: () => `%_\\${word}`, count: 7 },
      { case: "a percent sign is not a wildcard", query: () => `%${word}%nothing`, count: 0 },
      { case: "an underscore is not a wildcard", query: () => `0__\\${word}`, count: 0 },
      { case: "a backslash escapes nothing", query: () => `\\%_\\${word}`, count: 0 },
    ])("query, a part of an identifier: $case", async ({ query, count }) => {
      expect((await list({ query: query() })).ids).toHaveLength(count);
    });

    test("filter by status; ended credentials match no query", async () => {
      expect((await list({ query: word, status: "suspended" })).ids).toEqual(ids.slice(5));
      expect((await list({ query: word, status: "active" })).ids).toEqual(ids.slice(0, 5));
      const { auth } = world;
      const {
        data: [credential],
      } = await auth.credentials.list({ actor: system, userId: ids[0]! });
      await auth.credentials.suspend({ actor: system, credentialId: credential!.id });
      expect((await list({ query: word })).ids).toEqual(ids.slice(1));
      await auth.credentials.reinstate({ actor: system, credentialId: credential!.id });
    });

    test.each([
      { limit: 0, size: 1 },
      { limit: -5, size: 1 },
      { limit: 2.9, size: 2 },
      { limit: 1e9, size: 7 },
      { limit: Number.NaN, size: 7 },
      { limit: Number.POSITIVE_INFINITY, size: 7 },
    ])("limit $limit: clamped", async ({ limit, size }) => {
      expect((await list({ query: word, limit })).ids).toHaveLength(size);
    });

    test.each(["", "garbage", `ses_${generateId("ses").slice(4)}`, `usr_${"0".repeat(32)}`, "' or 1=1"])(
      "the cursor %j: invalid_format.cursor",
      async (cursor) => {
        expect(await outcome(list({ cursor }))).toBe("invalid_format.cursor");
      },
    );
  });

  test("R022: a fresh schema has no user", async () => {
    const empty = await openAuth(name);
    expect(await empty.auth.users.list({ actor: system })).toEqual({ data: [], nextCursor: null });
    await empty.close();
  });
});
