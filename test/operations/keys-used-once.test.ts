import { expect, test } from "vitest";
import { newUuid } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { type FullAuth, outcome, type Person, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp } from "../support/factors.ts";
import { untilItLeaks } from "../support/races.ts";

const used = "conflict.idempotency_key_used";
const start = new Date("2026-11-29T12:00:00Z");

describeWorld("S79: a key whose answer is a secret", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  type Act = (of: FullAuth, person: Person, idempotencyKey?: string) => Promise<unknown>;
  const acts: Readonly<Record<string, Act>> = {
    "personalAccessTokens.create": (of, { actor, userId }, idempotencyKey) =>
      of.personalAccessTokens.create({ actor, userId, name: "n", scope: [], idempotencyKey }),
    "factors.enrollTotp": (of, { actor }, idempotencyKey) =>
      of.factors.enrollTotp({ actor, label: "l", idempotencyKey }),
    "factors.replaceRecoveryCodes": (of, { actor }, idempotencyKey) =>
      of.factors.replaceRecoveryCodes({ actor, idempotencyKey }),
  };
  const each = Object.entries(acts);
  const newPerson = async () => (await addApp(world, await world.person())).person;
  const rowsMade = async () =>
    await world.rows(
      sql`select id::text, '' as status from pat union all select id::text, status from mfa order by id`,
    );

  test.each(each)("%s: a repeat is refused and changes nothing, for 24 hours", async (_name, act) => {
    const person = await newPerson();
    const key = newUuid();
    await act(auth, person, key);
    const before = await rowsMade();
    expect([await outcome(act(auth, person, key)), await outcome(act(world.isolate(), person, key))]).toEqual([
      used,
      used,
    ]);
    expect(await rowsMade()).toEqual(before);
    expect(await outcome(act(auth, person, newUuid()))).toBe("done");
    await advanceTestClock(world.database, 86_401);
    // The key is free again; only the proof is too old by now.
    expect(await outcome(act(auth, person, key))).not.toBe(used);
  });

  test.each(each)("%s: a key belongs to its user and operation", async (name, act) => {
    const [ada, bob] = [await newPerson(), await newPerson()];
    const key = newUuid();
    for (const [, other] of each.filter(([one]) => one !== name)) await other(auth, ada, key);
    await act(auth, bob, key);
    expect(await outcome(act(auth, ada, key))).toBe("done");
  });

  test.each(each)("%s: a refused call leaves its key free", async (_name, act) => {
    const person = await newPerson();
    const key = newUuid();
    await world.age(person.session, 3600);
    expect(await outcome(act(auth, person, key))).toBe("unauthorized.reauthentication_required");
    await world.age(person.session, 0);
    expect(await outcome(act(auth, person, key))).toBe("done");
  });

  test.each(each)("%s: a malformed key is refused", async (_name, act) => {
    expect(await outcome(act(auth, await newPerson(), "two words"))).toBe("invalid_format.idempotency_key");
  });
});

/** An organization is no secret. Its form works once all the same, so that a user who sends it twice does not have two. */
describeWorld("S79: organizations.create with a key", { on: ["pglite", "postgres"] }, (world, auth) => {
  const make = ({ actor, userId }: Person, idempotencyKey: string, slug: string | null = null) =>
    outcome(auth.organizations.create({ actor, userId, slug, idempotencyKey }));
  const slugOf = () => newUuid();

  test("a repeat makes nothing, also with the slug that the first call took, or with another", async () => {
    const person = await world.person();
    const [key, slug] = [newUuid(), slugOf()];
    expect(await make(person, key, slug)).toBe("done");
    for (const again of [slug, null, slugOf()]) expect(await make(person, key, again)).toBe(used);
    const { data } = await auth.memberships.listOfUser(person);
    expect(data.map(({ organization }) => organization.slug)).toEqual([slug]);
  });

  test("ten calls at once make one", async () => {
    const person = await world.person();
    const key = newUuid();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => make(person, key)));
    expect(tally(outcomes)).toEqual({ done: 1, [used]: 9 });
  });

  test("a refused call leaves its key free; a key belongs to its user", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const [key, slug] = [newUuid(), slugOf()];
    await make(bob, key, slug);
    expect(await make(ada, key, slug)).toBe("conflict.org_slug");
    expect(await make(ada, key, slugOf())).toBe("done");
    expect(await make(ada, "two words")).toBe("invalid_format.idempotency_key");
  });
});

describeWorld("S79: ten calls with one key at once", { on: ["postgres"] }, (world, auth) => {
  const create = (person: Person, idempotencyKey?: string) =>
    auth.personalAccessTokens.create({
      actor: person.actor,
      userId: person.userId,
      name: "n",
      scope: [],
      ...(idempotencyKey && { idempotencyKey }),
    });
  /** How many tokens there are too many. */
  async function excess(call: (person: Person, key: string) => Promise<string>): Promise<number> {
    const person = await world.person();
    const key = newUuid();
    const codes = await Promise.all(Array.from({ length: 10 }, () => call(person, key)));
    const { data } = await auth.personalAccessTokens.list({ actor: person.actor, userId: person.userId });
    expect(tally(codes)).toEqual({ done: data.length, ...(data.length < 10 && { [used]: 10 - data.length }) });
    return data.length - 1;
  }

  test("10 rounds: one token", async () => {
    for (let round = 0; round < 10; round++)
      expect(await excess((person, key) => outcome(create(person, key)))).toBe(0);
  });

  test("planted fault, the key is looked up before the statement that acts: more tokens", async () => {
    await world.rows(sql`create table naive_key (key text)`);
    await untilItLeaks(50, () =>
      excess(async (person, key) => {
        const found = await world.rows(sql`select key from naive_key where key = ${key}`);
        if (found.length > 0) return used;
        const code = await outcome(create(person));
        await world.rows(sql`insert into naive_key (key) values (${key})`);
        return code;
      }),
    );
  });

  test("recovery codes, 5 rounds: one set", async () => {
    for (let round = 0; round < 5; round++) {
      const { person } = await addApp(world, await world.person());
      const idempotencyKey = newUuid();
      const codes = await Promise.all(
        Array.from({ length: 3 }, () =>
          outcome(auth.factors.replaceRecoveryCodes({ actor: person.actor, idempotencyKey })),
        ),
      );
      expect(tally(codes)).toEqual({ done: 1, [used]: 2 });
    }
  });
});
