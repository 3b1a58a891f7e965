/** Passkeys over HTTP: making, using and managing them, and what a stolen session or a foreign page cannot do. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import { freshIdentifier, goodPassword, type Person } from "../support/auth.ts";
import { type Authenticator, newAuthenticator, withBitTurned } from "../support/authenticator.ts";
import { addApp, registrationBy } from "../support/factors.ts";
import { cookiesOf, origin, type Reply, type Sent, send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";

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
const as = (token: string, transport: Transport): Partial<Sent> =>
  transport === "token" ? { token } : { cookie: token };
const tokenOf = (reply: Reply): string => reply.json.token ?? cookiesOf(reply)["__Host-session"]!.value;

/** The browser's answer when a user chooses a passkey on the sign-in page. */
const choose = async (device: Authenticator): Promise<unknown> =>
  await device.get((await post("/auth/sign-in/passkey/options")).json);
const signIn = async (device: Authenticator, transport: Transport = "token", more: Partial<Sent> = {}) =>
  await post("/auth/sign-in/passkey", { response: await choose(device), transport }, more);

/** A user with a passkey. */
async function withPasskey(transport: Transport = "token") {
  const [person, device] = [await world.person({ transport }), await newAuthenticator()];
  const json = { response: await registrationBy(world, person, device), name: "laptop" };
  const made = await post("/auth/passkeys", json, as(person.token, transport));
  return { person, device, passkey: made.json as { id: string } };
}

