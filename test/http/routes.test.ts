import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import type { Who } from "../../src/domain/act.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, goodPassword, otherPassword, system } from "../support/auth.ts";
import { addApp } from "../support/factors.ts";
import { cookiesOf, type Reply, type Sent } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

const post = (path: string, json?: unknown, more: Partial<Sent> = {}): Promise<Reply> =>
  world.send({ method: "POST", path, json, ...more });
const get = (path: string, more: Partial<Sent> = {}): Promise<Reply> => world.send({ method: "GET", path, ...more });
const put = (path: string, json: unknown, more: Partial<Sent> = {}): Promise<Reply> =>
  world.send({ method: "PUT", path, json, ...more });

describe("an account's life under /auth", () => {
  test.each(["token", "cookie"] as const)("with transport %s", async (transport) => {
    const credentials = { identifier: freshIdentifier(), password: goodPassword, transport };
    /** The token in an answer, which is in one place only (S08). */
    const tokenOf = (reply: Reply): string => {
      const cookie = cookiesOf(reply)["__Host-session"]?.value;
      expect([reply.json.token === undefined, cookie === undefined]).toEqual([
        transport === "cookie",
        transport === "token",
      ]);
      expect(reply.text.includes(cookie ?? "never")).toBe(false);
      return cookie ?? reply.json.token;
    };
    const as = (token: string): Partial<Sent> => (transport === "token" ? { token } : { cookie: token });

    const signedUp = await post("/auth/sign-up", { ...credentials, display_name: "Ada" });
    expect(signedUp.status).toBe(201);
    expect(signedUp.json).toMatchObject({
      user: { display_name: "Ada", status: "active" },
      session: { transport, current: true },
    });
    const first = tokenOf(signedUp);

    const signedIn = await post("/auth/sign-in", credentials);
    expect(signedIn.status).toBe(200);
    const second = tokenOf(signedIn);

    const current = await get("/auth/session", as(second));
    expect(current.json).toEqual({
      user: { ...signedIn.json.user, identifier: credentials.identifier, identifier_verified: false },
      session: { ...signedIn.json.session, current: true },
    });

    const listed = await get("/auth/sessions?limit=1", as(second));
    expect(listed.json.data).toMatchObject([{ id: signedUp.json.session.id, current: false }]);
    const rest = await get(`/auth/sessions?cursor=${listed.json.page.next_cursor}`, as(second));
    expect(rest.json).toMatchObject({
      data: [{ id: signedIn.json.session.id, current: true }],
      page: { next_cursor: null },
    });

    expect((await post("/auth/sessions/revoke-others", undefined, as(second))).json).toEqual({ revoked: 1 });
    expect((await get("/auth/session", as(first))).code).toBe("unauthorized.session_expired");

    const refreshed = await post("/auth/refresh", undefined, as(second));
    const third = tokenOf(refreshed);
    expect(new Set([first, second, third]).size).toBe(3);
    expect((await get("/auth/session", as(second))).code).toBe("unauthorized.session_expired");

    const changed = await post(
      "/auth/password",
      { current_password: goodPassword, new_password: otherPassword },
      as(third),
    );
    const fourth = tokenOf(changed);
    expect((await get("/auth/session", as(third))).code).toBe("unauthorized.session_expired");

    // R045: ended on the server, not only in the browser.
    expect((await post("/auth/sign-out", undefined, as(fourth))).status).toBe(204);
    expect((await get("/auth/session", as(fourth))).code).toBe("unauthorized.session_expired");
    expect((await post("/auth/sign-in", credentials)).code).toBe("unauthorized.invalid_credential");
  });
});

