import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import { type ErrorCode, statusOf } from "../../src/domain/error.ts";
import { requireUser } from "../../src/http/authenticate.ts";
import type { Person } from "../support/auth.ts";
import { operationAt, type Reply, readReply } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
let ada: Person;
beforeAll(async () => {
  world = await openHttp("pglite");
  ada = await world.person();
});
afterAll(() => world.close());

/** Spellings that some router or proxy takes for a character, for the space between two segments, or for the ends of a path. */
const slashes = [
  "//",
  "///",
  "%2f",
  "%2F",
  "%252f",
  "/./",
  "/../",
  "/x/../",
  "/%2e/",
  "/%2e%2e/",
  "/.%2e/",
  "/;/",
  "\\",
  "%5c",
  "/\\",
  "/%00/",
  "/ /",
  "/%20/",
  "∕",
  "%c0%af",
  "%e2%88%95",
];
const ends = [
  "/",
  "//",
  "/.",
  "/..",
  "/x/..",
  "/%2e",
  "%2f",
  ";",
  ";a=b",
  ";.css",
  ".json",
  ".",
  "%20",
  "%00",
  "%0a",
  "%0d%0a",
  "%09",
  "\\",
  "?",
  "?x",
  "#x",
  "%23",
  "%3f",
  "~",
  "/index.html",
  "/*",
  "%",
  "%zz",
  "%ff",
  "\u00a0",
  "\u200b",
];
const starts = [
  "/",
  "//",
  "/.",
  "/./",
  "/../",
  "/x/../",
  "/%2e%2e/",
  "/;",
  "//example.org/",
  "/\\",
  "/http://example.com/",
  "/@",
  "/%2f",
  "/%00",
];
const letters: ((letter: string) => string)[] = [
  (letter) => letter.toUpperCase(),
  (letter) => `%${letter.charCodeAt(0).toString(16)}`,
  (letter) => `%25${letter.charCodeAt(0).toString(16)}`,
  (letter) => `%u00${letter.charCodeAt(0).toString(16)}`,
  (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0),
  (letter) => `${letter}\u0301`,
  (letter) => `${letter}%00`,
  (letter) => (letter === "s" ? "ſ" : letter === "i" ? "ı" : `${letter}${letter}`),
];

/** Over 500 spellings that are not the path, though a server on the way may turn them into it. */
function spellingsOf(path: string): string[] {
  const spellings = new Set<string>();
  for (const [index, character] of [...path].entries()) {
    const [before, after] = [path.slice(0, index), path.slice(index + 1)];
    if (character === "/" && index > 0) for (const slash of slashes) spellings.add(before + slash + after);
    if (/[a-z]/.test(character)) for (const write of letters) spellings.add(before + write(character) + after);
  }
  for (const start of starts) for (const end of ["", ...ends]) spellings.add(start + path.slice(1) + end);
  spellings.add(path.toUpperCase());
  spellings.add(
    path
      .split("")
      .map((character) => `%${character.charCodeAt(0).toString(16)}`)
      .join("")
      .replace("%2f", "/"),
  );
  spellings
    .add(`/api/..${path}`)
    .add(`${path}${path}`)
    .add(`/.${path}`)
    .add(`/x/..%2f${path.slice(1)}`);
  for (const prefix of ["/api", "/v2", "/auth", "/v1", "/public", "/health", "/openapi.json"])
    spellings.add(prefix + path);
  spellings.delete(path);
  return [...spellings];
}

const methodsOf = ({ headers }: Reply): string[] => headers.get("allow")?.split(", ") ?? [];
/** The status of a refusal, also of one that a browser is led to. */
const refusedWith = ({ status, code }: Reply): number =>
  status === 303 && code ? statusOf(code as ErrorCode) : status;
const pathnameOf = (path: string): string => new URL(path, "http://localhost").pathname;

const protectedRoutes = routes.filter(({ access }) => typeof access === "object" || access === "token");
const pathOf = (path: string): string =>
  path.replace(":usr_id", ada.userId).replace(":cred_id", ada.credentialId).replace(":ses_id", ada.session.id);

describe("R065: no spelling of a protected route reaches its operation without a session", () => {
  test.each(protectedRoutes.map((route) => [route.id, route] as const))("%s", async (_id, { method, path }) => {
    const spellings = spellingsOf(pathOf(path));
    expect(spellings.length).toBeGreaterThan(500);
    const answers = new Set<number>();
    for (const spelling of spellings) {
      world.counting.reset(0);
      const reply = await readReply(await world.app.request(spelling, { method: method.toUpperCase() }));
      world.counting.reset();
      // `//example.org/` is another host, and `/auth` + `/health` does not exist; `/x/../health` would be `/health`.
      const status = refusedWith(reply);
      expect([spelling, [401, 404, 405].includes(status), reply.code !== undefined]).toEqual([spelling, true, true]);
      // Another route's path, such as an object's: it has other methods and not this one.
      if (status === 405) {
        expect([spelling, methodsOf(reply)]).toEqual([spelling, expect.not.arrayContaining([method.toUpperCase()])]);
        expect(methodsOf(reply).some((one) => operationAt(one, pathnameOf(spelling)))).toBe(true);
      } else answers.add(status);
    }
    expect([...answers].toSorted()).toEqual([401, 404]);
  });
});

