import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RateLimit } from "@cloudflare/workers-types";
import { Hono } from "hono";
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import { getPlatformProxy } from "wrangler";
import {
  type CloudflareRateLimiter,
  type CloudflareRateLimitOptions,
  cloudflareRateLimit,
  rateLimit,
} from "../../src/http/rate-limit.ts";
import { addressHeader, freshAddress, openAuth, type World } from "../support/auth.ts";

interface Env {
  LIMITER?: CloudflareRateLimiter;
}

let world: World;
let folder: string;
let platform: Awaited<ReturnType<typeof getPlatformProxy<Required<Env>>>>;
const reported: unknown[] = [];
beforeAll(async () => {
  process.env.WRANGLER_SEND_METRICS = "false";
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
  world = await openAuth("pglite", { auth: { onError: (error) => reported.push(error) } });
  folder = await mkdtemp(join(tmpdir(), "sallyport-limit-"));
  const configPath = join(folder, "wrangler.json");
  const limiter = { name: "LIMITER", namespace_id: "1001", simple: { limit: 3, period: 60 } };
  await writeFile(
    configPath,
    JSON.stringify({ name: "limited", compatibility_date: "2026-06-01", ratelimits: [limiter] }),
  );
  platform = await getPlatformProxy<Required<Env>>({ configPath, persist: false });
}, 60_000);
beforeEach(() => {
  reported.length = 0;
});
afterAll(async () => {
  await platform.dispose();
  await world.close();
  await rm(folder, { recursive: true });
});

const options: CloudflareRateLimitOptions = { binding: (env: Env) => env.LIMITER, limit: 3, period: 60 };

function application(more: Partial<CloudflareRateLimitOptions> = {}) {
  let served = 0;
  const app = new Hono();
  app.use(cloudflareRateLimit(world.auth, { ...options, ...more }));
  app.post("/", (c) => {
    served += 1;
    return c.text("ok");
  });
  return {
    served: () => served,
    ask: (env: Env | undefined, address = freshAddress()) =>
      app.request("/", { method: "POST", headers: { [addressHeader]: address } }, env),
  };
}

/** A binding that keeps what it is asked. */
function standIn(answer: () => Promise<unknown>) {
  const keys: string[] = [];
  const LIMITER = {
    limit: ({ key }: { key: string }) => {
      keys.push(key);
      return answer();
    },
  } as CloudflareRateLimiter;
  return { keys, env: { LIMITER } };
}

describe("cloudflareRateLimit", () => {
  test("workerd's own binding: the fourth request in a minute is refused, without a request to the database", async () => {
    const { ask, served } = application();
    const address = freshAddress();
    world.counting.reset();
    const statuses: number[] = [];
    for (let time = 0; time < 3; time++) statuses.push((await ask(platform.env, address)).status);
    const refused = await ask(platform.env, address);
    expect([...statuses, refused.status]).toEqual([200, 200, 200, 429]);
    expect((await refused.json()).code).toBe("too_many_requests");
    expect(refused.headers.get("retry-after")).toBe("60");
    expect(refused.headers.get("ratelimit-policy")).toBe('"cloudflare";q=3;w=60');
    expect(refused.headers.get("ratelimit")).toBe('"cloudflare";r=0;t=60');
    expect((await ask(platform.env)).status).toBe(200);
    expect([served(), world.counting.requests]).toEqual([4, 0]);
  });

  test("in front of a limit of the database, which is not asked once the binding refuses", async () => {
    const app = new Hono();
    app.use(cloudflareRateLimit(world.auth, options), rateLimit(world.auth, "2/minute", { name: "behind" }));
    app.post("/", (c) => c.text("ok"));
    const address = freshAddress();
    const ask = () => app.request("/", { method: "POST", headers: { [addressHeader]: address } }, platform.env);
    const statuses: number[] = [];
    world.counting.reset();
    for (let time = 0; time < 6; time++) statuses.push((await ask()).status);
    expect(statuses).toEqual([200, 200, 429, 429, 429, 429]);
    expect(world.counting.requests).toBe(3);
  });

  test("Cloudflare receives a keyed digest: the same for each spelling of an address, another for each key", async () => {
    const { keys, env } = standIn(async () => ({ success: true }));
    await application().ask(env, "203.0.113.9");
    await application().ask(env, "::ffff:203.0.113.9");
    await application({ key: () => "ada" }).ask(env);
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), keys[0], expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  describe("a binding that fails", () => {
    const failing = () => standIn(() => Promise.reject(new Error("internal"))).env;

    test("by default: 503, nothing is served, reported once", async () => {
      const { ask, served } = application();
      expect([(await ask(failing())).status, served(), reported.length]).toEqual([503, 0, 1]);
    });

    test("accept: served, and reported once", async () => {
      const { ask, served } = application({ onUnavailable: "accept" });
      expect([(await ask(failing())).status, served(), reported.length]).toEqual([200, 1, 1]);
    });

    test("S83: a binding that never answers is given up: 503, or served with accept", async () => {
      const auth = world.isolate({ timeouts: { requestMilliseconds: 500, firstMilliseconds: 500 } });
      const { env } = standIn(() => new Promise(() => undefined));
      for (const [onUnavailable, status] of [
        ["refuse", 503],
        ["accept", 200],
      ] as const) {
        const app = new Hono();
        app.post("/", cloudflareRateLimit(auth, { ...options, onUnavailable }), (c) => c.text("ok"));
        expect((await app.request("/", { method: "POST" }, env)).status).toBe(status);
      }
    });

    test.each([[undefined], [null], [{}], [{ success: "yes" }], [{ success: 1 }]])(
      "an answer that is not a success, %j: nothing is served",
      async (answer) => {
        const { ask, served } = application();
        expect((await ask(standIn(async () => answer).env)).status).toBeGreaterThanOrEqual(429);
        expect(served()).toBe(0);
      },
    );

    test.each<[string, Env | undefined]>([
      ["no environment", undefined],
      ["no such binding", {}],
      ["another kind of binding", { LIMITER: { get: () => undefined } as never }],
    ])("%s: 503, also with accept", async (_case, env) => {
      const { ask, served } = application({ onUnavailable: "accept" });
      const answer = await ask(env);
      expect([answer.status, (await answer.json()).code, served()]).toEqual([503, "unavailable.configuration", 0]);
    });
  });

  test.each<[string, unknown]>([
    ...[0, 1, 9, 11, 30, 59, 61, 600, 3_600, "60", undefined].map((value): [string, unknown] => ["period", value]),
    ...[0, -1, 1.5, "3", undefined, 1_000_001].map((value): [string, unknown] => ["limit", value]),
    ["binding", "LIMITER"],
    ["binding", undefined],
    ["key", "user"],
    ["onUnavailable", "ignore"],
  ])("refused when the application starts: %s %j", (option, value) => {
    expect(() => cloudflareRateLimit(world.auth, { ...options, [option]: value })).toThrow(
      expect.objectContaining({ option }) as Error,
    );
  });

  test("10 and 60 seconds are the periods of Cloudflare", () => {
    for (const period of [10, 60] as const) cloudflareRateLimit(world.auth, { ...options, period });
    expectTypeOf<RateLimit>().toExtend<CloudflareRateLimiter>();
  });
});
