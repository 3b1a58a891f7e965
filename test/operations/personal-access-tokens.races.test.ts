import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  type FullAuth,
  freshAddress,
  openAuth,
  outcome,
  type Person,
  system,
  tally,
  type World,
} from "../support/auth.ts";
import { addApp } from "../support/factors.ts";
import { holdLock } from "../support/held-lock.ts";
import { isUserLock, untilItLeaks } from "../support/races.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

let world: World;
beforeAll(async () => {
  world = await openAuth("postgres", { timeoutMilliseconds: 60_000 });
});
afterAll(() => world.close());

const tokenOf = (person: Person, auth: FullAuth = world.auth) =>
  auth.personalAccessTokens.create({ actor: system, userId: person.userId, name: "ci", scope: ["docs:read"] });
const use = (token: string, auth: FullAuth = world.auth) =>
  outcome(auth.personalAccessTokens.verify({ token, context: { address: freshAddress() } }));
const isolateThat = (rewrite: (text: string) => string | undefined) => {
  const database = rewritingDatabase(world.database, rewrite);
  return { auth: world.isolate({ database }), database };
};

describe("S16: creating a token × revoking its owner", () => {
  async function round(creating: FullAuth, ending: FullAuth, turn: number): Promise<number> {
    const person = await world.person();
    const { userId } = person;
    const acts = [
      ...Array.from({ length: 6 }, () => () => outcome(tokenOf(person, creating))),
      () => outcome(ending.users.revoke({ actor: system, userId })),
      ...Array.from({ length: 6 }, () => () => outcome(tokenOf(person, creating))),
    ];
    const codes = await Promise.all((turn % 2 ? acts : acts.toReversed()).map((act) => act()));
    expect(codes.filter((code) => code !== "done" && code !== "precondition.user_not_active")).toEqual([]);
    const [left] = await world.rows<{ n: number }>(sql`
      select count(*)::int as n from pat where usr_id = ${uuidFor("usr", userId)}::uuid and revoked_at is null`);
    return left!.n;
  }

  test("60 rounds: no token is left", async () => {
    for (let turn = 0; turn < 60; turn++) expect(await round(world.auth, world.auth, turn)).toBe(0);
  });

  test("planted fault, creation takes no lock: a token is left", async () => {
    const { auth, database } = isolateThat((text) =>
      isUserLock(text) ? undefined : text.replace(/ for share\)/, ")"),
    );
    let turn = 0;
    await untilItLeaks(400, () => round(auth, world.auth, turn++));
    expect(database.rewritten).toBeGreaterThan(0);
  });

  test("planted fault, revocation takes no lock: a token is left", async () => {
    const { auth } = isolateThat((text) => (isUserLock(text) ? undefined : text));
    let turn = 0;
    await untilItLeaks(400, () => round(world.auth, auth, turn++));
  });
});

