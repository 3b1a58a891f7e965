import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, type Person } from "../support/auth.ts";
import { addApp } from "../support/factors.ts";
import { type Reply, send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";
import { withVerifiedAddress } from "../support/links.ts";
import { answerOf, freshIdentity, practiceProvider } from "../support/practice-provider.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite", {
    auth: { signUp: "open", returnTo: ["/welcome?tab=1", "https://app.example.com/in"] },
  });
});
afterAll(() => world.close());

type Identity = Parameters<typeof answerOf>[1];

const sameOrigin = { "sec-fetch-site": "same-origin" };
const cookieOf = (reply: Reply, name: string): string | undefined =>
  reply.setCookies
    .map((cookie) => cookie.split(";")[0]!)
    .find((cookie) => cookie.startsWith(`__Host-${name}=`) && !cookie.endsWith("="));
const locationOf = (reply: Reply): string | null => reply.headers.get("location");

/** Begins as a browser does, by a link or in a session. */
const begin = (query = "", as?: Pick<Person, "token">, verb = as ? "link" : "start") =>
  world.send({
    method: "GET",
    path: `/auth/oidc/practice/${verb}${query}`,
    headers: { ...sameOrigin, ...(as && { cookie: `__Host-session=${as.token}` }) },
  });

/** Comes back from the provider, with the cookies that the browser has. */
async function comeBack(begun: Reply, identity: Identity, ...cookies: (string | undefined)[]): Promise<Reply> {
  const { search } = answerOf({ url: locationOf(begun)! }, identity);
  const cookie = [cookieOf(begun, "provider-practice"), ...cookies].filter(Boolean).join("; ");
  const headers = { "sec-fetch-site": "cross-site", cookie };
  return await world.send({ method: "GET", path: `/auth/oidc/practice/callback${search}`, headers });
}

