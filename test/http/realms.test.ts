import { type Context, Hono, type MiddlewareHandler } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authenticate, requireUser } from "../../src/http/authenticate.ts";
import { sharedByAllClients } from "../../src/http/client-address.ts";
import { requireFreshMfa } from "../../src/http/fresh-mfa.ts";
import { authorization, createAuth } from "../../src/index.ts";
import {
  addressHeader,
  type FullAuth,
  freshAddress,
  openAuth,
  type Person,
  secret,
  system,
  type World,
} from "../support/auth.ts";

let one: World;
let other: World;
let ada: Person;
let token: string;
beforeAll(async () => {
  [one, other] = [await openAuth("pglite"), await openAuth("pglite")];
  ada = await one.person();
  await one.levelTwo(ada.session);
  const made = await one.auth.personalAccessTokens.create({
    actor: system,
    userId: ada.userId,
    name: "ci",
    scope: ["docs:read"],
  });
  token = made.token;
});
afterAll(async () => {
  await one.close();
  await other.close();
});

const guards: Record<string, (auth: FullAuth) => MiddlewareHandler> = {
  requireUser: (auth) => requireUser(auth),
  "requireUser with a scope": (auth) => requireUser(auth, { scope: "docs:read" }),
  requireFreshMfa: (auth) => requireFreshMfa(auth),
};
const identifying: Record<string, (auth: FullAuth) => MiddlewareHandler> = {
  authenticate: (auth) => authenticate(auth),
  "authenticate with a scope": (auth) => authenticate(auth, { scope: "docs:read" }),
  ...guards,
};

const bearer = (text: string) => ({ headers: { authorization: `Bearer ${text}`, [addressHeader]: freshAddress() } });

describe("S55: a context variable set by other middleware admits no request", () => {
  const values = (): unknown[] => [
    true,
    1,
    "usr_x",
    {},
    { userId: ada.userId },
    ada.actor,
    { ...ada.actor },
    { id: ada.userId },
    ada.session,
    { id: "pat_x", scope: ["docs:read"] },
    new Date(),
  ];
  const names = ["user", "session", "actor", "asOf", "token", "auth", "verified"];

  test.each(Object.entries(guards))("%s: 401 without a credential, whatever is set", async (_name, guard) => {
    for (const value of values()) {
      for (const set of [...names.map((name) => [name]), names]) {
        const app = new Hono<{ Variables: Record<string, unknown> }>()
          .use(async (c, next) => {
            for (const name of set) c.set(name, value);
            await next();
          })
          .get("/", guard(one.auth), (c) => c.text("let in"));
        const response = await app.request("/", { headers: { [addressHeader]: freshAddress() } });
        expect([set, response.status]).toEqual([set, 401]);
      }
    }
  });

  test("with a credential the handler sees the verified user, not the variable", async () => {
    const bob = await one.person();
    const app = new Hono<{ Variables: Record<string, unknown> }>()
      .use(async (c, next) => {
        c.set("user", { id: bob.userId });
        c.set("actor", bob.actor);
        await next();
      })
      .get("/", requireUser(one.auth), (c) => c.json({ id: c.var.user.id, actor: c.var.actor.userId }));
    expect(await (await app.request("/", bearer(ada.token))).json()).toEqual({ id: ada.userId, actor: ada.userId });
  });

  test("a variable set between two guards does not affect the second", async () => {
    const app = new Hono()
      .use(authenticate(one.auth))
      .use(async (c: Context, next) => {
        c.set("actor", system);
        c.set("user", { id: "usr_root" });
        await next();
      })
      .get("/", requireUser(one.auth), (c) => c.json({ id: c.var.user.id }));
    expect(await (await app.request("/", bearer(ada.token))).json()).toEqual({ id: ada.userId });
    expect((await app.request("/")).status).toBe(401);
  });
});

describe("S55: two realms in one application", () => {
  const pairs = Object.entries(identifying).flatMap(([first, before]) =>
    Object.entries(guards).map(([second, after]) => [first, second, before, after] as const),
  );

  test.each(pairs)(
    "%s of one, %s of the other: its session is not accepted",
    async (_first, _second, before, after) => {
      const bearers = [ada.token, token];
      for (const text of bearers) {
        const app = new Hono().get("/", before(one.auth), after(other.auth), (c) => c.text("let in"));
        expect((await app.request("/", bearer(text))).status).toBe(401);
      }
    },
  );

  test.each([
    { case: "of the other", second: (): MiddlewareHandler => authenticate(other.auth), isSame: false },
    { case: "of the same", second: (): MiddlewareHandler => authenticate(one.auth), isSame: true },
  ])("authenticate $case after requireUser: the handler sees its own user or none", async ({ second, isSame }) => {
    const bob = await one.person({ transport: "cookie" });
    const app = new Hono().get("/", requireUser(one.auth), second(), (c) => c.json({ id: c.var.user?.id ?? null }));
    const response = await app.request("/", { headers: { cookie: `__Host-session=${bob.token}` } });
    expect([response.status, await response.json()]).toEqual([200, { id: isSame ? bob.userId : null }]);
  });

  test("two environments of one function are two realms", async () => {
    const worlds = { one, other };
    const auth = createAuth((env: { name: keyof typeof worlds }) => ({
      database: worlds[env.name].database,
      secrets: secret,
      origins: ["https://example.com"],
      clientAddress: sharedByAllClients,
      features: [authorization()],
    }));
    const app = new Hono().get("/", requireUser(auth), (c) => c.text(c.var.user.id));
    const [first, second] = [{ name: "one" }, { name: "other" }] as const;
    for (const [env, status] of [
      [first, 200],
      [second, 401],
      [first, 200],
    ] as const) {
      expect((await app.request("/", bearer(ada.token), env)).status).toBe(status);
    }
  });

  test("in the same realm the second guard uses the first one's result: one request to the database", async () => {
    const app = new Hono().get("/", authenticate(one.auth), requireUser(one.auth), (c) => c.text("let in"));
    one.counting.reset(1);
    expect((await app.request("/", bearer(ada.token))).status).toBe(200);
    one.counting.reset();
  });
});

describe("made-up tokens from one address", () => {
  test("S23, S24: 60 of them do not block a valid token from another address", async () => {
    const app = new Hono().get("/docs", requireUser(one.auth, { scope: "docs:read" }), (c) => c.text("let in"));
    const stranger = freshAddress();
    const made = `pat_${"0190f2a81b3c7abc8123456789abcdef"}_${"x".repeat(43)}`;
    const statuses: number[] = [];
    for (let index = 0; index < 61; index++) {
      const headers = { authorization: `Bearer ${made}`, [addressHeader]: stranger };
      statuses.push((await app.request("/docs", { headers })).status);
    }
    expect(statuses.at(-1)).toBe(429);
    expect((await app.request("/docs", bearer(token))).status).toBe(200);
  });
});
