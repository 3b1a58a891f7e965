import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HashQueueFullError } from "../../src/crypto/hash-queue.ts";
import type { ErrorCode } from "../../src/domain/error.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { authRoutes } from "../../src/http/auth-routes.ts";
import { routes } from "../../src/http/route-table.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  type Person,
  quickHasher,
  system,
} from "../support/auth.ts";
import { cookiesOf, type Reply, type Sent, send } from "../support/http.ts";
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

describe("a life under /auth, with a bearer and with a cookie", () => {
  test.each(["token", "cookie"] as const)("%s", async (transport) => {
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

describe("a life under /v1", () => {
  test("S20: a proved password is worth a ticket, the ticket a session, once", async () => {
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

  test("S20: the ticket of a cookie sign-in opens nothing here", async () => {
    const { identifier, userId, credentialId } = await world.person();
    await world.requireFactor(userId);
    const pending = await post("/auth/sign-in", { identifier, password: goodPassword });
    const ticket = cookiesOf(pending)["__Host-login-ticket"]!.value;
    const wanted = { usr_id: userId, cred_id: credentialId, ttl_seconds: 120 };
    const refused = await post("/v1/sessions", wanted, { headers: { "login-ticket": ticket } });
    expect(refused.code).toBe("unauthorized.invalid_ticket");
  });

  test("users and credentials, by their owner and by an administrator", async () => {
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

    const second = { usr_id: ada.userId, type: "password", identifier: freshIdentifier(), password: otherPassword };
    const added = await post("/v1/credentials", second, own);
    expect([added.status, added.json.identifier]).toEqual([201, second.identifier]);
    expect(added.text).not.toContain(otherPassword);
    expect((await post(`/v1/credentials/${added.json.id}/suspend`, undefined, own)).json.status).toBe("suspended");
    expect((await post(`/v1/credentials/${added.json.id}/reinstate`, undefined, theirs)).json.status).toBe("active");
    expect((await post(`/v1/credentials/${added.json.id}/revoke`, undefined, own)).json.status).toBe("revoked");

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

  test("a rotated password takes the old one's place and ends the sessions", async () => {
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

  test("pages: every user once, in order, whatever their size", async () => {
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

describe("each refusal that a row names can be had", () => {
  const as = ({ token }: Person): Partial<Sent> => ({ token });
  const adding = (usr_id: string, more: object = {}) => ({
    usr_id,
    type: "password",
    identifier: freshIdentifier(),
    password: otherPassword,
    ...more,
  });
  const rotating = { password: otherPassword, current_password: goodPassword };
  const signUp = (more: object = {}) => ({
    identifier: freshIdentifier(),
    password: goodPassword,
    transport: "token",
    ...more,
  });
  const proofOf = (identifier: string, password = goodPassword) => ({
    type: "password",
    identifier,
    proof: { password },
  });

  /** Sends to routes whose queue of hashes is full. */
  const busily = async (sent: Sent): Promise<Reply> => {
    const full = async (): Promise<never> => {
      throw new HashQueueFullError();
    };
    const auth = world.isolate({ passwordHasher: { ...quickHasher(), hash: full, verify: full } });
    return await send(authRoutes(auth), sent);
  };
  /** Sends the same until it is refused for its number. */
  const often = async (path: string, json: () => unknown, more: Partial<Sent> = {}): Promise<Reply> => {
    const headers = { "x-test-address": freshAddress() };
    for (let tries = 0; tries < 110; tries++) {
      const reply = await post(path, json(), { ...more, headers });
      if (reply.status === 429) return reply;
    }
    throw new Error("It was never too much.");
  };

  const provocations: Record<string, Partial<Record<ErrorCode, () => Promise<Reply>>>> = {
    signUp: {
      "forbidden.sign_up_closed": async () =>
        await send(authRoutes(world.isolate({ signUp: "closed" })), {
          method: "POST",
          path: "/auth/sign-up",
          json: signUp(),
        }),
      "invalid_format.identifier": () => post("/auth/sign-up", signUp({ identifier: "two words" })),
      "invalid_format.password": () => post("/auth/sign-up", signUp({ password: "short" })),
      "conflict.duplicate_credential": async () => {
        const { identifier } = await world.person();
        return await post("/auth/sign-up", signUp({ identifier }));
      },
      too_many_requests: () => often("/auth/sign-up", signUp),
      "unavailable.busy": () => busily({ method: "POST", path: "/auth/sign-up", json: signUp() }),
    },
    signIn: {
      "unauthorized.invalid_credential": () => post("/auth/sign-in", signUp()),
      "unauthorized.mfa_required": async () => {
        const { identifier, userId } = await world.person();
        await world.enroll(userId);
        return await post("/auth/sign-in", signUp({ identifier }));
      },
      too_many_requests: () => {
        const body = signUp();
        return often("/auth/sign-in", () => body);
      },
      "unavailable.busy": () => busily({ method: "POST", path: "/auth/sign-in", json: signUp() }),
    },
    refresh: {
      "unauthorized.session_expired": async () => {
        const ada = await world.person();
        await world.auth.sessions.revoke({ actor: ada.actor, sessionId: ada.session.id });
        return await post("/auth/refresh", undefined, as(ada));
      },
      "unauthorized.mfa_required": async () => {
        const ada = await world.person();
        await world.enroll(ada.userId);
        return await post("/auth/refresh", undefined, as(ada));
      },
    },
    listOwnSessions: {
      "invalid_format.cursor": async () => await get("/auth/sessions?cursor=1", as(await world.person())),
    },
    changePassword: {
      "unauthorized.invalid_credential": async () =>
        await post(
          "/auth/password",
          { current_password: otherPassword, new_password: otherPassword },
          as(await world.person()),
        ),
      "invalid_format.password": async () =>
        await post(
          "/auth/password",
          { current_password: goodPassword, new_password: "aaaaaaaaaaaaaaaaaaaa" },
          as(await world.person()),
        ),
      too_many_requests: async () => {
        const ada = await world.person();
        return await often(
          "/auth/password",
          () => ({ current_password: "wrong", new_password: otherPassword }),
          as(ada),
        );
      },
      "unavailable.busy": async () => {
        const { token } = await world.person();
        const json = { current_password: goodPassword, new_password: otherPassword };
        return await busily({ method: "POST", path: "/auth/password", json, token });
      },
    },
    listUsers: {
      "invalid_format.cursor": async () => await get("/v1/users?cursor=usr_1", as(await world.administrator())),
    },
    suspendUser: {
      "conflict.already_terminal": async () => {
        const { userId } = await world.person();
        await world.auth.users.revoke({ actor: system, userId });
        return await post(`/v1/users/${userId}/suspend`, undefined, as(await world.administrator()));
      },
      "conflict.last_administrator": () =>
        alone((last) => post(`/v1/users/${last.userId}/suspend`, undefined, as(last))),
    },
    reinstateUser: {
      "precondition.invalid_transition": async () => {
        const { userId } = await world.person();
        return await post(`/v1/users/${userId}/reinstate`, undefined, as(await world.administrator()));
      },
    },
    revokeUser: {
      "conflict.already_terminal": async () => {
        const { userId } = await world.person();
        await world.auth.users.revoke({ actor: system, userId });
        return await post(`/v1/users/${userId}/revoke`, undefined, as(await world.administrator()));
      },
      "conflict.last_administrator": () =>
        alone((last) => post(`/v1/users/${last.userId}/revoke`, undefined, as(last))),
    },
    listUserSessions: {
      "invalid_format.cursor": async () => {
        const ada = await world.person();
        return await get(`/v1/users/${ada.userId}/sessions?cursor=${ada.userId}`, as(ada));
      },
    },
    verifyCredential: {
      "unauthorized.invalid_credential": () =>
        post("/v1/credentials/verify", { type: "oidc", identifier: "x", proof: { id_token: "x" } }),
      too_many_requests: () => {
        const identifier = freshIdentifier();
        return often("/v1/credentials/verify", () => proofOf(identifier));
      },
      "unavailable.busy": () =>
        busily({ method: "POST", path: "/v1/credentials/verify", json: proofOf(freshIdentifier()) }),
    },
    createCredential: {
      not_found: async () =>
        await post("/v1/credentials", adding((await world.person()).userId), as(await world.person())),
      "invalid_format.identifier": async () => {
        const ada = await world.person();
        return await post("/v1/credentials", adding(ada.userId, { identifier: "ä" }), as(ada));
      },
      "invalid_format.password": async () => {
        const ada = await world.person();
        return await post("/v1/credentials", adding(ada.userId, { password: "twelve chars" }), as(ada));
      },
      "conflict.duplicate_credential": async () => {
        const [ada, other] = [await world.person(), await world.person()];
        return await post("/v1/credentials", adding(ada.userId, { identifier: other.identifier }), as(ada));
      },
      too_many_requests: async () => {
        const [ada, other] = [await world.person(), await world.person()];
        return await often("/v1/credentials", () => adding(ada.userId, { identifier: other.identifier }), as(ada));
      },
      "unavailable.busy": async () => {
        const { userId, token } = await world.person();
        return await busily({ method: "POST", path: "/v1/credentials", json: adding(userId), token });
      },
    },
    rotateCredential: {
      "invalid_format.password": async () => {
        const ada = await world.person();
        return await post(
          `/v1/credentials/${ada.credentialId}/rotate`,
          { password: "short", current_password: goodPassword },
          as(ada),
        );
      },
      "conflict.credential_not_active": async () => {
        const ada = await world.person();
        const extra = await post("/v1/credentials", adding(ada.userId), as(ada));
        await post(`/v1/credentials/${extra.json.id}/revoke`, undefined, as(ada));
        return await post(`/v1/credentials/${extra.json.id}/rotate`, rotating, as(ada));
      },
      "conflict.credential_type_mismatch": async () => {
        const ada = await world.person();
        const [made] = await world.rows(sql<{ id: string }>`
          insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject)
          values (gen_random_uuid(), ${uuidFor("usr", ada.userId)}::uuid, 'oidc', 'x', 'https://example.org', ${ada.userId})
          returning replace(overlay(id::text placing '4' from 15), '-', '') as id`);
        return await post(`/v1/credentials/cred_${made!.id}/rotate`, rotating, as(ada));
      },
      "unavailable.busy": async () => {
        const { credentialId, token } = await world.person();
        return await busily({
          method: "POST",
          path: `/v1/credentials/${credentialId}/rotate`,
          json: rotating,
          token,
        });
      },
      "unauthorized.invalid_credential": async () => {
        const ada = await world.person({ password: otherPassword });
        return await post(`/v1/credentials/${ada.credentialId}/rotate`, rotating, as(ada));
      },
      too_many_requests: async () => {
        const ada = await world.person({ password: otherPassword });
        return await often(`/v1/credentials/${ada.credentialId}/rotate`, () => rotating, as(ada));
      },
    },
    suspendCredential: {
      "conflict.already_terminal": async () => {
        const { credentialId } = await world.person();
        await world.auth.credentials.revoke({ actor: system, credentialId });
        return await post(`/v1/credentials/${credentialId}/suspend`, undefined, as(await world.administrator()));
      },
    },
    reinstateCredential: {
      "precondition.invalid_transition": async () => {
        const { credentialId } = await world.person();
        return await post(`/v1/credentials/${credentialId}/reinstate`, undefined, as(await world.administrator()));
      },
      "precondition.user_not_active": async () => {
        const { userId, credentialId } = await world.person();
        await world.auth.users.revoke({ actor: system, userId });
        await world.rows(sql`update cred set status = 'suspended' where id = ${uuidFor("cred", credentialId)}::uuid`);
        return await post(`/v1/credentials/${credentialId}/reinstate`, undefined, as(await world.administrator()));
      },
      "conflict.duplicate_credential": async () => {
        const { credentialId, identifier } = await world.person();
        await world.auth.credentials.suspend({ actor: system, credentialId });
        const other = await world.person();
        // Nobody can sign up with it meanwhile, but another SDK's rows may stand in the way.
        await world.rows(
          sql`update cred set identifier = ${identifier} where id = ${uuidFor("cred", other.credentialId)}::uuid`,
        );
        return await post(`/v1/credentials/${credentialId}/reinstate`, undefined, as(await world.administrator()));
      },
    },
    revokeCredential: {
      "conflict.already_terminal": async () => {
        const { credentialId } = await world.person();
        await world.auth.credentials.revoke({ actor: system, credentialId });
        return await post(`/v1/credentials/${credentialId}/revoke`, undefined, as(await world.administrator()));
      },
    },
    createSession: {
      "unauthorized.invalid_ticket": async () => {
        const { userId: usr_id, credentialId: cred_id } = await world.person();
        return await post("/v1/sessions", { usr_id, cred_id, ttl_seconds: 60 });
      },
      "precondition.ttl_too_short": async () => {
        const { userId: usr_id, credentialId: cred_id } = await world.person();
        return await post("/v1/sessions", { usr_id, cred_id, ttl_seconds: 59 });
      },
    },
    refreshSession: {
      not_found: async () => {
        const [ada, other] = [await world.person(), await world.person()];
        return await post(`/v1/sessions/${other.session.id}/refresh`, undefined, as(ada));
      },
      "unauthorized.session_expired": async () => {
        const ada = await world.person();
        await world.auth.users.suspend({ actor: system, userId: ada.userId });
        return await post(`/v1/sessions/${ada.session.id}/refresh`, undefined, as(ada));
      },
      "unauthorized.mfa_required": async () => {
        const ada = await world.person();
        await world.requireFactor(ada.userId);
        return await post(`/v1/sessions/${ada.session.id}/refresh`, undefined, as(ada));
      },
    },
  };

  /** What happens to somebody who alone administers; the others are removed by SQL, as nobody can remove the last. */
  async function alone(act: (last: Person) => Promise<Reply>): Promise<Reply> {
    const last = await world.administrator();
    await world.rows(sql`delete from tup where subject_id <> ${uuidFor("usr", last.userId)}::uuid`);
    return await act(last);
  }

  const named = routes.flatMap(({ id, refusals }) => refusals.map((code) => [id, code] as const));

  test.each(named)("%s: %s", async (id, code) => {
    const provoke = provocations[id]?.[code];
    expect(provoke, "nothing here provokes it").toBeDefined();
    const reply = await provoke!();
    expect(reply.code).toBe(code);
    expect(Object.keys(reply.json).filter((key) => key !== "details")).toEqual(["code", "message"]);
  });

  test("and nothing here provokes what no row names", () => {
    const provoked = Object.entries(provocations).flatMap(([id, codes]) =>
      Object.keys(codes).map((code) => `${id} ${code}`),
    );
    expect(provoked.toSorted()).toEqual(named.map(([id, code]) => `${id} ${code}`).toSorted());
  });
});
