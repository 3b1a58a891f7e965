import { describe, expect, test } from "vitest";
import { goodPassword, type Person } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { addApp, assertionBody, attestationBody } from "../support/factors.ts";
import { creationOf, factorRequests, start } from "./factor-requests.ts";

const { world, post, get, ticketIn, codeOf } = factorRequests();

describe("second factors under /v1", () => {
  test("verify, mfa/verify, sessions: each ticket is exchanged for the next", async () => {
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

  test("a security key: enrolled, confirmed and verified, with the new session in Session-Token", async () => {
    const { userId, identifier, token } = await world.person();
    const factors = `/v1/users/${userId}/mfa-factors`;
    expect((await post(factors, { type: "webauthn", rp_id: "evil.example" }, { token })).code).toBe(
      "invalid_format.rp_id",
    );
    const key = await newAuthenticator();
    const enrolled = await post(factors, { type: "webauthn" }, { token });
    const attestation = attestationBody(await key.create(creationOf(enrolled)));
    const path = `/v1/mfa-factors/${enrolled.json.factor.id}/confirm`;
    // A response that another browser signed for another challenge is not accepted.
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
    expect(verified.json).toMatchObject({
      ok: true,
      mfa_id: enrolled.json.factor.id,
      type: "webauthn",
      new_sign_count: 2,
    });
    const wanted = { usr_id: userId, cred_id: proved.json.cred_id, ttl_seconds: 60 };
    const better = ticketIn(verified.headers.get("login-ticket")!, "token");
    expect((await post("/v1/sessions", wanted, better)).status).toBe(201);
  });

  test("S04: an owner may raise the policy, only an administrator may lower it", async () => {
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

  test("S04, S33: a user without a factor cannot be locked out by the policy, even with a stolen session", async () => {
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
  ])("R130: grace until %j: refused", async (grace_until) => {
    const { userId, token } = await world.person();
    const before = await world.lastChange();
    const path = `/v1/users/${userId}/mfa-policy`;
    const reply = await world.send({ method: "PUT", path, json: { required: true, grace_until }, token });
    expect(reply.code).toBe("invalid_format.body");
    expect(await world.lastChange()).toBe(before);
  });
});
