/** Second factors over HTTP: lives with an authenticator app, recovery codes and a security key, and what a login lacks. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { everyRoute } from "../../build/openapi/every-route.node.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import { freshIdentifier, goodPassword, otherPassword, type Person, system } from "../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../support/authenticator.ts";
import { type App, addApp, appOf, assertionBody, attestationBody, givenApp, givenPasskey } from "../support/factors.ts";
import { cookiesOf, type Reply, type Sent } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
const start = new Date("2026-11-22T12:00:00Z");
beforeAll(async () => {
  world = await openHttp("pglite");
  await installTestClock(world.database);
});
beforeEach(() => setTestClock(world.database, start));
afterAll(() => world.close());

type Transport = "token" | "cookie";
const transports = ["token", "cookie"] as const;
const post = (path: string, json?: unknown, more: Partial<Sent> = {}): Promise<Reply> =>
  world.send({ method: "POST", path, json, ...more });
const get = (path: string, more: Partial<Sent>): Promise<Reply> => world.send({ method: "GET", path, ...more });
const later = (seconds: number) => advanceTestClock(world.database, seconds);

const as = (token: string, transport: Transport): Partial<Sent> =>
  transport === "token" ? { token } : { cookie: token };
/** The token of an answer, which is in one place only (S08). */
function tokenOf(reply: Reply, transport: Transport): string {
  const cookie = cookiesOf(reply)["__Host-session"]?.value;
  expect([reply.status, reply.json?.token === undefined, cookie === undefined]).toEqual([
    reply.status,
    transport === "cookie",
    transport === "token",
  ]);
  return cookie ?? reply.json.token;
}
const ticketIn = (ticket: string, transport: Transport): Partial<Sent> => ({
  headers:
    transport === "token"
      ? { "login-ticket": ticket }
      : { cookie: `__Host-login-ticket=${ticket}`, "sec-fetch-site": "same-origin" },
});
const codeOf = async (app: App) => ({ type: "totp", code: await app.code() });

/** Signs in as far as the second factor, and gives the ticket. */
async function pending({ identifier, password }: Pick<Person, "identifier" | "password">, transport: Transport) {
  const reply = await post("/auth/sign-in", { identifier, password, transport });
  expect(reply.status).toBe(401);
  const cookie = cookiesOf(reply)["__Host-login-ticket"];
  expect([cookie?.attributes["max-age"], reply.json.details.ticket === undefined]).toEqual(
    transport === "cookie" ? ["300", true] : [undefined, false],
  );
  expect([cookiesOf(reply)["__Host-session"], reply.json.user]).toEqual([undefined, undefined]);
  return { reply, ticket: (cookie?.value ?? reply.json.details.ticket) as string };
}

/** What an enrolment shows of an app, in a phone. */
const phoneOf = ({ json }: Reply): App =>
  appOf(world, { factor: json.factor, secretBase32: json.totp_enrollment.secret_b32 });

