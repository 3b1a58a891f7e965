import { Hono } from "hono";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { authenticate } from "../../src/http/authenticate.ts";
import { requireFreshMfa } from "../../src/http/fresh-mfa.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import { openAuth, type Person, type World } from "../support/auth.ts";
import { addApp, personAt } from "../support/factors.ts";

let world: World;
let app: Hono;
let handled = 0;
beforeAll(async () => {
  world = await openAuth("pglite");
  await installTestClock(world.database);
  app = new Hono();
  app.use("/twice/*", authenticate(world.auth));
  app.on("POST", ["/pay", "/twice/pay"], requireFreshMfa(world.auth, { withinSeconds: 60 }), (c) => {
    handled += 1;
    return c.json({ user: c.var.user.id });
  });
});
beforeEach(async () => {
  handled = 0;
  await setTestClock(world.database, new Date("2026-11-22T12:00:00Z"));
});
afterAll(() => world.close());

const pay = (person?: Pick<Person, "token">, path = "/pay") =>
  app.request(path, { method: "POST", ...(person && { headers: { authorization: `Bearer ${person.token}` } }) });

describe.each(["/pay", "/twice/pay"])("requireFreshMfa at %s", (path) => {
  test("a recent proof: admitted, with one request to the database", async () => {
    const { person } = await addApp(world, await world.person());
    await advanceTestClock(world.database, 59);
    world.counting.reset();
    const response = await pay(person, path);
    expect([response.status, await response.json()]).toEqual([200, { user: person.userId }]);
    expect(world.counting.requests).toBe(1);
  });

  test("R050: a proof exactly at the limit: refused, and the answer names the step-up", async () => {
    const { person } = await addApp(world, await world.person());
    await advanceTestClock(world.database, 60);
    const response = await pay(person, path);
    expect([response.status, await response.json()]).toEqual([
      401,
      {
        code: "unauthorized.reauthentication_required",
        message: "Confirm that it's you to do this.",
        details: { max_age_seconds: 60 },
      },
    ]);
    expect(response.headers.get("www-authenticate")).toBe(
      'Bearer error="insufficient_user_authentication", max_age=60',
    );
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(handled).toBe(0);
  });

  test("after a step-up: admitted", async () => {
    const made = await addApp(world, await world.person());
    await advanceTestClock(world.database, 600);
    const { actor, transport } = made.person;
    const stepped = await world.auth.stepUp({ actor, transport, proof: { type: "totp", code: await made.app.code() } });
    expect((await pay(await personAt(world, made.person, stepped), path)).status).toBe(200);
    expect((await pay(made.person, path)).status).toBe(401);
  });

  test("after a refresh: the proof is not carried over", async () => {
    const { person } = await addApp(world, await world.person());
    const { token } = await world.auth.sessions.refresh(person);
    expect((await pay({ token }, path)).status).toBe(401);
  });

  test("a user without a second factor, and an anonymous client: refused", async () => {
    expect((await pay(await world.person(), path)).status).toBe(401);
    expect((await pay(undefined, path)).status).toBe(401);
    expect(handled).toBe(0);
  });
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, "60"])("requireFreshMfa(%j): TypeError", (withinSeconds) => {
  const make = () => requireFreshMfa(world.auth, { withinSeconds: withinSeconds as number });
  expect(make).toThrow(/must be a number of seconds above 0/);
  expect(make).toThrow(TypeError);
});
