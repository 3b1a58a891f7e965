/** Personal access tokens at an application's routes: what they open, and what answers reveal about them. */
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import type { SessionActor } from "../../src/domain/actor.ts";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import type { Session } from "../../src/domain/session.ts";
import type { SignedInUser } from "../../src/domain/user.ts";
import { authenticate, requireUser, type ScopedToken, type SessionVerifier } from "../../src/http/index.ts";
import { sql } from "../../src/store/sql.ts";
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

/** An application with a document that tokens may read, another that they may write, and an account. */
function application() {
  const { auth } = world;
  return new Hono()
    .get("/docs", requireUser(auth, { scope: "docs:read" }), (c) =>
      c.json({ id: c.var.user.id, token: c.var.token?.id ?? null, session: c.var.session?.id ?? null }),
    )
    .post("/docs", requireUser(auth, { scope: "docs:write" }), (c) => c.json({ id: c.var.user.id }))
    .get("/account", requireUser(auth), (c) => c.json({ id: c.var.user.id }))
    .get("/welcome", authenticate(auth), (c) => c.json({ id: c.var.user?.id ?? null }))
    .get("/feed", authenticate(auth, { scope: "feed:read" }), (c) => c.json({ id: c.var.user?.id ?? null }))
    .get("/both", requireUser(auth, { scope: "docs:read" }), requireUser(auth, { scope: "docs:write" }), (c) =>
      c.json({ id: c.var.user.id }),
    )
    .get("/inner", requireUser(auth, { scope: "docs:read" }), requireUser(auth), (c) => c.json({ id: c.var.user.id }));
}

async function ask(
  path: string,
  authorization: string | undefined,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
) {
  const response = await application().request(path, {
    method,
    headers: { [addressHeader]: freshAddress(), ...(authorization !== undefined && { authorization }), ...headers },
  });
  return await readReply(response);
}

describe("types of guards with a scope: need no augmentation", () => {
  test("with a scope: a user with a session or a token; without: unchanged", () => {
    const { auth } = world;
    new Hono().get("/", requireUser(auth, { scope: "a" }), (c) => {
      expectTypeOf(c.var.user).toEqualTypeOf<SignedInUser>();
      expectTypeOf(c.var.session).toEqualTypeOf<Session | undefined>();
      expectTypeOf(c.var.actor).toEqualTypeOf<SessionActor | undefined>();
      expectTypeOf(c.var.token).toEqualTypeOf<ScopedToken | undefined>();
      return c.body(null);
    });
    new Hono().use(authenticate(auth, { scope: "a" })).get("/", (c) => {
      expectTypeOf(c.var.user).toEqualTypeOf<SignedInUser | undefined>();
      expectTypeOf(c.var.token).toEqualTypeOf<ScopedToken | undefined>();
      return c.body(null);
    });
    new Hono().get("/", requireUser(auth), (c) => {
      expectTypeOf(c.var.session).toEqualTypeOf<Session>();
      // @ts-expect-error without a scope no token is admitted
      c.var.token;
      return c.body(null);
    });
    const sessionsOnly: SessionVerifier = auth;
    // @ts-expect-error a scope needs the operation that proves tokens
    expect(requireUser(sessionsOnly, { scope: "a" })).toBeTypeOf("function");
  });
});

