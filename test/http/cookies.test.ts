import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { carriesOurCookie, clearCookie, readCookie, sessionCookie, setCookie } from "../../src/http/cookies.ts";
import {
  freshIdentifier,
  fullAuth,
  goodPassword,
  otherPassword,
  quickHasher,
  sealingKey,
  secret,
} from "../support/auth.ts";
import { cookiesOf, origin, parseSetCookie, type Reply, requestOf, type Sent } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";

/** No request reaches its database. */
const auth = fullAuth({
  database: { run: refuse, batch: refuse },
  passwordHasher: quickHasher(),
  secrets: secret,
  sealingKeys: sealingKey,
  origins: [origin],
});
function refuse(): never {
  throw new Error("There is no database.");
}

const token = "A".repeat(43);
const other = "B".repeat(43);

/** The value that an app reads from one `Cookie` header. */
async function read(header: string): Promise<{ value: string | undefined; carries: boolean }> {
  const app = new Hono().get("/", (c) =>
    c.json({ value: readCookie(c, auth, sessionCookie), carries: carriesOurCookie(c, auth) }),
  );
  const response = await app.request("/", { headers: { cookie: header } });
  return { value: undefined, ...((await response.json()) as { value?: string; carries: boolean }) };
}

describe("R052: reading the session cookie", () => {
  const ours = `__Host-session=${token}`;
  test.each([
    { case: "alone", header: ours, value: token },
    { case: "first of several", header: `${ours}; theme=dark`, value: token },
    { case: "last of several", header: `theme=dark; ${ours}`, value: token },
    { case: "without a space", header: `theme=dark;${ours}`, value: token },
    { case: "among empty pairs", header: `;; ;${ours};;`, value: token },
    { case: "with blanks and tabs around", header: ` \t${ours}\t ; a=b`, value: token },
    { case: "with blanks around the equals sign", header: `__Host-session \t=\t ${token}`, value: token },
    { case: "twice, the same", header: `${ours}; ${ours}`, value: token },
    { case: "beside the name without its prefix", header: `session=${other}; ${ours}`, value: token },
    {
      case: "beside other spellings of the name",
      header: `__host-session=${other}; __HOST-session=${other}; ${ours}`,
      value: token,
    },
    { case: "beside a name that ends like it", header: `x__Host-session=${other}; ${ours}`, value: token },
    { case: "beside a name that begins like it", header: `__Host-session2=${other}; ${ours}`, value: token },

    { case: "twice, different", header: `${ours}; __Host-session=${other}`, value: undefined },
    { case: "twice, once empty", header: `${ours}; __Host-session=`, value: undefined },
    { case: "twice, once with a bad character", header: `${ours}; __Host-session=${token}!`, value: undefined },
    { case: "three times", header: `${ours}; __Host-session=${other}; ${ours}`, value: undefined },
    { case: "empty", header: "__Host-session=", value: undefined },
    { case: "in quotes", header: `__Host-session="${token}"`, value: undefined },
    { case: "with an encoded value", header: `__Host-session=%41${token}`, value: undefined },
    { case: "with a blank inside", header: `__Host-session=${token} x`, value: undefined },
    { case: "with a comma", header: `__Host-session=${token},a=b`, value: undefined },
    { case: "with a second equals sign", header: `__Host-session==${token}`, value: undefined },
    { case: "with a no-break space after", header: `__Host-session=${token}\u00a0`, value: undefined },
  ])("$case: $value", async ({ header, value }) => {
    expect(await read(header)).toEqual({ value, carries: true });
  });

  test.each([
    { case: "no cookie", header: "" },
    { case: "a name without a value", header: "__Host-session" },
    { case: "a value without a name", header: `=__Host-session=${token}` },
    { case: "the name without its prefix", header: `session=${token}` },
    { case: "the other prefix", header: `__Secure-session=${token}` },
    { case: "the name in another case", header: `__Host-Session=${token}` },
    { case: "an encoded name", header: `__Host%2Dsession=${token}` },
    { case: "inside another's value", header: `a=__Host-session=${token}` },
    { case: "inside a quoted value that a comma ends", header: `a="b, __Host-session=${token}"` },
    { case: "a name in quotes", header: `"__Host-session"=${token}` },
    { case: "an attribute of RFC 2965", header: `$Version=1, __Host-session=${token}` },
    // A browser guards `__Host-` only at the beginning of a name. These begin with another character, so a sibling site can set
    // them.
    ...["\u00a0", "\u0085", "\u000b", "\u000c", "\u001f", "\u00ad"].map((space) => ({
      case: `a name after U+${space.charCodeAt(0).toString(16).padStart(4, "0")}`,
      header: `${space}__Host-session=${token}`,
    })),
    { case: "a name before a no-break space", header: `__Host-session\u00a0=${token}` },
  ])("R051, $case: ignored", async ({ header }) => {
    expect(await read(header)).toEqual({ value: undefined, carries: false });
  });

  test("R130: a header of 20,000 pairs is read", async () => {
    expect((await read(`${"a=b; ".repeat(20_000)}__Host-session=${token}`)).value).toBe(token);
  });
});