describe("one's own account under /auth", () => {
  test("the user: read, renamed, name removed; nothing else can be written", async () => {
    const { userId, token } = await world.person();
    const read = await get("/auth/user", { token });
    expect(read.json).toMatchObject({ id: userId, display_name: null, status: "active" });
    expect((await put("/auth/user", { display_name: "Ada" }, { token })).json).toMatchObject({
      id: userId,
      display_name: "Ada",
    });
    expect((await put("/auth/user", {}, { token })).json.display_name).toBe("Ada");
    expect((await get("/auth/user", { token })).json.display_name).toBe("Ada");
    expect((await put("/auth/user", { display_name: null }, { token })).json.display_name).toBe(null);
    expect((await put("/auth/user", { status: "revoked" }, { token })).code).toBe("invalid_format.body");
  });

  test("closing the account: needs the password, and ends every session", async () => {
    const { identifier, token } = await world.person();
    const second = await post("/auth/sign-in", { identifier, password: goodPassword, transport: "token" });
    expect((await post("/auth/user/revoke", {}, { token })).code).toBe("unauthorized.invalid_credential");
    expect((await get("/auth/session", { token })).status).toBe(200);
    const closed = await post("/auth/user/revoke", { current_password: goodPassword }, { token });
    expect([closed.status, closed.json.status]).toEqual([200, "revoked"]);
    for (const ended of [token, second.json.token]) {
      expect((await get("/auth/session", { token: ended })).code).toBe("unauthorized.session_expired");
    }
    const again = await post("/auth/sign-in", { identifier, password: goodPassword });
    expect(again.code).toBe("unauthorized.invalid_credential");
  });

  test("closing the account of a last owner: only with end_organizations, which ends the organization", async () => {
    const { token, actor, userId } = await world.person();
    const { organization } = await world.auth.organizations.create({ actor, userId });
    const close = (more: object) => post("/auth/user/revoke", { current_password: goodPassword, ...more }, { token });
    expect((await close({})).code).toBe("conflict.sole_owner");
    expect((await close({ end_organizations: "yes" })).code).toBe("invalid_format.body");
    expect((await close({ end_organizations: true })).json.status).toBe("revoked");
    const ended = await world.auth.organizations.get({ actor: system, organizationId: organization.id });
    expect(ended.status).toBe("revoked");
  });

  test("an administrator who closes their own account: no other account changes", async () => {
    const [{ token, userId }, other] = [await world.administrator(), await world.person()];
    await world.administrator();
    const closed = await post("/auth/user/revoke", { current_password: goodPassword }, { token });
    expect(closed.json).toMatchObject({ id: userId, status: "revoked" });
    expect((await get("/auth/session", { token: other.token })).status).toBe(200);
  });

  test("passwords: a second one is added, suspended and revoked, each with its own proof; no answer contains one", async () => {
    const { credentialId, identifier, token } = await world.person();
    const [own, another] = [{ token }, freshIdentifier()];
    const added = await post(
      "/auth/credentials",
      { identifier: another, password: otherPassword, current_password: goodPassword },
      own,
    );
    expect([added.status, added.json]).toMatchObject([
      201,
      { identifier: another, type: "password", status: "active" },
    ]);
    const { id } = added.json;
    expect((await get(`/auth/credentials/${id}`, own)).json).toEqual(added.json);

    const listed = await get("/auth/credentials", own);
    expect(listed.json).toMatchObject({
      credentials: [
        { id: credentialId, identifier },
        { id, identifier: another },
      ],
    });
    expect(`${added.text}${listed.text}`).not.toMatch(/argon2|hash|wrh/);

    const proof = { current_password: otherPassword };
    const suspended = await post(`/auth/credentials/${id}/suspend`, proof, own);
    expect([suspended.status, suspended.json.status]).toEqual([200, "suspended"]);
    expect((await post("/auth/sign-in", { identifier: another, password: otherPassword })).status).toBe(401);
    const third = await post(
      "/auth/credentials",
      { identifier: freshIdentifier(), password: otherPassword, current_password: goodPassword },
      own,
    );
    expect((await post(`/auth/credentials/${third.json.id}/revoke`, proof, own)).json.status).toBe("revoked");
    const states = (await get("/auth/credentials", own)).json.credentials.map(
      ({ status }: { status: string }) => status,
    );
    expect(states).toEqual(["active", "suspended", "revoked"]);
  });

  test("sessions: one's own are read and ended, and the current one is marked", async () => {
    const ada = await world.person();
    const { session, token } = await world.signIn(ada);
    const own = { token: ada.token };
    const other = await get(`/auth/sessions/${session.id}`, own);
    expect(other.json).toMatchObject({ id: session.id, current: false, revoked_at: null });
    expect((await get(`/auth/sessions/${ada.session.id}`, own)).json).toMatchObject({
      id: ada.session.id,
      current: true,
    });
    const ended = await post(`/auth/sessions/${session.id}/revoke`, undefined, own);
    expect(ended.json).toEqual({ ...other.json, revoked_at: expect.any(String) });
    expect((await get("/auth/session", { token })).code).toBe("unauthorized.session_expired");
    expect((await get("/auth/session", own)).status).toBe(200);
  });

  test("the policy of second factors: a user with a factor raises it and cannot lower it", async () => {
    const { person } = await addApp(world, await world.person());
    const own = { token: person.token };
    expect((await get("/auth/mfa-policy", own)).json).toMatchObject({ usr_id: person.userId, required: false });
    const raised = await put("/auth/mfa-policy", { required: true }, own);
    expect([raised.status, raised.json.required]).toEqual([200, true]);
    expect((await put("/auth/mfa-policy", { required: false }, own)).code).toBe("forbidden");
    expect((await get("/auth/mfa-policy", own)).json).toEqual(raised.json);
  });

  test("a personal access token: read without its secret", async () => {
    const { token } = await world.person();
    const made = await post("/auth/personal-access-tokens", { name: "ci", scope: ["docs:read"] }, { token });
    const read = await get(`/auth/personal-access-tokens/${made.json.pat.id}`, { token });
    expect(read.json).toEqual(made.json.pat);
    expect(read.text).not.toContain(made.json.token.slice(37));
  });

  test.each(["sessions", "credentials", "personal-access-tokens"])(
    "%s: another user's is not found; an administrator reaches it only under /v1",
    async (list) => {
      const [ada, other, administrator] = [await world.person(), await world.person(), await world.administrator()];
      const made = { actor: system, userId: ada.userId, name: "ci", scope: [] };
      const { pat } = await world.auth.personalAccessTokens.create(made);
      const id = { sessions: ada.session.id, credentials: ada.credentialId, "personal-access-tokens": pat.id }[list]!;
      const before = await world.lastChange();
      for (const [{ token }, code] of [
        [other, "not_found"],
        [administrator, "forbidden"],
      ] as const) {
        expect((await get(`/auth/${list}/${id}`, { token })).code).toBe(code);
        expect((await post(`/auth/${list}/${id}/revoke`, {}, { token })).code).toBe(code);
      }
      expect(await world.lastChange()).toBe(before);
      const path = `/v1/${list === "personal-access-tokens" ? "pats" : list}/${id}`;
      expect((await get(path, { token: administrator.token })).json.id).toBe(id);
    },
  );
});

