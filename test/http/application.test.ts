import { Hono, type MiddlewareHandler } from "hono";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import type { SessionActor } from "../../src/domain/actor.ts";
import { generateId, uuidOf } from "../../src/domain/id.ts";
import type { Session } from "../../src/domain/session.ts";
import type { SignedInUser } from "../../src/domain/user.ts";
import { authenticate, authRoutes, requireUser } from "../../src/http/index.ts";
import { goodPassword, type Person } from "../support/auth.ts";
import { origin } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

/** An application as in the README, without type annotations. */
function application() {
  const { auth } = world;
  return new Hono()
    .use(authenticate(auth))
    .get("/", (c) => c.json({ name: c.var.user?.displayName ?? "nobody" }))
    .get("/me", requireUser(auth), (c) => c.json({ id: c.var.user.id, session: c.var.session.id }))
    .delete("/me", requireUser(auth), async (c) => {
      const { password: currentPassword } = await c.req.json<{ password: string }>();
      await auth.users.revokeOwn({ actor: c.var.actor, userId: c.var.user.id, currentPassword });
      return c.body(null, 204);
    })
    .route("/", authRoutes(auth));
}

const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });

describe("types of guards: need no augmentation", () => {
  test("after authenticate the user is optional; after requireUser it is set", () => {
    const { auth } = world;
    new Hono().use(authenticate(auth)).get("/", (c) => {
      expectTypeOf(c.var.user).toEqualTypeOf<SignedInUser | undefined>();
      expectTypeOf(c.var.session).toEqualTypeOf<Session | undefined>();
      expectTypeOf(c.var.actor).toEqualTypeOf<SessionActor | undefined>();
      return c.body(null);
    });
    new Hono().get("/", requireUser(auth), (c) => {
      expectTypeOf(c.var.user).toEqualTypeOf<SignedInUser>();
      expectTypeOf(c.var.session).toEqualTypeOf<Session>();
      expectTypeOf(c.var.actor).toEqualTypeOf<SessionActor>();
      return c.body(null);
    });
    new Hono()
      .use(authenticate(auth))
      .use("/private/*", requireUser(auth))
      .get("/private/x", requireUser(auth), (c) => c.json({ id: c.var.user.id satisfies `usr_${string}` }));
    // @ts-expect-error without either there is no user
    new Hono().get("/", (c) => c.json(c.var.user));
    new Hono<{ Variables: { mine: number }; Bindings: { KEY: string } }>()
      .use(authenticate((env: { KEY: string }) => (env.KEY ? auth : auth)))
      .get(
        "/",
        requireUser(() => auth),
        (c) => {
          expectTypeOf(c.var.mine).toEqualTypeOf<number>();
          expectTypeOf(c.env.KEY).toEqualTypeOf<string>();
          return c.json({ id: c.var.user.id });
        },
      );
    expect(application()).toBeInstanceOf(Hono);
  });
});