describe("S57: eight tokens at once for a user who may have three", () => {
  /** How many live tokens there are too many. */
  async function excess(database = world.database): Promise<number> {
    const auth = world.isolate({ database, maxPerUser: 3 });
    const person = await world.person();
    const codes = await Promise.all(Array.from({ length: 8 }, () => outcome(tokenOf(person, auth))));
    expect(Object.keys(tally(codes)).toSorted()).toEqual(expect.arrayContaining(["done"]));
    const [live] = await world.rows<{ n: number }>(sql`
      select count(*)::int as n from pat where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
    return live!.n - 3;
  }

  test("20 rounds: three are made", async () => {
    for (let round = 0; round < 20; round++) expect(await excess()).toBe(0);
  });

  test("planted fault, creation takes no lock: more are made", async () => {
    const { database } = isolateThat((text) => (isUserLock(text) ? undefined : text));
    await untilItLeaks(100, () => excess(database));
  });
});

describe("H3, R104: revoking a token × using it", () => {
  const states = ["first use", "remembered"] as const;

  /** Revocation and use wait for the token's row in this order. Returns whether the use was written after the revocation. */
  async function revokeBeforeUse(auth: FullAuth, state: (typeof states)[number]): Promise<boolean> {
    const person = await world.person();
    const { pat, token } = await tokenOf(person);
    const id = uuidFor("pat", pat.id);
    if (state === "remembered") {
      expect(await use(token, auth)).toBe("done");
      await world.rows(sql`update pat set last_used_at = null where id = ${id}::uuid`);
    }
    const held = await holdLock(
      world.backend.connectionString!,
      sql`select id from pat where id = ${id}::uuid for update`,
    );
    const revoked = world.auth.personalAccessTokens.revoke({ actor: system, tokenId: pat.id });
    await held.waiting(1);
    const used = use(token, auth);
    await held.waiting(2);
    await held.release();
    expect((await revoked).status).toBe("revoked");
    // It read the row before the revocation took effect, so it may be admitted, but not recorded afterwards.
    await used;
    expect(await use(token, auth)).toBe("pat.revoked");
    const { lastUsedAt, revokedAt } = await world.auth.personalAccessTokens.get({ actor: system, tokenId: pat.id });
    return lastUsedAt !== null && lastUsedAt > revokedAt!;
  }

  test.each(states)("%s: revocation wins", async (state) => {
    for (let round = 0; round < 5; round++) expect(await revokeBeforeUse(world.auth, state)).toBe(false);
  });

  test.each(states)("%s: planted fault, no condition: the use overwrites the revocation", async (state) => {
    const { auth, database } = isolateThat((text) => text.replace("and pat.revoked_at is null and", "and"));
    await untilItLeaks(20, async () => ((await revokeBeforeUse(auth, state)) ? 1 : 0));
    expect(database.rewritten).toBeGreaterThan(0);
  });

  test("30 rounds of 20 uses: none that begins after the revocation succeeds or is recorded", async () => {
    for (let round = 0; round < 30; round++) {
      const { pat, token } = await tokenOf(await world.person());
      const isolates = [world.auth, world.isolate()];
      if (round % 2) await use(token);
      let isRevoked = false;
      const uses = Array.from({ length: 20 }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, index));
        const wasRevoked = isRevoked;
        return { wasRevoked, code: await use(token, isolates[index % 2]!) };
      });
      const revoked = world.auth.personalAccessTokens.revoke({ actor: system, tokenId: pat.id }).then(() => {
        isRevoked = true;
      });
      const answers = await Promise.all(uses);
      await revoked;
      expect(answers.filter(({ wasRevoked, code }) => wasRevoked && code !== "pat.revoked")).toEqual([]);
      const { lastUsedAt, revokedAt } = await world.auth.personalAccessTokens.get({ actor: system, tokenId: pat.id });
      expect(lastUsedAt === null || lastUsedAt <= revokedAt!).toBe(true);
    }
  });

  test("30 revocations at once: one revocation time, one event", async () => {
    const { pat } = await tokenOf(await world.person());
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => world.auth.personalAccessTokens.revoke({ actor: system, tokenId: pat.id })),
    );
    expect(new Set(answers.map(({ revokedAt }) => revokedAt!.getTime())).size).toBe(1);
    expect(await world.events({ target: pat.id, action: "identity.pat.revoke" })).toHaveLength(1);
  });
});

test("F18: checks, failures and revocations of the same tokens from the same addresses: no deadlock", async () => {
  const person = await world.person();
  const tokens = await Promise.all(Array.from({ length: 8 }, () => tokenOf(person)));
  const addresses = Array.from({ length: 3 }, () => freshAddress());
  const deadlocks = async () =>
    (
      await world.rows<{ n: number }>(
        sql`select deadlocks::int as n from pg_stat_database where datname = current_database()`,
      )
    )[0]!.n;
  const before = await deadlocks();
  const codes = await Promise.all(
    Array.from({ length: 240 }, async (_, index) => {
      const { pat, token } = tokens[index % 8]!;
      const context = { address: addresses[index % 3]! };
      const auth = index % 2 ? world.auth : world.isolate();
      if (index % 40 === 39)
        return await outcome(world.auth.personalAccessTokens.revoke({ actor: system, tokenId: pat.id }));
      const presented = index % 5 ? token : `${pat.id}_${"A".repeat(43)}`;
      return await outcome(auth.personalAccessTokens.verify({ token: presented, context }));
    }),
  );
  expect(codes.filter((code) => code.startsWith("unavailable.database"))).toEqual([]);
  expect(tally(codes).done).toBeGreaterThan(50);
  expect(await deadlocks()).toBe(before);
});

test("S16, S32: creating a token × an administrator's reset of the factor: no token is left", async () => {
  const { person, app } = await addApp(world, await world.person());
  const { actor, userId } = person;
  const held = await holdLock(
    world.backend.connectionString!,
    sql`select id from usr where id = ${uuidFor("usr", userId)}::uuid for no key update`,
  );
  // The reset waits first, and the attacker's token behind it, whose statement has seen a live session.
  const reset = outcome(world.auth.factors.revoke({ actor: system, factorId: app.factorId }));
  await held.waiting(1);
  const made = outcome(world.auth.personalAccessTokens.create({ actor, userId, name: "kept", scope: ["all"] }));
  await held.waiting(2);
  await held.release();
  expect(await reset).toBe("done");
  await made;
  const [left] = await world.rows<{ n: number }>(sql`
    select count(*)::int as n from pat where usr_id = ${uuidFor("usr", userId)}::uuid and revoked_at is null`);
  expect(left!.n).toBe(0);
});
