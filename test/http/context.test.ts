import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { type ClientAddress, cloudflareAddress, forwardedAddress, socketAddress } from "../../src/http/index.ts";
import { createAuth } from "../../src/operations/auth.ts";
import { sql } from "../../src/store/sql.ts";
import type { FullAuth } from "../support/auth.ts";
import {
  addressHeader,
  freshIdentifier,
  fullAuth,
  goodPassword,
  quickHasher,
  sealingKey,
  secret,
} from "../support/auth.ts";
import { requestOf, send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

async function addressOf(clientAddress: ClientAddress, headers: Record<string, string>): Promise<string | undefined> {
  let address: string | undefined;
  const app = new Hono().get("/", (c) => {
    address = clientAddress(c);
    return c.body(null);
  });
  await app.request("/", { headers });
  return address;
}

describe("S23: where a client's address comes from", () => {
  const spoofed = {
    "x-real-ip": "6.6.6.6",
    "true-client-ip": "6.6.6.6",
    forwarded: "for=6.6.6.6",
    "client-ip": "6.6.6.6",
  };

  test.each<[string, Record<string, string>, string | undefined]>([
    ["the edge's header", { "cf-connecting-ip": "192.0.2.1" }, "192.0.2.1"],
    ["not a client's list", { "cf-connecting-ip": "192.0.2.1", "x-forwarded-for": "6.6.6.6" }, "192.0.2.1"],
    ["an empty text without an edge (S76)", { "x-forwarded-for": "6.6.6.6" }, ""],
  ])("cloudflareAddress: %s", async (_case, headers, address) => {
    expect(await addressOf(cloudflareAddress, { ...spoofed, ...headers })).toBe(address);
  });

  test.each<[number, string | undefined, string | undefined]>([
    [1, "192.0.2.1", "192.0.2.1"],
    [1, "6.6.6.6, 192.0.2.1", "192.0.2.1"],
    [1, "6.6.6.6,192.0.2.1", "192.0.2.1"],
    [1, "6.6.6.6, , 192.0.2.1 ", "192.0.2.1"],
    [1, "2001:db8::1", "2001:db8::1"],
    [2, "192.0.2.1, 10.0.0.1", "192.0.2.1"],
    [2, "6.6.6.6, 192.0.2.1, 10.0.0.1", "192.0.2.1"],
    [3, "6.6.6.6, 7.7.7.7, 192.0.2.1, 10.0.0.1, 10.0.0.2", "192.0.2.1"],
    // Fewer entries than trusted proxies: the request did not come through them.
    [2, "6.6.6.6", ""],
    [5, "6.6.6.6, 7.7.7.7", ""],
    [1, undefined, ""],
    [1, "", ""],
    [1, "192.0.2.1, ", ""],
  ])("forwardedAddress(%i) of %j: %j", async (hops, list, address) => {
    expect(
      await addressOf(forwardedAddress(hops), { ...spoofed, ...(list !== undefined && { "x-forwarded-for": list }) }),
    ).toBe(address);
  });

  test.each([undefined, {}, { incoming: { socket: {} } }])(
    "S76: socketAddress without a socket: an empty text",
    (env) => {
      expect(socketAddress({ req: undefined as never, env })).toBe("");
    },
  );

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("forwardedAddress(%d): a TypeError", (hops) => {
    expect(() => forwardedAddress(hops)).toThrow(TypeError);
  });

  test("R017: malformed addresses share the counter of missing ones", async () => {
    const app = applicationOf(
      world.isolate({
        limits: { address: { attempts: 5, windowSeconds: 300 }, network: { attempts: 5, windowSeconds: 300 } },
        clientAddress: forwardedAddress(1),
      }),
    );
    const statuses: number[] = [];
    for (const list of ["unknown", "", "999.1.1.1", "_hidden", "[::1]:", "192.0.2.1 10.0.0.1", "192.0.2.1:443"]) {
      const json = { identifier: freshIdentifier(), password: "wrong" };
      statuses.push(
        (await send(app, { method: "POST", path: "/auth/sign-in", json, headers: { "x-forwarded-for": list } })).status,
      );
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 401]);
  });

  test("R017: one subscriber's IPv6 addresses count as one, another's do not", async () => {
    const app = applicationOf(
      world.isolate({
        limits: { address: { attempts: 3, windowSeconds: 300 } },
        clientAddress: cloudflareAddress,
      }),
    );
    const statusFrom = async (address: string): Promise<number> => {
      const json = { identifier: freshIdentifier(), password: "wrong" };
      return (
        await send(app, { method: "POST", path: "/auth/sign-in", json, headers: { "cf-connecting-ip": address } })
      ).status;
    };
    for (const address of ["2001:db8:9:9::1", "2001:0db8:9:9:ffff::2", "2001:DB8:9:9:1:2:3:4"])
      expect(await statusFrom(address)).toBe(401);
    expect(await statusFrom("2001:db8:9:9::5")).toBe(429);
    expect(await statusFrom("2001:db8:9:8::5")).toBe(401);
    for (let tries = 0; tries < 3; tries++) expect(await statusFrom("::ffff:192.0.2.9")).toBe(401);
    expect(await statusFrom("192.0.2.9")).toBe(429);
    expect(await statusFrom("192.0.2.10")).toBe(401);
  });
});

