import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { authRoutes, flametrenchRoutes, healthRoutes } from "../../src/http/auth-routes.ts";
import { openapiRoutes } from "../../src/http/openapi.ts";
import { createAuth, type Feature } from "../../src/index.ts";
import { type FullAuth, fullAuth, openAuth, quickHasher, sealingKey, secret, type World } from "../support/auth.ts";
import { applicationOf } from "../support/http-world.ts";

const base = "https://example.com";
const friend = "https://app.example.com";

let world: World;
let auth: FullAuth;
beforeAll(async () => {
  world = await openAuth("pglite");
  auth = world.isolate({ origins: [base, { origin: friend, uses: ["cors", "csrf"] }] });
});
afterAll(() => world.close());

/** An application's own routes with every method, one of which fails, also below Sallyport's prefixes. */
function own(): Hono {
  const app = new Hono();
  app.all("/own", (c) => c.text(`own ${c.req.method}`));
  app.get("/own/json", (c) => c.json({ own: true }, 200, { "X-Own": "1" }));
  app.get("/own/fails", () => {
    throw new RangeError("The application's own bug.");
  });
  app.get("/own/empty", (c) => c.body(null, 404));
  app.all("/auth/callback/own", (c) => c.text("a path of the application below /auth"));
  app.all("/v1/own", (c) => c.text("a path of the application below /v1"));
  return app;
}

const mountings: Record<string, (ours: (app: Hono) => Hono) => Hono> = {
  "before its own routes": (ours) => ours(new Hono()).route("/", own()),
  "after its own routes": (ours) => ours(new Hono().route("/", own())),
};
const everything =
  (of: FullAuth) =>
  (app: Hono): Hono =>
    app
      .route("/", applicationOf(of))
      .route("/", flametrenchRoutes(of))
      .route("/", healthRoutes(of))
      .route("/", openapiRoutes(of));
const nothing = (app: Hono): Hono => app;

const requests: [string, string, Record<string, string>][] = [
  "/own",
  "/own/json",
  "/own/fails",
  "/own/empty",
  "/auth/callback/own",
  "/v1/own",
  "/nowhere",
  "/auth/nowhere",
  "/v1/nowhere",
  "/",
].flatMap((path) =>
  ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].flatMap((method) =>
    [undefined, base, friend, "https://evil.test"].map((origin): [string, string, Record<string, string>] => [
      method,
      path,
      {
        ...(origin && { origin }),
        ...(origin && method === "OPTIONS" && { "access-control-request-method": "DELETE" }),
      },
    ]),
  ),
);

async function answersOf(app: Hono): Promise<string[]> {
  app.onError((error, c) => c.text(`the application's handler: ${error.name}`, 500));
  const answers: string[] = [];
  for (const [method, path, headers] of requests) {
    const response = await app.request(path, { method, headers });
    const fields = [...response.headers].map(([name, value]) => `${name}: ${value}`).sort();
    answers.push([method, path, headers.origin, response.status, ...fields, await response.text()].join("\n"));
  }
  return answers;
}

