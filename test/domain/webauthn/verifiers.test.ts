/** One contract for the verifiers of WebAuthn: Sallyport's own and SimpleWebAuthn. @module */
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Bytes, fromBase64Url, randomBytes, toBase64Url, utf8 } from "../../../src/crypto/bytes.ts";
import { verifyAssertion } from "../../../src/domain/webauthn/assertion.ts";
import { attestationVerifier } from "../../../src/domain/webauthn/attestation.ts";
import { decodeCbor, isCborBytes, isCborMap } from "../../../src/domain/webauthn/cbor.ts";
import { coseAlgorithms } from "../../../src/domain/webauthn/cose-key.ts";
import { sallyportVerifier } from "../../../src/domain/webauthn/own-verifier.ts";
import { verifyRegistration } from "../../../src/domain/webauthn/registration.ts";
import {
  type AssertionCeremony,
  type RegistrationCeremony,
  requiresVerification,
  type WebAuthnVerifier,
} from "../../../src/domain/webauthn/verifier.ts";
import { simpleWebAuthn } from "../../../src/verifiers/simplewebauthn.ts";
import {
  type AssertionInput,
  authenticate,
  flag,
  generateTestKey,
  type RegistrationChanges,
  type RegistrationInput,
  register,
} from "./authenticator.ts";
import { assertionCases, registrationCases } from "./ceremony-cases.ts";
import { type Difference, differences } from "./ceremony-differences.ts";
import { cbor, type Encodable, flipBit, hex } from "./encode.ts";
import { attestedOf } from "./fixture.ts";
import { w3cCeremonies } from "./w3c-vectors.ts";

const verifiers = [
  { name: "Sallyport", verifier: sallyportVerifier, differs: false },
  { name: "SimpleWebAuthn", verifier: simpleWebAuthn(), differs: true },
];

type Outcome = { readonly ok: true } | { readonly ok: false; readonly check: string };
const checkOf = (outcome: Outcome) => (outcome.ok ? "ok" : outcome.check);

/** What a verifier is asked about a registration. */
function registrationCeremony({ response, challenge, relyingParty, policy }: RegistrationInput): RegistrationCeremony {
  const object = decodeCbor(response.attestationObject);
  const authenticatorData = isCborMap(object) ? object.get("authData") : undefined;
  if (!isCborBytes(authenticatorData)) throw new Error("There is no authenticator data.");
  const { credentialId, clientDataJson } = response;
  const algorithms = policy?.algorithms ?? coseAlgorithms;
  const expected = { ...relyingParty, challenge, algorithms, userVerified: requiresVerification(policy) };
  return { response: { credentialId, clientDataJson, authenticatorData }, expected };
}

/** The same about an assertion. */
function assertionCeremony({
  response,
  challenge,
  relyingParty,
  policy,
  credential,
}: AssertionInput): AssertionCeremony {
  const expected = { ...relyingParty, challenge, userVerified: requiresVerification(policy) };
  return { response, expected, publicKey: credential.publicKey };
}

const differenceOf = (ceremony: "registration" | "assertion", response: string): Difference["registration"] =>
  differences.find((difference) => difference.response === response)?.[ceremony];

