/** The routes for personal access tokens, and proof that a token itself opens none of Sallyport's routes. */
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute } from "../../build/openapi/every-route.node.ts";
import { requireUser } from "../../src/http/index.ts";
import { addressHeader, freshAddress, type Person, system } from "../support/auth.ts";
import { readReply } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
let ada: Person;
beforeAll(async () => {
  world = await openHttp("pglite");
  ada = await world.person();
});
afterAll(() => world.close());

const tokenOf = (person: Person, scope: string[] = ["docs:read"]) =>
  world.auth.personalAccessTokens.create({ actor: system, userId: person.userId, name: "ci", scope });

/** The answer to a token at an application's route that requires `docs:read`. */
async function use(token: string) {
  const app = new Hono().get("/docs", requireUser(world.auth, { scope: "docs:read" }), (c) =>
    c.json({ id: c.var.user.id }),
  );
  const headers = { [addressHeader]: freshAddress(), authorization: `Bearer ${token}` };
  return await readReply(await app.request("/docs", { headers }));
}

describe("S01, S25: a personal access token at Sallyport's routes: refused, and no row changes", () => {
  const rows = everyRoute.filter(({ access }) => access !== "anyone" && access !== "ticket");
  test.each(rows.map((route) => [route.id, route] as const))("%s", async (_id, { method, path }) => {
    const owner = await world.person();
    const { pat, token } = await tokenOf(owner, ["*", "docs:read"]);
    const at = path
      .replace(":usr_id", owner.userId)
      .replace(":cred_id", owner.credentialId)
      .replace(":ses_id", owner.session.id)
      .replace(":pat_id", pat.id);
    const before = await world.lastChange();
    for (const presented of [token, `${pat.id}_${"A".repeat(43)}`]) {
      world.counting.reset(0);
      const reply = await readReply(
        await world.app.request(at, {
          method: method.toUpperCase(),
          headers: { authorization: `Bearer ${presented}`, "content-type": "application/json" },
          ...(method !== "get" && { body: JSON.stringify({ name: "more", scope: ["*"] }) }),
        }),
      );
      world.counting.reset();
      expect(reply.code).toBe("auth.token_format_unrecognized");
    }
    expect(await world.lastChange()).toBe(before);
  });

  test("personal access token routes: the list to test is not empty", () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["createPat", "createOwnPersonalAccessToken", "revokeOwnPersonalAccessToken"]),
    );
  });
});