describe.each(Object.entries(mountings))("S80: mounted %s", (_place, mount) => {
  test("an application's other responses are byte for byte the same as without Sallyport", async () => {
    expect(await answersOf(mount(everything(auth)))).toEqual(await answersOf(mount(nothing)));
  });

  test("an application's other responses are the same while Sallyport's secret is missing", async () => {
    const broken = fullAuth({
      database: world.database,
      passwordHasher: quickHasher(),
      secrets: undefined,
      sealingKeys: sealingKey,
      origins: [base],
    });
    expect(await answersOf(mount(everything(broken)))).toEqual(await answersOf(mount(nothing)));
  });

  test("a Sallyport path with another method: 405 with Allow if no later handler matches", async () => {
    const app = mount(everything(auth));
    const response = await app.request("/auth/sign-in", { method: "DELETE" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
    const session = await app.request("/auth/session", { method: "PUT" });
    expect([session.status, session.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });
});

describe("S80: an application's later handlers", () => {
  test("a catch-all after Sallyport's routes answers every request without a row", async () => {
    const app = new Hono().route("/", applicationOf(auth)).all("*", (c) => c.text("the application", 404));
    for (const [method, path] of [
      ["DELETE", "/auth/sign-in"],
      ["GET", "/auth/sign-in"],
      ["GET", "/auth/own"],
    ] as const) {
      const response = await app.request(path, { method });
      expect([response.status, response.headers.get("allow"), await response.text()]).toEqual([
        404,
        null,
        "the application",
      ]);
    }
    expect((await app.request("/auth/session")).status).toBe(401);
  });

  test("headers that its middleware has prepared stay on Sallyport's answers, refusals included", async () => {
    const app = new Hono()
      .use(async (c, next) => {
        c.header("X-Application", "1");
        await next();
      })
      .route("/", applicationOf(auth));
    for (const path of ["/auth/session", "/auth/sign-up"]) {
      expect((await app.request(path)).headers.get("x-application")).toBe("1");
    }
  });

  test("unknown parameters of a platform change nothing; repeated known ones are refused", async () => {
    const person = await world.person();
    const app = new Hono().route("/", applicationOf(auth));
    const headers = { authorization: `Bearer ${person.token}` };
    const statusOf = async (path: string) => (await app.request(path, { headers })).status;
    expect(await statusOf("/auth/session?nxtPslug=session&nxtPslug=session")).toBe(200);
    expect(await statusOf("/auth/sessions?limit=1&nxtP=auth&nxtP=x")).toBe(200);
    expect(await statusOf("/auth/sessions?limit=1&limit=2")).toBe(400);
  });
});

describe("a missing secret", () => {
  test("S34: every route answers 503, and /health names the option", async () => {
    const told: unknown[] = [];
    const broken = fullAuth({
      database: world.database,
      passwordHasher: quickHasher(),
      secrets: undefined,
      sealingKeys: secret,
      origins: [base],
      onError: (error) => told.push(error),
    });
    const app = everything(broken)(new Hono());
    for (const [method, path] of [
      ["GET", "/auth/session"],
      ["POST", "/auth/sign-in"],
      ["GET", "/v1/users"],
    ] as const) {
      expect((await app.request(path, { method })).status).toBe(503);
    }
    const health = await app.request("/health");
    expect([health.status, ((await health.json()) as { details: unknown }).details]).toEqual([
      503,
      { option: "secrets" },
    ]);
    expect(told).toHaveLength(4);
  });

  test("S81: in a function of the environment: reported, even if a later handler of the application answers", async () => {
    const failing = createAuth((_env: object) => {
      throw new RangeError("canary");
    });
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const app = new Hono().route("/", authRoutes(failing)).route("/", flametrenchRoutes(failing));
    expect((await app.request("/auth/session")).status).toBe(503);
    for (const path of ["/auth/session", "/v1/users"]) {
      const later = new Hono()
        .route("/", authRoutes(failing))
        .route("/", flametrenchRoutes(failing))
        .all("*", (c) => c.text("the application"));
      expect(await (await later.request(path)).text()).toBe("the application");
    }
    const lines = log.mock.calls.map(([line]) => String(line));
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/^sallyport: ConfigurationError database < .*RangeError at /);
    log.mockRestore();
  });

  test("S81: an internal fault while making the operations: reaches the application's error handler", async () => {
    const failing: Feature = {
      name: "failing",
      make() {
        throw new RangeError("canary");
      },
    };
    const app = new Hono()
      .route(
        "/",
        authRoutes(
          createAuth((_env: object) => ({
            database: world.database,
            secrets: secret,
            origins: [base],
            clientAddress: () => undefined,
            features: [failing],
          })),
        ),
      )
      .all("*", (c) => c.text("the application"))
      .onError((error, c) => c.text(error.name, 500));
    const response = await app.request("/auth/session");
    expect([response.status, await response.text()]).toEqual([500, "RangeError"]);
  });
});
