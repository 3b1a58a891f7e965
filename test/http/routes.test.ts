import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, goodPassword, otherPassword } from "../support/auth.ts";
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
    /** The token of an answer, which is in one place only (S08). */
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
    expect(current.json).toEqual({ user: signedIn.json.user, session: { ...signedIn.json.session, current: true } });

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

describe("an account's life under /v1", () => {
  test("S20: a proved password gives a ticket, and the ticket one session", async () => {
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
    { case: "a ticket that nobody gave", change: {}, ticket: () => "A".repeat(43) },
    { case: "two tickets", change: {}, ticket: (own: string) => `${own}, ${own}` },
    { case: "another user", change: { usr_id: "usr_0190f2a81b3c7abc8123456789abcdef" }, ticket: (own: string) => own },
    {
      case: "another credential",
      change: { cred_id: "cred_0190f2a81b3c7abc8123456789abcdef" },
      ticket: (own: string) => own,
    },
  ])("S20: $case: one and the same refusal, and the ticket is not spent", async ({ change, ticket }) => {
    const { identifier, userId: usr_id, credentialId: cred_id } = await world.person();
    const proved = await post("/v1/credentials/verify", {
      type: "password",
      identifier,
      proof: { password: goodPassword },
    });
    const own = proved.headers.get("login-ticket")!;
    const wanted = { usr_id, cred_id, ttl_seconds: 120 };
    const refused = await post("/v1/sessions", { ...wanted, ...change }, { headers: { "login-ticket": ticket(own) } });
    expect(refused.text).toBe('{"code":"unauthorized.invalid_ticket","message":"A valid login ticket is needed."}');
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

  test("users and credentials: by their owner and by an administrator", async () => {
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
