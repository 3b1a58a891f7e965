import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Actor } from "../../src/domain/actor.ts";
import { generateId, type PersonalAccessTokenId, uuidFor } from "../../src/domain/id.ts";
import { probe } from "../../src/operations/health.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, openAuth, outcome, type Person, system, type World } from "../support/auth.ts";

let world: World;
let ada: Person;
beforeAll(async () => {
  world = await openAuth("pglite");
  ada = await world.person();
});
afterAll(() => world.close());

const create = (person: Person, more: Partial<Parameters<World["auth"]["personalAccessTokens"]["create"]>[0]> = {}) =>
  world.auth.personalAccessTokens.create({
    actor: person.actor,
    userId: person.userId,
    name: "ci",
    scope: ["docs:read"],
    ...more,
  });
const now = async (): Promise<Date> => (await world.rows<{ now: Date }>(sql`select sallyport_now() as now`))[0]!.now;
const later = async (seconds: number): Promise<Date> => new Date((await now()).getTime() + seconds * 1000);

describe("personal access token, creation", () => {
  test("the secret is shown once and stored only as Argon2id at the pinned cost", async () => {
    const real = await openAuth("pglite", { hasher: "real" });
    const { actor, userId } = await real.person();
    const { pat, token } = await real.auth.personalAccessTokens.create({
      actor,
      userId,
      name: "deploy",
      scope: ["b", "a"],
    });
    expect(token).toMatch(/^pat_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$/);
    expect(token.startsWith(`${pat.id}_`)).toBe(true);
    expect(pat).toMatchObject({ userId, name: "deploy", scope: ["b", "a"], status: "active", expiresAt: null });
    expect(pat).toMatchObject({ lastUsedAt: null, revokedAt: null });

    const [row] = await real.rows<{ hash: string }>(sql`select secret_hash as hash from pat`);
    expect(row!.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const secret = token.slice(37);
    const tables = ["pat", "aud", "attempt", "ses", "usr"] as const;
    for (const table of tables) {
      const all = await real.database.run<{ all: string }>({
        text: `select coalesce(jsonb_agg(to_jsonb(t))::text, '') as all from ${table} t`,
        params: [],
      });
      expect([table, all[0]!.all.includes(secret)]).toEqual([table, false]);
    }
    const [event] = await real.events({ target: pat.id });
    expect(event).toMatchObject({
      action: "identity.pat.create",
      outcome: "success",
      metadata: { usr_id: userId, scope: ["b", "a"] },
    });
    await real.close();
  });

  test("an empty scope is allowed and grants nothing", async () => {
    expect((await create(ada, { scope: [] })).pat.scope).toEqual([]);
  });

  test.each([
    { case: "an empty name", more: { name: "" }, code: "invalid_format.name" },
    { case: "a name of 121 code units (H4)", more: { name: "a".repeat(121) }, code: "invalid_format.name" },
    { case: "a name that cannot be stored", more: { name: "a\0" }, code: "invalid_format.text" },
    { case: "a scope with a blank", more: { scope: ["a b"] }, code: "invalid_format.scope" },
    { case: "a scope twice", more: { scope: ["a", "a"] }, code: "invalid_format.scope" },
    { case: "an expiry long past", more: { expiresAt: new Date(1) }, code: "pat.expires_in_past" },
    { case: "an expiry that is not a date", more: { expiresAt: new Date("x") }, code: "pat.expires_in_past" },
    { case: "no user", more: { userId: generateId("usr") }, code: "not_found" },
    { case: "another type's id", more: { userId: generateId("pat") }, code: "not_found" },
  ])("$case: $code, and no row", async ({ more, code }) => {
    const before = await world.rows(sql`select count(*)::int as n from pat`);
    expect(await outcome(create(ada, more as never))).toBe(code);
    expect(await world.rows(sql`select count(*)::int as n from pat`)).toEqual(before);
  });

  test("a name of 120 code units in any script is kept unchanged", async () => {
    const name = "🗝".repeat(60);
    expect((await create(ada, { name })).pat.name).toBe(name);
  });
});

describe("S04, S05, F4, H7: personal access tokens, access", () => {
  const acts: [string, (actor: Actor, of: Person, tokenId: PersonalAccessTokenId) => Promise<unknown>][] = [
    ["create", (actor, { userId }) => world.auth.personalAccessTokens.create({ actor, userId, name: "x", scope: [] })],
    ["get", (actor, _of, tokenId) => world.auth.personalAccessTokens.get({ actor, tokenId })],
    ["list", (actor, { userId }) => world.auth.personalAccessTokens.list({ actor, userId })],
    ["revoke", (actor, _of, tokenId) => world.auth.personalAccessTokens.revoke({ actor, tokenId })],
    [
      "revoke, onlyOwn",
      (actor, _of, tokenId) => world.auth.personalAccessTokens.revoke({ actor, tokenId, onlyOwn: true }),
    ],
  ];
  const expected: Record<string, string[]> = {
    //              create, get, list, revoke, revoke onlyOwn
    owner: ["done", "done", "done", "done", "done"],
    "owner, 11 minutes later": ["unauthorized.reauthentication_required", "done", "done", "done", "done"],
    stranger: ["not_found", "not_found", "not_found", "not_found", "not_found"],
    administrator: ["forbidden", "done", "done", "done", "forbidden"],
    application: ["done", "done", "done", "done", "done"],
  };

  test.each(Object.keys(expected))("%s", async (who) => {
    for (const [index, [name, act]] of acts.entries()) {
      const owner = await world.person();
      const { pat } = await create(owner);
      if (who === "owner, 11 minutes later") await world.age(owner.session, 660);
      const actor =
        who === "application"
          ? system
          : who === "stranger"
            ? (await world.person()).actor
            : who === "administrator"
              ? (await world.administrator()).actor
              : owner.actor;
      expect([name, await outcome(act(actor, owner, pat.id))]).toEqual([name, expected[who]![index]]);
    }
  });

  test("an owner with a factor: needs a proof within ten minutes", async () => {
    const owner = await world.person();
    await world.enroll(owner.userId);
    expect(await outcome(create(owner))).toBe("unauthorized.reauthentication_required");
    await world.levelTwo(owner.session);
    expect(await outcome(create(owner))).toBe("done");
  });

  test("an administrator's read and a stranger's refusal leave an event, the owner's read none", async () => {
    const owner = await world.person();
    const { pat } = await create(owner);
    await world.auth.personalAccessTokens.get({ actor: owner.actor, tokenId: pat.id });
    await world.auth.personalAccessTokens.list({ actor: owner.actor, userId: owner.userId });
    const stranger = await world.person();
    await outcome(world.auth.personalAccessTokens.revoke({ actor: stranger.actor, tokenId: pat.id }));
    const administrator = await world.administrator();
    await world.auth.personalAccessTokens.get({ actor: administrator.actor, tokenId: pat.id });
    const events = await world.events({ target: pat.id });
    expect(events.map(({ action, outcome, actorUserId }) => [action, outcome, actorUserId])).toEqual([
      ["identity.pat.create", "success", expect.anything()],
      ["identity.pat.revoke", "denied", uuidFor("usr", stranger.userId)],
      ["identity.pat.read", "success", uuidFor("usr", administrator.userId)],
    ]);
  });

  test.each(["suspend", "revoke"] as const)(
    "S16: %s of the owner: not even the application can create a token",
    async (end) => {
      const owner = await world.person();
      await world.auth.users[end]({ actor: system, userId: owner.userId });
      expect(await outcome(create(owner, { actor: system }))).toBe("precondition.user_not_active");
      expect(await outcome(create(owner))).toBe("unauthorized.invalid_token");
    },
  );
});

describe("personal access tokens, lists", () => {
  test("pages: in order of ids, with a clamped limit, filtered by state", async () => {
    const owner = await world.person();
    const made: PersonalAccessTokenId[] = [];
    for (let index = 0; index < 5; index++) made.push((await create(owner)).pat.id);
    await world.auth.personalAccessTokens.revoke({ actor: owner.actor, tokenId: made[1]! });
    await world.rows(sql`
      update pat set created_at = created_at - interval '1 hour', expires_at = created_at - interval '1 minute'
      where id = ${uuidFor("pat", made[3]!)}::uuid`);
    const list = (more: object) =>
      world.auth.personalAccessTokens.list({ actor: owner.actor, userId: owner.userId, ...more });

    const first = await list({ limit: 2 });
    expect(first.data.map(({ id }) => id)).toEqual(made.slice(0, 2));
    const second = await list({ limit: 2, cursor: first.nextCursor! });
    const third = await list({ limit: 2, cursor: second.nextCursor! });
    expect([...second.data, ...third.data].map(({ id }) => id)).toEqual(made.slice(2));
    expect(third.nextCursor).toBeNull();
    expect((await list({ limit: 0 })).data).toHaveLength(1);
    expect((await list({ limit: 100_000 })).data).toHaveLength(5);
    expect((await list({ status: "revoked" })).data.map(({ id }) => id)).toEqual([made[1]]);
    expect((await list({ status: "expired" })).data.map(({ id }) => id)).toEqual([made[3]]);
    expect((await list({ status: "active" })).data.map(({ id }) => id)).toEqual([made[0], made[2], made[4]]);
    expect(await outcome(list({ cursor: "x" }))).toBe("invalid_format.cursor");
    expect(await outcome(list({ cursor: generateId("ses") }))).toBe("invalid_format.cursor");
    expect(await list({ cursor: generateId("pat") })).toEqual({ data: [], nextCursor: null });
  });
});

describe("personal access token, revocation", () => {
  test("repeated: keeps the first time and leaves one event", async () => {
    const owner = await world.person();
    const { pat } = await create(owner);
    const first = await world.auth.personalAccessTokens.revoke({ actor: owner.actor, tokenId: pat.id });
    expect(first.status).toBe("revoked");
    const again = await world.auth.personalAccessTokens.revoke({ actor: owner.actor, tokenId: pat.id });
    expect(again).toEqual(first);
    expect(await world.events({ target: pat.id, action: "identity.pat.revoke" })).toHaveLength(1);
  });

  test("in a batch: undone with the batch", async () => {
    const owner = await world.person();
    const { pat } = await create(owner);
    const plan = () => world.auth.personalAccessTokens.revoke.plan({ actor: owner.actor, tokenId: pat.id });
    await expect(world.auth.batch([await plan(), sql`select 1 / 0`])).rejects.toThrow();
    expect((await world.auth.personalAccessTokens.get({ actor: owner.actor, tokenId: pat.id })).status).toBe("active");
    await world.auth.batch([await plan()]);
    expect((await world.auth.personalAccessTokens.get({ actor: owner.actor, tokenId: pat.id })).status).toBe("revoked");
  });

  test("S03: operations with a secret have no plan and refuse the caller's transaction", async () => {
    expect("plan" in world.auth.personalAccessTokens.create || "plan" in world.auth.personalAccessTokens.verify).toBe(
      false,
    );
    const { token } = await create(ada);
    const nested = world.isolate({ database: { ...world.database, isNested: () => true } });
    await expect(
      nested.personalAccessTokens.create({ actor: ada.actor, userId: ada.userId, name: "x", scope: [] }),
    ).rejects.toThrow(TypeError);
    await expect(nested.personalAccessTokens.verify({ token })).rejects.toThrow(TypeError);
  });
});

test("personal access token options: out of range is refused, and both ends are accepted", async () => {
  for (const [option, most] of Object.entries({ maxTokenChecks: 500, maxPerUser: 10_000 })) {
    for (const value of [0, -1, 1.5, Number.NaN, most + 1]) {
      await expect(probe(world.isolate({ [option]: value }))).rejects.toMatchObject({ option });
    }
    for (const value of [1, most]) await probe(world.isolate({ [option]: value }));
  }
});

describe("S57: live tokens of one user", () => {
  const limited = () => world.isolate({ maxPerUser: 3 });
  const made = (auth: FullAuth, { actor, userId }: Person, expiresAt: Date | null = null) =>
    outcome(auth.personalAccessTokens.create({ actor, userId, name: "x", scope: ["a"], expiresAt }));

  test("the fourth of three is refused, also for the application; revoked and expired ones leave room", async () => {
    const [auth, owner] = [limited(), await world.person()];
    const soon = await later(60);
    expect([await made(auth, owner), await made(auth, owner), await made(auth, owner, soon)]).toEqual(
      Array(3).fill("done"),
    );
    expect(await made(auth, owner)).toBe("precondition.limit_reached");
    expect(await made(auth, { ...owner, actor: system } as never)).toBe("precondition.limit_reached");
    const { data } = await auth.personalAccessTokens.list({ actor: owner.actor, userId: owner.userId });
    await auth.personalAccessTokens.revoke({ actor: owner.actor, tokenId: data[0]!.id });
    expect([await made(auth, owner), await made(auth, owner)]).toEqual(["done", "precondition.limit_reached"]);
    await world.rows(sql`update pat set created_at = created_at - interval '1 day', expires_at = sallyport_now()
      where expires_at is not null and usr_id = ${uuidFor("usr", owner.userId)}::uuid`);
    expect([await made(auth, owner), await made(auth, owner)]).toEqual(["done", "precondition.limit_reached"]);
    expect(await made(auth, await world.person())).toBe("done");
  });

  test("the default is fifty", async () => {
    const owner = await world.person();
    for (let n = 0; n < 50; n++) expect(await made(world.isolate(), owner)).toBe("done");
    expect(await made(world.isolate(), owner)).toBe("precondition.limit_reached");
  });
});

test("personal access token expiry within a year: kept to the millisecond", async () => {
  const expiresAt = await later(3_600);
  expect((await create(ada, { expiresAt })).pat.expiresAt).toEqual(expiresAt);
});