describe("R065: with a session, a spelling is the route or a 404", () => {
  test.each(["/auth/session", "/v1/users/:usr_id"])("%s", async (route) => {
    const path = pathOf(route);
    let found = 0;
    const right = await readReply(await world.app.request(path, { headers: { authorization: `Bearer ${ada.token}` } }));
    for (const spelling of spellingsOf(path)) {
      const reply = await readReply(
        await world.app.request(spelling, { headers: { authorization: `Bearer ${ada.token}` } }),
      );
      if (reply.status !== 200) {
        expect([spelling, reply.status]).toEqual([spelling, 404]);
        continue;
      }
      found += 1;
      expect([spelling, reply.json]).toEqual([spelling, right.json]);
    }
    // For example, with a query that the row does not take.
    expect(found).toBeGreaterThan(0);
  });
});

describe("R065: routes under a prefix", () => {
  const everything = () => applicationOf(world.auth);
  const mounts: [string, (app: Hono) => Hono][] = [
    ["route", (app) => app.route("/api/accounts", everything())],
    ["basePath", (app) => app.basePath("/api/accounts").route("/", everything())],
    ["mount", (app) => app.mount("/api/accounts", everything().fetch)],
    ["a parameter", (app) => app.route("/api/:tenant", everything())],
  ];

  test.each(mounts)("%s: routes are guarded under it, and absent elsewhere", async (_name, mount) => {
    const app = mount(new Hono());
    for (const { method, path } of protectedRoutes) {
      const at = (prefix: string) => app.request(prefix + pathOf(path), { method: method.toUpperCase() });
      expect([path, refusedWith(await readReply(await at("/api/accounts")))]).toEqual([path, 401]);
      expect([path, (await at("")).status]).toEqual([path, 404]);
      expect([path, (await at("/api")).status]).toEqual([path, 404]);
    }
    const path = "/api/accounts/auth/session";
    expect((await app.request(path, { headers: { authorization: `Bearer ${ada.token}` } })).status).toBe(200);
    for (const spelling of spellingsOf(path)) {
      expect([spelling, (await app.request(spelling)).status < 300]).toEqual([spelling, false]);
    }
  });

  test("S13: same-origin proof is required under a prefix too", async () => {
    const app = new Hono().route("/api/accounts", applicationOf(world.auth));
    const response = await app.request("/api/accounts/auth/sign-out", {
      method: "POST",
      headers: { "sec-fetch-site": "cross-site" },
    });
    expect(response.status).toBe(403);
  });
});

describe("R065: an application's guard and its routes see the same path", () => {
  test.each(["/private/*", "/private/data"])("%s", async (guarded) => {
    let handled = 0;
    const app = new Hono().use(guarded, requireUser(world.auth)).get("/private/data", (c) => {
      handled += 1;
      return c.text("secret");
    });
    for (const spelling of spellingsOf("/private/data")) await app.request(spelling);
    expect(handled).toBe(0);
    await app.request("/private/data", { headers: { authorization: `Bearer ${ada.token}` } });
    expect(handled).toBe(1);
  });
});

describe("unknown paths", () => {
  test.each([
    ["GET", "/"],
    ["GET", "/auth"],
    ["GET", "/v1"],
    ["GET", "/v2/users"],
    ["GET", "/auth/sign-ins"],
    ["POST", "/v1/users/x/y/z"],
    ["GET", "/auth/credentials/"],
    ["GET", "/.well-known/webauthn"],
  ])("%s %s: a plain 404 without a request to the database", async (method, path) => {
    world.counting.reset(0);
    const reply = await world.send({ method, path, token: ada.token });
    world.counting.reset();
    expect([reply.status, reply.json]).toEqual([404, { code: "not_found", message: "Not found." }]);
  });

  test.each([
    ["DELETE", "/v1/users", "GET, HEAD, POST"],
    ["PATCH", "/auth/session", "GET, HEAD"],
    ["DELETE", "/auth/user", "GET, HEAD, PUT"],
    ["GET", "/auth/user/revoke", "POST"],
    ["PUT", "/auth/credentials", "GET, HEAD, POST"],
    ["POST", "/health", "GET, HEAD"],
    ["TRACE-X", "/v1/users", "GET, HEAD, POST"],
    ["GET", "/auth/sign-in", "POST"],
  ])("%s %s: 405 with %s, without a request to the database", async (method, path, methods) => {
    world.counting.reset(0);
    const reply = await world.send({ method, path, token: ada.token });
    world.counting.reset();
    expect([reply.status, reply.code, methodsOf(reply).toSorted().join(", ")]).toEqual([
      405,
      "method_not_allowed",
      methods,
    ]);
  });

  test.each(["GET", "HEAD"])("%s: the same headers as a route's answer", async (method) => {
    const reply = await world.send({ method, path: "/auth/session", token: ada.token });
    expect([reply.status, reply.headers.get("content-type"), reply.headers.get("cache-control")]).toEqual([
      200,
      "application/json",
      "no-store",
    ]);
    expect(reply.headers.get("x-content-type-options")).toBe("nosniff");
  });
});
