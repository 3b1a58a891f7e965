/** A real provider whose issuer fails, behind the routes: refused in time, and nothing half made. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { oidc } from "../../src/providers/oidc.ts";
import { sql } from "../../src/store/sql.ts";
import { send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";
import { type Endpoint, TestIssuer } from "../support/issuer.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite", { auth: { signUp: "open" } });
});
afterAll(() => world.close());

const never = () => new Promise<Response>(() => undefined);
const body = (text: string, type = "application/json") => new Response(text, { headers: { "content-type": type } });
const faults: Readonly<Record<string, () => Response | Promise<Response>>> = {
  "is down": () => {
    throw new TypeError("connection refused");
  },
  "does not answer": never,
  "sends a megabyte": () => body(`{"a":"${"a".repeat(1_048_576)}"}`),
  "sends HTML": () => body("<html></html>", "text/html"),
  "sends HTML as JSON": () => body("<html></html>"),
  "sends another media type": () => body('{"sub":"usr_1"}', "text/plain"),
  fails: () => body("{}", "text/html"),
  redirects: () => new Response(null, { status: 302, headers: { location: "http://169.254.169.254/" } }),
};

/** How many rows each table has that a sign-in makes. */
const rows = async () =>
  await world.rows(sql`select (select count(*)::int from usr) as usr, (select count(*)::int from cred) as cred,
    (select count(*)::int from ses) as ses, (select count(*)::int from spent_challenge) as spent`);

/** An issuer that works until it fails, and an application with it. */
async function open(endpoint?: Endpoint, fault?: () => Response | Promise<Response>) {
  const issuer = await TestIssuer.open();
  const { url: issuerUrl, clientId, clientSecret, fetch } = issuer;
  const provider = oidc({ name: "acme", issuerUrl, clientId, clientSecret, fetch, timeoutMs: 100 });
  const app = applicationOf(world.isolate({ federation: { providers: [provider] } }));
  if (fault) issuer.spoils = { instead: (request) => (request.endpoint === endpoint ? fault() : undefined) };
  const begin = () =>
    send(app, { method: "GET", path: "/auth/oidc/acme/start", headers: { "sec-fetch-site": "same-origin" } });
  const comeBack = async () => {
    const begun = await begin();
    const { search } = new URL(issuer.authorize(begun.headers.get("location")!, { sub: crypto.randomUUID() }));
    const headers = { "sec-fetch-site": "cross-site", cookie: begun.setCookies[0]!.split(";")[0]! };
    return await send(app, { method: "GET", path: `/auth/oidc/acme/callback${search}`, headers });
  };
  return { issuer, begin, comeBack };
}

const refused = "/sign-in?refusal=unavailable.provider&provider=acme";

describe("R092, B42: the issuer", () => {
  test("works: signed in", async () => {
    const before = await rows();
    const back = await (await open()).comeBack();
    expect([back.status, back.headers.get("location")]).toEqual([303, "/account"]);
    expect(await rows()).not.toEqual(before);
  });

  test.each(Object.entries(faults))("%s at discovery: the start is refused in time", async (_name, fault) => {
    const before = await rows();
    const since = performance.now();
    const reply = await (await open("metadata", fault)).begin();
    expect(performance.now() - since).toBeLessThan(2_000);
    expect([reply.status, reply.headers.get("location"), reply.setCookies]).toEqual([303, refused, []]);
    expect(await rows()).toEqual(before);
  });

  describe.each(["keys", "token", "userinfo"] as const)("at %s", (endpoint) => {
    test.each(Object.entries(faults))(
      "%s: the callback is refused in time, and makes nothing",
      async (_name, fault) => {
        const { issuer, comeBack } = await open(endpoint, fault);
        const before = await rows();
        const since = performance.now();
        const reply = await comeBack();
        expect(performance.now() - since).toBeLessThan(2_000);
        expect([reply.status, reply.headers.get("location")]).toEqual([303, refused]);
        expect(reply.setCookies.filter((cookie) => cookie.startsWith("__Host-session="))).toEqual([]);
        expect(await rows()).toEqual(before);
        expect([issuer.count(endpoint) > 0, issuer.count("elsewhere")]).toEqual([true, 0]);
        // The next sign-in works once the issuer does.
        issuer.spoils = {};
        expect((await comeBack()).headers.get("location")).toBe("/account");
      },
    );
  });
});