describe("OC50: a sign-in", () => {
  test("leads to the provider, back to the account, and leaves a session and no attempt", async () => {
    const begun = await begin();
    const to = new URL(locationOf(begun)!);
    expect([begun.status, to.origin]).toEqual([303, "https://practice.example"]);
    expect(to.searchParams.get("redirect_uri")).toBe("https://example.com/auth/oidc/practice/callback");
    expect(begun.setCookies[0]).toMatch(/; Max-Age=600; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
    const back = await comeBack(begun, freshIdentity());
    expect([back.status, locationOf(back), back.text]).toEqual([303, "/account", ""]);
    expect(back.setCookies.some((cookie) => cookie.startsWith("__Host-provider-practice=; Max-Age=0"))).toBe(true);
    const session = cookieOf(back, "session")!.split("=")[1]!;
    expect((await world.send({ method: "GET", path: "/auth/session", cookie: session })).status).toBe(200);
  });

  test("`remember=false`: the cookie ends with the browser", async () => {
    const back = await comeBack(await begin("?remember=false"), freshIdentity());
    expect(back.setCookies.find((cookie) => cookie.startsWith("__Host-session="))).not.toContain("Max-Age");
  });

  test("S47: it replaces the session of the browser", async () => {
    const person = await world.person({ transport: "cookie" });
    await comeBack(await begin(), freshIdentity(), `__Host-session=${person.token}`);
    expect((await world.send({ method: "GET", path: "/auth/session", cookie: person.token })).status).toBe(401);
  });

  test.each([
    ["/account/security", "/account/security"],
    ["/welcome?tab=1", "/welcome?tab=1"],
    ["https://app.example.com/in", "https://app.example.com/in"],
    // R062: whatever is not in the list leads to the account.
    ["https://app.example.com/in/", "/account"],
    ["https://evil.example/", "/account"],
    ["//evil.example", "/account"],
    ["/\\evil.example", "/account"],
    ["/account/../x", "/account"],
    ["javascript:alert(1)", "/account"],
    ["", "/account"],
  ])("open redirect: next=%s leads to %s", async (next, place) => {
    const begun = await begin(`?${new URLSearchParams({ next })}`);
    expect(locationOf(await comeBack(begun, freshIdentity()))).toBe(place);
  });

  test("a user with a second factor is led to it, with a ticket and no session", async () => {
    const { person } = await addApp(world, await world.person({ transport: "cookie" }));
    await world.levelTwo(person.session);
    const identity = freshIdentity();
    const linked = await comeBack(await begin("", person), identity, `__Host-session=${person.token}`);
    expect(locationOf(linked)).toBe("/account/security");
    const back = await comeBack(await begin(), identity);
    expect(locationOf(back)).toBe("/sign-in/second-factor?with=totp&next=%2Faccount");
    expect([cookieOf(back, "session"), cookieOf(back, "login-ticket")]).toEqual([undefined, expect.any(String)]);
  });
});

describe("OC33: an answer that comes as a form from the provider's site", () => {
  const sendForm = (fields: URLSearchParams | string, cookie?: string) =>
    world.send({
      method: "POST",
      path: "/auth/oidc/practice/callback",
      body: `${fields}`,
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "cross-site",
        origin: "https://practice.example",
        ...(cookie && { cookie }),
      },
    });
  /** The fields of an answer. The practice provider reads its identity from `user`. */
  const fieldsOf = (begun: Reply, identity: Identity) => {
    const { searchParams } = answerOf({ url: locationOf(begun)! }, identity);
    return new URLSearchParams({ state: searchParams.get("state")!, user: searchParams.get("identity")! });
  };
  const askAgain = (...cookies: (string | undefined)[]) =>
    world.send({
      method: "GET",
      path: "/auth/oidc/practice/callback",
      headers: { "sec-fetch-site": "cross-site", cookie: cookies.filter(Boolean).join("; ") },
    });

  test("the browser asks again with its cookies, and is signed in", async () => {
    const begun = await begin();
    world.counting.reset();
    const sent = await sendForm(fieldsOf(begun, freshIdentity()));
    expect([sent.status, locationOf(sent), world.counting.requests]).toEqual([303, "/auth/oidc/practice/callback", 0]);
    expect(sent.setCookies).toHaveLength(1);
    expect(sent.setCookies[0]).toMatch(
      /^__Host-answer-practice=[\w-]+; Max-Age=60; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    );
    const back = await askAgain(cookieOf(begun, "provider-practice"), cookieOf(sent, "answer-practice"));
    expect([back.status, locationOf(back)]).toEqual([303, "/account"]);
    expect(cookieOf(back, "session")).toBeDefined();
    expect(back.setCookies.some((cookie) => cookie.startsWith("__Host-answer-practice=; Max-Age=0"))).toBe(true);
  });

  test("login CSRF: a form of another browser's sign-in signs no one in", async () => {
    const [theirs, own] = [await begin(), await begin()];
    const sent = await sendForm(fieldsOf(theirs, freshIdentity()));
    for (const attempt of [undefined, cookieOf(own, "provider-practice")]) {
      const back = await askAgain(attempt, cookieOf(sent, "answer-practice"));
      expect(locationOf(back)).toContain("refusal=unauthorized.provider");
      expect(cookieOf(back, "session")).toBeUndefined();
    }
  });

  test("an answer in the URL counts, and not an older form", async () => {
    const [begun, identity] = [await begin(), freshIdentity()];
    const old = await sendForm(new URLSearchParams({ state: "x", error: "access_denied" }));
    const back = await comeBack(begun, identity, cookieOf(old, "answer-practice"));
    expect(locationOf(back)).toBe("/account");
  });

  test("tokens that come with it are not kept", async () => {
    const sent = await sendForm(
      new URLSearchParams({ state: "s", code: "c", id_token: "secret", access_token: "secret" }),
    );
    const [, value] = cookieOf(sent, "answer-practice")!.split("=");
    expect(atob(value!.replaceAll("-", "+").replaceAll("_", "/"))).toBe("state=s&code=c");
  });

  test.each([
    ["a field twice", "state=a&state=b", 400],
    ["more than a cookie holds", `state=a&user=${"x".repeat(4_000)}`, 413],
    ["bytes that are no text", "state=%FF%FE", 303],
    ["a NUL", "state=%00", 400],
    ["nothing", "", 303],
  ])("%s", async (_what, body, status) => {
    expect((await sendForm(body)).status).toBe(status);
  });
});

