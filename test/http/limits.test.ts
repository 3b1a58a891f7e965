import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { type Person, system } from "../support/auth.ts";
import { attempt, repeat, rightGuess } from "../support/guesses.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
let administrator: Person;
beforeAll(async () => {
  world = await openHttp("pglite");
  administrator = await world.administrator();
});
afterAll(() => world.close());

const list = (query: string, { token }: Person = administrator) =>
  world.send({ method: "GET", path: `/v1/limits${query}`, token });
const lift = (json: unknown, { token }: Person = administrator) =>
  world.send({ method: "POST", path: "/v1/limits/lift", json: json as object, token });

/** An account whose password cannot be tried any more. */
async function exhausted(): Promise<Person> {
  const person = await world.person();
  await repeat(10, () => attempt(world, { identifier: person.identifier }));
  expect(await attempt(world, rightGuess(person))).toBe("too_many_requests");
  return person;
}

describe("limits, for administrators", () => {
  test("a limit is seen and lifted, by identifier: its owner signs in again", async () => {
    const person = await exhausted();
    const { status, json, text } = await list(`?identifier=${encodeURIComponent(person.identifier)}`);
    expect(status).toBe(200);
    expect(json.page).toEqual({ next_cursor: null });
    expect(json.data).toContainEqual({
      name: expect.stringMatching(/^credential:[0-9a-f-]{36}$/),
      count: expect.any(Number),
      maximum: 10,
      failures: expect.any(Number),
      used_up: true,
      closed: false,
      resets_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect(text).not.toContain(person.identifier);

    const lifted = await lift({ identifier: person.identifier });
    expect(lifted.json).toEqual({ lifted: json.data.length });
    expect(await attempt(world, rightGuess(person))).toBe("done");
  });

  test("all that are used up, and one lifted by its name", async () => {
    const person = await exhausted();
    const { data } = (await list("")).json as { data: { name: string; used_up: boolean }[] };
    expect(data.every(({ used_up }) => used_up)).toBe(true);
    const own = data.find(({ name }) => name.startsWith("credential:"))!;
    expect((await lift({ name: own.name })).json).toEqual({ lifted: 1 });
    expect((await lift({ name: own.name })).json).toEqual({ lifted: 0 });
    expect(await attempt(world, rightGuess(person))).toBe("done");
  });

  test("each act leaves an event of the administrator", async () => {
    const before = (await world.events({ actor: administrator.userId })).length;
    await list("");
    await lift({ key: "anything" });
    const events = (await world.events({ actor: administrator.userId })).slice(before);
    expect(events.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      "identity.limit.list success",
      "identity.limit.lift success",
    ]);
  });

  test("no other user sees or lifts a limit, not even their own; nothing changes", async () => {
    const person = await world.person();
    const victim = await exhausted();
    const counters = () => world.rows(sql`select * from attempt where bucket like 'credential:%' order by bucket`);
    const before = await counters();
    for (const of of [victim, person]) {
      expect((await list(`?identifier=${of.identifier}`, person)).code).toBe("forbidden");
      expect((await lift({ identifier: of.identifier }, person)).code).toBe("forbidden");
    }
    expect((await list("", person)).code).toBe("forbidden");
    expect(await counters()).toEqual(before);
    await world.auth.limits.lift({ actor: system, of: { identifier: victim.identifier } });
  });

  test("an administrator whose second factor is old proves it again", async () => {
    const stale = await world.person();
    await world.makeAdministrator(stale.userId);
    for (const reply of [await list("", stale), await lift({ name: "x" }, stale)]) expect(reply.status).toBe(401);
  });

  test.each(["?identifier=a@example.com&address=192.0.2.1", "?key=a&name=b", "?name=a&name=b", "?name=%00"])(
    "a query that names two subjects, or none that can be stored, is refused: %s",
    async (query) => {
      expect((await list(query)).code).toBe("invalid_format.query");
    },
  );

  test.each<[unknown]>([
    [{}],
    [{ identifier: "a@example.com", key: "b" }],
    [{ name: 1 }],
    [{ all: true }],
    [[]],
    [null],
  ])("a body that names no one subject is refused: %j", async (body) => {
    expect((await lift(body)).code).toBe("invalid_format.body");
  });

  test.each(["\0", "\ud800"])("a name that no database holds is refused: %j", async (name) => {
    expect((await lift({ name })).status).toBe(400);
  });

  test("an enormous name is only not found", async () => {
    expect((await lift({ name: "x".repeat(50_000) })).json).toEqual({ lifted: 0 });
  });
});
