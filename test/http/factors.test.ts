/** Second factors over HTTP: an account's life with an authenticator app, recovery codes and a security key. */

import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, goodPassword, otherPassword } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { addApp, confirmationAt, givenApp, givenPasskey, proofAt } from "../support/factors.ts";
import { cookiesOf } from "../support/http.ts";
import { creationOf, factorRequests, transports } from "./factor-requests.ts";

const { world, post, get, later, as, tokenOf, ticketIn, codeOf, pending, phoneOf } = factorRequests();

describe.each(transports)("second factors under /auth, %s", (transport) => {
  test("an authenticator app: enrolled, confirmed, required at the next sign-in, and removed", async () => {
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

  test("recovery codes: each replaces an app's code once", async () => {
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

  test("S32: a user who must have a factor enrolls it with the ticket, which serves for nothing else", async () => {
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
    // A factor with a secret that an attacker knows does not finish the sign-in by itself.
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

  test("S32: the ticket of a user who has a factor enrolls no other", async () => {
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

  test("S14, S28: changing factors needs a fresh proof, which a step-up gives in a new session", async () => {
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

  test("a security key: a factor that cannot sign in by itself", async () => {
    const person = await world.person({ transport });
    const key = await newAuthenticator();
    const enrolled = await post(
      "/auth/factors",
      { type: "webauthn", rp_id: "example.com" },
      as(person.token, transport),
    );
    expect([enrolled.status, Object.keys(enrolled.json)]).toEqual([201, ["factor", "webauthn_enrollment"]]);
    const response = await key.create(creationOf(enrolled));
    const path = `/auth/factors/${enrolled.json.factor.id}/confirm`;
    const confirmed = await post(path, confirmationAt(path, response), as(person.token, transport));
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
    expect(options.json.allowCredentials).toEqual([
      { type: "public-key", id: key.credentialId, transports: ["hybrid", "internal"] },
    ]);
    const proof = proofAt("/auth/sign-in/factor", await key.get(options.json));
    const signedIn = await post("/auth/sign-in/factor", proof, shown);
    const token = tokenOf(signedIn, transport);
    expect(signedIn.json.session.amr).toEqual(["mfa", "pop", "pwd", "user"]);

    await later(601);
    const asked = await post("/auth/step-up/options", undefined, as(token, transport));
    const again = proofAt("/auth/step-up", await key.get(asked.json));
    expect((await post("/auth/step-up", proof, as(token, transport))).code).toBe("unauthorized.invalid_factor");
    const stepped = await post("/auth/step-up", again, as(token, transport));
    expect([stepped.status, stepped.json.session.mfa_verified_at]).toEqual([200, "2026-11-22T12:10:01.000Z"]);
  });
});

test("S22: a stranger has closed the second factor: the browser in which the owner proved it before still signs in", async () => {
  const { app, person } = await addApp(world, await world.person({ transport: "cookie" }));
  const finish = async (knownDevice: string | undefined) => {
    const { ticket } = await pending(person, "cookie");
    const cookie = `__Host-login-ticket=${ticket}${knownDevice ? `; __Host-known-device=${knownDevice}` : ""}`;
    const headers = { cookie, "sec-fetch-site": "same-origin" };
    return await post("/auth/sign-in/factor", await codeOf(app), { headers });
  };
  const known = cookiesOf(await finish(undefined))["__Host-known-device"]!.value;
  await world.rows(sql`
    insert into attempt (bucket, count, maximum, resets_at, backs_off, streak)
    values (${`factor:${uuidFor("usr", person.userId)}`}, 10, 10, sallyport_now() + interval '1 day', true, 100)
    on conflict (bucket) do update set count = 10, resets_at = excluded.resets_at, streak = 100`);
  await later(30);
  expect((await finish(undefined)).code).toBe("too_many_requests");
  expect((await finish(known)).status).toBe(200);
});

test("S47: finishing a sign-in ends the session that the cookie held", async () => {
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

test.each(["totp", "webauthn"])(
  "S47: finishing a sign-in that enrolls %s first ends the cookie's session and no other",
  async (type) => {
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
        : { type, response: await (await newAuthenticator()).create(creationOf(begun)) };
    expect((await confirm(proof)).status).toBe(200);
    expect((await get("/auth/session", { cookie: eve.token })).code).toBe("unauthorized.session_expired");
    expect((await get("/auth/session", { token: mallory.token })).status).toBe(200);
  },
);

test("R108: under /auth an administrator ends no factor of another user, and a password is not revoked as a passkey", async () => {
  const [administrator, ada] = [await world.administrator(), await world.person()];
  const [{ factorId }, passkeyId] = [
    await givenApp(world, ada.userId, "active"),
    await givenPasskey(world, ada.userId),
  ];
  const { credentialId } = administrator;
  await givenPasskey(world, administrator.userId);
  const before = await world.lastChange();
  for (const path of [`/auth/factors/${factorId}/revoke`, `/auth/passkeys/${passkeyId}/revoke`]) {
    expect((await post(path, undefined, { token: administrator.token })).code).toBe("forbidden");
  }
  expect((await post(`/auth/passkeys/${credentialId}/revoke`, undefined, { token: administrator.token })).code).toBe(
    "not_found",
  );
  expect(await world.lastChange()).toBe(before);
  await world.rows(sql`
    delete from cred where type = 'passkey' and usr_id = ${uuidFor("usr", administrator.userId)}::uuid`);
  expect((await post(`/v1/mfa-factors/${factorId}/revoke`, undefined, { token: administrator.token })).status).toBe(
    200,
  );
});