describe.each(verifiers)("$name", ({ verifier, differs }) => {
  test.each(registrationCases)("registration, $response: $expected", async ({ response, changes, expected }) => {
    const input = await register(changes);
    const difference = differs ? differenceOf("registration", response) : undefined;

    const alone = await verifier.registration(registrationCeremony(input));
    expect(alone.ok ? "accepts" : "refuses").toBe(difference ?? (expected === "ok" ? "accepts" : "refuses"));
    if (!differs) expect(checkOf(alone)).toBe(expected);

    const result = await verifyRegistration({ ...input, verifier });
    expect(checkOf(result)).toBe(difference === "refuses" ? checkOf(alone) : expected);
    if (result.ok) expect(result).toEqual(await verifyRegistration(input));
  });

  test.each(assertionCases)("assertion, $response: $expected", async ({ response, changes, expected }) => {
    const input = await authenticate(changes);
    const difference = differs ? differenceOf("assertion", response) : undefined;

    const alone = await verifier.assertion(assertionCeremony(input));
    expect(alone.ok ? "accepts" : "refuses").toBe(difference ?? (expected === "ok" ? "accepts" : "refuses"));
    if (!differs) expect(checkOf(alone)).toBe(expected);

    const result = await verifyAssertion({ ...input, verifier });
    expect(checkOf(result)).toBe(difference === "refuses" ? checkOf(alone) : expected);
    if (result.ok) expect(result).toEqual(await verifyAssertion(input));
  });

  test("registration: what is accepted is what was sent", async () => {
    const aaguid = new Uint8Array(16).map((_, index) => 16 * index + index);
    const key = await generateTestKey();
    const flags = flag.up | flag.uv | flag.at | flag.be | flag.bs;
    const input = await register({ key, aaguid, flags, signCount: 7 });
    expect(await verifier.registration(registrationCeremony(input))).toEqual({
      ok: true,
      credentialId: input.response.credentialId,
      publicKey: cbor(key.cose),
      aaguid: "00112233-4455-6677-8899-aabbccddeeff",
      signCount: 7,
      userVerified: true,
      backupEligible: true,
      backedUp: true,
    });
  });

  test("assertion: what is accepted is what was sent", async () => {
    const policy = { userVerification: "preferred" } as const;
    const input = await authenticate({ flags: flag.up | flag.be, signCount: 9, policy });
    const state = { signCount: 9, userVerified: false, backupEligible: true, backedUp: false };
    expect(await verifier.assertion(assertionCeremony(input))).toEqual({ ok: true, ...state });
  });

  test("another credential id than the authenticator's: refused", async () => {
    const input = await register();
    for (const credentialId of [toBase64Url(randomBytes(32)), `${input.response.credentialId}A`, ""]) {
      const changed = { ...input, response: { ...input.response, credentialId } };
      const result = await verifyRegistration({ ...changed, verifier });
      expect(result).toEqual({ ok: false, reason: "malformed", check: "credential_id" });
      // An empty one is nothing that SimpleWebAuthn takes either.
      const isAccepted = (await verifier.registration(registrationCeremony(changed))).ok;
      expect(isAccepted).toBe(differs && credentialId !== "");
    }
  });

  test("client data that was changed after it was signed: refused", async () => {
    const input = await authenticate({ clientData: { extraData: "x" } });
    const text = new TextDecoder().decode(input.response.clientDataJson).replace('"x"', '"y"');
    const response = { ...input.response, clientDataJson: utf8(text) };
    expect(await verifyAssertion({ ...input, response, verifier })).toMatchObject({ ok: false, check: "signature" });
  });

  test.each([
    { case: "the same counter", signCount: 5, changes: {}, expected: "sign_count" },
    { case: "back to zero", signCount: 0, changes: {}, expected: "sign_count" },
    {
      case: "a lower counter with a wrong signature",
      signCount: 4,
      changes: { signature: (bytes: Bytes) => flipBit(bytes, 12) },
      expected: "sign_count_claimed",
    },
    { case: "a higher counter", signCount: 6, changes: {}, expected: "ok" },
  ])("$case: $expected", async ({ signCount, changes, expected }) => {
    const input = await authenticate({ signCount, stored: { signCount: 5 }, ...changes });
    expect(checkOf(await verifyAssertion({ ...input, verifier }))).toBe(expected);
  });

  test("a key that has become eligible for backup: refused", async () => {
    const input = await authenticate({ flags: flag.up | flag.uv | flag.be, stored: { backupEligible: false } });
    expect(checkOf(await verifyAssertion({ ...input, verifier }))).toBe("backup_eligibility");
  });

  test("any bit flipped: Sallyport's verdict", async () => {
    const assertion = await authenticate();
    for (const part of ["clientDataJson", "authenticatorData", "signature"] as const) {
      for (let at = 0; at < assertion.response[part].length; at++) {
        const response = { ...assertion.response, [part]: flipBit(assertion.response[part], at, at % 8) };
        expect((await verifyAssertion({ ...assertion, response, verifier })).ok, `${part} ${at}`).toBe(false);
      }
    }
    const registration = await register();
    const { attestationObject } = registration.response;
    for (let at = 0; at < attestationObject.length; at++) {
      const response = { ...registration.response, attestationObject: flipBit(attestationObject, at, at % 8) };
      const result = await verifyRegistration({ ...registration, response, verifier });
      expect(result, `${at}`).toEqual(await verifyRegistration({ ...registration, response }));
    }
  });

  test.each(w3cCeremonies)("W3C's $name: Sallyport's verdict", async ({ registration, authentication }) => {
    const relyingParty = {
      rpId: "example.org",
      origins: ["https://example.org"],
      crossOrigin: { topOrigins: ["https://example.com"] },
    };
    const policy = { userVerification: "discouraged" } as const;
    const attestationObject = fromBase64Url(registration.attestationObject)!;
    const { credentialId, publicKey } = attestedOf(attestationObject);
    const made = {
      response: {
        credentialId,
        clientDataJson: utf8(registration.clientDataJson),
        attestationObject,
        transports: [],
      },
      challenge: fromBase64Url(registration.challenge)!,
      relyingParty,
      policy,
    };
    expect(await verifyRegistration({ ...made, verifier })).toEqual(await verifyRegistration(made));
    const signed = {
      response: {
        clientDataJson: utf8(authentication.clientDataJson),
        authenticatorData: fromBase64Url(authentication.authenticatorData)!,
        signature: fromBase64Url(authentication.signature)!,
      },
      challenge: fromBase64Url(authentication.challenge)!,
      relyingParty,
      policy,
      credential: { publicKey, signCount: 0 },
    };
    expect(await verifyAssertion({ ...signed, verifier })).toEqual(await verifyAssertion(signed));
  });
});