describe("OC31: an ID token that a script of the page got from the provider", () => {
  const own = { "content-type": "application/x-www-form-urlencoded" };
  const prepare = async () => {
    const reply = await world.send({ method: "POST", path: "/auth/oidc/practice/nonce", headers: sameOrigin });
    return { attempt: cookieOf(reply, "provider-practice")!, ...(reply.json as { client_id: string; nonce: string }) };
  };
  const bring = async (headers: Record<string, string>, fields: Record<string, string>) => {
    const body = `${new URLSearchParams({ credential: "an ID token", ...fields })}`;
    return await world.send({
      method: "POST",
      path: "/auth/oidc/practice/callback",
      body,
      headers: { ...own, ...headers },
    });
  };

  test("the page gets the client's id and a nonce, which the browser's cookie is bound to", async () => {
    const [first, second] = [await prepare(), await prepare()];
    expect(first).toMatchObject({ client_id: "practice-client", nonce: expect.stringMatching(/^[\w-]{43}$/) });
    expect(first.nonce).not.toBe(second.nonce);
  });

  test.each([
    ["a form of this site", sameOrigin, {}, true],
    [
      "Google's, with its cookie",
      { cookie: "g_csrf_token=abc", "sec-fetch-site": "cross-site" },
      { g_csrf_token: "abc" },
      true,
    ],
    ["without the cookie", { "sec-fetch-site": "cross-site" }, { g_csrf_token: "abc" }, false],
    ["with another cookie", { cookie: "g_csrf_token=abd" }, { g_csrf_token: "abc" }, false],
    ["with two cookies", { cookie: "g_csrf_token=abc; g_csrf_token=abc" }, { g_csrf_token: "abc" }, false],
    ["with empty ones", { cookie: "g_csrf_token=" }, { g_csrf_token: "" }, false],
    ["of another site", { "sec-fetch-site": "cross-site", origin: "https://evil.example" }, {}, false],
  ])("%s", async (_what, headers, fields, isTaken) => {
    const reply = await bring(headers as Record<string, string>, fields as Record<string, string>);
    expect([reply.status, reply.setCookies.length]).toEqual(isTaken ? [303, 1] : [403, 0]);
  });

  test("only of a provider that has such a script; and forms only of one that sends them", async () => {
    const plain = { ...practiceProvider(), pageClientId: undefined as never, answersByForm: false };
    const app = applicationOf(world.isolate({ federation: { providers: [plain] } }));
    const path = "/auth/oidc/practice";
    const bodies = ["credential=x", "state=x&code=y"];
    const replies = [
      await send(app, { method: "POST", path: `${path}/nonce`, headers: sameOrigin }),
      ...(await Promise.all(
        bodies.map((body) =>
          send(app, { method: "POST", path: `${path}/callback`, body, headers: { ...own, ...sameOrigin } }),
        ),
      )),
    ];
    expect(replies.map(({ status, setCookies }) => [status, setCookies])).toEqual(Array(3).fill([404, []]));
  });
});

test("OC44: who must enroll a factor is sent to the provider for a new proof, once", async () => {
  const auth = world.isolate({ federation: { providers: [practiceProvider("practice", undefined, true)] } });
  const app = applicationOf(auth);
  const ask = (path: string, cookie?: string) =>
    send(app, { method: "GET", path, headers: { ...sameOrigin, ...(cookie && { cookie }) } });
  const answer = async (begun: Reply, identity: Identity) =>
    await ask(
      `/auth/oidc/practice/callback${answerOf({ url: locationOf(begun)! }, identity).search}`,
      cookieOf(begun, "provider-practice"),
    );
  const identity = freshIdentity();
  const made = await answer(await ask("/auth/oidc/practice/start"), identity);
  const { user } = await world.auth.sessions.verify({
    token: cookieOf(made, "session")!.split("=")[1]!,
    transport: "cookie",
  });
  await world.rows(sql`insert into usr_mfa_policy (usr_id, required) values (${uuidFor("usr", user.id)}::uuid, true)`);
  const silent = await answer(
    await ask("/auth/oidc/practice/start?next=%2Faccount%2Fdevices&remember=false"),
    identity,
  );
  expect(new URL(locationOf(silent)!).origin).toBe("https://practice.example");
  expect(cookieOf(silent, "session")).toBeUndefined();
  const again = await answer(silent, identity);
  expect(locationOf(again)).toContain("refusal=unauthorized.provider&provider=practice&reason=auth_time");
  const proved = await answer(silent, { ...identity, authTime: Math.floor(Date.now() / 1_000) });
  expect(locationOf(proved)).toBe("/sign-in/enroll?next=%2Faccount%2Fdevices");
});