describe("the routes of one act under /auth and under /v1", () => {
  /** The path under `/auth` where an owner does the act of a path under `/v1`. */
  const ownPathOf = (path: string): string =>
    path
      .replace("/v1/users/:usr_id", "/auth/user")
      .replace(/^\/auth\/user\/(?!revoke$)/, "/auth/")
      .replace("/v1/", "/auth/")
      .replace("/mfa-factors", "/factors")
      .replace("/pats", "/personal-access-tokens")
      // The password of the current session.
      .replace("/credentials/:cred_id/rotate", "/password");

  /** The routes of users' own objects. Organizations, their invitations and tuples are no part of their accounts. */
  const ofUsers = routes.filter(
    ({ path }) => path.startsWith("/v1/") && !/^\/v1\/(orgs|invitations|tuples)/.test(path),
  );
  const owners = ofUsers.filter(({ access }) => typeof access === "object" && access.owner);

  test("22 acts under /v1 are also for the owner", () => {
    expect(owners.length).toBe(22);
  });

  test.each(owners.map((row) => [row.id, row] as const))("%s: the owner has it under /auth too", (_id, row) => {
    const own = routes.find(({ method, path }) => method === row.method && path === ownPathOf(row.path));
    expect(own, `no route is ${row.method} ${ownPathOf(row.path)}`).toBeDefined();
    const { access, body, refusals, status } = own!;
    expect((access as Who).owner).toBe((row.access as Who).owner);
    expect([body === undefined, status]).toEqual([row.body === undefined, row.status]);
    // The path under `/auth` adds no refusal.
    expect(refusals.filter((code) => !row.refusals.includes(code))).toEqual([]);
    // An administrator does not reach another user's object by a path that names one.
    if (own!.path.includes(":")) expect(access).not.toHaveProperty("administrator");
  });

  test("acts under /v1 that are not for the owner: none is under /auth", () => {
    const others = ofUsers.filter(({ access }) => typeof access === "object" && !access.owner);
    const paths = new Set(routes.map(({ method, path }) => `${method} ${path}`));
    expect(others.map(({ id }) => id).toSorted()).toEqual([
      "createDeploymentInvitation",
      "createUser",
      "grantMfaEnrollment",
      "liftLimit",
      "listDeploymentInvitations",
      "listLimits",
      "listUsers",
      "reinstateCredential",
      "reinstateUser",
      "revokeDeploymentInvitation",
      "suspendUser",
    ]);
    expect(others.filter(({ method, path }) => paths.has(`${method} ${ownPathOf(path)}`))).toEqual([]);
  });
});