describe("R052: writing cookies", () => {
  const write = async (text: string, seconds = 60): Promise<Response> =>
    await new Hono()
      .onError((error, c) => c.text(error.name, 500))
      .get("/", (c) => {
        setCookie(c, auth, sessionCookie, text, seconds);
        return c.body(null, 204);
      })
      .request("/");

  test.each(["a; Domain=example.org", "a\r\nSet-Cookie: x=y", "a b", 'a"', "a,b", "a=b", "", "ä", "a\0", "a\u2028"])(
    "%j as a value: refused",
    async (text) => {
      const response = await write(text);
      expect([response.status, await response.text(), response.headers.getSetCookie()]).toEqual([500, "TypeError", []]);
    },
  );

  test.each([
    { seconds: 0.9, written: "0" },
    { seconds: 59.9, written: "59" },
    { seconds: 400 * 86_400 + 1, written: "34560000" },
    { seconds: -1, written: "0" },
  ])("R051: $seconds seconds are Max-Age=$written", async ({ seconds, written }) => {
    const [header] = (await write("a", seconds)).headers.getSetCookie();
    expect(parseSetCookie(header!).attributes["max-age"]).toBe(written);
  });

  test("clearing: names the same cookie, with the same path and no domain", async () => {
    const app = new Hono().get("/", (c) => {
      clearCookie(c, auth, sessionCookie);
      return c.body(null, 204);
    });
    const [header] = (await app.request("/")).headers.getSetCookie();
    expect(header).toBe("__Host-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax");
  });
});

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

const post = (path: string, json?: unknown, more: Partial<Sent> = {}): Promise<Reply> =>
  world.send({ method: "POST", path, json, ...more });

/** Every property that a cookie must have (R051), field by field. */
function expectOurs(reply: Reply, expected: Readonly<Record<string, string>>): void {
  const cookies = cookiesOf(reply);
  expect(
    Object.fromEntries(Object.entries(cookies).map(([name, { attributes }]) => [name, attributes["max-age"]])),
  ).toEqual(expected);
  expect(reply.setCookies.length).toBe(Object.keys(expected).length);
  for (const { name, value, attributes } of Object.values(cookies)) {
    expect(name).toMatch(/^__Host-[a-z-]+$/);
    expect(value).toMatch(/^[A-Za-z0-9._-]*$/);
    expect(attributes).toEqual({
      "max-age": expect.stringMatching(/^\d+$/),
      path: "/",
      secure: "",
      httponly: "",
      samesite: "Lax",
    });
    expect(Number(attributes["max-age"])).toBeLessThanOrEqual(400 * 86_400);
  }
}

