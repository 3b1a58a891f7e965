import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAuth, type World } from "../support/auth.ts";
import { applicationOf } from "../support/http-world.ts";

const base = "https://example.com";
const friend = "https://app.example.com";
const halfFriend = "https://read.example.com";
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
    { origin: listed, uses: ["webauthn"] as const },
  ];
  app = applicationOf(world.isolate({ origins })) as unknown as Hono;
  alone = applicationOf(world.auth) as unknown as Hono;
});
afterAll(() => world.close());

const preflight = (origin: string, to = app) =>
  to.request("/auth/sign-in", {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
  });

describe("S36: reading answers from another origin", () => {
  test.each([friend, halfFriend])("%s, listed for it: allowed", async (origin) => {
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
