/** Passkeys over HTTP with each verifier: the same answers, and the same refusals. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sallyportVerifier } from "../../src/domain/webauthn/own-verifier.ts";
import type { WebAuthnVerifier } from "../../src/domain/webauthn/verifier.ts";
import { simpleWebAuthn } from "../../src/verifiers/simplewebauthn.ts";
import { type Authenticator, type Misuse, newAuthenticator, withBitTurned } from "../support/authenticator.ts";
import { registrationBy } from "../support/factors.ts";
import type { Reply, Sent } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

const verifiers: { name: string; given: WebAuthnVerifier }[] = [
  { name: "Sallyport", given: sallyportVerifier },
  { name: "SimpleWebAuthn", given: simpleWebAuthn() },
];

describe.each(verifiers)("passkeys verified by $name", ({ name, given }) => {
  /** The ceremonies that the verifier was asked about, with its verdicts. */
  const asked: [ceremony: string, accepted: boolean][] = [];
  const verifier: WebAuthnVerifier = {
    registration: async (ceremony) => {
      const verdict = await given.registration(ceremony);
      asked.push(["registration", verdict.ok]);
      return verdict;
    },
    assertion: async (ceremony) => {
      const verdict = await given.assertion(ceremony);
      asked.push(["assertion", verdict.ok]);
      return verdict;
    },
  };

  let world: HttpWorld;
  beforeAll(async () => {
    world = await openHttp("pglite", { auth: { verifier } });
  });
  afterAll(() => world.close());

  const post = (path: string, json?: unknown, more: Partial<Sent> = {}): Promise<Reply> =>
    world.send({ method: "POST", path, json, ...more });
  const askedDuring = async (act: () => Promise<unknown>): Promise<typeof asked> => {
    asked.length = 0;
    await act();
    return [...asked];
  };
  const choose = async (device: Authenticator, misuse?: Misuse): Promise<unknown> =>
    await device.get((await post("/auth/sign-in/passkey/options")).json, misuse);
  const signIn = async (response: unknown) => await post("/auth/sign-in/passkey", { response, transport: "token" });

  /** A user with a passkey. */
  async function withPasskey() {
    const [person, device] = [await world.person(), await newAuthenticator()];
    const response = await registrationBy(world, person, device);
    const registered = await post("/auth/passkeys", { response }, { token: person.token });
    expect(registered.status).toBe(201);
    // The session of the registration is replaced.
    return { person, device, token: registered.headers.get("Session-Token")! };
  }

  test("registered, used to sign in, as the second factor and for a step-up", async () => {
    const [person, device] = [await world.person(), await newAuthenticator({ backup: true })];
    const own = { token: person.token };
    const made = await device.create((await post("/auth/passkeys/options", undefined, own)).json);
    const registered = async () => {
      const reply = await post("/auth/passkeys", { response: made, name: "laptop" }, own);
      expect([reply.status, reply.json]).toMatchObject([
        201,
        { name: "laptop", aaguid: null, backup_eligible: true, backed_up: true, transports: ["hybrid", "internal"] },
      ]);
    };
    expect(await askedDuring(registered)).toEqual([["registration", true]]);

    let token = "";
    const signedIn = async () => {
      const reply = await signIn(await choose(device));
      expect([reply.status, reply.json.session.amr]).toEqual([200, ["mfa", "pop", "user"]]);
      token = reply.json.token;
    };
    expect(await askedDuring(signedIn)).toEqual([["assertion", true]]);

    const steppedUp = async () => {
      const options = await post("/auth/step-up/options", undefined, { token });
      const json = { type: "webauthn", response: await device.get(options.json) };
      const reply = await post("/auth/step-up", json, { token });
      expect(reply.status).toBe(200);
      token = reply.json.token;
    };
    expect(await askedDuring(steppedUp)).toEqual([["assertion", true]]);

    const second = await newAuthenticator();
    const key = async () => {
      const enrolled = await post("/auth/factors", { type: "webauthn" }, { token });
      const json = { type: "webauthn", response: await second.create(enrolled.json.webauthn_enrollment) };
      const confirmed = await post(`/auth/factors/${enrolled.json.factor.id}/confirm`, json, { token });
      expect(confirmed.status).toBe(200);
    };
    expect(await askedDuring(key)).toEqual([["registration", true]]);

    const { identifier, password } = person;
    const finished = async () => {
      const pending = await post("/auth/sign-in", { identifier, password, transport: "token" });
      const shown = { headers: { "login-ticket": pending.json.details.ticket } };
      const options = await post("/auth/sign-in/factor/options", undefined, shown);
      const json = { type: "webauthn", response: await second.get(options.json) };
      expect((await post("/auth/sign-in/factor", json, shown)).status).toBe(200);
    };
    expect(await askedDuring(finished)).toEqual([["assertion", true]]);
  });

  test.each<{ case: string; misuse: Misuse; isAsked?: boolean }>([
    { case: "another origin", misuse: { origin: "https://evil.example" } },
    { case: "another RP ID", misuse: { rpId: "evil.example" } },
    { case: "another type", misuse: { clientData: { type: "webauthn.create" } } },
    { case: "a frame", misuse: { clientData: { crossOrigin: true } } },
    { case: "no present user", misuse: { flags: 0x04 } },
    { case: "a passkey that has become eligible for backup", misuse: { flags: 0x0d } },
    { case: "another user's handle", misuse: { userHandle: "A".repeat(43) } },
    { case: "no user handle", misuse: { userHandle: null } },
    { case: "another challenge", misuse: { challenge: "A".repeat(64) } },
    { case: "a counter that stands still", misuse: { signCount: 1 }, isAsked: true },
  ])("S45: a sign-in with $case: refused", async ({ misuse, isAsked = false }) => {
    const { device } = await withPasskey();
    const response = await choose(device, misuse);
    const verdicts = await askedDuring(async () => {
      const reply = await signIn(response);
      expect([reply.status, reply.code]).toEqual([401, "unauthorized.invalid_credential"]);
    });
    // Whether it is a clone depends on the signature, so the verifier is asked about a counter.
    expect(verdicts).toEqual(isAsked ? [["assertion", true]] : []);
    expect((await signIn(await choose(device))).status).toBe(200);
  });

  test("S45: a signature with a changed bit: refused by the verifier", async () => {
    const { device } = await withPasskey();
    const response = withBitTurned(await choose(device), "signature", 100);
    const verdicts = await askedDuring(async () => {
      expect((await signIn(response)).code).toBe("unauthorized.invalid_credential");
    });
    expect(verdicts).toEqual([["assertion", false]]);
  });

  test("R040: an answer to a challenge counts once, also for two requests at once", async () => {
    const { device } = await withPasskey();
    const response = await choose(device);
    const statuses = (await Promise.all([signIn(response), signIn(response)])).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 401]);
    expect((await signIn(response)).code).toBe("unauthorized.invalid_credential");
  });

  test("a step-up with another user's passkey: refused", async () => {
    const [own, { device: foreign }] = [await withPasskey(), await withPasskey()];
    const options = await post("/auth/step-up/options", undefined, { token: own.token });
    const json = { type: "webauthn", response: await foreign.get(options.json) };
    expect((await post("/auth/step-up", json, { token: own.token })).code).toBe("unauthorized.invalid_factor");
  });

  test("S45: a registration that a rule or the verifier refuses: answered with the reason, and nothing is stored", async () => {
    const [person, device] = [await world.person(), await newAuthenticator()];
    const own = { token: person.token };
    const make = async (misuse: Misuse) =>
      await device.create((await post("/auth/passkeys/options", undefined, own)).json, misuse);
    const reasonOf = async (misuse: Misuse) =>
      (await post("/auth/passkeys", { response: await make(misuse) }, own)).json.details?.reason;
    // The first options give the user a handle.
    await make({});
    const before = await world.lastChange();
    expect(await reasonOf({ origin: "https://evil.example" })).toBe("origin_mismatch");
    expect(await reasonOf({ clientData: { crossOrigin: true } })).toBe("origin_mismatch");
    expect(await reasonOf({ rpId: "evil.example" })).toBe("rp_id_mismatch");
    expect(await reasonOf({ credentialId: "AAAA" })).toBe("malformed");
    // The one registration here about which the two differ: only SimpleWebAuthn reads this member.
    const bound = { clientData: { tokenBinding: { status: "other" } } };
    if (name === "SimpleWebAuthn") expect(await reasonOf(bound)).toBe("malformed");
    expect(await world.lastChange()).toBe(before);
  });
});

test("a verifier that fails: 500, and nothing is stored", async () => {
  const fail = async () => {
    throw new Error("out of order");
  };
  const world = await openHttp("pglite", { auth: { verifier: { registration: fail, assertion: fail } } });
  try {
    const [person, device] = [await world.person(), await newAuthenticator()];
    const response = await registrationBy(world, person, device);
    const before = await world.lastChange();
    const init = {
      method: "POST",
      headers: {
        authorization: `Bearer ${person.token}`,
        "content-type": "application/json",
        "x-test-address": "::1",
      },
      body: JSON.stringify({ response }),
    };
    const reply = await world.app.request("/auth/passkeys", init);
    expect(reply.status).toBe(500);
    expect(await reply.text()).not.toContain("out of order");
    expect(world.errors.map(String)).toEqual(["Error: out of order"]);
    expect(await world.lastChange()).toBe(before);
  } finally {
    await world.close();
  }
});
