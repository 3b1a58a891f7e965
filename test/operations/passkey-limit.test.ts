import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { probe } from "../../src/operations/health.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, openAuth, outcome, type Person, tally, type World } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { isUserLock, untilItLeaks } from "../support/races.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

let world: World;
beforeAll(async () => {
  world = await openAuth("postgres", { timeoutMilliseconds: 60_000 });
});
afterAll(() => world.close());

describe("S57: passkeys of one user", () => {
  /** Another session of a user, which is fresh. A registration ends the session that it is made in. */
  async function again(person: Person): Promise<Person> {
    const one = await world.signIn(person);
    await world.levelTwo(one.session);
    return one;
  }
  const answer = async (auth: FullAuth, { actor }: Person) =>
    await (await newAuthenticator()).create(await auth.passkeys.registrationOptions({ actor }));
  const register = (auth: FullAuth, { actor }: Person, response: unknown) =>
    outcome(auth.passkeys.register({ actor, response, transport: "token" }));

  test("the third of two is refused, and so are its options; a revoked one leaves room", async () => {
    const [auth, person] = [world.isolate({ maxPerUser: 2 }), await again(await world.person())];
    const early = await answer(auth, person);
    for (let n = 0; n < 2; n++) {
      const one = await again(person);
      expect(await register(auth, one, await answer(auth, one))).toBe("done");
    }
    expect(await register(auth, person, early)).toBe("precondition.limit_reached");
    expect(await outcome(auth.passkeys.registrationOptions(person))).toBe("precondition.limit_reached");
    const { data } = await auth.passkeys.list(person);
    await auth.passkeys.revoke({ actor: person.actor, passkeyId: data[0]!.id });
    expect(await register(auth, person, await answer(auth, person))).toBe("done");
  });

  test("the option is a whole number from 1 to 10,000", async () => {
    for (const maxPerUser of [0, -1, 1.5, Number.NaN, 10_001]) {
      await expect(probe(world.isolate({ maxPerUser }))).rejects.toMatchObject({ option: "maxPerUser" });
    }
  });

  /** How many of six passkeys at once are too many for a user who may have two. */
  async function excess(database = world.database): Promise<number> {
    const [auth, person] = [world.isolate({ database, maxPerUser: 2 }), await world.person()];
    const registrations: [Person, unknown][] = [];
    while (registrations.length < 6) {
      const one = await again(person);
      registrations.push([one, await answer(auth, one)]);
    }
    const outcomes = tally(await Promise.all(registrations.map((one) => register(auth, ...one))));
    expect(Object.keys(outcomes)).toContain("done");
    const [held] = await world.rows<{ n: number }>(sql`
      select count(*)::int as n from cred where usr_id = ${uuidFor("usr", person.userId)}::uuid and type = 'passkey'`);
    return held!.n - 2;
  }

  test("15 rounds of six at once: two are made", async () => {
    for (let round = 0; round < 15; round++) expect(await excess()).toBe(0);
  });

  test("planted fault, registration takes no lock: more are made", async () => {
    const database = rewritingDatabase(world.database, (text) => (isUserLock(text) ? undefined : text));
    await untilItLeaks(60, () => excess(database));
    expect(database.rewritten).toBeGreaterThan(0);
  });
});