describe.each(transports)("passkey over HTTP, %s", (transport) => {
  test("registered, used to sign in, renamed and revoked", async () => {
    const identifier = freshIdentifier();
    const credentials = { identifier, password: goodPassword, transport, display_name: "Ada" };
    const own = as(tokenOf(await post("/auth/sign-up", credentials)), transport);
    const asked = await post("/auth/passkeys/options", undefined, own);
    expect([asked.status, asked.json]).toEqual([
      200,
      {
        rp: { id: "example.com", name: "example.com" },
        user: { id: expect.stringMatching(/^[\w-]{43}$/), name: credentials.identifier, displayName: "Ada" },
        challenge: expect.any(String),
        pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
        timeout: 300_000,
        excludeCredentials: [],
        authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
        attestation: "none",
      },
    ]);
    const device = await newAuthenticator({ backup: true });
    const json = { response: await device.create(asked.json), name: "laptop" };
    const made = await post("/auth/passkeys", json, own);
    expect([made.status, made.json, Object.keys(cookiesOf(made))]).toEqual([
      201,
      {
        id: expect.stringMatching(/^cred_/),
        status: "active",
        name: "laptop",
        transports: ["hybrid", "internal"],
        aaguid: null,
        backup_eligible: true,
        backed_up: true,
        created_at: start.toISOString(),
        last_used_at: null,
      },
      transport === "token" ? [] : ["__Host-session"],
    ]);
    // S14: the token of a new session comes in the transport of the old one, which has ended.
    expect(made.headers.get("session-token") === null).toBe(transport === "cookie");
    expect((await get("/auth/session", own)).code).toBe("unauthorized.session_expired");
    const fresh = as(made.headers.get("session-token") ?? tokenOf(made), transport);
    expect((await get("/auth/session", fresh)).json.session).toMatchObject({ mfa_verified_at: start.toISOString() });
    // S04: from now on a password alone is not enough for account changes.
    const byPassword = as(
      tokenOf(await post("/auth/sign-in", { identifier, password: goodPassword, transport })),
      transport,
    );
    for (const path of ["/auth/passkeys/options", `/auth/passkeys/${made.json.id}/revoke`]) {
      expect((await post(path, undefined, byPassword)).code).toBe("unauthorized.reauthentication_required");
    }
    await post("/auth/sign-out", undefined, fresh);
    await post("/auth/sign-out", undefined, byPassword);

    // A passkey is two factors at once, so nothing more is required.
    const signedIn = await signIn(device, transport);
    expect([signedIn.status, signedIn.json.session]).toMatchObject([
      200,
      { cred_id: made.json.id, amr: ["mfa", "pop", "user"], mfa_verified_at: start.toISOString(), transport },
    ]);
    expect(Object.keys(cookiesOf(signedIn))).toEqual(transport === "token" ? [] : ["__Host-session"]);
    expect(signedIn.json.token === undefined).toBe(transport === "cookie");
    const mine = as(tokenOf(signedIn), transport);
    expect((await post("/auth/passkeys", json, mine)).code).toBe("invalid_format.webauthn");
    const again = await post("/auth/passkeys/options", undefined, mine);
    expect(again.json.excludeCredentials).toEqual([
      { type: "public-key", id: device.credentialId, transports: ["hybrid", "internal"] },
    ]);
    expect(again.json.user.id).toBe(asked.json.user.id);
    const path = `/auth/passkeys/${made.json.id}`;
    const renamed = await world.send({ method: "PUT", path, json: { name: "old laptop" }, ...mine });
    expect(renamed.json).toEqual({ ...made.json, name: "old laptop", last_used_at: start.toISOString() });
    expect((await get("/auth/passkeys", mine)).json).toEqual({ passkeys: [renamed.json] });

    const revoked = await post(`${path}/revoke`, undefined, mine);
    expect([revoked.status, revoked.json.type, revoked.json.status]).toEqual([200, "passkey", "revoked"]);
    expect((await get("/auth/session", mine)).code).toBe("unauthorized.session_expired");
    expect((await signIn(device, transport)).code).toBe("unauthorized.invalid_credential");
  });

  test("used as the second factor and for a step-up", async () => {
    const [{ person: ada }, device] = [
      await addApp(world, await world.person({ transport })),
      await newAuthenticator(),
    ];
    const response = await registrationBy(world, ada, device);
    expect((await post("/auth/passkeys", { response }, as(ada.token, transport))).status).toBe(201);
    const { identifier, password } = ada;
    const pending = await post("/auth/sign-in", { identifier, password, transport });
    expect(pending.json.details.factors).toEqual(["totp", "webauthn"]);
    const ticket = pending.json.details.ticket ?? cookiesOf(pending)["__Host-login-ticket"]!.value;
    const shown: Partial<Sent> = {
      headers: transport === "token" ? { "login-ticket": ticket } : { cookie: `__Host-login-ticket=${ticket}`, origin },
    };
    const options = await post("/auth/sign-in/factor/options", undefined, shown);
    const proof = { type: "webauthn", response: await device.get(options.json) };
    const anonymous = { type: "webauthn", response: await choose(device) };
    expect((await post("/auth/sign-in/factor", anonymous, shown)).code).toBe("unauthorized.invalid_factor");
    const signedIn = await post("/auth/sign-in/factor", proof, shown);
    expect(signedIn.json.session.amr).toEqual(["mfa", "pop", "pwd", "user"]);

    await advanceTestClock(world.database, 601);
    const old = as(tokenOf(signedIn), transport);
    const begin = (one: Partial<Sent>) => post("/auth/passkeys/options", undefined, one);
    expect((await begin(old)).code).toBe("unauthorized.reauthentication_required");
    const asked = await post("/auth/step-up/options", undefined, old);
    const again = { type: "webauthn", response: await device.get(asked.json) };
    const stepped = await post("/auth/step-up", again, old);
    expect((await begin(as(tokenOf(stepped), transport))).status).toBe(200);
    expect((await get("/auth/session", old)).code).toBe("unauthorized.session_expired");
  });
});

