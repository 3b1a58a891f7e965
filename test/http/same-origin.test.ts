import { Hono, type MiddlewareHandler } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import { authenticate, requireUser } from "../../src/http/authenticate.ts";
import { type Person, system } from "../support/auth.ts";
import { origin as ours, send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
let ada: Person;
beforeAll(async () => {
  world = await openHttp("pglite");
  ada = await world.person({ transport: "cookie" });
});
afterAll(() => world.close());

const sites = [undefined, "same-origin", "same-site", "cross-site", "none"] as const;
const origins = [undefined, ours, "null", "https://evil.example"] as const;
const methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"] as const;
const cookies = [false, true] as const;

interface Shown {
  site: (typeof sites)[number];
  origin: string | undefined;
  cookie: boolean;
}

const shown: Shown[] = sites.flatMap((site) =>
  origins.flatMap((origin) => cookies.map((cookie) => ({ site, origin, cookie }))),
);

function headersOf({ site, origin, cookie }: Shown): Record<string, string> {
  return {
    ...(site !== undefined && { "sec-fetch-site": site }),
    ...(origin !== undefined && { origin }),
    ...(cookie && { cookie: `__Host-session=${ada.token}` }),
  };
}

/** S13 as written: the browser's statement about the site decides, then the origin, then the absence of a cookie. */
function isProved({ site, origin, cookie }: Shown): boolean {
  if (site !== undefined) return site === "same-origin";
  return origin !== undefined ? origin === ours : !cookie;
}

describe("R058, S13: the routes under /auth", () => {
  const rows = routes.filter(({ path }) => path.startsWith("/auth/"));

  const foreign = rows.filter(({ isForeign }) => isForeign);
  test("what a provider or its page sends comes from another site, and needs no cookie of ours", async () => {
    expect(foreign.map(({ id, access }) => [id, access])).toEqual([
      ["receiveProviderAnswer", "anyone"],
      ["endProviderSessions", "anyone"],
      ["receiveProviderNotice", "anyone"],
    ]);
    for (const { path } of foreign) {
      for (const one of shown) {
        const headers = { "content-type": "text/plain", ...headersOf(one) };
        const reply = await world.send({ method: "POST", path, body: "{}", headers });
        expect([path, one, reply.code, reply.setCookies]).toEqual([path, one, "unsupported_media_type", []]);
      }
    }
  });

  const unsafe = rows.filter(({ method, isForeign }) => method !== "get" && !isForeign);
  test.each(unsafe.map(({ id, path, method }) => [id, path, method]))("%s", async (_id, path, method) => {
    for (const one of shown) {
      const app = path === "/auth/sign-out" || path === "/auth/refresh" ? detached() : world.app;
      world.counting.reset();
      const reply = await send(app, {
        method: method!.toUpperCase(),
        path: path!,
        body: "{}",
        headers: { "content-type": "text/plain", ...headersOf(one) },
      });
      const isRefused = reply.code === "forbidden.cross_origin";
      expect([one, isRefused]).toEqual([one, !isProved(one)]);
      if (isRefused) expect([world.counting.requests, reply.setCookies]).toEqual([0, []]);
    }
  });

  const reads = rows.filter(({ method }) => method === "get");
  const readers = reads.filter(
    ({ access, refusals }) => access !== "anyone" && !refusals.includes("forbidden.cross_origin"),
  );
  test.each(readers.map(({ id, path }) => [id, path]))("%s: a safe method needs no proof", async (_id, path) => {
    const made = { actor: system, userId: ada.userId, name: "ci", scope: [] };
    const { pat } = await world.auth.personalAccessTokens.create(made);
    const own = path!
      .replace(":cred_id", ada.credentialId)
      .replace(":ses_id", ada.session.id)
      .replace(":pat_id", pat.id);
    for (const one of shown) {
      const reply = await world.send({ method: "GET", path: own, headers: headersOf(one) });
      expect([one, reply.status]).toEqual([one, one.cookie ? 200 : 401]);
    }
  });

  const followed = reads.filter(({ refusals }) => refusals.includes("forbidden.cross_origin"));
  test("links that begin a sign-in are followed from pages of ours only", async () => {
    expect(followed.map(({ id }) => id)).toEqual([
      "followProviderSignIn",
      "followProviderLink",
      "followProviderStepUp",
    ]);
    for (const { path, access } of followed) {
      for (const one of shown.filter(({ cookie }) => cookie || access === "anyone")) {
        world.counting.reset();
        const reply = await world.send({ method: "GET", path, headers: headersOf(one) });
        const isForeign = reply.code === "forbidden.cross_origin";
        expect([path, one, isForeign]).toEqual([path, one, one.site !== "same-origin"]);
        if (isForeign) expect(reply.setCookies).toEqual([]);
      }
    }
  });

  /** Routes that end or replace the session are called on another database, which has no session. */
  function detached(): typeof world.app {
    const auth = world.isolate({ database: { run: async () => [], batch: async (list) => list.map(() => []) } });
    return applicationOf(auth) as never;
  }

  test.each(["__Host-session", "__Host-login-ticket", "__Host-known-device"])(
    "a %s cookie alone: same-origin proof required",
    async (name) => {
      const sent = { method: "POST", path: "/auth/sign-in", body: "{}", headers: { "content-type": "text/plain" } };
      expect((await world.send(sent)).code).toBe("unsupported_media_type");
      const withCookie = { ...sent, headers: { ...sent.headers, cookie: `${name}=x` } };
      expect((await world.send(withCookie)).code).toBe("forbidden.cross_origin");
      const withAnother = { ...sent, headers: { ...sent.headers, cookie: "theme=dark" } };
      expect((await world.send(withAnother)).code).toBe("unsupported_media_type");
    },
  );

  test("R055: sign-in from a foreign page: no session is made and no cookie set", async () => {
    const before = await world.lastChange();
    const json = { identifier: ada.identifier, password: ada.password };
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: ours },
    ]) {
      const reply = await world.send({
        method: "POST",
        path: "/auth/sign-in",
        json,
        headers: headers as Record<string, string>,
      });
      expect([reply.code, reply.setCookies]).toEqual(["forbidden.cross_origin", []]);
    }
    expect(await world.lastChange()).toBe(before);
  });
});