test("differences: each is one of a case of its ceremony, and listed once", () => {
  // The client names the id outside the bytes, so this has a test of its own.
  const named = "another credential id than the authenticator's";
  const registrations = new Set([...registrationCases.map(({ response }) => response), named]);
  const assertions = new Set(assertionCases.map(({ response }) => response));
  const stray = differences.filter(
    ({ response, registration, assertion }) =>
      (registration && !registrations.has(response)) || (assertion && !assertions.has(response)),
  );
  expect(stray).toEqual([]);
  expect(new Set(differences.map(({ response }) => response)).size).toBe(differences.length);
});

/** A verifier with other methods in place of Sallyport's. */
const verifierWith = (methods: Partial<WebAuthnVerifier>): WebAuthnVerifier => ({ ...sallyportVerifier, ...methods });

describe("rules that hold with any verifier", () => {
  /** Says yes to everything, with the content that Sallyport has read. */
  function yes(): { verifier: WebAuthnVerifier; asked: () => number } {
    let asked = 0;
    const state = { signCount: 1, userVerified: true, backupEligible: false, backedUp: false };
    const credential = { credentialId: "", publicKey: new Uint8Array(), aaguid: "" };
    const verifier: WebAuthnVerifier = {
      registration: async () => {
        asked++;
        return { ok: true, ...state, ...credential };
      },
      assertion: async () => {
        asked++;
        return { ok: true, ...state };
      },
    };
    return { verifier, asked: () => asked };
  }

  test("a registration that Sallyport refuses: refused before the verifier is asked", async () => {
    const { verifier, asked } = yes();
    for (const { response, changes, expected } of registrationCases.filter((row) => row.expected !== "ok")) {
      expect(checkOf(await verifyRegistration({ ...(await register(changes)), verifier })), response).toBe(expected);
    }
    expect(asked()).toBe(0);
  });

  test("an assertion that fails more than its signature: refused before the verifier is asked", async () => {
    const { verifier, asked } = yes();
    const refused = assertionCases.filter(({ expected }) => expected !== "ok" && expected !== "signature");
    for (const { response, changes, expected } of refused) {
      expect(checkOf(await verifyAssertion({ ...(await authenticate(changes)), verifier })), response).toBe(expected);
    }
    expect(refused.length).toBeGreaterThan(50);
    expect(asked()).toBe(0);
  });

  test("an ES256 signature in a second spelling: refused before the verifier is asked", async () => {
    const { verifier, asked } = yes();
    const spelled = assertionCases.filter(
      ({ response }) => differenceOf("assertion", response) && /signature/.test(response),
    );
    expect(spelled).toHaveLength(4);
    for (const { response, changes } of spelled) {
      const result = await verifyAssertion({ ...(await authenticate(changes)), verifier });
      expect(checkOf(result), response).toBe("signature");
    }
    expect(asked()).toBe(0);
  });

  test.each<{ case: string; other: object; isOnlyRegistered?: boolean }>([
    { case: "another counter", other: { signCount: 8 } },
    { case: "no verified user", other: { userVerified: false } },
    { case: "eligibility for backup", other: { backupEligible: true } },
    { case: "a backup", other: { backedUp: true } },
    { case: "another credential id", other: { credentialId: "AA" }, isOnlyRegistered: true },
    { case: "another key", other: { publicKey: hex("a0") }, isOnlyRegistered: true },
    {
      case: "another model",
      other: { aaguid: "00000000-0000-0000-0000-000000000001" },
      isOnlyRegistered: true,
    },
  ])("a verifier that has read $case: refused", async ({ other, isOnlyRegistered = false }) => {
    const verifier = verifierWith({
      registration: async (ceremony) => ({ ...(await sallyportVerifier.registration(ceremony)), ...other }) as never,
      assertion: async (ceremony) => ({ ...(await sallyportVerifier.assertion(ceremony)), ...other }) as never,
    });
    const registration = await register();
    expect(checkOf(await verifyRegistration(registration))).toBe("ok");
    expect(checkOf(await verifyRegistration({ ...registration, verifier }))).toBe("authenticator_data");
    const assertion = await authenticate();
    const expected = isOnlyRegistered ? "ok" : "authenticator_data";
    expect(checkOf(await verifyAssertion({ ...assertion, verifier }))).toBe(expected);
  });

  test("a verifier that refuses: its check is the reason, and nothing is attested", async () => {
    const verifier: WebAuthnVerifier = {
      registration: async () => ({ ok: false, check: "origin" }),
      assertion: async () => ({ ok: false, check: "rp_id" }),
    };
    const verifyAttestation = vi.fn(attestationVerifier());
    const result = await verifyRegistration({ ...(await register()), verifier, verifyAttestation });
    expect(result).toEqual({ ok: false, reason: "origin_mismatch", check: "origin" });
    expect(verifyAttestation).not.toHaveBeenCalled();
    expect(await verifyAssertion({ ...(await authenticate()), verifier })).toEqual({
      ok: false,
      reason: "rp_id_mismatch",
      check: "rp_id",
    });
  });

  test("a verifier that throws: nothing is accepted, and the error goes on", async () => {
    const fail = async () => {
      throw new Error("out of order");
    };
    const verifier: WebAuthnVerifier = { registration: fail, assertion: fail };
    await expect(verifyRegistration({ ...(await register()), verifier })).rejects.toThrow("out of order");
    await expect(verifyAssertion({ ...(await authenticate()), verifier })).rejects.toThrow("out of order");
  });
});

