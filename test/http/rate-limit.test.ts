import { type Context, Hono, type MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { beforeEach, describe, expect, test } from "vitest";
import { type RateLimitOptions, rateLimit } from "../../src/http/rate-limit.ts";
import { createAuth } from "../../src/index.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { addressHeader, freshAddress, secret, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { type FaultyDatabase, faultyDatabase } from "../support/faulty-database.ts";

const start = new Date("2026-11-22T12:00:00Z");

/** An application with limited routes, which counts what it has served. */
function application(...limits: MiddlewareHandler[]) {
  let served = 0;
  const app = new Hono();
  app.use("/api/*", ...limits);
  app.all("/api/*", (c) => {
    served += 1;
    return c.json({ ok: true }, c.req.path === "/api/wrong" ? 403 : 200);
  });
  return {
    app,
    served: () => served,
    ask: (address: string, path = "/api/things", more: Record<string, string> = {}) =>
      app.request(path, { method: "POST", headers: { [addressHeader]: address, ...more } }),
  };
}

const statuses = async (times: number, ask: () => Response | Promise<Response>): Promise<number[]> => {
  const all: number[] = [];
  for (let time = 0; time < times; time++) all.push((await ask()).status);
  return all;
};

const headersOf = (response: Response) =>
  Object.fromEntries(
    ["retry-after", "ratelimit", "ratelimit-policy"].map((name) => [name, response.headers.get(name)]),
  );

describeWorld("LX12: rateLimit", { on: ["pglite", "postgres"], clock: start }, (world) => {
  const limited = (rate = "5/minute", options: RateLimitOptions = {}) =>
    application(rateLimit(world.auth, rate, options));

  test("the sixth request in a minute: 429 before the route runs, with the body of every refusal", async () => {
    const { ask, served } = limited();
    const address = freshAddress();
    expect(await statuses(5, () => ask(address))).toEqual(Array(5).fill(200));
    const refused = await ask(address);
    expect([refused.status, await refused.json()]).toEqual([
      429,
      { code: "too_many_requests", message: "Too many attempts. Try again later." },
    ]);
    expect(refused.headers.get("cache-control")).toBe("no-store");
    expect(served()).toBe(5);
  });

  test("each request costs one request to the database, and a refused one too", async () => {
    const { ask } = limited("1/minute");
    const address = freshAddress();
    for (const status of [200, 429, 429]) {
      world.counting.reset();
      expect((await ask(address)).status).toBe(status);
      expect(world.counting.requests).toBe(1);
    }
  });

  test("RateLimit, RateLimit-Policy and Retry-After count down", async () => {
    const { ask } = limited("2/minute");
    const address = freshAddress();
    const policy = { "ratelimit-policy": '"2/minute";q=2;w=60' };
    expect(headersOf(await ask(address))).toEqual({ ...policy, ratelimit: '"2/minute";r=1;t=60', "retry-after": null });
    await advanceTestClock(world.database, 20);
    expect(headersOf(await ask(address))).toEqual({ ...policy, ratelimit: '"2/minute";r=0;t=40', "retry-after": null });
    expect(headersOf(await ask(address))).toEqual({ ...policy, ratelimit: '"2/minute";r=0;t=60', "retry-after": "60" });
  });

  test("a window begins with its first request and ends on the second", async () => {
    const { ask } = limited("5/minute", { block: 0 });
    const address = freshAddress();
    await statuses(4, () => ask(address));
    await advanceTestClock(world.database, 59);
    expect(await statuses(2, () => ask(address))).toEqual([200, 429]);
    await advanceTestClock(world.database, 1);
    expect(await statuses(6, () => ask(address))).toEqual([...Array(5).fill(200), 429]);
  });

  test("block: from the first request past the limit, and later ones do not prolong it", async () => {
    const { ask } = limited("2/minute", { block: 600 });
    const address = freshAddress();
    await statuses(2, () => ask(address));
    await advanceTestClock(world.database, 30);
    expect((await ask(address)).headers.get("retry-after")).toBe("600");
    await advanceTestClock(world.database, 599);
    expect((await ask(address)).headers.get("retry-after")).toBe("1");
    await advanceTestClock(world.database, 1);
    expect(await statuses(3, () => ask(address))).toEqual([200, 200, 429]);
  });

  test("a block that is shorter than the window does not let more requests through", async () => {
    const { ask } = limited("2/hour", { block: 60 });
    const address = freshAddress();
    expect(await statuses(3, () => ask(address))).toEqual([200, 200, 429]);
    await advanceTestClock(world.database, 3_599);
    expect((await ask(address)).status).toBe(429);
  });

  test("a success clears nothing, and a failure counts as much", async () => {
    const { ask } = limited("4/minute");
    const address = freshAddress();
    const answers = [await ask(address, "/api/wrong"), await ask(address), await ask(address, "/api/wrong")];
    expect(answers.map(({ status }) => status)).toEqual([403, 200, 403]);
    expect(await statuses(2, () => ask(address))).toEqual([200, 429]);
  });

  describe("who is counted", () => {
    test("R016: every spelling of one address, and an IPv6 /64 as one", async () => {
      const { ask } = limited("3/minute");
      const spellings = ["2001:db8:7:1::1", "2001:DB8:7:1:ffff::2", '"[2001:db8:7:1::3]:443"', "2001:db8:7:1::4"];
      const answers = await Promise.all(spellings.map((address) => ask(address)));
      expect(tally(answers.map(({ status }) => String(status)))).toEqual({ 200: 3, 429: 1 });
      expect((await ask("2001:db8:7:2::1")).status).toBe(200);
    });

    test("R017: requests without a readable address share one counter", async () => {
      const { ask, app } = limited("2/minute", { name: "unreadable" });
      expect((await ask("no address")).status).toBe(200);
      expect((await ask("neither")).status).toBe(200);
      expect((await app.request("/api/things")).status).toBe(429);
    });

    test("a key counts from everywhere, and another key by itself", async () => {
      const { ask } = limited("2/minute", { key: (c) => c.req.header("x-user") });
      const of = (user: string) => () => ask(freshAddress(), "/api/things", { "x-user": user });
      expect(await statuses(3, of("ada"))).toEqual([200, 200, 429]);
      expect(await statuses(3, of("bob"))).toEqual([200, 200, 429]);
    });

    test.each<{ case: string; key: NonNullable<RateLimitOptions["key"]> }>([
      { case: "undefined", key: () => undefined },
      { case: "an empty text", key: () => "" },
      { case: "a promise of nothing", key: async () => undefined },
    ])("a key that is $case: the address counts", async ({ key }) => {
      const { ask } = limited("2/minute", { key });
      const address = freshAddress();
      expect(await statuses(3, () => ask(address))).toEqual([200, 200, 429]);
      expect((await ask(freshAddress())).status).toBe(200);
    });

    test("a key that is the text of an address does not count against that address", async () => {
      const key = rateLimit(world.auth, "1/minute", { name: "apart", key: (c) => c.req.header("x-user") });
      const { ask } = application(key);
      expect(await statuses(2, () => ask(freshAddress(), "/api/x", { "x-user": "192.0.2.77" }))).toEqual([200, 429]);
      expect((await ask("192.0.2.77")).status).toBe(200);
    });

    test("an error in the key is the application's, and serves nothing", async () => {
      const limit = rateLimit(world.auth, "5/minute", {
        key: () => {
          throw new TypeError("a fault of the application");
        },
      });
      const { app, ask, served } = application(limit);
      app.onError((error, c) => c.text(error.message, 500));
      const answer = await ask(freshAddress());
      expect([answer.status, await answer.text(), served()]).toEqual([500, "a fault of the application", 0]);
    });

    test("the database holds neither the key nor the address", async () => {
      const { ask } = limited("5/minute", { key: (c) => c.req.header("x-user") });
      await ask("203.0.113.123", "/api/things", { "x-user": "ada-lovelace" });
      await ask("203.0.113.123");
      const rows = await world.rows<{ row: string }>(
        sql`select attempt::text as row from attempt where bucket like 'rate:%'`,
      );
      expect(rows.length).toBeGreaterThan(1);
      for (const { row } of rows) expect(row).not.toMatch(/ada-lovelace|203\.0\.113/);
    });
  });

  describe("several limits", () => {
    test("two routes with one rate have two counters; one name has one", async () => {
      const app = new Hono();
      const one = (path: string, options?: RateLimitOptions) =>
        app.get(path, rateLimit(world.auth, "1/minute", options), (c) => c.text("ok"));
      one("/a");
      one("/b");
      one("/c", { name: "shared" });
      one("/d", { name: "shared" });
      const headers = { [addressHeader]: freshAddress() };
      const asked = async (path: string) => (await app.request(path, { headers })).status;
      expect([await asked("/a"), await asked("/b"), await asked("/a"), await asked("/b")]).toEqual([
        200, 200, 429, 429,
      ]);
      expect([await asked("/c"), await asked("/d")]).toEqual([200, 429]);
    });

    test("both stand in the headers, and the stricter one refuses", async () => {
      const { ask } = application(rateLimit(world.auth, "2/minute"), rateLimit(world.auth, "9/hour"));
      const address = freshAddress();
      expect(headersOf(await ask(address))).toMatchObject({
        ratelimit: expect.stringMatching(/"2\/minute";r=1;t=60/),
        "ratelimit-policy": '"9/hour";q=9;w=3600, "2/minute";q=2;w=60',
      });
      await ask(address);
      expect(headersOf(await ask(address))).toMatchObject({ ratelimit: '"2/minute";r=0;t=60' });
    });
  });

  describe("S80: what the application answers stays as it is", () => {
    const answered = async (answer: (c: Context) => Response) => {
      const app = new Hono();
      app.use(rateLimit(world.auth, "5/minute", { name: "answers" }));
      app.get("/", answer);
      app.onError((_error, c) => c.text("handled", 418));
      return await app.request("/", { headers: { [addressHeader]: freshAddress() } });
    };

    test("headers that cannot be changed, as of a response from fetch", async () => {
      const answer = await answered(() => {
        const response = Response.redirect("https://example.com/next", 303);
        expect(() => response.headers.set("a", "b")).toThrow();
        return response;
      });
      expect([answer.status, answer.headers.get("location")]).toEqual([303, "https://example.com/next"]);
      expect(answer.headers.get("ratelimit")).toContain(";r=4;");
    });

    test("an error is the application's to handle, and counts", async () => {
      const answer = await answered(() => {
        throw new Error("a fault of the application");
      });
      expect([answer.status, await answer.text()]).toEqual([418, "handled"]);
      expect(answer.headers.get("ratelimit")).toContain(";r=4;");
    });

    test("a response that switches protocols is the very same object", async () => {
      const switching = new Response(null);
      Object.defineProperty(switching, "status", { value: 101 });
      expect(await answered(() => switching)).toBe(switching);
    });

    test("cookies and other headers", async () => {
      const answer = await answered((c) => {
        c.header("set-cookie", "a=1", { append: true });
        c.header("set-cookie", "b=2", { append: true });
        return c.body(null, 204);
      });
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([204, ["a=1", "b=2"]]);
    });
  });

  describe("S36: a page of another origin", () => {
    const friend = "https://app.example.com";
    const sites = () => {
      const auth = world.isolate({ origins: ["https://example.com", { origin: friend, uses: ["cors"] as const }] });
      return application(rateLimit(auth, "2/minute", { name: crypto.randomUUID() }));
    };

    test("its preflights do not use up its requests, and have a limit of their own", async () => {
      const { app, ask } = sites();
      const address = freshAddress();
      const headers = { origin: friend, "access-control-request-method": "POST", [addressHeader]: address };
      const preflight = async () => (await app.request("/api/things", { method: "OPTIONS", headers })).status;
      expect([await preflight(), await preflight(), await preflight()]).toEqual([200, 200, 429]);
      expect(await statuses(3, () => ask(address))).toEqual([200, 200, 429]);
    });

    test.each([
      ["https://app.example.com", "https://app.example.com"],
      ["https://evil.test", null],
    ])("%s: who may read a refusal, and its headers", async (origin, allowed) => {
      const { ask } = sites();
      const address = freshAddress();
      await statuses(2, () => ask(address));
      const { status, headers } = await ask(address, "/api/things", { origin });
      expect([status, headers.get("access-control-allow-origin"), headers.get("vary")]).toEqual([
        429,
        allowed,
        "Origin",
      ]);
      const exposed = headers.get("access-control-expose-headers")?.split(/, ?/) ?? [];
      expect(exposed.filter((name) => /^(Retry-After|RateLimit.*)$/.test(name))).toEqual(
        allowed ? ["Retry-After", "RateLimit-Policy", "RateLimit"] : [],
      );
    });

    test("S80: an application's own CORS answers stay", async () => {
      const app = new Hono();
      app.use(cors({ origin: "https://other.example", exposeHeaders: ["X-Own"] }));
      const auth = world.isolate({ origins: ["https://example.com", { origin: friend, uses: ["cors"] as const }] });
      app.post("/own", rateLimit(auth, "1/minute", { name: "own-cors" }), (c) => c.text("ok"));
      const headers = { origin: "https://other.example", [addressHeader]: freshAddress() };
      for (const status of [200, 429]) {
        const answer = await app.request("/own", { method: "POST", headers });
        expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([
          status,
          "https://other.example",
        ]);
        expect(answer.headers.get("access-control-expose-headers")).toMatch(/^X-Own\b/);
      }
    });
  });

  describe("a database that fails", () => {
    let faulty: FaultyDatabase;
    let reported: unknown[];
    const on = (options: RateLimitOptions) => {
      const auth = world.isolate({ database: faulty, onError: (error) => reported.push(error) });
      return application(rateLimit(auth, "2/minute", options));
    };
    beforeEach(() => {
      faulty = faultyDatabase(world.database);
      reported = [];
    });

    test("a lost reply: the request is served and counted once", async () => {
      const { ask, served } = on({ name: "lost" });
      const address = freshAddress();
      faulty.reset(["after"]);
      expect((await ask(address)).headers.get("ratelimit")).toBe('"2/minute";r=1;t=60');
      faulty.reset(["before"]);
      expect((await ask(address)).headers.get("ratelimit")).toBe('"2/minute";r=0;t=60');
      faulty.reset(["after"]);
      expect((await ask(address)).headers.get("retry-after")).toBe("60");
      expect(served()).toBe(2);
    });

    test("no answer: 503 and nothing is served; reported once", async () => {
      const { ask, served } = on({});
      faulty.reset(() => "before");
      const answer = await ask(freshAddress());
      expect([answer.status, served(), reported.length]).toEqual([503, 0, 1]);
      expect(answer.headers.get("retry-after")).toBe("1");
      expect(answer.headers.get("ratelimit")).toBeNull();
    });

    test("no answer, accept: served without a limit; reported once", async () => {
      const { ask, served } = on({ onUnavailable: "accept" });
      faulty.reset(() => "before");
      const answer = await ask(freshAddress());
      expect([answer.status, served(), reported.length]).toEqual([200, 1, 1]);
      expect(answer.headers.get("ratelimit")).toBeNull();
    });

    test("accept: a fault that is no outage of the database serves nothing", async () => {
      const { app, ask, served } = on({ onUnavailable: "accept" });
      app.onError((_error, c) => c.body(null, 500));
      await world.rows(sql`alter table attempt rename to attempt_away`);
      try {
        expect((await ask(freshAddress())).status).toBe(500);
        expect(served()).toBe(0);
      } finally {
        await world.rows(sql`alter table attempt_away rename to attempt`);
      }
    });
  });

  test("an `auth` with a wrong option: 503 and nothing is served, also with accept", async () => {
    const wrong = createAuth({
      database: world.database,
      secrets: "short",
      origins: ["https://example.com"],
      clientAddress: () => undefined,
      features: [],
      onError: () => undefined,
    });
    const { ask, served } = application(rateLimit(wrong, "5/minute", { onUnavailable: "accept" }));
    const answer = await ask(freshAddress());
    expect([answer.status, (await answer.json()).code, served()]).toEqual([503, "unavailable.configuration", 0]);
    expect(secret).not.toBe("short");
  });

  test("S46: an ended counter is purged", async () => {
    const { ask } = limited("1/minute", { block: 0, name: "purged" });
    await ask(freshAddress());
    const left = () => world.rows(sql`select from attempt where bucket like 'rate:%:purged'`);
    expect(await left()).toHaveLength(1);
    await advanceTestClock(world.database, 86_400 + 61);
    await world.auth.purge();
    expect(await left()).toHaveLength(0);
  });

  test.each<[string, RateLimitOptions]>([
    ["key", { key: "user" as never }],
    ["block", { block: -1 }],
    ["block", { block: 1.5 }],
    ["block", { block: 86_401 }],
    ["block", { block: "60" as never }],
    ["name", { name: "" }],
    ["name", { name: "two words" }],
    ["name", { name: "n".repeat(101) }],
    ["onUnavailable", { onUnavailable: "ignore" as never }],
  ])("a wrong option is refused when the application starts: %s %j", (option, options) => {
    expect(() => rateLimit(world.auth, "5/minute", options)).toThrow(
      expect.objectContaining({ name: "TypeError", option }) as Error,
    );
  });

  test.each(["5", "5/fortnight", "0/minute", "five/minute"])("a malformed rate is refused at start: %s", (rate) => {
    expect(() => rateLimit(world.auth, rate)).toThrow(TypeError);
  });
});

describeWorld(
  "R015, S21: rateLimit counts before it serves",
  { on: ["postgres"], timeoutMilliseconds: 60_000 },
  (world) => {
    test("1,000 requests at once: ten are served", async () => {
      const { ask, served } = application(rateLimit(world.auth, "10/hour"));
      const address = freshAddress();
      const answers = await Promise.all(Array.from({ length: 1_000 }, () => ask(address)));
      expect(tally(answers.map(({ status }) => String(status)))).toEqual({ 200: 10, 429: 990 });
      expect(served()).toBe(10);
    });

    test("1,000 requests from 100 addresses at once: each has its own ten, and none deadlocks", async () => {
      const { ask } = application(rateLimit(world.auth, "5/hour"));
      const addresses = Array.from({ length: 100 }, freshAddress);
      const answers = await Promise.all(Array.from({ length: 1_000 }, (_, index) => ask(addresses[index % 100]!)));
      expect(tally(answers.map(({ status }) => String(status)))).toEqual({ 200: 500, 429: 500 });
    });

    test("planted fault, counts after it has served: more are served", async () => {
      let served = 0;
      await world.rows(
        sql`insert into attempt (bucket, count, maximum, resets_at, backs_off) values ('naive', 0, 10, 'infinity', false)`,
      );
      const app = new Hono();
      app.post("/", async (c) => {
        const [row] = await world.rows<{ count: number }>(sql`select count from attempt where bucket = 'naive'`);
        if (row!.count >= 10) return c.body(null, 429);
        served += 1;
        await world.rows(sql`update attempt set count = count + 1 where bucket = 'naive'`);
        return c.body(null, 204);
      });
      await Promise.all(Array.from({ length: 1_000 }, () => app.request("/", { method: "POST" })));
      expect(served).toBeGreaterThan(10);
    });
  },
);