describe.each(transports)("a life with an authenticator app, %s", (transport) => {
  test("set up, confirmed, asked for at the next sign-in, and ended", async () => {
    const credentials = { identifier: freshIdentifier(), password: goodPassword };
    const first = tokenOf(await post("/auth/sign-up", { ...credentials, transport }), transport);
    const enrolled = await post("/auth/factors", { type: "totp", identifier: "phone" }, as(first, transport));
    expect([enrolled.status, enrolled.json]).toEqual([
      201,
      {
        factor: expect.objectContaining({ type: "totp", status: "pending", identifier: "phone" }),
        totp_enrollment: {
          secret_b32: expect.stringMatching(/^[A-Z2-7]{32}$/),
          otpauth_uri: expect.stringMatching(/^otpauth:\/\/totp\//),
          period: 30,
          digits: 6,
          algorithm: "sha1",
        },
      },
    ]);
    const app = phoneOf(enrolled);
    const path = `/auth/factors/${app.factorId}/confirm`;
    expect((await post(path, { type: "totp", code: "000000" }, as(first, transport))).code).toBe(
      "precondition.factor_code_invalid",
    );
    const confirmed = await post(path, await codeOf(app), as(first, transport));
    expect([confirmed.status, confirmed.json.session.amr]).toEqual([200, ["mfa", "otp", "pwd"]]);
    const second = tokenOf(confirmed, transport);
    expect((await get("/auth/session", as(first, transport))).code).toBe("unauthorized.session_expired");
    expect((await post("/auth/sign-out", undefined, as(second, transport))).status).toBe(204);

    await later(30);
    const { reply, ticket } = await pending(credentials, transport);
    expect([reply.code, reply.json.details.factors]).toEqual(["unauthorized.mfa_required", ["totp"]]);
    const proof = await codeOf(app);
    const shown = ticketIn(ticket, transport);
    expect((await post("/auth/sign-in/factor", { type: "totp", code: "000000" }, shown)).code).toBe(
      "unauthorized.invalid_factor",
    );
    const signedIn = await post("/auth/sign-in/factor", proof, shown);
    expect([signedIn.status, signedIn.json.session.mfa_verified_at]).toEqual([200, "2026-11-22T12:00:30.000Z"]);
    const third = tokenOf(signedIn, transport);
    const set = Object.entries(cookiesOf(signedIn)).map(([name, { attributes }]) => [name, attributes["max-age"]]);
    expect(Object.fromEntries(set)).toEqual(
      transport === "token"
        ? {}
        : { "__Host-login-ticket": "0", "__Host-session": "86400", "__Host-known-device": "34560000" },
    );
    expect((await post("/auth/sign-in/factor", proof, shown)).code).toBe("unauthorized.invalid_ticket");

    const listed = await get("/auth/factors", as(third, transport));
    expect(listed.json.factors).toMatchObject([{ id: app.factorId, status: "active" }]);
    expect(listed.text).not.toContain(enrolled.json.totp_enrollment.secret_b32);
    const revoked = await post(`/auth/factors/${app.factorId}/revoke`, undefined, as(third, transport));
    expect([revoked.status, revoked.json.status]).toEqual([200, "revoked"]);
    expect((await post("/auth/sign-in", { ...credentials, transport })).status).toBe(200);
  });

  test("recovery codes stand in for it, each once", async () => {
    const { app, person } = await addApp(world, await world.person({ transport }));
    const made = await post("/auth/factors", { type: "recovery" }, as(person.token, transport));
    expect([made.status, made.json.factor.remaining, new Set(made.json.recovery_codes).size]).toEqual([201, 10, 10]);
    const proof = { type: "recovery", code: made.json.recovery_codes[0] };
    const first = await pending(person, transport);
    expect(first.reply.json.details.factors).toEqual(["recovery", "totp"]);
    const signedIn = await post("/auth/sign-in/factor", proof, ticketIn(first.ticket, transport));
    const { factors } = (await get("/auth/factors", as(tokenOf(signedIn, transport), transport))).json;
    expect(factors.map(({ type, remaining }: { type: string; remaining?: number }) => [type, remaining])).toEqual([
      ["totp", undefined],
      ["recovery", 9],
    ]);
    const second = await pending(person, transport);
    const again = await post("/auth/sign-in/factor", proof, ticketIn(second.ticket, transport));
    expect([again.code, again.setCookies]).toEqual(["unauthorized.invalid_factor", []]);
    expect((await post("/auth/sign-in/factor", await codeOf(app), ticketIn(second.ticket, transport))).status).toBe(
      200,
    );
  });

  test("S32: who must have one and has none sets it up with the ticket, which is good for nothing else", async () => {
    const person = await world.person({ transport });
    const administrator = await world.administrator();
    const policy = `/v1/users/${person.userId}/mfa-policy`;
    const set = { required: true, grace_until: "2026-11-22T11:59:59Z" };
    await world.send({ method: "PUT", path: policy, json: set, token: administrator.token });
    expect((await post("/auth/sign-in", { ...person, actor: undefined } as never)).status).toBe(400);
    const credentials = { identifier: person.identifier, password: person.password };
    expect((await post("/auth/sign-in", { ...credentials, transport })).code).toBe("forbidden.enrollment_not_granted");
    expect((await post(`${policy}/grant-enrollment`, undefined, { token: administrator.token })).status).toBe(204);

    const { reply, ticket } = await pending(credentials, transport);
    expect([reply.code, reply.json.details.factors]).toEqual(["unauthorized.enrollment_required", []]);
    const shown = ticketIn(ticket, transport);
    // A factor of which the thief knows the secret does not finish the sign-in by itself.
    const planted = await givenApp(world, person.userId, "pending");
    expect((await post("/auth/sign-in/factor", await codeOf(planted), shown)).code).toBe("unauthorized.invalid_ticket");
    expect((await post("/auth/sign-in/factor/options", undefined, shown)).code).toBe("unauthorized.invalid_ticket");

    const enrolled = await post("/auth/sign-in/enroll", { type: "totp", identifier: "phone" }, shown);
    expect([enrolled.status, enrolled.setCookies]).toEqual([201, []]);
    const app = phoneOf(enrolled);
    const path = (id: string) => `/auth/sign-in/enroll/${id}/confirm`;
    expect((await post(path(planted.factorId), await codeOf(planted), shown)).code).toBe(
      "precondition.factor_not_pending",
    );
    const theirs = await givenApp(world, (await world.person()).userId, "pending");
    expect((await post(path(theirs.factorId), await codeOf(theirs), shown)).code).toBe(
      "precondition.factor_not_pending",
    );
    const signedIn = await post(path(app.factorId), await codeOf(app), shown);
    expect([signedIn.status, signedIn.json.session.amr]).toEqual([200, ["mfa", "otp", "pwd"]]);
    expect((await get("/auth/session", as(tokenOf(signedIn, transport), transport))).status).toBe(200);
    expect(cookiesOf(signedIn)["__Host-login-ticket"]?.attributes["max-age"]).toBe(
      transport === "cookie" ? "0" : undefined,
    );
    expect((await post(path(app.factorId), await codeOf(app), shown)).code).toBe("unauthorized.invalid_ticket");
  });

  test("S32: nor does the ticket of who has one set up another", async () => {
    const { person } = await addApp(world, await world.person({ transport }));
    const { ticket } = await pending(person, transport);
    const waits = await givenApp(world, person.userId, "pending");
    const shown = ticketIn(ticket, transport);
    for (const [path, json] of [
      ["/auth/sign-in/enroll", { type: "totp", identifier: "mine" }],
      ["/auth/sign-in/enroll", { type: "webauthn" }],
      [`/auth/sign-in/enroll/${waits.factorId}/confirm`, await codeOf(waits)],
    ] as const) {
      expect((await post(path, json, shown)).code).toBe("unauthorized.invalid_ticket");
    }
  });

  test("S14, S28: what changes factors wants a fresh proof, and a step-up gives one in a new session", async () => {
    const { identifier, password, token, session } = await world.person({ transport });
    await later(601);
    const begin = (one: string) => post("/auth/factors", { type: "totp", identifier: "phone" }, as(one, transport));
    expect((await begin(token)).code).toBe("unauthorized.reauthentication_required");
    const wrong = await post("/auth/step-up", { type: "password", password: otherPassword }, as(token, transport));
    expect([wrong.code, wrong.setCookies]).toEqual(["unauthorized.invalid_credential", []]);
    const stepped = await post("/auth/step-up", { type: "password", password }, as(token, transport));
    expect([stepped.status, stepped.json.session.expires_at]).toEqual([200, session.expiresAt.toISOString()]);
    const fresh = tokenOf(stepped, transport);
    expect((await get("/auth/session", as(token, transport))).code).toBe("unauthorized.session_expired");
    const app = phoneOf(await begin(fresh));
    const confirmed = await post(`/auth/factors/${app.factorId}/confirm`, await codeOf(app), as(fresh, transport));

    await later(601);
    const second = tokenOf(confirmed, transport);
    const renew = (one: string) => post("/auth/factors", { type: "recovery" }, as(one, transport));
    expect((await renew(second)).code).toBe("unauthorized.reauthentication_required");
    const weak = await post("/auth/step-up", { type: "password", password }, as(second, transport));
    expect(weak.code).toBe("unauthorized.reauthentication_required");
    const strong = await post("/auth/step-up", await codeOf(app), as(second, transport));
    expect((await renew(tokenOf(strong, transport))).status).toBe(201);
    expect((await post("/auth/sign-in", { identifier, password })).code).toBe("unauthorized.mfa_required");
  });

  test("a security key is a factor, and signs nobody in by itself", async () => {
    const person = await world.person({ transport });
    const key = await newAuthenticator();
    const enrolled = await post(
      "/auth/factors",
      { type: "webauthn", rp_id: "example.com" },
      as(person.token, transport),
    );
    expect([enrolled.status, Object.keys(enrolled.json)]).toEqual([201, ["factor", "webauthn_enrollment"]]);
    const attestation = attestationBody(await key.create(creationOf(enrolled)));
    const path = `/auth/factors/${enrolled.json.factor.id}/confirm`;
    const confirmed = await post(path, { type: "webauthn", attestation }, as(person.token, transport));
    expect([confirmed.status, confirmed.json.session.amr]).toEqual([200, ["mfa", "pop", "pwd", "user"]]);
    const { factors } = (await get("/auth/factors", as(tokenOf(confirmed, transport), transport))).json;
    expect(factors).toMatchObject([
      { type: "webauthn", status: "active", identifier: key.credentialId, rp_id: "example.com" },
    ]);

    const alone = await key.get((await post("/auth/sign-in/passkey/options")).json);
    expect((await post("/auth/sign-in/passkey", { response: alone, transport })).code).toBe(
      "unauthorized.invalid_credential",
    );
    const { reply, ticket } = await pending(person, transport);
    expect(reply.json.details.factors).toEqual(["webauthn"]);
    const shown = ticketIn(ticket, transport);
    const options = await post("/auth/sign-in/factor/options", undefined, shown);
    expect(options.json.allowCredentials).toEqual([{ type: "public-key", id: key.credentialId }]);
    const proof = { type: "webauthn", assertion: assertionBody(await key.get(options.json)) };
    const signedIn = await post("/auth/sign-in/factor", proof, shown);
    const token = tokenOf(signedIn, transport);
    expect(signedIn.json.session.amr).toEqual(["mfa", "pop", "pwd", "user"]);

    await later(601);
    const asked = await post("/auth/step-up/options", undefined, as(token, transport));
    const again = { type: "webauthn", assertion: assertionBody(await key.get(asked.json)) };
    expect((await post("/auth/step-up", proof, as(token, transport))).code).toBe("unauthorized.invalid_factor");
    const stepped = await post("/auth/step-up", again, as(token, transport));
    expect([stepped.status, stepped.json.session.mfa_verified_at]).toEqual([200, "2026-11-22T12:10:01.000Z"]);
  });
});

/** What the browser makes a key of. */
function creationOf({ json }: Reply): Parameters<Authenticator["create"]>[0] {
  const { challenge_b64u: challenge, rp_id: id, user_id_b64u: user, ...rest } = json.webauthn_enrollment;
  expect(rest).toEqual({ pub_key_cred_params: expect.any(Array), timeout_ms: 300_000 });
  return { challenge, rp: { id, name: id }, user: { id: user, name: "", displayName: "" } } as never;
}

describe("S20: a ticket in the other form opens nothing, and stays good in its own", () => {
  test.each(transports)("of %s", async (transport) => {
    const { app, person } = await addApp(world, await world.person({ transport }));
    const { ticket } = await pending(person, transport);
    const other = transport === "token" ? "cookie" : "token";
    const proof = await codeOf(app);
    const doors: [string, unknown?][] = [
      ["/auth/sign-in/factor", proof],
      ["/auth/sign-in/factor/options"],
      [`/v1/users/${person.userId}/mfa/verify`, proof],
      ["/v1/sessions", { usr_id: person.userId, cred_id: person.credentialId, ttl_seconds: 60 }],
    ];
    for (const [path, json] of doors) {
      const reply = await post(path, json, ticketIn(ticket, other));
      expect([path, reply.code, reply.setCookies]).toEqual([path, "unauthorized.invalid_ticket", []]);
    }
    // A header that is there counts, whatever the cookie holds.
    const { headers } = ticketIn(ticket, "cookie");
    const both = await post("/auth/sign-in/factor", proof, { headers: { ...headers, "login-ticket": "A".repeat(43) } });
    expect(both.code).toBe("unauthorized.invalid_ticket");
    expect((await post("/auth/sign-in/factor", proof, ticketIn(ticket, transport))).status).toBe(200);
  });

  test("of an enrolment", async () => {
    const person = await world.person();
    await world.requireFactor(person.userId);
    const { ticket } = await pending(person, "cookie");
    const json = { type: "totp", identifier: "phone" };
    expect((await post("/auth/sign-in/enroll", json, ticketIn(ticket, "token"))).code).toBe(
      "unauthorized.invalid_ticket",
    );
    const app = phoneOf(await post("/auth/sign-in/enroll", json, ticketIn(ticket, "cookie")));
    const path = `/auth/sign-in/enroll/${app.factorId}/confirm`;
    expect((await post(path, await codeOf(app), ticketIn(ticket, "token"))).code).toBe("unauthorized.invalid_ticket");
    expect((await post(path, await codeOf(app), ticketIn(ticket, "cookie"))).status).toBe(200);
  });
});

test("R055: a foreign page finishes nobody's sign-in, and spends no ticket", async () => {
  const { app, person } = await addApp(world, await world.person());
  const { ticket } = await pending(person, "cookie");
  const proof = await codeOf(app);
  const before = await world.dump();
  for (const headers of [{ "sec-fetch-site": "cross-site" }, { origin: "https://evil.example" }, {}]) {
    const cookie = `__Host-login-ticket=${ticket}`;
    const reply = await post("/auth/sign-in/factor", proof, {
      headers: { cookie, ...headers } as Record<string, string>,
    });
    expect([reply.code, reply.setCookies]).toEqual(["forbidden.cross_origin", []]);
  }
  expect(await world.dump()).toBe(before);
  expect((await post("/auth/sign-in/factor", proof, ticketIn(ticket, "cookie"))).status).toBe(200);
});

test("S47: finishing a sign-in over a cookie ends the session that it held", async () => {
  const [{ app, person }, eve] = [
    await addApp(world, await world.person({ transport: "cookie" })),
    await world.person({ transport: "cookie" }),
  ];
  const { ticket } = await pending(person, "cookie");
  const cookie = `__Host-login-ticket=${ticket}; __Host-session=${eve.token}`;
  const headers = { cookie, "sec-fetch-site": "same-origin" };
  expect((await post("/auth/sign-in/factor", await codeOf(app), { headers })).status).toBe(200);
  expect((await get("/auth/session", { cookie: eve.token })).code).toBe("unauthorized.session_expired");
});

test.each(["totp", "webauthn"])("S47: so does one that sets %s up first; another's bearer stays", async (type) => {
  const [person, eve, mallory] = [
    await world.person(),
    await world.person({ transport: "cookie" }),
    await world.person(),
  ];
  await world.requireFactor(person.userId);
  const { ticket } = await pending(person, "cookie");
  const cookie = `__Host-login-ticket=${ticket}; __Host-session=${eve.token}`;
  const headers = { cookie, "sec-fetch-site": "same-origin" };
  const begun = await post("/auth/sign-in/enroll", type === "totp" ? { type, identifier: "phone" } : { type }, {
    headers,
  });
  const confirm = (json: object) => post(`/auth/sign-in/enroll/${begun.json.factor.id}/confirm`, json, { headers });
  expect((await confirm({ type: "totp", code: "000000" })).status).toBe(409);
  expect((await get("/auth/session", { cookie: eve.token })).status).toBe(200);
  const proof =
    type === "totp"
      ? await codeOf(phoneOf(begun))
      : { type, attestation: attestationBody(await (await newAuthenticator()).create(creationOf(begun))) };
  expect((await confirm(proof)).status).toBe(200);
  expect((await get("/auth/session", { cookie: eve.token })).code).toBe("unauthorized.session_expired");
  expect((await get("/auth/session", { token: mallory.token })).status).toBe(200);
});

describe("a life under /v1", () => {
  test("verify, mfa/verify, sessions: each ticket is worth the next", async () => {
    const { app, person } = await addApp(world, await world.person());
    const { identifier, userId, credentialId } = person;
    const proved = await post("/v1/credentials/verify", {
      type: "password",
      identifier,
      proof: { password: goodPassword },
    });
    const first = ticketIn(proved.headers.get("login-ticket")!, "token");
    const wanted = { usr_id: userId, cred_id: credentialId, ttl_seconds: 120 };
    expect((await post("/v1/sessions", wanted, first)).code).toBe("unauthorized.invalid_ticket");
    const stranger = await world.person();
    const proof = await codeOf(app);
    expect((await post(`/v1/users/${stranger.userId}/mfa/verify`, proof, first)).code).toBe(
      "unauthorized.invalid_ticket",
    );
    const verified = await post(`/v1/users/${userId}/mfa/verify`, proof, first);
    expect(verified.json).toEqual({
      ok: true,
      mfa_id: app.factorId,
      type: "totp",
      mfa_verified_at: start.toISOString(),
    });
    expect((await post("/v1/sessions", wanted, first)).code).toBe("unauthorized.invalid_ticket");
    const second = ticketIn(verified.headers.get("login-ticket")!, "token");
    const made = await post("/v1/sessions", wanted, second);
    expect(made.status).toBe(201);
    expect((await get("/auth/session", { token: made.json.token })).json.session).toMatchObject({
      amr: ["mfa", "otp", "pwd"],
      mfa_verified_at: start.toISOString(),
    });
    expect((await post("/v1/sessions", wanted, second)).code).toBe("unauthorized.invalid_ticket");
  });

  test("a security key, enrolled, confirmed and verified; the session that goes on is in `Session-Token`", async () => {
    const { userId, identifier, token } = await world.person();
    const factors = `/v1/users/${userId}/mfa-factors`;
    expect((await post(factors, { type: "webauthn", rp_id: "evil.example" }, { token })).code).toBe(
      "invalid_format.rp_id",
    );
    const key = await newAuthenticator();
    const enrolled = await post(factors, { type: "webauthn" }, { token });
    const attestation = attestationBody(await key.create(creationOf(enrolled)));
    const path = `/v1/mfa-factors/${enrolled.json.factor.id}/confirm`;
    // What another browser signed for another challenge is not the answer.
    const other = attestationBody(
      await (await newAuthenticator()).create({ ...creationOf(enrolled), challenge: "A".repeat(94) }),
    );
    expect((await post(path, { type: "webauthn", attestation: other }, { token })).code).toBe(
      "invalid_format.webauthn",
    );
    const confirmed = await post(path, { type: "webauthn", attestation }, { token });
    expect(confirmed.json).toMatchObject({ type: "webauthn", status: "active", sign_count: 1 });
    const fresh = confirmed.headers.get("session-token")!;
    expect(confirmed.text).not.toContain(fresh);
    expect((await get("/auth/session", { token })).code).toBe("unauthorized.session_expired");
    expect((await get(factors, { token: fresh })).json.factors).toEqual([confirmed.json]);

    const proved = await post("/v1/credentials/verify", {
      type: "password",
      identifier,
      proof: { password: goodPassword },
    });
    const shown = ticketIn(proved.headers.get("login-ticket")!, "token");
    const options = await post("/auth/sign-in/factor/options", undefined, shown);
    const assertion = assertionBody(await key.get(options.json));
    const spoilt = { ...assertion, signature_b64u: assertionBody(await key.get(options.json)).signature_b64u };
    const verify = (one: object) => post(`/v1/users/${userId}/mfa/verify`, { type: "webauthn", assertion: one }, shown);
    expect((await verify(spoilt)).code).toBe("unauthorized.invalid_factor");
    const verified = await verify(assertion);
    expect(verified.json).toMatchObject({ ok: true, mfa_id: enrolled.json.factor.id, type: "webauthn" });
    const wanted = { usr_id: userId, cred_id: proved.json.cred_id, ttl_seconds: 60 };
    const better = ticketIn(verified.headers.get("login-ticket")!, "token");
    expect((await post("/v1/sessions", wanted, better)).status).toBe(201);
  });

  test("S04: an owner raises the policy and never lowers it; an administrator does", async () => {
    const [{ person }, administrator] = [await addApp(world, await world.person()), await world.administrator()];
    const path = `/v1/users/${person.userId}/mfa-policy`;
    const put = (json: object, { token }: Person) => world.send({ method: "PUT", path, json, token });
    expect((await get(path, { token: person.token })).json).toMatchObject({ required: false, grace_until: null });
    const soon = { required: true, grace_until: "2026-11-23T12:00:00+00:00" };
    expect((await put(soon, person)).json).toMatchObject({ required: true, grace_until: "2026-11-23T12:00:00.000Z" });
    for (const lower of [
      { required: false },
      { required: true, grace_until: "2026-11-23T12:00:01Z" },
      { required: false, grace_until: null },
    ]) {
      expect((await put(lower, person)).code).toBe("forbidden");
    }
    expect((await put({ required: true, grace_until: "2026-11-22T13:00:00Z" }, person)).status).toBe(200);
    expect((await put({ required: false }, administrator)).json).toMatchObject({ required: false, grace_until: null });
  });

  test("S04, S33: nor does whoever has no factor lock themself out with it, or a thief them", async () => {
    const { userId, token } = await world.person();
    const path = `/v1/users/${userId}/mfa-policy`;
    for (const grace_until of [undefined, null, "2026-11-22T11:00:00Z", "2026-11-23T12:00:00Z"]) {
      const reply = await world.send({ method: "PUT", path, json: { required: true, grace_until }, token });
      expect(reply.code).toBe("precondition.factor_needed_first");
    }
    expect((await get(path, { token })).json.required).toBe(false);
  });

  test.each([
    "2026-02-30T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "2026-11-22T12:00:00+05",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-13-01T00:00:00Z",
    "2026-11-22",
    "soon",
    "",
  ])("R130: %j is no time that grace could end", async (grace_until) => {
    const { userId, token } = await world.person();
    const before = await world.dump();
    const path = `/v1/users/${userId}/mfa-policy`;
    const reply = await world.send({ method: "PUT", path, json: { required: true, grace_until }, token });
    expect(reply.code).toBe("invalid_format.body");
    expect(await world.dump()).toBe(before);
  });
});

test("R108: under /auth not even an administrator ends another's factor, nor anybody a password as if it were a passkey", async () => {
  const [administrator, ada] = [await world.administrator(), await world.person()];
  const [{ factorId }, passkeyId] = [
    await givenApp(world, ada.userId, "active"),
    await givenPasskey(world, ada.userId),
  ];
  const before = await world.dump();
  for (const path of [`/auth/factors/${factorId}/revoke`, `/auth/passkeys/${passkeyId}/revoke`]) {
    expect((await post(path, undefined, { token: administrator.token })).code).toBe("forbidden");
  }
  const { credentialId } = administrator;
  await givenPasskey(world, administrator.userId);
  expect((await post(`/auth/passkeys/${credentialId}/revoke`, undefined, { token: administrator.token })).code).toBe(
    "not_found",
  );
  await world.rows(sql`
    delete from cred where type = 'passkey' and usr_id = ${uuidFor("usr", administrator.userId)}::uuid`);
  expect(await world.dump()).toBe(before);
  expect((await post(`/v1/mfa-factors/${factorId}/revoke`, undefined, { token: administrator.token })).status).toBe(
    200,
  );
});

describe("R039: a login that lacks its second factor reaches what gives one, and nothing else", () => {
  const finishing = [
    "confirmFactorAtSignIn",
    "createSession",
    "enrollFactorAtSignIn",
    "factorOptions",
    "signInWithFactor",
    "verifyMfa",
  ];

  test("these are the routes that take a ticket", () => {
    expect(everyRoute.flatMap(({ id, access }) => (access === "ticket" ? [id] : [])).toSorted()).toEqual(finishing);
  });

  const others = everyRoute.filter(({ access }) => access !== "anyone" && access !== "ticket");
  test.each(others.map((route) => [route.id, route] as const))("%s", async (_id, route) => {
    const { person } = await addApp(world, await world.person());
    const { pat } = await world.auth.personalAccessTokens.create({
      actor: system,
      userId: person.userId,
      name: "ci",
      scope: [],
    });
    const app = await givenApp(world, person.userId, "pending");
    const path = route.path
      .replace(":usr_id", person.userId)
      .replace(":cred_id", person.credentialId)
      .replace(":ses_id", person.session.id)
      .replace(":pat_id", pat.id)
      .replace(":mfa_id", app.factorId);
    const [program, browser] = [await pending(person, "token"), await pending(person, "cookie")];
    const before = await world.dump();
    for (const shown of [
      ticketIn(program.ticket, "token"),
      ticketIn(browser.ticket, "cookie"),
      { token: program.ticket },
      { token: browser.ticket },
      { cookie: program.ticket },
      { cookie: browser.ticket },
    ]) {
      const method = route.method.toUpperCase();
      const reply = await world.send({ method, path, ...(method !== "GET" && { json: {} }), ...shown });
      if (route.access === "optional") expect(reply.status).toBe(204);
      else expect(reply.code).toBe("unauthorized.invalid_token");
    }
    expect(await world.dump()).toBe(before);
    // It was not for want of a ticket that counts.
    const options = await post("/auth/sign-in/factor/options", undefined, ticketIn(browser.ticket, "cookie"));
    expect(options.status).toBe(200);
  });

  test("S31: and the sessions of before that lack it reach nothing either", async () => {
    const person = await world.person();
    await givenApp(world, person.userId, "active");
    for (const path of ["/auth/session", "/auth/factors", `/v1/users/${person.userId}/mfa-factors`]) {
      expect((await get(path, { token: person.token })).code).toBe("unauthorized.mfa_required");
    }
  });
});