describe("attestation with SimpleWebAuthn", () => {
  afterEach(() => void vi.unstubAllGlobals());

  const packed = (change: (signature: Bytes) => Bytes = (signature) => signature): RegistrationChanges => ({
    format: "packed",
    aaguid: randomBytes(16),
    statement: async (signed, key) =>
      new Map<string, Encodable>([
        ["alg", -7],
        ["sig", change(await key.sign(signed))],
      ]),
  });

  test("is Sallyport's: a statement that does not hold is refused only if attestation is verified", async () => {
    const verifier = simpleWebAuthn();
    const input = await register(packed((signature) => flipBit(signature, 12)));
    expect(await verifyRegistration({ ...input, verifier })).toMatchObject({ ok: true, aaguid: null });
    const verifyAttestation = attestationVerifier();
    const attested = await verifyRegistration({ ...input, verifier, verifyAttestation });
    expect(checkOf(attested)).toBe("attestation_statement");
    const right = { ...(await register(packed())), verifier, verifyAttestation };
    expect(await verifyRegistration(right)).toMatchObject({ ok: true, attestation: { type: "self" } });
  });

  test("S45: no statement reaches it, so it fetches nothing that a certificate names", async () => {
    const fetched = vi.fn();
    vi.stubGlobal("fetch", fetched);
    const seen: RegistrationCeremony[] = [];
    const theirs = simpleWebAuthn();
    const verifier = verifierWith({
      registration: (ceremony) => {
        seen.push(ceremony);
        return theirs.registration(ceremony);
      },
    });
    for (const { registration } of w3cCeremonies) {
      const attestationObject = fromBase64Url(registration.attestationObject)!;
      const { credentialId } = attestedOf(attestationObject);
      const clientDataJson = utf8(registration.clientDataJson);
      await verifyRegistration({
        response: { credentialId, clientDataJson, attestationObject, transports: [] },
        challenge: fromBase64Url(registration.challenge)!,
        relyingParty: { rpId: "example.org", origins: ["https://example.org"] },
        policy: { userVerification: "discouraged" },
        verifier,
      });
    }
    expect(seen.length).toBeGreaterThan(5);
    for (const { response } of seen) {
      expect(Object.keys(response).sort()).toEqual(["authenticatorData", "clientDataJson", "credentialId"]);
    }
    expect(fetched).not.toHaveBeenCalled();
  });
});