describe("personal access token routes", () => {
  const schema = [
    "id",
    "usr_id",
    "name",
    "scope",
    "status",
    "expires_at",
    "last_used_at",
    "revoked_at",
    "created_at",
    "updated_at",
  ];

  test("Flametrench 9.4, 9.5: create, get, list, revoke; the token is shown once", async () => {
    const owner = await world.person();
    const { token: session, userId } = owner;
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    const made = await world.send({
      method: "POST",
      path: `/v1/users/${userId}/pats`,
      token: session,
      json: { name: "ci", scope: ["docs:read"], expires_at },
    });
    expect(made.status).toBe(201);
    expect(Object.keys(made.json)).toEqual(["pat", "token"]);
    expect(Object.keys(made.json.pat)).toEqual(schema);
    expect(made.json.pat).toMatchObject({ usr_id: userId, expires_at, status: "active", last_used_at: null });
    expect(made.headers.get("cache-control")).toBe("no-store");
    expect((await use(made.json.token)).status).toBe(200);

    const { id } = made.json.pat;
    const read = await world.send({ method: "GET", path: `/v1/pats/${id}`, token: session });
    expect(read.json).toMatchObject({ id, status: "active", last_used_at: expect.any(String) });
    for (const path of [`/v1/users/${userId}/pats`, "/auth/personal-access-tokens"]) {
      const list = await world.send({ method: "GET", path: `${path}?status=active&limit=1`, token: session });
      expect(list.json).toEqual({ data: [read.json], page: { next_cursor: null } });
      expect(list.text).not.toContain(made.json.token.slice(37));
    }
    const ended = await world.send({ method: "POST", path: `/v1/pats/${id}/revoke`, token: session });
    expect(ended.json).toMatchObject({ id, status: "revoked", revoked_at: expect.any(String) });
    const again = await world.send({ method: "POST", path: `/v1/pats/${id}/revoke`, token: session });
    expect(again.json).toEqual(ended.json);
    expect((await use(made.json.token)).code).toBe("pat.invalid");
  });

  test("the user's own tokens, with a cookie", async () => {
    const owner = await world.person({ transport: "cookie" });
    const made = await world.send({
      method: "POST",
      path: "/auth/personal-access-tokens",
      cookie: owner.token,
      json: { name: "ci", scope: [] },
    });
    expect(made.json.pat).toMatchObject({ usr_id: owner.userId, scope: [], expires_at: null });
    const id = made.json.pat.id;
    const ended = await world.send({
      method: "POST",
      path: `/auth/personal-access-tokens/${id}/revoke`,
      cookie: owner.token,
    });
    expect(ended.json).toMatchObject({ id, status: "revoked" });
  });

  test("under /auth an administrator revokes only their own", async () => {
    const administrator = await world.administrator();
    const { pat } = await tokenOf(ada);
    const path = `/auth/personal-access-tokens/${pat.id}/revoke`;
    expect((await world.send({ method: "POST", path, token: administrator.token })).code).toBe("forbidden");
    const own = await tokenOf(administrator);
    const mine = await world.send({
      method: "POST",
      path: `/auth/personal-access-tokens/${own.pat.id}/revoke`,
      token: administrator.token,
    });
    expect(mine.status).toBe(200);
  });

  const in30Days = () => new Date(Date.now() + 30 * 86_400_000).toISOString();
  test.each<{ case: string; json: unknown; code: string }>([
    { case: "no name", json: { scope: [] }, code: "invalid_format.body" },
    { case: "no scope", json: { name: "x" }, code: "invalid_format.body" },
    { case: "a scope that is text", json: { name: "x", scope: "a" }, code: "invalid_format.body" },
    { case: "an additional member", json: { name: "x", scope: [], prefix: "p" }, code: "invalid_format.body" },
    { case: "R100: another's id", json: { name: "x", scope: [], usr_id: "usr_x" }, code: "invalid_format.body" },
    { case: "an empty name", json: { name: "", scope: [] }, code: "invalid_format.name" },
    { case: "121 code units", json: { name: "a".repeat(121), scope: [] }, code: "invalid_format.name" },
    { case: "a blank in a scope", json: { name: "x", scope: ["a b"] }, code: "invalid_format.scope" },
    { case: "a scope twice", json: { name: "x", scope: ["a", "a"] }, code: "invalid_format.scope" },
    {
      case: "51 scopes",
      json: { name: "x", scope: Array.from({ length: 51 }, (_, index) => `${index}`) },
      code: "invalid_format.scope",
    },
    { case: "no time", json: { name: "x", scope: [], expires_at: "soon" }, code: "invalid_format.body" },
    { case: "a number", json: { name: "x", scope: [], expires_at: 4_102_444_800 }, code: "invalid_format.body" },
    {
      case: "30 February",
      json: { name: "x", scope: [], expires_at: "2027-02-30T00:00:00Z" },
      code: "invalid_format.body",
    },
    {
      case: "a past time",
      json: { name: "x", scope: [], expires_at: "2020-01-01T00:00:00Z" },
      code: "pat.expires_in_past",
    },
    {
      case: "the year 0",
      json: { name: "x", scope: [], expires_at: "0000-01-01T00:00:00Z" },
      code: "pat.expires_in_past",
    },
    {
      case: "H1: in 400 days",
      json: { name: "x", scope: [], expires_at: "9999-12-31T23:59:59Z" },
      code: "pat.expires_in_past",
    },
  ])("$case: $code", async ({ json, code }) => {
    const before = await world.lastChange();
    for (const path of [`/v1/users/${ada.userId}/pats`, "/auth/personal-access-tokens"]) {
      const reply = await world.send({ method: "POST", path, token: ada.token, json });
      expect([path, reply.status, reply.code]).toEqual([path, 400, code]);
    }
    expect(await world.lastChange()).toBe(before);
  });

  test("expires_at with an offset, null or left out: accepted", async () => {
    for (const more of [{ expires_at: in30Days().replace("Z", "+00:00") }, { expires_at: null }, {}]) {
      const json = { name: "x", scope: [], ...more };
      expect(
        (await world.send({ method: "POST", path: "/auth/personal-access-tokens", token: ada.token, json })).status,
      ).toBe(201);
    }
  });

  test.each(["status=gone", "status=active&status=revoked", "limit=x"])("?%s: 400", async (query) => {
    for (const path of ["/auth/personal-access-tokens", `/v1/users/${ada.userId}/pats`]) {
      const reply = await world.send({ method: "GET", path: `${path}?${query}`, token: ada.token });
      expect([path, reply.code]).toEqual([path, "invalid_format.query"]);
    }
  });

  test("?prefix=x: a parameter that the route does not know is ignored", async () => {
    const of = (query: string) =>
      world.send({ method: "GET", path: `/auth/personal-access-tokens${query}`, token: ada.token });
    const reply = await of("?prefix=x");
    expect([reply.status, reply.json]).toEqual([200, (await of("")).json]);
  });

  test("S04: 11 minutes after signing in: refused", async () => {
    const owner = await world.person();
    await world.age(owner.session, 660);
    for (const path of [`/v1/users/${owner.userId}/pats`, "/auth/personal-access-tokens"]) {
      const reply = await world.send({ method: "POST", path, token: owner.token, json: { name: "x", scope: [] } });
      expect([path, reply.code]).toEqual([path, "unauthorized.reauthentication_required"]);
    }
  });

  test("ADR 0016: no route verifies a token", () => {
    expect(everyRoute.filter(({ path }) => /(pat|token)s?\/verify/.test(path))).toEqual([]);
  });
});