describe("an account's life under /v1", () => {
  test("S20: a proved password gives a ticket, which makes one session", async () => {
    const { identifier, userId, credentialId } = await world.person();
    const proved = await post("/v1/credentials/verify", {
      type: "password",
      identifier,
      proof: { password: goodPassword },
    });
    expect(proved.json).toEqual({ usr_id: userId, cred_id: credentialId });
    const ticket = { headers: { "login-ticket": proved.headers.get("login-ticket")! } };

    const wanted = { usr_id: userId, cred_id: credentialId, ttl_seconds: 120 };
    const made = await post("/v1/sessions", wanted, ticket);
    expect(made.status).toBe(201);
    const { session, token } = made.json;
    expect(Date.parse(session.expires_at) - Date.parse(session.created_at)).toBe(120_000);
    expect((await post("/v1/sessions", wanted, ticket)).code).toBe("unauthorized.invalid_ticket");

    expect((await get(`/v1/sessions/${session.id}`, { token })).json).toEqual(session);
    const refreshed = await post(`/v1/sessions/${session.id}/refresh`, undefined, { token });
    expect(refreshed.status).toBe(201);
    const revoked = await post(`/v1/sessions/${refreshed.json.session.id}/revoke`, undefined, {
      token: refreshed.json.token,
    });
    expect(revoked.json).toEqual({ ...refreshed.json.session, revoked_at: expect.any(String) });
    expect((await get("/auth/session", { token: refreshed.json.token })).code).toBe("unauthorized.session_expired");
  });

  test.each([
    { case: "no ticket", change: {}, ticket: () => "" },
    { case: "a ticket that was never issued", change: {}, ticket: () => "A".repeat(43) },
    { case: "two tickets", change: {}, ticket: (own: string) => `${own}, ${own}` },
    { case: "another user", change: { usr_id: "usr_0190f2a81b3c7abc8123456789abcdef" }, ticket: (own: string) => own },
    {
      case: "another credential",
      change: { cred_id: "cred_0190f2a81b3c7abc8123456789abcdef" },
      ticket: (own: string) => own,
    },
  ])("S20: $case: always the same refusal, and the ticket is not spent", async ({ change, ticket }) => {
    const { identifier, userId: usr_id, credentialId: cred_id } = await world.person();
    const proved = await post("/v1/credentials/verify", {
      type: "password",
      identifier,
      proof: { password: goodPassword },
    });
    const own = proved.headers.get("login-ticket")!;
    const wanted = { usr_id, cred_id, ttl_seconds: 120 };
    const refused = await post("/v1/sessions", { ...wanted, ...change }, { headers: { "login-ticket": ticket(own) } });
    expect(refused.text).toBe('{"code":"unauthorized.invalid_ticket","message":"A valid login ticket is required."}');
    expect((await post("/v1/sessions", wanted, { headers: { "login-ticket": own } })).status).toBe(201);
  });

  test("S20: the ticket of a cookie sign-in: refused under /v1", async () => {
    const { identifier, userId, credentialId } = await world.person();
    await world.requireFactor(userId);
    const pending = await post("/auth/sign-in", { identifier, password: goodPassword });
    const ticket = cookiesOf(pending)["__Host-login-ticket"]!.value;
    const wanted = { usr_id: userId, cred_id: credentialId, ttl_seconds: 120 };
    const refused = await post("/v1/sessions", wanted, { headers: { "login-ticket": ticket } });
    expect(refused.code).toBe("unauthorized.invalid_ticket");
  });

  test("users and credentials under /v1: used by their owner and by an administrator", async () => {
    const ada = await world.person();
    const administrator = await world.administrator();
    const [own, theirs] = [{ token: ada.token }, { token: administrator.token }];

    expect((await put(`/v1/users/${ada.userId}`, { display_name: "Ada" }, own)).json).toMatchObject({
      id: ada.userId,
      display_name: "Ada",
    });
    expect((await put(`/v1/users/${ada.userId}`, {}, own)).json.display_name).toBe("Ada");
    expect((await put(`/v1/users/${ada.userId}`, { display_name: null }, own)).json.display_name).toBe(null);
    expect((await get(`/v1/credentials/${ada.credentialId}`, own)).json).toMatchObject({
      identifier: ada.identifier,
      usr_id: ada.userId,
    });

    const second = {
      usr_id: ada.userId,
      type: "password",
      identifier: freshIdentifier(),
      password: otherPassword,
      current_password: goodPassword,
    };
    const proof = { current_password: otherPassword };
    const added = await post("/v1/credentials", second, own);
    expect([added.status, added.json.identifier]).toEqual([201, second.identifier]);
    expect(added.text).not.toContain(otherPassword);
    expect((await post(`/v1/credentials/${added.json.id}/suspend`, proof, own)).json.status).toBe("suspended");
    expect((await post(`/v1/credentials/${added.json.id}/reinstate`, undefined, theirs)).json.status).toBe("active");
    expect((await post(`/v1/credentials/${added.json.id}/revoke`, proof, own)).json.status).toBe("revoked");

    const made = await post("/v1/users", { display_name: "Grace" }, theirs);
    expect([made.status, made.json.display_name]).toEqual([201, "Grace"]);
    const found = await get(`/v1/users?query=${encodeURIComponent(ada.identifier)}&status=active`, theirs);
    expect(found.json.data.map(({ id }: { id: string }) => id)).toEqual([ada.userId]);
    expect((await get(`/v1/users/${ada.userId}/sessions?limit=200`, theirs)).json.data).toHaveLength(1);
    expect((await post(`/v1/users/${ada.userId}/suspend`, undefined, theirs)).json.status).toBe("suspended");
    expect((await post(`/v1/users/${ada.userId}/reinstate`, undefined, theirs)).json.status).toBe("active");
    expect((await get("/auth/session", own)).code).toBe("unauthorized.session_expired");
    expect((await post(`/v1/users/${ada.userId}/revoke`, undefined, theirs)).json.status).toBe("revoked");
  });

  test("a rotated password: replaces the old one and ends the sessions", async () => {
    const ada = await world.person();
    const rotated = await post(
      `/v1/credentials/${ada.credentialId}/rotate`,
      { password: otherPassword, current_password: goodPassword },
      { token: ada.token },
    );
    expect(rotated.json).toMatchObject({ replaces: ada.credentialId, identifier: ada.identifier, status: "active" });
    expect((await get("/auth/session", { token: ada.token })).code).toBe("unauthorized.session_expired");
    expect((await post("/auth/sign-in", { identifier: ada.identifier, password: otherPassword })).status).toBe(200);
  });

  test("pages: every user once, in order, for every page size", async () => {
    const { token } = await world.administrator();
    const all: string[] = [];
    for (let cursor = ""; ; ) {
      const page = await get(`/v1/users?limit=3${cursor && `&cursor=${cursor}`}`, { token });
      expect(page.json.data.length).toBeLessThanOrEqual(3);
      all.push(...page.json.data.map(({ id }: { id: string }) => id));
      cursor = page.json.page.next_cursor;
      if (cursor === null) break;
    }
    const [count] = await world.rows(sql<{ n: number }>`select count(*)::int as n from usr`);
    expect(all.length).toBe(count!.n);
    expect(all).toEqual([...new Set(all)].toSorted());
    expect((await get("/v1/users?limit=0", { token })).json.data).toHaveLength(1);
    expect((await get("/v1/users?limit=-5", { token })).json.data).toHaveLength(1);
    expect((await get("/v1/users?limit=999999999", { token })).json.data).toHaveLength(count!.n);
  });
});