describe("R051: the cookies of each route", () => {
  const days = (count: number): string => String(count * 86_400);
  const credentials = () => ({ identifier: freshIdentifier(), password: goodPassword });

  test("sign-up and sign-in: session cookie for 30 days, device cookie for 400", async () => {
    const body = credentials();
    expectOurs(await post("/auth/sign-up", body), { "__Host-session": days(30), "__Host-known-device": days(400) });
    expectOurs(await post("/auth/sign-in", body), { "__Host-session": days(30), "__Host-known-device": days(400) });
  });

  test("refresh: session cookie again; password change: both again", async () => {
    const { token: first } = await world.person({ transport: "cookie" });
    const refreshed = await post("/auth/refresh", undefined, { cookie: first });
    expectOurs(refreshed, { "__Host-session": expect.stringMatching(/^259(2000|19\d\d)$/) as unknown as string });
    const cookie = cookiesOf(refreshed)["__Host-session"]!.value;
    const changed = await post(
      "/auth/password",
      { current_password: goodPassword, new_password: otherPassword },
      { cookie },
    );
    expectOurs(changed, { "__Host-session": days(30), "__Host-known-device": days(400) });
  });

  test("S20: a pending second factor: the ticket cookie for five minutes and no other cookie", async () => {
    const { identifier, userId } = await world.person();
    await world.enroll(userId);
    const pending = await post("/auth/sign-in", { identifier, password: goodPassword });
    expectOurs(pending, { "__Host-login-ticket": "300" });
    expect(pending.json).toEqual({
      code: "unauthorized.mfa_required",
      message: expect.any(String),
      details: { factors: ["totp"] },
    });
  });

  test("S19: sign-out: clears the session cookie and keeps the device cookie", async () => {
    const { token: cookie } = await world.person({ transport: "cookie" });
    expectOurs(await post("/auth/sign-out", undefined, { cookie }), { "__Host-session": "0" });
  });

  test("transport `token`: no cookie", async () => {
    const body = { ...credentials(), transport: "token" };
    expectOurs(await post("/auth/sign-up", body), {});
    const signedIn = await post("/auth/sign-in", body);
    expectOurs(signedIn, {});
    expectOurs(await post("/auth/refresh", undefined, { token: signedIn.json.token }), {});
  });
});

describe("S52: name and Secure follow the configured base URL, never the request", () => {
  test.each([
    { case: "http in the request", url: "http://example.com/auth/sign-in", headers: {} },
    { case: "a forwarded scheme", url: "https://example.com/auth/sign-in", headers: { "x-forwarded-proto": "http" } },
    { case: "another host", url: "http://localhost/auth/sign-in", headers: { host: "localhost" } },
  ])("$case", async ({ url, headers }) => {
    const { identifier } = await world.person();
    const json = { identifier, password: goodPassword };
    const response = await world.app.request(url, requestOf({ method: "POST", path: "", json, headers }));
    expect(response.status).toBe(200);
    const [session] = response.headers.getSetCookie().map(parseSetCookie);
    expect([session!.name, session!.attributes.secure]).toEqual(["__Host-session", ""]);
  });

  test("session cookie on http://localhost: keeps the __Host- prefix", async () => {
    const app = applicationOf(world.isolate({ origins: ["http://localhost:8787"] }));
    const { identifier } = await world.person();
    const sent = requestOf({ method: "POST", path: "", json: { identifier, password: goodPassword } });
    const response = await app.request("http://localhost:8787/auth/sign-in", sent);
    expect(response.headers.getSetCookie().map((header) => parseSetCookie(header).name)).toEqual([
      "__Host-session",
      "__Host-known-device",
    ]);
  });
});

