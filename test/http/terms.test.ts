import { Hono } from "hono";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { authenticate, requireUser } from "../../src/http/authenticate.ts";
import { requireTerms } from "../../src/http/require-terms.ts";
import { openAuth, type Person, type World } from "../support/auth.ts";
import { openHttp } from "../support/http-world.ts";

const terms = { version: "2026-11-01", url: "https://example.com/terms" };
let world: World;
let app: Hono;
let handled = 0;
beforeAll(async () => {
  world = await openAuth("pglite", { auth: { terms } });
  app = new Hono();
  app.use("/twice", requireUser(world.auth));
  app.use("/maybe", authenticate(world.auth));
  app.use("/scoped/twice", requireUser(world.auth, { scope: "docs:read" }));
  app.use("/scoped", requireTerms(world.auth, { scope: "docs:read" }));
  app.use("/scoped/twice", requireTerms(world.auth, { scope: "docs:read" }));
  for (const path of ["/once", "/twice", "/maybe"]) app.use(path, requireTerms(world.auth));
  app.get("*", (c) => {
    handled += 1;
    return c.text("done");
  });
});
beforeEach(() => {
  handled = 0;
});
afterAll(() => world.close());

const ask = (path: string, token?: string) =>
  app.request(path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
const accept = async ({ actor, userId }: Person) => await world.auth.terms.accept({ actor, userId, ...terms });

describe.each(["/once", "/twice", "/maybe"])("X9: requireTerms at %s", (path) => {
  test("a user who has accepted them: admitted, with one request to the database", async () => {
    const person = await world.person();
    await accept(person);
    world.counting.reset();
    expect([(await ask(path, person.token)).status, handled, world.counting.requests]).toEqual([200, 1, 1]);
  });

  test("a user who has not: 403, with the terms to accept", async () => {
    const response = await ask(path, (await world.person()).token);
    expect([response.status, await response.json(), handled]).toEqual([
      403,
      {
        code: "forbidden.terms_not_accepted",
        message: "Accept the current terms first.",
        details: terms,
      },
      0,
    ]);
  });

  test("a user who accepted an earlier version: 403", async () => {
    const person = await world.person();
    const earlier = world.isolate({ terms: { ...terms, version: "2025-01-01" } });
    await earlier.terms.accept({ ...person, version: "2025-01-01" });
    expect([(await ask(path, person.token)).status, handled]).toEqual([403, 0]);
  });

  test("no user, or a session that has ended: 401", async () => {
    const { token, actor, session, ...person } = await world.person();
    await accept({ ...person, token, actor, session });
    await world.auth.sessions.revoke({ actor, sessionId: session.id });
    for (const presented of [undefined, "x", token]) expect((await ask(path, presented)).status).toBe(401);
    expect(handled).toBe(0);
  });
});

test.each(["/scoped", "/scoped/twice"])("X9: a personal access token at %s: as its user", async (path) => {
  const person = await world.person();
  const { token } = await world.auth.personalAccessTokens.create({ ...person, name: "ci", scope: ["docs:read"] });
  const other = await world.auth.personalAccessTokens.create({ ...person, name: "ci", scope: ["docs:write"] });
  expect((await ask(path, token)).status).toBe(403);
  await accept(person);
  expect([(await ask(path, token)).status, (await ask(path, other.token)).status]).toEqual([200, 403]);
  expect((await ask("/once", token)).status).toBe(401);
});

test("X9: variables that other middleware sets accept no terms", async () => {
  const person = await world.person();
  const wrong = new Hono<{ Variables: { user: unknown } }>();
  wrong.use(async (c, next) => {
    c.set("user", { termsVersion: terms.version });
    await next();
  });
  wrong.get("/", requireTerms(world.auth) as never, (c) => c.text("done"));
  expect((await wrong.request("/", { headers: { authorization: `Bearer ${person.token}` } })).status).toBe(403);
});

test("X9: the current terms for everybody; accepting them is on the user and in the session", async () => {
  const http = await openHttp("pglite", { auth: { terms } });
  try {
    const { token } = await http.person();
    const post = (version: string, as?: string) =>
      http.send({ method: "POST", path: "/auth/terms", json: { version }, ...(as && { token: as }) });
    const user = async () => (await http.send({ method: "GET", path: "/auth/session", token })).json.user;
    expect((await http.send({ method: "GET", path: "/auth/terms" })).json).toEqual(terms);
    expect(await user()).toMatchObject({ terms_version: null, terms_accepted_at: null });
    const accepted = await post(terms.version, token);
    expect([accepted.status, accepted.json.terms_version]).toEqual([200, terms.version]);
    expect(await user()).toMatchObject({ terms_version: terms.version });
    const wrong = await post("1", token);
    expect([wrong.status, wrong.json]).toMatchObject([409, { code: "conflict.terms_changed", details: terms }]);
    expect((await post(terms.version)).status).toBe(401);
  } finally {
    await http.close();
  }
});
