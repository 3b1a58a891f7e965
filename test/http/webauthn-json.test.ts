/** One dialect: `/auth` speaks the browser's WebAuthn JSON in both directions, `/v1` Flametrench's. */
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from "@simplewebauthn/server";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import type { MfaApi, OwnEnrolledFactorBody } from "../../src/http/mfa.ts";
import type {
  AssertionOptionsBody,
  AuthenticationResponseBody,
  PasskeysApi,
  RegistrationOptionsBody,
  RegistrationResponseBody,
} from "../../src/http/passkeys.ts";
import type { Person } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { assertionBody, attestationBody } from "../support/factors.ts";
import type { Reply, Sent } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

const post = (path: string, json?: unknown, more: Partial<Sent> = {}): Promise<Reply> =>
  world.send({ method: "POST", path, json, ...more });

/** The members of a browser's creation options (WebAuthn L3 §5.1.9), for this user. */
const creationOptions = (person: Person, exclude: unknown[] = []) => ({
  rp: { id: "example.com", name: "example.com" },
  user: { id: expect.stringMatching(/^[\w-]{43}$/), name: person.identifier, displayName: expect.any(String) },
  challenge: expect.any(String),
  pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
  timeout: 300_000,
  excludeCredentials: exclude,
  authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
  attestation: "none",
});

describe("S73: the browser's JSON under /auth, in both directions", () => {
  test("enrolment, second factor and step-up of a security key, with the transports of what is enrolled", async () => {
    const person = await world.person();
    const [key, spare] = [await newAuthenticator(), await newAuthenticator()];
    const enrolled = await post("/auth/factors", { type: "webauthn" }, { token: person.token });
    expect(enrolled.json.webauthn_enrollment).toEqual(creationOptions(person));
    const path = `/auth/factors/${enrolled.json.factor.id}/confirm`;
    const made = await key.create(enrolled.json.webauthn_enrollment);
    const flametrench = { type: "webauthn", attestation: attestationBody(made) };
    expect((await post(path, flametrench, { token: person.token })).code).toBe("invalid_format.body");
    const confirmed = await post(path, { type: "webauthn", response: made }, { token: person.token });
    expect(confirmed.status).toBe(200);
    const { token } = confirmed.json;

    const held = { type: "public-key", id: key.credentialId, transports: ["hybrid", "internal"] };
    const second = await post("/auth/factors", { type: "webauthn" }, { token });
    expect(second.json.webauthn_enrollment).toEqual(creationOptions(person, [held]));
    const secondPath = `/auth/factors/${second.json.factor.id}/confirm`;
    const spareMade = await spare.create(second.json.webauthn_enrollment);
    expect((await post(secondPath, { type: "webauthn", response: spareMade }, { token })).status).toBe(200);

    const { identifier, password } = person;
    const pending = await post("/auth/sign-in", { identifier, password, transport: "token" });
    const shown = { headers: { "login-ticket": pending.json.details.ticket } };
    const options = await post("/auth/sign-in/factor/options", undefined, shown);
    expect(options.json.allowCredentials).toContainEqual(held);
    const answer = await key.get(options.json);
    const inSpecification = { type: "webauthn", assertion: assertionBody(answer) };
    expect((await post("/auth/sign-in/factor", inSpecification, shown)).code).toBe("invalid_format.body");
    const signedIn = await post("/auth/sign-in/factor", { type: "webauthn", response: answer }, shown);
    expect(signedIn.status).toBe(200);

    const own = { token: signedIn.json.token };
    const asked = await post("/auth/step-up/options", undefined, own);
    const stepped = await key.get(asked.json);
    expect((await post("/auth/step-up", { type: "webauthn", assertion: assertionBody(stepped) }, own)).code).toBe(
      "invalid_format.body",
    );
    expect((await post("/auth/step-up", { type: "webauthn", response: stepped }, own)).status).toBe(200);
  });

  test("enrolment with a ticket", async () => {
    const [person, key] = [await world.person(), await newAuthenticator()];
    await world.requireFactor(person.userId);
    const { identifier, password } = person;
    const pending = await post("/auth/sign-in", { identifier, password, transport: "token" });
    const shown = { headers: { "login-ticket": pending.json.details.ticket } };
    const enrolled = await post("/auth/sign-in/enroll", { type: "webauthn" }, shown);
    expect(enrolled.json.webauthn_enrollment).toEqual(creationOptions(person));
    const response = await key.create(enrolled.json.webauthn_enrollment);
    const path = `/auth/sign-in/enroll/${enrolled.json.factor.id}/confirm`;
    expect((await post(path, { type: "webauthn", response }, shown)).status).toBe(200);
  });

  test("under /v1 the specification's form alone", async () => {
    const [person, key] = [await world.person(), await newAuthenticator()];
    const { token } = person;
    const enrolled = await post(`/v1/users/${person.userId}/mfa-factors`, { type: "webauthn" }, { token });
    const { challenge_b64u: challenge, ...rest } = enrolled.json.webauthn_enrollment;
    expect(Object.keys(rest).sort()).toEqual(["pub_key_cred_params", "rp_id", "timeout_ms", "user_id_b64u"]);
    const made = await key.create({ challenge, rp: { id: rest.rp_id }, user: { id: rest.user_id_b64u } } as never);
    const path = `/v1/mfa-factors/${enrolled.json.factor.id}/confirm`;
    expect((await post(path, { type: "webauthn", response: made }, { token })).code).toBe("invalid_format.body");
    const attestation = attestationBody(made);
    expect((await post(path, { type: "webauthn", attestation }, { token })).status).toBe(200);
  });

  test("members that a later level of the standard adds are ignored; a missing one is named", async () => {
    const [person, device] = [await world.person(), await newAuthenticator()];
    const own = { token: person.token };
    const options = (await post("/auth/passkeys/options", undefined, own)).json;
    const made = (await device.create(options)) as { response: object };
    const { attestationObject: _left, ...less } = made.response as { attestationObject: string };
    const refused = await post("/auth/passkeys", { response: { ...made, response: less } }, own);
    expect([refused.code, refused.json.details]).toEqual([
      "invalid_format.body",
      { member: "response.response.attestationObject" },
    ]);
    const later = { ...made, new: 1, response: { ...made.response, publicKey: null, new: [{}] } };
    expect((await post("/auth/passkeys", { response: later }, own)).status).toBe(201);
  });
});