describe("S36: an Android application", () => {
  const android = "android:apk-key-hash:-sYXRdwJA3hvue3mKpYrOZ9zSPC7b4mbgzJmdZEDO5w";
  const another = "android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  const uses = ["webauthn"] as const;
  const app = () => applicationOf(world.isolate({ origins: [origin, { origin: android, uses }] }));
  const sendTo = (path: string, json?: unknown, more: Partial<Sent> = {}) =>
    send(app(), { method: "POST", path, json, ...more });

  test("makes a passkey and signs in with it", async () => {
    const [person, device] = [await world.person(), await newAuthenticator()];
    const options = (await sendTo("/auth/passkeys/options", undefined, as(person.token, "token"))).json;
    const response = await device.create(options, { origin: android });
    const made = await sendTo("/auth/passkeys", { response, name: "phone" }, as(person.token, "token"));
    expect(made.status).toBe(201);
    const asked = (await sendTo("/auth/sign-in/passkey/options")).json;
    const proved = await device.get(asked, { origin: android });
    const signedIn = await sendTo("/auth/sign-in/passkey", { response: proved, transport: "token" });
    expect([signedIn.status, signedIn.json.user?.id]).toEqual([200, person.userId]);
  });

  test.each([another, android.toLowerCase(), `${android}=`, "android:apk-key-hash:*"])(
    "%s, which is not listed: refused",
    async (foreign) => {
      const [person, device] = [await world.person(), await newAuthenticator()];
      const options = (await sendTo("/auth/passkeys/options", undefined, as(person.token, "token"))).json;
      const response = await device.create(options, { origin: foreign });
      const made = await sendTo("/auth/passkeys", { response, name: "phone" }, as(person.token, "token"));
      expect(made.code).toBe("invalid_format.webauthn");
    },
  );
});

describe("S28: passkey registration over HTTP", () => {
  test("needs a fresh proof for the options and for the registration", async () => {
    const person = await world.person();
    const response = await registrationBy(world, person, await newAuthenticator());
    await world.age(person.session, 601);
    for (const sent of [
      await post("/auth/passkeys/options", undefined, { token: person.token }),
      await post("/auth/passkeys", { response }, { token: person.token }),
    ]) {
      expect(sent.code).toBe("unauthorized.reauthentication_required");
    }
  });

  test("a response in another session, of the same user or of another: refused", async () => {
    const person = await world.person();
    const [again, eve] = [await world.signIn(person), await world.person()];
    const response = await registrationBy(world, person, await newAuthenticator());
    for (const { token } of [again, eve]) {
      expect((await post("/auth/passkeys", { response }, { token })).code).toBe("invalid_format.webauthn");
    }
    expect((await post("/auth/passkeys", { response }, { token: person.token })).status).toBe(201);
  });

  test("a response to another or an ended ceremony: refused", async () => {
    const person = await world.person();
    const own = { token: person.token };
    const device = await newAuthenticator();
    const { json: options } = await post("/auth/passkeys/options", undefined, own);
    const { challenge } = (await post("/auth/sign-in/passkey/options")).json;
    const { webauthn_enrollment: key } = (await post("/auth/factors", { type: "webauthn" }, own)).json;
    for (const other of [challenge, key.challenge]) {
      const response = await device.create({ ...options, challenge: other });
      expect((await post("/auth/passkeys", { response }, own)).code).toBe("invalid_format.webauthn");
    }
    const response = await device.create(options);
    await advanceTestClock(world.database, 300);
    expect((await post("/auth/passkeys", { response }, own)).code).toBe("invalid_format.webauthn");
  });

  test("S27: an authenticator registered by another user: refused", async () => {
    const { device } = await withPasskey();
    const eve = await world.person();
    const response = await registrationBy(world, eve, device);
    expect((await post("/auth/passkeys", { response }, { token: eve.token })).code).toBe(
      "conflict.duplicate_credential",
    );
  });
});