describe("OC47: messages of a provider", () => {
  const now = Math.floor(Date.now() / 1_000);
  const tell = (subject: string, more = {}) => {
    const notice = { ends: "sessions", issuer: "https://practice.example", subject, id: subject, ...more };
    const token = JSON.stringify({ issuedAt: now + 60, expiresAt: now + 240, ...notice });
    return world.send({
      method: "POST",
      path: "/auth/oidc/practice/logout",
      body: `${new URLSearchParams({ logout_token: token })}`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
  };

  test("ends the sessions: 200, then 400, never kept by a cache", async () => {
    const identity = freshIdentity();
    const session = cookieOf(await comeBack(await begin(), identity), "session")!.split("=")[1]!;
    const told = await tell(identity.subject);
    expect([told.status, told.json, told.headers.get("cache-control")]).toEqual([200, {}, "no-store"]);
    expect((await world.send({ method: "GET", path: "/auth/session", cookie: session })).status).toBe(401);
    const again = await tell(identity.subject);
    expect([again.status, again.code, again.headers.get("cache-control")]).toEqual([
      400,
      "invalid_format.notice",
      "no-store",
    ]);
  });

  test("says nothing about whether an account has the identity", async () => {
    const { status, json } = await tell("nobody-has-it");
    expect([status, json]).toEqual([200, {}]);
  });
});

describe("login CSRF: a sign-in that the site's own pages did not begin", () => {
  test.each(["cross-site", "same-site", "none", undefined])("a link with Sec-Fetch-Site %s: refused", async (site) => {
    const headers = site === undefined ? {} : { "sec-fetch-site": site };
    const reply = await world.send({ method: "GET", path: "/auth/oidc/practice/start", headers });
    expect([reply.code, reply.setCookies]).toEqual(["forbidden.cross_origin", []]);
  });

  test("a form of another site: refused", async () => {
    const headers = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    const reply = await world.send({ method: "POST", path: "/auth/oidc/practice/start", headers });
    expect([reply.code, reply.setCookies]).toEqual(["forbidden.cross_origin", []]);
  });

  test("an answer without the cookie, and with another sign-in's: no session", async () => {
    const [mine, thief] = [await begin(), await begin()];
    const { search } = answerOf({ url: locationOf(thief)! }, freshIdentity());
    for (const cookie of ["", cookieOf(mine, "provider-practice")!]) {
      const path = `/auth/oidc/practice/callback${search}`;
      const reply = await world.send({ method: "GET", path, headers: { cookie } });
      const place = "/sign-in?refusal=unauthorized.provider&provider=practice&reason=state_mismatch";
      expect([locationOf(reply), cookieOf(reply, "session")]).toEqual([place, undefined]);
    }
  });
});

describe("refusals lead to a page", () => {
  test.each([
    ["access_denied", "refusal=unauthorized.provider&provider=practice&reason=access_denied"],
    ["<script>", "refusal=unauthorized.provider&provider=practice&reason=other"],
    ["issuer_timeout", "refusal=unavailable.provider&provider=practice"],
  ])("%s", async (error, query) => {
    const reply = await comeBack(await begin(), { error });
    expect([reply.status, locationOf(reply), cookieOf(reply, "session")]).toEqual([
      303,
      `/sign-in?${query}`,
      undefined,
    ]);
  });

  test("of a link: the page of the account", async () => {
    const person = await world.person({ transport: "cookie" });
    const session = `__Host-session=${person.token}`;
    const taken = freshIdentity();
    await comeBack(await begin(), taken);
    const reply = await comeBack(await begin("", person), taken, session);
    expect(locationOf(reply)).toBe("/account/security?refusal=conflict.identity_in_use&provider=practice");
  });

  test("a link in a session that has ended meanwhile", async () => {
    const person = await world.person({ transport: "cookie" });
    const begun = await begin("", person);
    await world.auth.sessions.revoke({ actor: person.actor, sessionId: person.session.id });
    const reply = await comeBack(begun, freshIdentity(), `__Host-session=${person.token}`);
    expect(locationOf(reply)).toBe("/account/security?refusal=unauthorized.session_expired&provider=practice");
  });
});

test("OC44: a step-up replaces the session of the browser, and leads back to the page", async () => {
  const first = await comeBack(await begin(), freshIdentity());
  expect(locationOf(first)).toBe("/account");
  const identity = freshIdentity();
  const token = cookieOf(await comeBack(await begin(), identity), "session")!.split("=")[1]!;
  const session = `__Host-session=${token}`;
  const back = await comeBack(await begin("?next=%2Faccount%2Fsecurity", { token }, "step-up"), identity, session);
  expect([back.status, locationOf(back)]).toEqual([303, "/account/security"]);
  const next = cookieOf(back, "session")!.split("=")[1]!;
  expect((await world.send({ method: "GET", path: "/auth/session", cookie: next })).status).toBe(200);
  expect((await world.send({ method: "GET", path: "/auth/session", cookie: token })).status).toBe(401);
  const other = await comeBack(await begin("", { token: next }, "step-up"), freshIdentity(), `__Host-session=${next}`);
  expect(locationOf(other)).toBe(
    "/account/security?refusal=unauthorized.provider&provider=practice&reason=not_accepted",
  );
  expect((await world.send({ method: "GET", path: "/auth/session", cookie: next })).status).toBe(200);
});

test("OC42: the owner of the address is asked, signs in, and links", async () => {
  const person = await withVerifiedAddress(world, await world.person({ transport: "cookie" }));
  const identity = freshIdentity({ email: person.identifier, emailVerified: true });
  const asked = await comeBack(await begin(), identity);
  expect([locationOf(asked), cookieOf(asked, "session")]).toEqual(["/sign-in/identity", undefined]);
  // The place that the sign-in was begun for goes along.
  const further = await comeBack(await begin("?next=%2Faccount%2Ftokens"), identity);
  expect(locationOf(further)).toBe("/sign-in/identity?next=%2Faccount%2Ftokens");
  const waiting = cookieOf(asked, "identity")!;
  expect(asked.setCookies.find((cookie) => cookie.startsWith("__Host-identity="))).toMatch(
    /; Max-Age=600; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
  );
  const headers = { ...sameOrigin, cookie: `__Host-session=${person.token}; ${waiting}` };
  const linked = await world.send({ method: "POST", path: "/auth/identities", headers });
  expect(linked.status).toBe(201);
  expect(linked.json).toMatchObject({ provider: "practice", label: person.identifier, status: "active" });
  const again = await comeBack(await begin(), identity);
  expect([locationOf(again), cookieOf(again, "session")]).toEqual(["/account", expect.any(String)]);
});

test("mounted below a path: the provider sends browsers back there", async () => {
  const app = applicationOf(world.isolate({ federation: { mountPath: "/api" } }));
  const reply = await send(app, { method: "GET", path: "/auth/oidc/practice/start", headers: sameOrigin });
  const { searchParams } = new URL(locationOf(reply)!);
  expect(searchParams.get("redirect_uri")).toBe("https://example.com/api/auth/oidc/practice/callback");
});

test("R018: a sign-in says nothing of an address that no account has", async () => {
  const reply = await comeBack(await begin(), freshIdentity({ email: freshIdentifier(), emailVerified: true }));
  expect(locationOf(reply)).toBe("/account");
});
