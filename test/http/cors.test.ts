import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAuth, type World } from "../support/auth.ts";
import { applicationOf } from "../support/http-world.ts";

const base = "https://example.com";
const friend = "https://app.example.com";
const halfFriend = "https://read.example.com";
const native = "capacitor://localhost";
const listed = "https://webauthn.example.com";

let world: World;
let app: Hono;
let alone: Hono;
beforeAll(async () => {
  world = await openAuth("pglite");
  const origins = [
    base,
    { origin: friend, uses: ["cors", "csrf"] as const },
    { origin: halfFriend, uses: ["cors"] as const },
    { origin: native, uses: ["cors", "csrf"] as const, headers: ["X-Tenant", "X-App-Version"] },
    { origin: listed, uses: ["webauthn"] as const },
  ];
  app = applicationOf(world.isolate({ origins })) as unknown as Hono;
  alone = applicationOf(world.auth) as unknown as Hono;
});
afterAll(() => world.close());

const preflight = (origin: string, to = app, names = "content-type") =>
  to.request("/auth/sign-in", {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": names },
  });

describe("S36: reading answers from another origin", () => {
  test.each([friend, halfFriend, native])("%s, listed for it: allowed", async (origin) => {
    const asked = await preflight(origin);
    expect(asked.status).toBe(204);
    expect(asked.headers.get("access-control-allow-origin")).toBe(origin);
    expect(asked.headers.get("access-control-allow-credentials")).toBe("true");
    expect(asked.headers.get("access-control-allow-headers")).toContain("Login-Ticket");
    const answered = await app.request("/auth/session", { headers: { origin } });
    expect(answered.headers.get("access-control-allow-origin")).toBe(origin);
    expect(answered.headers.get("vary")).toBe("Origin");
  });

  test.each([
    listed,
    "https://evil.test",
    "https://app.example.com.evil.test",
    "https://app.example.com:8443",
    "http://app.example.com",
    "capacitor://localhost.evil.test",
    "Capacitor://localhost",
    "ionic://localhost",
    "null",
    "*",
  ])("%s: refused", async (origin) => {
    for (const reply of [await preflight(origin), await app.request("/auth/session", { headers: { origin } })]) {
      expect(reply.headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  test("no listed origin: refused for all", async () => {
    for (const origin of [base, friend]) {
      const reply = await preflight(origin, alone);
      expect([reply.status, reply.headers.get("access-control-allow-origin")]).toEqual([404, null]);
    }
  });
});

/** What a browser would send after the answer (Fetch §4.8 step 7): names are compared without case. */
async function permitted(origin: string, names: readonly string[]): Promise<string[]> {
  const reply = await preflight(origin, app, names.join(","));
  const allowed = reply.headers.get("access-control-allow-headers")?.toLowerCase().split(",") ?? [];
  return names.filter((name) => allowed.includes(name.toLowerCase()));
}

describe("S78: request headers that a listed page may send", () => {
  const traced = [
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
    "b3",
    "x-b3-traceid",
    "x-b3-sampled",
    "x-datadog-trace-id",
    "x-datadog-sampling-priority",
    "newrelic",
    "elastic-apm-traceparent",
    "uber-trace-id",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "request-id",
    "request-context",
    "x-instana-t",
    "x-dtpc",
    "sw8",
  ];

  test("those of tracing tools, in any case and beside Sallyport's own", async () => {
    const asked = ["authorization", "content-type", "login-ticket", ...traced];
    expect(await permitted(friend, asked)).toEqual(asked);
    expect(await permitted(friend, ["Traceparent", "X-B3-TraceId"])).toEqual(["Traceparent", "X-B3-TraceId"]);
  });

  test("those that the application names, for the origin that names them", async () => {
    expect(await permitted(native, ["x-tenant", "x-app-version", "x-other"])).toEqual(["x-tenant", "x-app-version"]);
    expect(await permitted(friend, ["x-tenant"])).toEqual([]);
  });

  test.each(["cookie", "x-forwarded-for", "cf-connecting-ip", "*", "traceparent-x", "x-traceparent", "x-b3-", "sw8 x"])(
    "%s: not permitted",
    async (name) => {
      expect(await permitted(friend, [name])).toEqual([]);
    },
  );

  test("a page that is not listed is permitted none", async () => {
    expect(await permitted("https://evil.test", ["traceparent", "content-type"])).toEqual([]);
  });

  test("the answer repeats no text of the request besides known names", async () => {
    const reply = await preflight(friend, app, 'traceparent, x"canary, baggage;canary,,, , b3');
    expect(reply.headers.get("access-control-allow-headers")).toMatch(/^[\w-]+(,[\w-]+)*,traceparent,b3$/);
  });
});

test("R058: an origin that may read answers still cannot act with a cookie", async () => {
  const person = await world.person({ transport: "cookie" });
  const act = (origin: string) =>
    app.request("/auth/sessions/revoke-others", {
      method: "POST",
      headers: { origin, "sec-fetch-site": "same-site", cookie: `__Host-session=${person.token}` },
    });
  expect((await act(halfFriend)).status).toBe(403);
  expect((await act(friend)).status).toBe(200);
});