describe("R058: same-origin proof at an application's own routes", () => {
  const guards: [string, () => MiddlewareHandler][] = [
    ["requireUser", () => requireUser(world.auth)],
    ["authenticate", () => authenticate(world.auth)],
  ];

  test.each(guards)("%s: 5 sites, 4 origins, 6 methods, with the cookie and without", async (name, guard) => {
    let handled = 0;
    const app = new Hono().all("/", guard(), (c) => {
      handled += 1;
      return c.body(null, 204);
    });
    let expected = 0;
    for (const method of methods) {
      for (const one of shown) {
        const isSafe = method === "GET" || method === "HEAD" || method === "OPTIONS";
        const status =
          one.cookie && !isSafe && !isProved(one) ? 403 : one.cookie || name === "authenticate" ? 204 : 401;
        if (status === 204) expected += 1;
        const response = await app.request("/", { method, headers: headersOf(one) });
        expect([method, one, response.status]).toEqual([method, one, status]);
      }
    }
    expect(handled).toBe(expected);
    expect(expected).toBeGreaterThan(70);
  });

  test.each(guards)("S60: %s: a WebSocket with the cookie needs the same proof", async (name, guard) => {
    const app = new Hono().get("/", guard(), (c) => c.body(null, 204));
    for (const upgrade of ["websocket", "WebSocket", "h2c, websocket"]) {
      for (const one of shown) {
        const status = one.cookie && !isProved(one) ? 403 : one.cookie || name === "authenticate" ? 204 : 401;
        const response = await app.request("/", { headers: { ...headersOf(one), connection: "upgrade", upgrade } });
        expect([upgrade, one, response.status]).toEqual([upgrade, one, status]);
      }
    }
  });

  test.each(guards)("%s: a bearer needs no same-origin proof", async (_name, guard) => {
    const app = new Hono().all("/", guard(), (c) => c.body(null, 204));
    const { token } = await world.person();
    for (const one of shown.filter(({ cookie }) => !cookie)) {
      const response = await app.request("/", {
        method: "POST",
        headers: { ...headersOf(one), authorization: `Bearer ${token}` },
      });
      expect([one, response.status]).toEqual([one, 204]);
    }
  });
});

describe("S36: other origins of the deployment count if they are listed for csrf", () => {
  const listed = {
    "https://app.example.com": ["csrf"],
    "https://brand.example": ["cors", "redirect", "webauthn"],
    "https://nothing.example": [],
  } as const;

  const cases = [
    { origin: "https://app.example.com", proved: true },
    { origin: "https://brand.example", proved: false },
    { origin: "https://nothing.example", proved: false },
    { origin: "https://app.example.com.evil.example", proved: false },
    { origin: "https://evil.example/https://app.example.com", proved: false },
    { origin: "http://app.example.com", proved: false },
    { origin: "https://app.example.com:8443", proved: false },
    { origin: "https://APP.example.com", proved: false },
    { origin: "https://app.example.com/", proved: false },
    { origin: "https://app.example.com, https://evil.example", proved: false },
    { origin: "", proved: false },
  ];

  test.each(cases.flatMap((one) => [undefined, "cross-site", "same-site"].map((site) => ({ ...one, site }))))(
    "$origin, $site: $proved",
    async ({ origin, site, proved }) => {
      const origins = [ours, ...Object.entries(listed).map(([one, uses]) => ({ origin: one, uses }))];
      const app = applicationOf(world.isolate({ origins }));
      const headers = { origin, "content-type": "text/plain", ...(site && { "sec-fetch-site": site }) };
      const reply = await send(app, { method: "POST", path: "/auth/sign-in", body: "{}", headers });
      expect(reply.code).toBe(proved ? "unsupported_media_type" : "forbidden.cross_origin");
    },
  );
});

describe("R061: no page of another origin can read an answer", () => {
  test.each([ours, "https://evil.example", "null", "https://app.example.com"])("%s", async (origin) => {
    const app = applicationOf(
      world.isolate({ origins: [ours, { origin: "https://app.example.com", uses: ["csrf"] }] }),
    );
    for (const { path } of routes) {
      for (const method of ["OPTIONS", "GET", "POST"]) {
        const headers = {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "content-type",
        };
        const response = await app.request(path.replace(/:\w+/, "x"), { method, headers });
        expect([...response.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
      }
    }
  });
});

describe("B08: no header makes a request an internal one", () => {
  test.each([
    "x-middleware-subrequest",
    "x-sallyport-user",
    "x-user-id",
    "x-forwarded-user",
    "x-original-url",
    "x-rewrite-url",
    "x-forwarded-prefix",
    "x-http-method-override",
  ])("%s", async (name) => {
    for (const value of ["1", "true", "GET", "/auth/session", ada.userId, "src/middleware:src/middleware"]) {
      const headers = { [name]: value, origin: "https://evil.example", cookie: `__Host-session=${ada.token}` };
      const reply = await world.send({ method: "POST", path: "/auth/refresh", headers });
      expect(reply.code).toBe("forbidden.cross_origin");
      expect((await world.send({ method: "GET", path: "/v1/users", headers })).code).toBe("unauthorized.invalid_token");
    }
  });
});