test("S73: the types of SimpleWebAuthn fit without a cast", () => {
  expectTypeOf<RegistrationResponseJSON>().toExtend<RegistrationResponseBody>();
  expectTypeOf<AuthenticationResponseJSON>().toExtend<AuthenticationResponseBody>();
  expectTypeOf<RegistrationOptionsBody>().toExtend<PublicKeyCredentialCreationOptionsJSON>();
  expectTypeOf<AssertionOptionsBody>().toExtend<PublicKeyCredentialRequestOptionsJSON>();
  expectTypeOf<
    NonNullable<OwnEnrolledFactorBody["webauthn_enrollment"]>
  >().toExtend<PublicKeyCredentialCreationOptionsJSON>();
  type Json<Method> = Method extends { input: { json: infer Body } } ? Body : never;
  expectTypeOf<{ response: RegistrationResponseJSON }>().toExtend<Json<PasskeysApi["/auth/passkeys"]["$post"]>>();
  expectTypeOf<{ response: AuthenticationResponseJSON }>().toExtend<
    Json<PasskeysApi["/auth/sign-in/passkey"]["$post"]>
  >();
  expectTypeOf<{ type: "webauthn"; response: AuthenticationResponseJSON }>().toExtend<
    Json<MfaApi["/auth/step-up"]["$post"]>
  >();
});