describe("S25, F5: a personal access token opens only routes that its scopes name", () => {
  const cases: { scope: string[]; docs: number; write: number; both: number; feed: number }[] = [
    { scope: ["docs:read"], docs: 200, write: 403, both: 403, feed: 403 },
    { scope: ["docs:write"], docs: 403, write: 200, both: 403, feed: 403 },
    { scope: ["docs:write", "docs:read"], docs: 200, write: 200, both: 200, feed: 403 },
    { scope: ["feed:read"], docs: 403, write: 403, both: 403, feed: 200 },
    { scope: [], docs: 403, write: 403, both: 403, feed: 403 },
    // R103: no prefix and no wildcard.
    ...[
      ["*"],
      ["docs"],
      ["docs:"],
      ["docs:*"],
      ["docs:rea"],
      ["docs:read:x"],
      ["DOCS:READ"],
      ["docs:read,docs:write"],
    ].map((scope) => ({ scope, docs: 403, write: 403, both: 403, feed: 403 })),
  ];
  test.each(cases)("$scope", async ({ scope, docs, write, both, feed }) => {
    const { token } = await tokenOf(ada, scope);
    const bearer = `Bearer ${token}`;
    const statuses = [
      (await ask("/docs", bearer)).status,
      (await ask("/docs", bearer, { method: "POST" })).status,
      (await ask("/both", bearer)).status,
      (await ask("/feed", bearer)).status,
    ];
    expect(statuses).toEqual([docs, write, both, feed]);
    for (const path of ["/account", "/welcome", "/inner"]) {
      // The last route's inner guard declares no scope; only the outer guard answers 403.
      const expected = path === "/inner" && docs === 403 ? "forbidden.insufficient_scope" : undefined;
      expect([path, (await ask(path, bearer)).code]).toEqual([path, expected ?? "auth.token_format_unrecognized"]);
    }
  });

  test("a request cannot choose the scope", async () => {
    const { token } = await tokenOf(ada, ["docs:read"]);
    const reply = await ask("/docs?scope=docs:read", `Bearer ${token}`, {
      method: "POST",
      headers: { scope: "docs:read", "x-scope": "docs:read" },
    });
    expect(reply.code).toBe("forbidden.insufficient_scope");
  });

  test("RFC 6750 §3.1: the answer names the missing scope and is not cached", async () => {
    const { token } = await tokenOf(ada, []);
    const { status, headers, json } = await ask("/docs", `Bearer ${token}`);
    expect([status, headers.get("www-authenticate"), headers.get("cache-control")]).toEqual([
      403,
      'Bearer error="insufficient_scope"',
      "no-store",
    ]);
    expect(json).toEqual({
      code: "forbidden.insufficient_scope",
      message: "The token lacks the required scope.",
    });
  });

  test("a session: needs no scope", async () => {
    expect((await ask("/both", `Bearer ${ada.token}`)).json).toEqual({ id: ada.userId });
    expect((await ask("/docs", `Bearer ${ada.token}`)).json).toEqual({
      id: ada.userId,
      token: null,
      session: ada.session.id,
    });
  });

  test("the handler gets the token id and no actor", async () => {
    const { pat, token } = await tokenOf(ada);
    expect((await ask("/docs", `bEARER ${token}`)).json).toEqual({ id: ada.userId, token: pat.id, session: null });
    const app = new Hono().get("/", requireUser(world.auth, { scope: "docs:read" }), (c) =>
      c.json({ actor: c.var.actor === undefined, scope: c.var.token?.scope }),
    );
    const headers = { authorization: `Bearer ${token}`, [addressHeader]: freshAddress() };
    expect(await (await app.request("/", { headers })).json()).toEqual({ actor: true, scope: ["docs:read"] });
  });

  test("a remembered use: one request to the database", async () => {
    const { token } = await tokenOf(ada);
    await ask("/docs", `Bearer ${token}`);
    world.counting.reset(1);
    expect((await ask("/docs", `Bearer ${token}`)).status).toBe(200);
    world.counting.reset();
  });

  test("a token together with a cookie: only the token counts", async () => {
    const eve = await world.person({ transport: "cookie" });
    const headers = { cookie: `__Host-session=${eve.token}` };
    const { token } = await tokenOf(ada);
    expect((await ask("/docs", `Bearer ${token}`, { headers })).json.id).toBe(ada.userId);
    expect((await ask("/docs", "Bearer pat_x", { headers })).code).toBe("pat.invalid");
    expect((await ask("/account", `Bearer ${token}`, { headers })).code).toBe("auth.token_format_unrecognized");
    expect((await ask("/docs", undefined, { headers })).json.id).toBe(eve.userId);
  });
});