describe("S08: a token stays in its transport", () => {
  test("a refresh by cookie: no token in the body, even on request", async () => {
    const { token: cookie } = await world.person({ transport: "cookie" });
    expect((await post("/auth/refresh", { transport: "token" }, { cookie })).code).toBe("invalid_format.body");
    const reply = await post("/auth/refresh", {}, { cookie });
    expect([reply.status, Object.keys(reply.json)]).toEqual([200, ["user", "session"]]);
    expect(reply.text).not.toContain(cookiesOf(reply)["__Host-session"]!.value);
  });

  test.each(["/auth/session", "/auth/sessions"])(
    "a cookie's token as a bearer at %s, and the reverse: refused",
    async (path) => {
      const [inCookie, inHeader] = [await world.person({ transport: "cookie" }), await world.person()];
      expect((await world.send({ method: "GET", path, token: inCookie.token })).code).toBe(
        "unauthorized.invalid_token",
      );
      expect((await world.send({ method: "GET", path, cookie: inHeader.token })).code).toBe(
        "unauthorized.invalid_token",
      );
    },
  );

  test("a wrong bearer with a valid cookie: refused", async () => {
    const { token: cookie } = await world.person({ transport: "cookie" });
    for (const bearer of [other, "pat_x", ""]) {
      const reply = await world.send({
        method: "GET",
        path: "/auth/session",
        cookie,
        headers: { authorization: `Bearer ${bearer}` },
      });
      expect(reply.status).toBe(401);
    }
  });

  test("S47: sign-in over a cookie ends its session; sign-in with a bearer leaves it", async () => {
    const ada = await world.person({ transport: "cookie" });
    const body = { identifier: ada.identifier, password: goodPassword };
    await post("/auth/sign-in", { ...body, transport: "token" }, { cookie: ada.token });
    expect((await world.send({ method: "GET", path: "/auth/session", cookie: ada.token })).status).toBe(200);
    await post("/auth/sign-in", body, { cookie: ada.token });
    expect((await world.send({ method: "GET", path: "/auth/session", cookie: ada.token })).code).toBe(
      "unauthorized.session_expired",
    );
  });
});

describe("S19: only sign-out clears cookies", () => {
  test.each([
    { case: "a session that has ended", prepare: (): Promise<string> => ended() },
    { case: "an unknown token", prepare: async () => other },
    { case: "a bearer's token", prepare: async () => (await world.person()).token },
    { case: "no token at all", prepare: async () => "!" },
  ])("$case: no Set-Cookie on any route", async ({ prepare }) => {
    const cookie = await prepare();
    const tried: [string, string, unknown?][] = [
      ["GET", "/auth/session"],
      ["GET", "/auth/sessions"],
      ["POST", "/auth/refresh"],
      ["POST", "/auth/sessions/revoke-others"],
      ["POST", "/auth/password", { current_password: goodPassword, new_password: otherPassword }],
      ["POST", "/auth/sign-in", { identifier: freshIdentifier(), password: goodPassword }],
      ["GET", "/v1/users"],
    ];
    for (const [method, path, json] of tried) {
      const reply = await world.send({ method, path, json, cookie });
      expect([path, reply.status, reply.setCookies]).toEqual([path, 401, []]);
    }
  });

  async function ended(): Promise<string> {
    const ada = await world.person({ transport: "cookie" });
    await world.auth.sessions.revoke({ actor: ada.actor, sessionId: ada.session.id });
    return ada.token;
  }

  test("R045: sign-out with a bearer: ends that session and keeps the cookie sent with it", async () => {
    const [bearer, inCookie] = [await world.person(), await world.person({ transport: "cookie" })];
    const reply = await post("/auth/sign-out", undefined, { token: bearer.token, cookie: inCookie.token });
    expect([reply.status, reply.setCookies]).toEqual([204, []]);
    expect((await world.send({ method: "GET", path: "/auth/session", token: bearer.token })).status).toBe(401);
    expect((await world.send({ method: "GET", path: "/auth/session", cookie: inCookie.token })).status).toBe(200);
  });

  test("R045: sign-out with a malformed bearer: refused, and ends nothing", async () => {
    const { token: cookie } = await world.person({ transport: "cookie" });
    const reply = await post("/auth/sign-out", undefined, { cookie, headers: { authorization: "Bearer !" } });
    expect([reply.code, reply.setCookies]).toEqual(["unauthorized.invalid_token", []]);
    expect((await world.send({ method: "GET", path: "/auth/session", cookie })).status).toBe(200);
  });

  test("sign-out without a session, repeated: succeeds", async () => {
    for (const sent of [{}, { cookie: other }, { token: other }]) {
      expect((await post("/auth/sign-out", undefined, sent)).status).toBe(204);
    }
  });
});