describe("guards in an application", () => {
  test("identify the user in one request, whichever guards run", async () => {
    const app = application();
    const ada = await world.person();
    for (const path of ["/", "/me"]) {
      world.counting.reset(1);
      const response = await app.request(path, bearer(ada.token));
      expect([path, response.status, world.counting.requests]).toEqual([path, 200, 1]);
    }
    world.counting.reset();
    expect(await (await app.request("/me", bearer(ada.token))).json()).toEqual({
      id: ada.userId,
      session: ada.session.id,
    });
  });

  test("an anonymous client: no request to the database", async () => {
    world.counting.reset(0);
    const app = application();
    expect(await (await app.request("/")).json()).toEqual({ name: "nobody" });
    const refused = await app.request("/me");
    expect([refused.status, refused.headers.get("www-authenticate"), refused.headers.get("cache-control")]).toEqual([
      401,
      "Bearer",
      "no-store",
    ]);
    expect(await refused.json()).toEqual({
      code: "unauthorized.invalid_token",
      message: "A valid session is required.",
    });
    world.counting.reset();
  });

  test("S19: an ended session cookie: anonymous, and not cleared", async () => {
    const app = application();
    const ada = await world.person({ transport: "cookie" });
    await world.auth.sessions.revoke({ actor: ada.actor, sessionId: ada.session.id });
    const headers = { cookie: `__Host-session=${ada.token}` };
    const seen = await app.request("/", { headers });
    expect([seen.status, await seen.json(), seen.headers.getSetCookie()]).toEqual([200, { name: "nobody" }, []]);
    const refused = await app.request("/me", { headers });
    expect([refused.status, ((await refused.json()) as { code: string }).code, refused.headers.getSetCookie()]).toEqual(
      [401, "unauthorized.session_expired", []],
    );
  });

  test("a wrong bearer: refused even where no user is required", async () => {
    const response = await application().request("/", bearer("A".repeat(43)));
    expect(response.status).toBe(401);
  });

  test("S12: a session without its second factor: anonymous in a cookie, refused as a bearer", async () => {
    const app = application();
    const [bearerOnly, inCookie] = [await world.person(), await world.person({ transport: "cookie" })];
    await world.enroll(bearerOnly.userId);
    await world.enroll(inCookie.userId);
    expect(((await (await app.request("/", bearer(bearerOnly.token))).json()) as { code: string }).code).toBe(
      "unauthorized.mfa_required",
    );
    expect(await (await app.request("/", { headers: { cookie: `__Host-session=${inCookie.token}` } })).json()).toEqual({
      name: "nobody",
    });
  });

  test("act for the user, with a cookie and the same-origin proof", async () => {
    const app = application();
    const ada = await world.person({ transport: "cookie" });
    const cookie = `__Host-session=${ada.token}`;
    const body = JSON.stringify({ password: goodPassword });
    expect((await app.request("/me", { method: "DELETE", headers: { cookie }, body })).status).toBe(403);
    expect((await app.request("/me", { method: "DELETE", headers: { cookie, origin }, body })).status).toBe(204);
    expect((await app.request("/me", { headers: { cookie } })).status).toBe(401);
    expect(
      (await world.events({ target: ada.userId, action: "identity.user.revoke" })).map(
        ({ actorUserId }) => actorUserId,
      ),
    ).toEqual([uuidOf(ada.userId)]);
  });

  test("leave the application's own routes and errors alone", async () => {
    const app = application();
    const ada = await world.person();
    expect((await app.request("/auth/session", bearer(ada.token))).status).toBe(200);
    const own = await app.request("/nowhere");
    expect([own.status, await own.text()]).toEqual([404, "404 Not Found"]);
  });
});

describe("application errors", () => {
  test("an operation's refusal: answered as Sallyport's routes answer it", async () => {
    const app = new Hono().get("/", requireUser(world.auth), async (c) => {
      await world.auth.users.get({ actor: c.var.actor, userId: generateId("usr") });
      return c.body(null);
    });
    const response = await app.request("/", bearer((await world.person()).token));
    expect([response.status, await response.json()]).toEqual([404, { code: "not_found", message: "Not found." }]);
  });

  test("an internal fault: reaches the application's handler and no client", async () => {
    const told: unknown[] = [];
    const broken = {
      ...world.auth,
      sessions: { ...world.auth.sessions, verify: () => Promise.reject(new RangeError("canary")) },
    };
    for (const guard of [requireUser(broken), authenticate(broken)] as MiddlewareHandler[]) {
      const app = new Hono()
        .onError((error, c) => {
          told.push(error);
          return c.text("of the application", 500);
        })
        .get("/", guard, (c) => c.text("handled"));
      const response = await app.request("/", bearer("A".repeat(43)));
      expect([response.status, await response.text()]).toEqual([500, "of the application"]);
    }
    expect(told.map(String)).toEqual(["RangeError: canary", "RangeError: canary"]);
  });

  test("R130: an internal fault in Sallyport's routes: reported to `onError`, not to the client", async () => {
    const told: unknown[] = [];
    const auth = world.isolate({ onError: (error) => told.push(error) });
    const broken = {
      ...auth,
      sessions: { ...auth.sessions, verify: () => Promise.reject(new RangeError("canary")) },
    };
    const app = authRoutes(broken);
    const response = await app.request("/auth/session", bearer("A".repeat(43)));
    expect([response.status, await response.text()]).toEqual([
      500,
      '{"code":"internal_error","message":"Something went wrong."}',
    ]);
    expect(told.map(String)).toEqual(["RangeError: canary"]);
  });
});

test("R131: two hundred requests at once: each gets its own user", async () => {
  const app = application();
  const people: Person[] = [];
  while (people.length < 20) people.push(await world.person());
  const asked = Array.from({ length: 200 }, (_, index) => people[(index * 7) % people.length]!);
  const answers = await Promise.all(asked.map(async ({ token }) => (await app.request("/me", bearer(token))).json()));
  expect(answers).toEqual(asked.map(({ userId, session }) => ({ id: userId, session: session.id })));
});