describe("passkey sign-in over HTTP", () => {
  test("a response signs in once, whichever client sends it", async () => {
    const { device } = await withPasskey();
    const response = await choose(device);
    expect((await post("/auth/sign-in/passkey", { response, transport: "token" })).status).toBe(200);
    expect((await post("/auth/sign-in/passkey", { response, transport: "token" })).code).toBe(
      "unauthorized.invalid_credential",
    );
  });

  test("a response with any bit flipped: refused like an unknown passkey", async () => {
    const { device } = await withPasskey();
    const unknown = await post("/auth/sign-in/passkey", { response: await choose(await newAuthenticator()) });
    expect([unknown.code, unknown.setCookies]).toEqual(["unauthorized.invalid_credential", []]);
    for (const member of ["authenticatorData", "clientDataJSON", "signature", "userHandle"]) {
      for (const bit of [3, 70, 200]) {
        const response = withBitTurned(await choose(device), member, bit);
        const { status, text } = await post("/auth/sign-in/passkey", { response });
        expect([member, bit, status, text]).toEqual([member, bit, 401, unknown.text]);
      }
    }
    expect((await signIn(device)).status).toBe(200);
  });

  test.each([{ response: null }, { response: "x" }, { response: 1 }, {}])("R130: %j: 400", async (json) => {
    expect((await post("/auth/sign-in/passkey", json)).code).toBe("invalid_format.body");
  });

  test("R055: a valid response from a foreign page: refused", async () => {
    const { person, device } = await withPasskey();
    const before = await world.liveSessions(person.userId);
    for (const headers of [{ "sec-fetch-site": "cross-site" }, { origin: "https://evil.example" }]) {
      const reply = await signIn(device, "cookie", { headers: headers as Record<string, string> });
      expect([reply.code, reply.setCookies]).toEqual(["forbidden.cross_origin", []]);
    }
    expect(await world.liveSessions(person.userId)).toBe(before);
  });

  test("S47: sign-in over a cookie ends its session; with a bearer it leaves it", async () => {
    const [{ device }, eve] = [await withPasskey(), await world.person({ transport: "cookie" })];
    const live = async () => (await get("/auth/session", { cookie: eve.token })).status;
    expect((await signIn(device, "token", { cookie: eve.token })).status).toBe(200);
    expect(await live()).toBe(200);
    expect((await signIn(device, "cookie", { cookie: eve.token })).status).toBe(200);
    expect(await live()).toBe(401);
  });

  test("S26: options name no credential, whatever identifier is sent", async () => {
    const { person, device } = await withPasskey();
    for (const json of [undefined, {}, { identifier: person.identifier }, { identifier: freshIdentifier() }]) {
      expect((await post("/auth/sign-in/passkey/options", json)).json.allowCredentials).toEqual([]);
    }
    const app = applicationOf(world.isolate({ identifierFirst: true }));
    const named = async (identifier: string): Promise<string[]> => {
      const sent = { method: "POST", path: "/auth/sign-in/passkey/options", json: { identifier } };
      return (await send(app, sent)).json.allowCredentials.map(({ id }: { id: string }) => id);
    };
    const [known, nobody] = [await named(person.identifier), await named(freshIdentifier())];
    expect([known.length, nobody.length, known.includes(device.credentialId)]).toEqual([4, 4, true]);
    expect(await named(person.identifier)).toEqual(known);
  });
});

describe("R108: managing passkeys over HTTP", () => {
  const rename = (id: string, { token }: Person) =>
    world.send({ method: "PUT", path: `/auth/passkeys/${id}`, json: { name: "mine" }, token });

  test("another user's passkey: 404 to read, rename or revoke", async () => {
    const [{ passkey, device }, eve] = [await withPasskey(), await world.person()];
    expect((await get("/auth/passkeys", { token: eve.token })).json).toEqual({ passkeys: [] });
    expect((await rename(passkey.id, eve)).code).toBe("not_found");
    expect((await post(`/auth/passkeys/${passkey.id}/revoke`, undefined, { token: eve.token })).code).toBe("not_found");
    expect((await signIn(device)).status).toBe(200);
  });

  test("S33: the last way in: cannot be revoked", async () => {
    const { person, passkey, device } = await withPasskey();
    const { token } = (await signIn(device)).json;
    const proof = { current_password: goodPassword };
    expect((await post(`/v1/credentials/${person.credentialId}/revoke`, proof, { token })).status).toBe(200);
    for (const path of [
      `/auth/passkeys/${passkey.id}/revoke`,
      `/v1/credentials/${passkey.id}/revoke`,
      `/v1/credentials/${passkey.id}/suspend`,
    ]) {
      expect((await post(path, undefined, { token })).code).toBe("conflict.last_way_in");
    }
    expect((await signIn(device)).status).toBe(200);
  });

  test("a user without a password: steps up with the passkey", async () => {
    const { person, device } = await withPasskey();
    const { token } = (await signIn(device)).json;
    await post(`/v1/credentials/${person.credentialId}/revoke`, { current_password: goodPassword }, { token });
    const reply = await post("/auth/step-up", { type: "password", password: goodPassword }, { token });
    expect(reply.code).toBe("unauthorized.invalid_credential");
  });
});
