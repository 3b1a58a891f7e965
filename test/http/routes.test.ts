import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import { HashQueueFullError } from "../../src/crypto/hash-queue.ts";
import type { ErrorCode } from "../../src/domain/error.ts";
import { generateId, uuidFor } from "../../src/domain/id.ts";
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
import { newAuthenticator } from "../support/authenticator.ts";
import { addApp, attestationBody, givenApp, givenPasskey, registrationBy } from "../support/factors.ts";
import { cookiesOf, type Reply, type Sent, send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";

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
    current_password: goodPassword,
    ...more,
  });
  const proving = { current_password: goodPassword };
  const rotating = { password: otherPassword, ...proving };
  /** What one's own password is refused with that is to end. */
  const endRefusals = (verb: "suspend" | "revoke"): Provocations => ({
    // Who gives a proof for somebody else.
    forbidden: async () => {
      const { credentialId } = await world.person();
      return await post(`/v1/credentials/${credentialId}/${verb}`, proving, as(await world.administrator()));
    },
    "unauthorized.invalid_credential": async () => {
      const ada = await world.person();
      await post("/v1/credentials", adding(ada.userId), as(ada));
      return await post(`/v1/credentials/${ada.credentialId}/${verb}`, undefined, as(ada));
    },
    "conflict.credential_not_active": async () => {
      const ada = await world.person();
      const extra = await post("/v1/credentials", adding(ada.userId), as(ada));
      await world.auth.credentials.suspend({ actor: system, credentialId: extra.json.id });
      return await post(`/v1/credentials/${extra.json.id}/${verb}`, proving, as(ada));
    },
    "conflict.credential_type_mismatch": async () => {
      const { ada, passkeyId } = await withPasskey();
      return await post(`/v1/credentials/${passkeyId}/${verb}`, proving, as(ada));
    },
    "unavailable.busy": async () => {
      const { credentialId, token } = await world.person();
      return await busily({ method: "POST", path: `/v1/credentials/${credentialId}/${verb}`, json: proving, token });
    },
    too_many_requests: async () => {
      const ada = await world.person({ password: otherPassword });
      return await often(`/v1/credentials/${ada.credentialId}/${verb}`, () => proving, as(ada));
    },
  });
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
    return await send(applicationOf(auth), sent);
  };
  /** Sends the same until it is refused for its number. */
  const grant = async (userId: string): Promise<Reply> =>
    await post(`/v1/users/${userId}/mfa-policy/grant-enrollment`, undefined, as(await world.administrator()));
  const often = async (
    path: string,
    json: () => unknown,
    more: Partial<Sent> | (() => Promise<Partial<Sent>>) = {},
  ): Promise<Reply> => {
    const address = { "x-test-address": freshAddress() };
    for (let tries = 0; tries < 110; tries++) {
      const sent = typeof more === "function" ? await more() : more;
      const reply = await post(path, json(), { ...sent, headers: { ...address, ...sent.headers } });
      if (reply.status === 429) return reply;
    }
    throw new Error("It was never too much.");
  };

  const tokenOf = async ({ userId }: Person) =>
    (await world.auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: [] })).pat;
  /** What making a token is refused with, at either of its routes. */
  const tokenRefusals = (pathOf: (ada: Person) => string): Partial<Record<ErrorCode, () => Promise<Reply>>> => {
    const making = async (more: object) => {
      const ada = await world.person();
      return await post(pathOf(ada), { name: "ci", scope: [], ...more }, as(ada));
    };
    return {
      "invalid_format.name": () => making({ name: "" }),
      "invalid_format.scope": () => making({ scope: ["a b"] }),
      "pat.expires_in_past": () => making({ expires_at: "2020-01-01T00:00:00Z" }),
      "unavailable.busy": async () => {
        const ada = await world.person();
        return await busily({ method: "POST", path: pathOf(ada), json: { name: "ci", scope: [] }, token: ada.token });
      },
    };
  };

  type Provocations = Partial<Record<ErrorCode, () => Promise<Reply>>>;

  const wrongCode = { type: "totp", code: "000000" };
  /** What a password alone is worth to somebody, in the header. */
  const ticketOf = async ({ identifier, password }: Person): Promise<Partial<Sent>> => {
    const headers = { "x-test-address": freshAddress() };
    const reply = await post("/auth/sign-in", { identifier, password, transport: "token" }, { headers });
    return { headers: { "login-ticket": reply.json.details.ticket } };
  };
  /** Somebody who must set a factor up before they can sign in, and a ticket that serves for it. */
  const enrolling = async () => {
    const ada = await world.person();
    await world.requireFactor(ada.userId);
    return { ada, ticket: await ticketOf(ada) };
  };
  /** Sends to routes without what security keys need. */
  const keyless = async (sent: Sent): Promise<Reply> => {
    const { passkeys: _passkeys, webauthn: _webauthn, securityKeys: _securityKeys, ...auth } = world.isolate();
    return await send(applicationOf(auth as typeof world.auth), sent);
  };

  /** What proving a second factor by a ticket is refused with, at either of its routes. */
  const proofRefusals = (pathOf: (ada: Person) => string): Provocations => ({
    "unauthorized.invalid_ticket": async () =>
      await post(pathOf(await world.person()), wrongCode, { headers: { "login-ticket": "A".repeat(43) } }),
    "unauthorized.invalid_factor": async () => {
      const { person } = await addApp(world, await world.person());
      return await post(pathOf(person), wrongCode, await ticketOf(person));
    },
    "unauthorized.replayed_totp": async () => {
      const { app, person } = await addApp(world, await world.person());
      const proof = { type: "totp", code: await app.code() };
      await post("/auth/sign-in/factor", proof, await ticketOf(person));
      return await post(pathOf(person), proof, await ticketOf(person));
    },
    too_many_requests: async () => {
      const { person } = await addApp(world, await world.person());
      return await often(
        pathOf(person),
        () => wrongCode,
        () => ticketOf(person),
      );
    },
    "unavailable.busy": async () => {
      const { person } = await addApp(world, await world.person());
      const { codes } = await world.auth.factors.replaceRecoveryCodes({ actor: person.actor });
      const json = { type: "recovery", code: codes[0] };
      return await busily({ method: "POST", path: pathOf(person), json, ...(await ticketOf(person)) });
    },
  });

  /** What beginning with a factor is refused with. */
  const enrollRefusals = (
    make: () => Promise<{ ada: Person; sent: Partial<Sent> }>,
    pathOf: (ada: Person) => string,
  ) => {
    const begin = async (json: object, through: (sent: Sent) => Promise<Reply> = (sent) => world.send(sent)) => {
      const { ada, sent } = await make();
      return await through({ method: "POST", path: pathOf(ada), json, ...sent });
    };
    return {
      "invalid_format.name": () => begin({ type: "totp", identifier: "" }),
      "invalid_format.rp_id": () => begin({ type: "webauthn", rp_id: "evil.example" }),
      forbidden: () => begin({ type: "webauthn" }, keyless),
      "precondition.factor_needed_first": () => begin({ type: "recovery" }),
    } satisfies Provocations;
  };
  const ownEnrollRefusals = (pathOf: (ada: Person) => string): Provocations => ({
    ...enrollRefusals(async () => {
      const ada = await world.person();
      return { ada, sent: as(ada) };
    }, pathOf),
    "unavailable.busy": async () => {
      const { person } = await addApp(world, await world.person());
      return await busily({ method: "POST", path: pathOf(person), json: { type: "recovery" }, token: person.token });
    },
    too_many_requests: async () => {
      const { person } = await addApp(world, await world.person());
      return await often(pathOf(person), () => ({ type: "recovery" }), as(person));
    },
  });

  /** What the end of it is refused with; `begin` makes what waits, where there is something that may wait. */
  const confirmRefusals = (
    make: () => Promise<{ ada: Person; sent: () => Promise<Partial<Sent>> }>,
    pathOf: (factorId: string) => string,
    enrollAt: (ada: Person) => string,
  ) => {
    const app = async () => {
      const { ada, sent } = await make();
      return { path: pathOf((await givenApp(world, ada.userId, "pending")).factorId), sent };
    };
    const key = async (register: (challenge: { challenge_b64u: string }) => Promise<unknown>) => {
      const { ada, sent } = await make();
      const shown = await sent();
      const enrolled = await post(enrollAt(ada), { type: "webauthn" }, shown);
      const attestation = attestationBody(await register(enrolled.json.webauthn_enrollment));
      return await post(pathOf(enrolled.json.factor.id), { type: "webauthn", attestation }, shown);
    };
    const optionsOf = ({ challenge_b64u: challenge }: { challenge_b64u: string }) =>
      ({ challenge, rp: { id: "example.com" }, user: { id: "AAAA" } }) as never;
    return {
      forbidden: async () => {
        const { path, sent } = await app();
        const attestation = attestationBody(
          await (await newAuthenticator()).create(optionsOf({ challenge_b64u: "AAAA" })),
        );
        return await keyless({ method: "POST", path, json: { type: "webauthn", attestation }, ...(await sent()) });
      },
      "invalid_format.webauthn": () =>
        key(async () => (await newAuthenticator()).create(optionsOf({ challenge_b64u: "AAAA" }))),
      "conflict.duplicate_credential": async () => {
        const [other, device] = [await world.person(), await newAuthenticator()];
        const response = await registrationBy(world, other, device);
        await world.auth.passkeys.register({ actor: other.actor, response });
        return await key((challenge) => device.create(optionsOf(challenge)));
      },
      "precondition.factor_not_pending": async () => {
        const { path, sent } = await app();
        await world.rows(sql`update mfa set pending_expires_at = sallyport_now() where status = 'pending'`);
        return await post(path, wrongCode, await sent());
      },
      "precondition.factor_code_invalid": async () => {
        const { path, sent } = await app();
        return await post(path, wrongCode, await sent());
      },
      too_many_requests: async () => {
        const { path, sent } = await app();
        return await often(path, () => wrongCode, sent);
      },
    } satisfies Provocations;
  };
  const ownConfirmRefusals = (pathOf: (factorId: string) => string, enrollAt: (ada: Person) => string): Provocations =>
    confirmRefusals(
      async () => {
        const ada = await world.person();
        return { ada, sent: async () => as(ada) };
      },
      pathOf,
      enrollAt,
    );

  /** What ending one is refused with, by whoever it is of. */
  const revokeRefusals = (pathOf: (factorId: string) => string): Provocations => ({
    "conflict.already_terminal": async () => {
      const ada = await world.person();
      const { factorId } = await givenApp(world, ada.userId, "pending");
      await post(pathOf(factorId), undefined, as(ada));
      return await post(pathOf(factorId), undefined, as(ada));
    },
    "conflict.last_factor": async () => {
      const { app, person } = await addApp(world, await world.person());
      await world.requireFactor(person.userId);
      return await post(pathOf(app.factorId), undefined, as(person));
    },
  });

  /** Somebody with a passkey of which nobody has the key. */
  const withPasskey = async () => {
    const ada = await world.person();
    await world.levelTwo(ada.session);
    return { ada, passkeyId: await givenPasskey(world, ada.userId) };
  };
  const endPasskey = (passkeyId: string, ada: Person) => post(`/auth/passkeys/${passkeyId}/revoke`, undefined, as(ada));
  /** Somebody whose only second factor is a passkey, and must have one. */
  const withNeededPasskey = async () => {
    const made = await withPasskey();
    await world.requireFactor(made.ada.userId);
    return made;
  };

  const provocations: Record<string, Provocations> = {
    createUser: {
      "invalid_format.idempotency_key": async () => {
        const { token } = await world.administrator();
        return await post("/v1/users", {}, { token, headers: { "idempotency-key": "two words" } });
      },
    },
    signInWithFactor: proofRefusals(() => "/auth/sign-in/factor"),
    verifyMfa: proofRefusals(({ userId }) => `/v1/users/${userId}/mfa/verify`),
    enrollFactorAtSignIn: {
      "unauthorized.invalid_ticket": () => post("/auth/sign-in/enroll", { type: "totp", identifier: "phone" }),
      ...enrollRefusals(
        async () => {
          const { ada, ticket } = await enrolling();
          return { ada, sent: ticket };
        },
        () => "/auth/sign-in/enroll",
      ),
    },
    confirmFactorAtSignIn: {
      not_found: async () => await post("/auth/sign-in/enroll/mfa_1/confirm", wrongCode, (await enrolling()).ticket),
      "unauthorized.invalid_ticket": () => post(`/auth/sign-in/enroll/${generateId("mfa")}/confirm`, wrongCode),
      ...confirmRefusals(
        async () => {
          const { ada, ticket } = await enrolling();
          let uses = 0;
          // A ticket bears five attempts.
          return { ada, sent: async () => (uses++ < 4 ? ticket : await ticketOf(ada)) };
        },
        (factorId) => `/auth/sign-in/enroll/${factorId}/confirm`,
        () => "/auth/sign-in/enroll",
      ),
    },
    stepUp: {
      "unauthorized.invalid_factor": async () => {
        const { person } = await addApp(world, await world.person());
        return await post("/auth/step-up", wrongCode, as(person));
      },
      "unauthorized.replayed_totp": async () => {
        const { app, person } = await addApp(world, await world.person());
        const proof = { type: "totp", code: await app.code() };
        await post("/auth/sign-in/factor", proof, await ticketOf(person));
        return await post("/auth/step-up", proof, as(person));
      },
      too_many_requests: async () => {
        const { person } = await addApp(world, await world.person());
        return await often("/auth/step-up", () => wrongCode, as(person));
      },
      "unavailable.busy": async () => {
        const { token } = await world.person();
        const json = { type: "password", password: goodPassword };
        return await busily({ method: "POST", path: "/auth/step-up", json, token });
      },
      "unauthorized.invalid_credential": async () =>
        await post("/auth/step-up", { type: "password", password: otherPassword }, as(await world.person())),
      "unauthorized.reauthentication_required": async () => {
        const { person } = await addApp(world, await world.person());
        await world.age(person.session, 700);
        return await post("/auth/step-up", { type: "password", password: goodPassword }, as(person));
      },
    },
    enrollOwnFactor: ownEnrollRefusals(() => "/auth/factors"),
    enrollMfaFactor: ownEnrollRefusals(({ userId }) => `/v1/users/${userId}/mfa-factors`),
    confirmOwnFactor: {
      not_found: async () =>
        await post(`/auth/factors/${generateId("mfa")}/confirm`, wrongCode, as(await world.person())),
      ...ownConfirmRefusals(
        (factorId) => `/auth/factors/${factorId}/confirm`,
        () => "/auth/factors",
      ),
    },
    confirmMfaEnrollment: ownConfirmRefusals(
      (factorId) => `/v1/mfa-factors/${factorId}/confirm`,
      ({ userId }) => `/v1/users/${userId}/mfa-factors`,
    ),
    revokeOwnFactor: {
      not_found: async () =>
        await post(`/auth/factors/${generateId("mfa")}/revoke`, undefined, as(await world.person())),
      forbidden: async () => {
        const { factorId } = await givenApp(world, (await world.person()).userId, "active");
        return await post(`/auth/factors/${factorId}/revoke`, undefined, as(await world.administrator()));
      },
      ...revokeRefusals((factorId) => `/auth/factors/${factorId}/revoke`),
    },
    revokeMfaFactor: revokeRefusals((factorId) => `/v1/mfa-factors/${factorId}/revoke`),
    setMfaPolicy: {
      "precondition.factor_needed_first": async () => {
        const ada = await world.person();
        return await put(`/v1/users/${ada.userId}/mfa-policy`, { required: true }, as(ada));
      },
      forbidden: async () => {
        const { person } = await addApp(world, await world.person());
        await world.requireFactor(person.userId);
        return await put(`/v1/users/${person.userId}/mfa-policy`, { required: false }, as(person));
      },
      "conflict.already_terminal": async () => {
        const { userId } = await world.person();
        await world.auth.users.revoke({ actor: system, userId });
        return await put(`/v1/users/${userId}/mfa-policy`, { required: true }, as(await world.administrator()));
      },
    },
    grantMfaEnrollment: {
      "precondition.user_not_active": async () => {
        const { userId } = await world.person();
        await world.auth.users.suspend({ actor: system, userId });
        return await grant(userId);
      },
      "precondition.invalid_transition": async () => {
        const { person } = await addApp(world, await world.person());
        return await grant(person.userId);
      },
    },
    signInWithPasskey: {
      "unauthorized.invalid_credential": () => post("/auth/sign-in/passkey", { response: {} }),
      too_many_requests: () => often("/auth/sign-in/passkey", () => ({ response: {} })),
    },
    factorOptions: {
      "unauthorized.invalid_ticket": () => post("/auth/sign-in/factor/options"),
    },
    registerPasskey: {
      "invalid_format.webauthn": async () => await post("/auth/passkeys", { response: {} }, as(await world.person())),
      "invalid_format.name": async () =>
        await post("/auth/passkeys", { response: {}, name: "" }, as(await world.person())),
      "conflict.duplicate_credential": async () => {
        const [ada, device] = [await world.person(), await newAuthenticator()];
        await world.levelTwo(ada.session);
        for (let time = 0; ; time++) {
          const reply = await post("/auth/passkeys", { response: await registrationBy(world, ada, device) }, as(ada));
          if (time > 0) return reply;
        }
      },
    },
    renamePasskey: {
      not_found: async () => {
        const ada = await world.person();
        return await put(`/auth/passkeys/${ada.credentialId}`, { name: "x" }, as(ada));
      },
      forbidden: async () => {
        const { passkeyId } = await withPasskey();
        return await put(`/auth/passkeys/${passkeyId}`, { name: "x" }, as(await world.administrator()));
      },
      "invalid_format.name": async () => {
        const { ada, passkeyId } = await withPasskey();
        return await put(`/auth/passkeys/${passkeyId}`, { name: "" }, as(ada));
      },
      "conflict.already_terminal": async () => {
        const { ada, passkeyId } = await withPasskey();
        await endPasskey(passkeyId, ada);
        return await put(`/auth/passkeys/${passkeyId}`, { name: "x" }, as(ada));
      },
    },
    revokePasskey: {
      // The password is none.
      not_found: async () => {
        const { ada } = await withPasskey();
        return await post(`/auth/passkeys/${ada.credentialId}/revoke`, undefined, as(ada));
      },
      forbidden: async () => {
        const { passkeyId } = await withPasskey();
        return await post(`/auth/passkeys/${passkeyId}/revoke`, undefined, as(await world.administrator()));
      },
      "conflict.already_terminal": async () => {
        const { ada, passkeyId } = await withPasskey();
        await endPasskey(passkeyId, ada);
        return await endPasskey(passkeyId, ada);
      },
      "conflict.last_factor": async () => {
        const { ada, passkeyId } = await withNeededPasskey();
        return await endPasskey(passkeyId, ada);
      },
      "conflict.last_way_in": async () => {
        const [ada, device] = [await world.person(), await newAuthenticator()];
        const made = await post("/auth/passkeys", { response: await registrationBy(world, ada, device) }, as(ada));
        const response = await device.get(await world.auth.signIn.passkeyOptions());
        const { json } = await post("/auth/sign-in/passkey", { response, transport: "token" });
        await post(`/v1/credentials/${ada.credentialId}/revoke`, proving, { token: json.token });
        return await post(`/auth/passkeys/${made.json.id}/revoke`, undefined, { token: json.token });
      },
    },
    signUp: {
      "forbidden.sign_up_closed": async () =>
        await send(applicationOf(world.isolate({ signUp: "closed" })), {
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
      "unauthorized.enrollment_required": async () => {
        const { identifier, userId } = await world.person();
        await world.requireFactor(userId);
        return await post("/auth/sign-in", signUp({ identifier }));
      },
      "forbidden.enrollment_not_granted": async () => {
        const { identifier, userId } = await world.person();
        await world.requireFactor(userId, new Date(0));
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
    listOwnPersonalAccessTokens: {
      "invalid_format.cursor": async () => await get("/auth/personal-access-tokens?cursor=1", as(await world.person())),
    },
    createOwnPersonalAccessToken: tokenRefusals(() => "/auth/personal-access-tokens"),
    revokeOwnPersonalAccessToken: {
      not_found: async () =>
        await post(`/auth/personal-access-tokens/${generateId("pat")}/revoke`, {}, as(await world.person())),
      forbidden: async () => {
        const { id } = await tokenOf(await world.person());
        return await post(`/auth/personal-access-tokens/${id}/revoke`, {}, as(await world.administrator()));
      },
    },
    createPat: tokenRefusals(({ userId }) => `/v1/users/${userId}/pats`),
    listPatsForUser: {
      "invalid_format.cursor": async () => {
        const ada = await world.person();
        return await get(`/v1/users/${ada.userId}/pats?cursor=${ada.userId}`, as(ada));
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
      // What an administrator has suspended would be free again.
      forbidden: async () => {
        const [ada, device] = [await world.person(), await newAuthenticator()];
        await post("/auth/passkeys", { response: await registrationBy(world, ada, device) }, as(ada));
        const response = await device.get(await world.auth.signIn.passkeyOptions());
        const { json } = await post("/auth/sign-in/passkey", { response, transport: "token" });
        await world.auth.credentials.suspend({ actor: system, credentialId: ada.credentialId });
        return await post(`/v1/users/${ada.userId}/revoke`, undefined, { token: json.token });
      },
      "unauthorized.invalid_credential": async () => {
        const ada = await world.person();
        return await post(`/v1/users/${ada.userId}/revoke`, undefined, as(ada));
      },
      too_many_requests: async () => {
        const ada = await world.person({ password: otherPassword });
        return await often(`/v1/users/${ada.userId}/revoke`, () => proving, as(ada));
      },
      "unavailable.busy": async () => {
        const { userId, token } = await world.person();
        return await busily({ method: "POST", path: `/v1/users/${userId}/revoke`, json: proving, token });
      },
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
      "forbidden.enrollment_not_granted": async () => {
        const { identifier, userId } = await world.person();
        await world.requireFactor(userId, new Date(0));
        return await post("/v1/credentials/verify", proofOf(identifier));
      },
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
      "unauthorized.invalid_credential": async () => {
        const ada = await world.person();
        return await post("/v1/credentials", adding(ada.userId, { current_password: undefined }), as(ada));
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
        await world.auth.credentials.revoke({ actor: system, credentialId: extra.json.id });
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
      ...endRefusals("suspend"),
      "conflict.already_terminal": async () => {
        const { credentialId } = await world.person();
        await world.auth.credentials.revoke({ actor: system, credentialId });
        return await post(`/v1/credentials/${credentialId}/suspend`, undefined, as(await world.administrator()));
      },
      "conflict.last_way_in": async () => {
        const ada = await world.person();
        return await post(`/v1/credentials/${ada.credentialId}/suspend`, undefined, as(ada));
      },
      "conflict.last_factor": async () => {
        const { ada, passkeyId } = await withNeededPasskey();
        return await post(`/v1/credentials/${passkeyId}/suspend`, undefined, as(ada));
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
      ...endRefusals("revoke"),
      "conflict.already_terminal": async () => {
        const { credentialId } = await world.person();
        await world.auth.credentials.revoke({ actor: system, credentialId });
        return await post(`/v1/credentials/${credentialId}/revoke`, undefined, as(await world.administrator()));
      },
      "conflict.last_way_in": async () => {
        const ada = await world.person();
        return await post(`/v1/credentials/${ada.credentialId}/revoke`, undefined, as(ada));
      },
      "conflict.last_factor": async () => {
        const { ada, passkeyId } = await withNeededPasskey();
        return await post(`/v1/credentials/${passkeyId}/revoke`, undefined, as(ada));
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