describe("S41: request context in the audit log", () => {
  interface Row {
    context: Record<string, string>;
    text: string;
  }

  async function latest(): Promise<Row> {
    const [row] = await world.rows(sql<Row>`
      select context, to_jsonb(aud)::text as text from aud order by recorded_at desc, id desc limit 1`);
    return row!;
  }

  /** Signs up with these headers, and returns the event and the response. */
  async function signUp(headers: Record<string, string>): Promise<{ row: Row; requestId: string | null }> {
    const json = { identifier: freshIdentifier(), password: goodPassword };
    const response = await world.app.request("/auth/sign-up", requestOf({ method: "POST", path: "", json, headers }));
    expect(response.status).toBe(201);
    return { row: await latest(), requestId: response.headers.get("x-request-id") };
  }

  test("the request id is generated here and sent in the answer; the client's own id is kept apart", async () => {
    const { row, requestId } = await signUp({
      "x-request-id": "mine-1",
      "user-agent": "curl/8",
      [addressHeader]: "192.0.2.1",
    });
    expect(row.context).toEqual({
      ip: "192.0.2.1",
      user_agent: "curl/8",
      request_id: requestId,
      client_request_id: "mine-1",
    });
    expect(requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect((await signUp({ "x-request-id": requestId! })).requestId).not.toBe(requestId);
  });

  test.each<[string, string, string | undefined]>([
    ["over 256 characters", "x".repeat(100_000), "x".repeat(256)],
    ["controls, as a client can send them", "a\u0001b\u0080c\u009f", "abc"],
    ["markup", "<b>\"'&", "<b>\"'&"],
    ["nothing", "", undefined],
    ["nothing after cleaning", "\u0085\u00ad", undefined],
  ])("a header of %s: recorded, cleaned and cut", async (_case, sent, kept) => {
    const { row } = await signUp({ "user-agent": sent, "x-request-id": sent, [addressHeader]: sent });
    expect([row.context.user_agent, row.context.client_request_id, row.context.ip]).toEqual([kept, kept, kept]);
  });

  test("the context contains no identifier and no password", async () => {
    const ada = await world.person();
    const typed = { identifier: ada.identifier, password: "wrong-canary-password" };
    await world.send({ method: "POST", path: "/auth/sign-in", json: typed });
    await world.send({
      method: "POST",
      path: "/auth/sign-in",
      json: { identifier: typed.password, password: ada.identifier },
    });
    await world.send({ method: "POST", path: "/auth/sign-in", json: { ...typed, password: ada.password } });
    await world.send({ method: "POST", path: "/auth/sign-out", token: ada.token });
    const rows = await world.rows(sql<{ text: string }>`select to_jsonb(aud)::text as text from aud`);
    expect(rows.length).toBeGreaterThan(5);
    for (const { text } of rows) {
      for (const secretText of [ada.identifier, typed.password, ada.password, ada.token])
        expect(text).not.toContain(secretText);
    }
  });

  test("a session shows its device's name to its owner only", async () => {
    const json = { identifier: freshIdentifier(), password: goodPassword, transport: "token" };
    const headers = {
      "user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
    };
    const { json: made } = await world.send({ method: "POST", path: "/auth/sign-up", json, headers });
    expect(made.session.device).toBe("Safari on iPhone");
    const seen = await world.send({ method: "GET", path: `/v1/sessions/${made.session.id}`, token: made.token });
    expect(seen.text).not.toMatch(/iPhone|user_agent|address/);
    const [stored] = await world.rows(
      sql<{ address: string }>`select address from ses where id = ${uuidFor("ses", made.session.id)}::uuid`,
    );
    expect(stored!.address).toMatch(/^2001:/);
  });
});

describe("S34: routes with an unsafe configuration", () => {
  const options = {
    database: { run: async () => [], batch: async () => [] },
    passwordHasher: quickHasher(),
    secrets: secret,
    sealingKeys: sealingKey,
    origins: ["https://example.com"],
  };

  test.each([
    { change: { secrets: undefined }, option: "secrets" },
    { change: { secrets: "short" }, option: "secrets" },
    { change: { secrets: `development.${secret}` }, option: "secrets" },
    { change: { origins: [] }, option: "origins" },
    { change: { origins: ["https://*.example.com"] }, option: "origins" },
    { change: { origins: ["http://example.com"] }, option: "origins" },
    { change: { database: undefined as never }, option: "database" },
    { change: { passwordHasher: undefined as never }, option: "passwords" },
    { change: { lifetimes: { retrySeconds: 31 } }, option: "lifetimes" },
  ])("$option: 503, and /health names it", async ({ change, option }) => {
    const told: unknown[] = [];
    const app = applicationOf(fullAuth({ ...options, ...change, onError: (error) => told.push(error) }));
    const health = await send(app, { method: "GET", path: "/health" });
    expect([health.status, health.json.details]).toEqual([503, { option }]);
    const route = await send(app, { method: "GET", path: "/auth/session", token: "A".repeat(43) });
    expect([route.code, route.json.details]).toEqual(["unavailable.configuration", undefined]);
    expect(told.length).toBe(2);
  });

  test("a configuration source that fails otherwise: no detail in the answer", async () => {
    const broken: unknown = createAuth((): never => {
      throw new RangeError("postgres://user:canary@host/database");
    });
    const app = applicationOf(broken as () => FullAuth);
    for (const path of ["/health", "/auth/session", "/openapi.json"]) {
      const reply = await send(app, { method: "GET", path });
      expect([reply.status, reply.text.includes("canary")]).toEqual([503, false]);
    }
  });
});
