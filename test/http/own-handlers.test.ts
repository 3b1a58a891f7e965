import { type Context, Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthError } from "../../src/domain/error.ts";
import { presentedSession } from "../../src/http/bearer.ts";
import { requireSameOrigin } from "../../src/http/same-origin.ts";
import { endSession, startSession } from "../../src/http/session-cookie.ts";
import { freshAddress, freshIdentifier, goodPassword, outcome, type Person } from "../support/auth.ts";
import { cookiesOf, type Reply, readReply, requestOf, type Sent } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
let ada: Person;
beforeAll(async () => {
  world = await openHttp("pglite");
  ada = await world.person({ transport: "cookie" });
});
afterAll(() => world.close());

/** An application whose own handlers sign in, sign up and sign out. */
const application = new Hono()
  .post("/sign-in", async (c) => {
    requireSameOrigin(c, world.auth);
    const { identifier, password } = ada;
    const context = { address: freshAddress() };
    const presentedToken = presentedSession(c, world.auth)?.token;
    const proof = { identifier, password, transport: "cookie", presentedToken, context } as const;
    const signedIn = await world.auth.signIn.password(proof);
    if (signedIn.mfaRequired) throw new AuthError("unauthorized.mfa_required");
    startSession(c, world.auth, signedIn);
    return c.redirect("/", 303);
  })
  .post("/sign-up", async (c) => {
    requireSameOrigin(c, world.auth);
    const account = { identifier: freshIdentifier(), password: goodPassword, context: { address: freshAddress() } };
    const [signedUp] = await world.auth.batch([await world.auth.signUp.plan({ ...account, transport: "cookie" })]);
    startSession(c, world.auth, signedUp);
    return c.json({ id: signedUp.user.id });
  })
  .post("/sign-out", async (c) => {
    requireSameOrigin(c, world.auth);
    const presented = presentedSession(c, world.auth);
    if (presented) await world.auth.sessions.signOut(presented);
    endSession(c, world.auth);
    return c.body(null, 204);
  });

const ask = async (path: string, more: Partial<Sent> = {}): Promise<Reply> => {
  const headers = { "sec-fetch-site": "same-origin" };
  return await readReply(await application.request(path, requestOf({ method: "POST", path, headers, ...more })));
};

/** The name and attributes of each cookie, without its value and its lifetime, which differs by seconds. */
const kindsOf = (reply: Reply) =>
  Object.entries(cookiesOf(reply)).map(
    ([
      name,
      {
        attributes: { "max-age": _seconds, ...others },
      },
    ]) => [name, others],
  );

describe("an application's own handlers", () => {
  test.each(["/sign-in", "/sign-up"])("R051: %s: sets the same cookies as Sallyport's route", async (path) => {
    const json = { identifier: ada.identifier, password: ada.password };
    const headers = { "sec-fetch-site": "same-origin" };
    const ours = await world.send({ method: "POST", path: "/auth/sign-in", json, headers });
    const reply = await ask(path);
    expect(kindsOf(reply)).toEqual(kindsOf(ours));
    const token = cookiesOf(reply)["__Host-session"]!.value;
    expect(await outcome(world.auth.sessions.verify({ token, transport: "cookie" }))).toBe("done");
    expect(reply.text).not.toContain(token);
  });

  test.each(["/sign-in", "/sign-up", "/sign-out"])(
    "R064: %s: no cache keeps an answer that sets or clears a cookie",
    async (path) => {
      const reply = await ask(path);
      expect(reply.setCookies).not.toEqual([]);
      expect(reply.headers.get("cache-control")).toBe("no-store");
    },
  );

  test.each(["/sign-in", "/sign-up", "/sign-out"])("R055: %s from a foreign page: 403 and no cookie", async (path) => {
    for (const headers of [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }, { origin: "null" }]) {
      const reply = await ask(path, { headers });
      expect([reply.status, reply.setCookies]).toEqual([403, []]);
    }
  });

  test("R044, R045: signing in ends the cookie's session, and signing out ends the new session", async () => {
    const before = await world.person({ transport: "cookie" });
    const first = cookiesOf(await ask("/sign-in", { cookie: before.token }))["__Host-session"]!.value;
    const verify = (token: string) => outcome(world.auth.sessions.verify({ token, transport: "cookie" }));
    expect([await verify(before.token), await verify(first)]).toEqual(["unauthorized.session_expired", "done"]);
    await ask("/sign-out", { cookie: first });
    expect(await verify(first)).toBe("unauthorized.session_expired");
  });
});

describe("R052, S08: startSession refuses", () => {
  test.each([
    { case: "a session of a token", change: { session: { transport: "token" } } },
    { case: "a token that would end the cookie", change: { token: "A; Domain=example.com" } },
    { case: "a token that would end the header", change: { token: "A\r\nSet-Cookie: a=b" } },
    { case: "an empty token", change: { token: "" } },
  ])("$case", async ({ change: { session = {}, ...change } }: { change: { session?: object; token?: string } }) => {
    const { user } = await world.auth.sessions.verify(ada);
    const issued = { user, token: ada.token, ...change, session: { ...ada.session, ...session } };
    const app = new Hono().get("/", (c) => c.text(String(startSession(c, world.auth, issued as never))));
    app.onError((error, c) => c.json({ name: error.name }, 500));
    const reply = await readReply(await app.request("/"));
    expect([reply.json, reply.setCookies]).toEqual([{ name: "TypeError" }, []]);
  });
});

describe("presentedSession", () => {
  const app = new Hono().get("/", (c: Context) => c.json(presentedSession(c, world.auth) ?? null));
  const [one, other] = ["A".repeat(43), "B".repeat(43)];
  const cookie = `__Host-session=${one}`;

  test.each([
    { case: "nothing", headers: {}, expected: null },
    { case: "the cookie", headers: { cookie }, expected: { token: one, transport: "cookie" } },
    { case: "a bearer", headers: { authorization: `Bearer ${other}` }, expected: { token: other, transport: "token" } },
    {
      case: "a bearer beside the cookie",
      headers: { cookie, authorization: `Bearer ${other}` },
      expected: { token: other, transport: "token" },
    },
    { case: "two cookies", headers: { cookie: `${cookie}; __Host-session=${other}` }, expected: null },
  ])("$case: $expected", async ({ headers, expected }) => {
    expect(await (await app.request("/", { headers: headers as HeadersInit })).json()).toEqual(expected);
  });

  test.each(["", "Basic YTpi"])("S77: %j beside the cookie: the cookie counts", async (authorization) => {
    const reply = await app.request("/", { headers: { cookie, authorization } });
    expect(await reply.json()).toEqual({ token: one, transport: "cookie" });
  });

  test.each(["Bearer", `Bearer ${other}, Bearer ${one}`, "Bearer pat_x", "Bearer shr_x"])(
    "%j beside the cookie: refused, and the cookie does not count",
    async (authorization) => {
      expect((await app.request("/", { headers: { cookie, authorization } })).status).toBe(401);
    },
  );
});