describe("M8, S51: the prefix alone decides the kind of a bearer", () => {
  test("without the token operations: 401, unread", async () => {
    const { token } = await tokenOf(ada);
    const { personalAccessTokens: _left, ...rest } = world.auth;
    const app = new Hono().get("/", requireUser(rest as typeof world.auth, { scope: "docs:read" }), (c) => c.text("x"));
    world.counting.reset(0);
    const reply = await readReply(await app.request("/", { headers: { authorization: `Bearer ${token}` } }));
    world.counting.reset();
    expect([reply.status, reply.code]).toEqual([401, "auth.token_format_unrecognized"]);
  });

  test.each([
    ["shr_", `shr_${"0".repeat(32)}_${"A".repeat(43)}`, "auth.token_format_unrecognized"],
    ["a session token with the prefix", `pat_${"A".repeat(39)}`, "pat.invalid"],
    ["the prefix alone", "pat_", "pat.invalid"],
    ["an invalid character", "pat_~", "pat.invalid"],
    ["PAT_", `PAT_${"0".repeat(32)}_${"A".repeat(43)}`, "unauthorized.invalid_token"],
  ])("%s", async (_case, token, code) => {
    world.counting.reset(0);
    const reply = await ask("/docs", `Bearer ${token}`);
    world.counting.reset();
    expect([reply.status, reply.code, reply.headers.get("www-authenticate")]).toEqual([401, code, "Bearer"]);
  });

  test.each(["Basic", "Token", "pat"])("scheme %s: refused", async (scheme) => {
    const { token } = await tokenOf(ada);
    expect((await ask("/docs", `${scheme} ${token}`)).code).toBe("unauthorized.invalid_token");
  });
});

describe("M2, M10: every wrong token gets one answer", () => {
  const states: [string, () => Promise<string>][] = [
    ["unknown", async () => `${generateId("pat")}_${"A".repeat(43)}`],
    ["wrong", async () => `${(await tokenOf(ada)).pat.id}_${"A".repeat(43)}`],
    [
      "revoked",
      async () => {
        const { pat, token } = await tokenOf(ada);
        await world.auth.personalAccessTokens.revoke({ actor: system, tokenId: pat.id });
        return token;
      },
    ],
    [
      "expired",
      async () => {
        const { pat, token } = await tokenOf(ada);
        await world.rows(sql`
          update pat set created_at = created_at - interval '1 hour', expires_at = created_at - interval '1 minute'
          where id = ${uuidFor("pat", pat.id)}::uuid`);
        return token;
      },
    ],
    [
      "of a suspended user",
      async () => {
        const person = await world.person();
        const { token } = await tokenOf(person);
        await world.auth.users.suspend({ actor: system, userId: person.userId });
        return token;
      },
    ],
  ];
  test.each(states)("%s", async (_case, prepare) => {
    const token = await prepare();
    const reply = await ask("/docs", `Bearer ${token}`);
    expect([reply.status, reply.json, reply.headers.get("www-authenticate")]).toEqual([
      401,
      { code: "pat.invalid", message: "The personal access token is not valid." },
      "Bearer",
    ]);
    // The operation tells the application the reason. The application's own error handler does not pass it on.
    const app = new Hono().get("/", async (c) => c.json(await world.auth.personalAccessTokens.verify({ token })));
    expect(((await (await app.request("/")).json()) as { code: string }).code).toBe("pat.invalid");
  });

  test("S24: too many from one address: 429 with Retry-After", async () => {
    const headers = { [addressHeader]: freshAddress() };
    const wrong = () => ask("/docs", `Bearer ${generateId("pat")}_x`, { headers });
    for (let index = 0; index < 60; index++) expect((await wrong()).code).toBe("pat.invalid");
    const reply = await wrong();
    expect([reply.status, Number(reply.headers.get("retry-after")) > 0]).toEqual([429, true]);
  });
});