test("S13: two session cookies in one header: anonymous, and same-origin proof is still required", async () => {
  const [ada, eve] = [await world.person({ transport: "cookie" }), await world.person({ transport: "cookie" })];
  const cookie = `__Host-session=${ada.token}; __Host-session=${eve.token}`;
  const read = await world.send({ method: "GET", path: "/auth/session", headers: { cookie } });
  expect(read.code).toBe("unauthorized.invalid_token");
  const written = await post("/auth/refresh", undefined, { headers: { cookie } });
  expect(written.code).toBe("forbidden.cross_origin");
  const fromUs = await post("/auth/refresh", undefined, { headers: { cookie, origin } });
  expect(fromUs.code).toBe("unauthorized.invalid_token");
});

describe("S72: two applications on one host, whose cookies a browser sends to both", () => {
  test("each reads and writes its own, and a refusal of one leaves the other signed in", async () => {
    const shop = applicationOf(world.auth);
    const blog = applicationOf(world.isolate({ cookiePrefix: "blog-" }));
    const jar = new Map<string, string>();
    const send = async (app: typeof shop, sent: Partial<Sent>) => {
      const headers = {
        "sec-fetch-site": "same-origin",
        cookie: [...jar].map(([name, text]) => `${name}=${text}`).join("; "),
      };
      const request = { method: "GET", path: "/auth/session", headers, ...sent };
      const response = await app.request(request.path, requestOf(request));
      for (const header of response.headers.getSetCookie()) {
        const { name, value, attributes } = parseSetCookie(header);
        if (attributes["max-age"] === "0") jar.delete(name);
        else jar.set(name, value);
      }
      return response.status;
    };
    const signUp = (): Partial<Sent> => ({
      method: "POST",
      path: "/auth/sign-up",
      json: { identifier: freshIdentifier(), password: goodPassword },
    });
    expect([await send(shop, signUp()), await send(blog, signUp())]).toEqual([201, 201]);
    expect([...jar.keys()].sort()).toEqual([
      "__Host-blog-known-device",
      "__Host-blog-session",
      "__Host-known-device",
      "__Host-session",
    ]);
    expect([await send(shop, {}), await send(blog, {})]).toEqual([200, 200]);
    expect(await send(blog, { method: "POST", path: "/auth/sign-out" })).toBe(204);
    expect([await send(shop, {}), await send(blog, {})]).toEqual([200, 401]);
  });

  test("every cookie of the routes and pages has the prefix, and the name without it opens nothing", async () => {
    const prefixed = await openHttp("pglite", { auth: { cookiePrefix: "blog-" } });
    try {
      const person = await prefixed.person({ transport: "cookie" });
      const app = applicationOf(prefixed.auth);
      const statusWith = async (name: string) =>
        (await app.request("/auth/session", { headers: { cookie: `${name}=${person.token}` } })).status;
      expect([await statusWith("__Host-blog-session"), await statusWith("__Host-session")]).toEqual([200, 401]);
      const document = (await (await app.request("/openapi.json")).json()) as {
        components: { securitySchemes: { cookie: { name: string } } };
      };
      expect(document.components.securitySchemes.cookie.name).toBe("__Host-blog-session");
    } finally {
      await prefixed.close();
    }
  });
});
