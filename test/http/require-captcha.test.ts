import { Hono } from "hono";
import { beforeEach, describe, expect, test } from "vitest";
import type { Captcha } from "../../src/domain/captcha.ts";
import { authRoutes } from "../../src/http/auth-routes.ts";
import { type CaptchaOptions, requireCaptcha } from "../../src/http/rate-limit.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { addressHeader, freshAddress, freshIdentifier, goodPassword, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("requireCaptcha", { on: ["pglite", "postgres"], clock: start }, (world) => {
  let asked: { token: string; address: string | undefined }[];
  /** Accepts the token `solved`. */
  const captcha: Captcha = {
    async verify(token, { address }) {
      asked.push({ token, address });
      if (token === "broken") throw new Error("no answer");
      return token === "solved";
    },
  };
  beforeEach(() => {
    asked = [];
  });

  function application(more: Partial<CaptchaOptions> = {}, checker: Captcha = captcha) {
    let served = 0;
    const app = new Hono();
    app.use("/api/*", requireCaptcha(world.auth, checker, { after: "2/minute", ...more }));
    app.post("/api/things", (c) => {
      served += 1;
      return c.text("ok");
    });
    const ask = (address: string, token?: string) =>
      app.request("/api/things", {
        method: "POST",
        headers: { [addressHeader]: address, ...(token !== undefined && { "captcha-token": token }) },
      });
    return { app, ask, served: () => served };
  }

  const usedUp = async (ask: (address: string, token?: string) => Response | Promise<Response>) => {
    const address = freshAddress();
    for (let time = 0; time < 2; time++) expect((await ask(address)).status).toBe(200);
    return address;
  };

  test("before the limit: no captcha is asked for, and a token is not checked", async () => {
    const { ask, served } = application();
    const address = freshAddress();
    world.counting.reset();
    expect([(await ask(address)).status, (await ask(address, "wrong")).status]).toEqual([200, 200]);
    expect([served(), asked, world.counting.requests]).toEqual([2, [], 2]);
  });

  test.each([
    { case: "without a token", token: undefined, reason: "captcha_required" },
    { case: "with an empty token", token: "", reason: "captcha_required" },
    { case: "with a wrong token", token: "wrong", reason: "captcha_failed" },
  ])("past the limit, $case: refused before the route runs, with the reason", async ({ token, reason }) => {
    const { ask, served } = application();
    const refused = await ask(await usedUp(ask), token);
    expect([refused.status, await refused.json()]).toEqual([
      429,
      { code: "too_many_requests", message: "Too many attempts. Try again later.", details: { reason } },
    ]);
    expect(refused.headers.get("retry-after")).toBe("60");
    expect(refused.headers.get("ratelimit-policy")).toBe('"2/minute";q=2;w=60');
    expect(refused.headers.get("ratelimit")).toBe('"2/minute";r=0;t=60');
    expect(served()).toBe(2);
  });

  test("past the limit, with a solved captcha: served; the next request needs one too", async () => {
    const { ask, served } = application();
    const address = await usedUp(ask);
    expect((await ask(address, "solved")).status).toBe(200);
    expect((await ask(address)).status).toBe(429);
    expect([served(), asked]).toEqual([3, [{ token: "solved", address }]]);
  });

  test("after the window: no captcha is needed", async () => {
    const { ask } = application();
    const address = await usedUp(ask);
    await advanceTestClock(world.database, 60);
    expect((await ask(address)).status).toBe(200);
  });

  test("after ten checks for each free request: refused without a check, also with a solved captcha", async () => {
    const { ask } = application();
    const address = await usedUp(ask);
    const statuses: string[] = [];
    for (let time = 0; time < 20; time++) statuses.push(String((await ask(address, "wrong")).status));
    expect([tally(statuses), asked.length]).toEqual([{ 429: 20 }, 20]);
    const refused = await ask(address, "solved");
    expect([refused.status, (await refused.json()).details, asked.length]).toEqual([429, undefined, 20]);
    expect((await ask(freshAddress())).status).toBe(200);
  });

  test("the most requests that a counter counts are the most checks, whatever the limit is", async () => {
    const { ask } = application({ after: "500000/day", name: "wide" });
    const address = freshAddress();
    await ask(address);
    await world.rows(sql`update attempt set count = 2000000 where bucket like 'rate:%:captcha wide'`);
    const refused = await ask(address, "solved");
    expect([refused.status, asked]).toEqual([429, []]);
  });

  test.each<[string, Captcha["verify"]]>([
    ["a check that fails", () => Promise.reject(new Error("no answer"))],
    [
      "a check that throws",
      () => {
        throw new Error("no answer");
      },
    ],
  ])("S56: %s admits no request: 503", async (_case, verify) => {
    const { ask, served } = application({ name: "failing" }, { verify });
    const address = freshAddress();
    for (let time = 0; time < 2; time++) await ask(address, "solved");
    expect([(await ask(address, "solved")).status, served()]).toEqual([503, 2]);
  });

  test("S83: a check that never ends is given up, and admits no request: 503", async () => {
    const auth = world.isolate({ timeouts: { requestMilliseconds: 3_000, firstMilliseconds: 3_000 } });
    const app = new Hono();
    const never = { verify: () => new Promise<boolean>(() => undefined) };
    app.post("/silent", requireCaptcha(auth, never, { after: "1/minute" }), (c) => c.text("ok"));
    const headers = { [addressHeader]: freshAddress(), "captcha-token": "solved" };
    const ask = async () => (await app.request("/silent", { method: "POST", headers })).status;
    expect([await ask(), await ask()]).toEqual([200, 503]);
  });

  test.each([[1], ["true"], [{}], [undefined]])("S56: only true is a solved captcha, not %j", async (answer) => {
    const { ask, served } = application({ name: `answers-${typeof answer}` }, { verify: async () => answer as never });
    const address = await usedUp(ask);
    expect([(await ask(address, "solved")).status, served()]).toEqual([429, 2]);
  });

  test("1,000 requests at once without a token: two are served", async () => {
    const { ask, served } = application();
    const address = freshAddress();
    await Promise.all(Array.from({ length: 1_000 }, () => ask(address)));
    expect(served()).toBe(2);
  });

  test("key and token of the application's: the token from the query", async () => {
    const { app } = application({ key: (c) => c.req.query("user"), token: (c) => c.req.query("captcha") });
    const ask = async (query: string) => (await app.request(`/api/things?${query}`, { method: "POST" })).status;
    expect([await ask("user=ada"), await ask("user=ada"), await ask("user=ada"), await ask("user=bob")]).toEqual([
      ...[200, 200, 429, 200],
    ]);
    expect(await ask("user=ada&captcha=solved")).toBe(200);
  });

  describe("before Sallyport's own routes", () => {
    const site = () => {
      const app = new Hono();
      app.use("/auth/sign-in", requireCaptcha(world.auth, captcha, { after: "1/minute" }));
      app.route("/", authRoutes(world.auth));
      return (address: string, identifier: string, password: string, token?: string) =>
        app.request("/auth/sign-in", {
          method: "POST",
          headers: {
            "content-type": "application/json",
            origin: "https://example.com",
            [addressHeader]: address,
            ...(token && { "captcha-token": token }),
          },
          body: JSON.stringify({ identifier, password }),
        });
    };

    test("a sign-in past the limit needs a captcha, costs no hash without one, and works with one", async () => {
      const { identifier, password } = await world.person();
      const ask = site();
      const address = freshAddress();
      expect((await ask(address, identifier, goodPassword.toUpperCase())).status).toBe(401);
      world.hasher.reset();
      expect((await ask(address, identifier, password)).status).toBe(429);
      expect(world.hasher.computations).toBe(0);
      expect((await ask(address, identifier, password, "solved")).status).toBe(200);
    });

    test("S58: known and unknown identifiers are answered alike", async () => {
      const answers: unknown[] = [];
      for (const identifier of [(await world.person()).identifier, freshIdentifier()]) {
        const ask = site();
        const address = freshAddress();
        for (const token of [undefined, undefined, "wrong", "solved"]) {
          world.counting.reset();
          world.hasher.reset();
          const answer = await ask(address, identifier, goodPassword.toUpperCase(), token);
          const headers = Object.fromEntries(answer.headers);
          const work = [world.counting.requests, world.hasher.computations];
          answers.push([answer.status, await answer.json(), { ...headers, "x-request-id": "" }, work]);
        }
      }
      expect(answers.slice(4)).toEqual(answers.slice(0, 4));
    });
  });

  describe("S36, S78: a page of another origin", () => {
    const friend = "https://app.example.com";
    const origins = [
      "https://example.com",
      { origin: friend, uses: ["cors", "csrf"] as const, headers: ["Captcha-Token"] },
    ];
    const site = (app = new Hono()) => {
      const auth = world.isolate({ origins });
      app.use("/auth/sign-in", requireCaptcha(auth, captcha, { after: "1/minute", name: crypto.randomUUID() }));
      app.route("/", authRoutes(auth));
      const address = freshAddress();
      const send = (origin: string, init: RequestInit) =>
        app.request("/auth/sign-in", { ...init, headers: { ...init.headers, origin, [addressHeader]: address } });
      return {
        preflight: (origin = friend) =>
          send(origin, {
            method: "OPTIONS",
            headers: {
              "access-control-request-method": "POST",
              "access-control-request-headers": "captcha-token,content-type",
            },
          }),
        signIn: async (token?: string) => {
          const { identifier, password } = await world.person();
          return await send(friend, {
            method: "POST",
            headers: { "content-type": "application/json", ...(token && { "captcha-token": token }) },
            body: JSON.stringify({ identifier, password, transport: "token" }),
          });
        },
      };
    };

    test("reads that it needs a captcha, and may send one, however many preflights it sends", async () => {
      const { preflight, signIn } = site();
      for (let time = 0; time < 30; time++) {
        const permission = await preflight();
        expect([permission.status, permission.headers.get("access-control-allow-origin")]).toEqual([204, friend]);
        expect(permission.headers.get("access-control-allow-headers")).toMatch(/\bCaptcha-Token\b/);
        expect(permission.headers.get("access-control-allow-methods")).toBe("POST");
      }
      expect((await signIn()).status).toBe(200);
      const refused = await signIn();
      expect([refused.status, (await refused.json()).details]).toEqual([429, { reason: "captcha_required" }]);
      expect(refused.headers.get("access-control-allow-origin")).toBe(friend);
      expect(refused.headers.get("access-control-expose-headers")).toContain("Retry-After");
      expect((await preflight()).status).toBe(204);
      expect((await signIn("solved")).status).toBe(200);
    });

    test("a page that is not listed may send and read nothing", async () => {
      const { preflight } = site();
      for (const status of [404, 429]) {
        const refused = await preflight("https://evil.test");
        expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([status, null]);
      }
    });

    test("a route that answers OPTIONS as well does not run without a captcha past the limit", async () => {
      let served = 0;
      const app = new Hono();
      const auth = world.isolate({ origins });
      app.use("/all", requireCaptcha(auth, captcha, { after: "2/minute" }));
      app.all("/all", (c) => c.text(String(++served)));
      const headers = { origin: friend, "access-control-request-method": "POST", [addressHeader]: freshAddress() };
      for (let time = 0; time < 9; time++) await app.request("/all", { method: "OPTIONS", headers });
      expect(served).toBe(2);
    });
  });

  test("the provider learns the address in one spelling, without port and brackets, or none", async () => {
    const { ask } = application({ name: "spelled" });
    for (const [written, told] of [
      ["[2001:DB8:77::1]:443", "2001:db8:77::1"],
      ["::ffff:203.0.113.77", "203.0.113.77"],
      ["203.0.113.78:5060", "203.0.113.78"],
      ["no address", undefined],
    ] as const) {
      for (let time = 0; time < 3; time++) await ask(written, "solved");
      expect(asked.pop()).toEqual({ token: "solved", address: told });
    }
  });

  test.each<[string, unknown]>([
    ["rate", { after: "often" }],
    ["rate", { after: undefined }],
    ["key", { key: "user" }],
    ["token", { token: "captcha" }],
    ["name", { name: "two words" }],
  ])("a wrong option is refused when the application starts: %s %j", (option, options) => {
    expect(() => requireCaptcha(world.auth, captcha, { after: "2/minute", ...(options as object) })).toThrow(
      expect.objectContaining({ name: "TypeError", option }) as Error,
    );
  });

  test.each([[undefined], [null], [{}], [() => true]])("a captcha without `verify` is refused: %j", (wrong) => {
    expect(() => requireCaptcha(world.auth, wrong as never, { after: "2/minute" })).toThrow(TypeError);
  });
});
