import {
  type AuthenticationResponseJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import { describe, expect, test } from "vitest";
import { type Bytes, fromBase64Url, toBase64Url, utf8 } from "../../../src/crypto/bytes.ts";
import { verifyAssertion } from "../../../src/domain/webauthn/assertion.ts";
import { verifyRegistration as verifyUnattested } from "../../../src/domain/webauthn/registration.ts";
import { simpleWebAuthn } from "../../../src/verifiers/simplewebauthn.ts";
import { hasShared, sharedJson } from "../../support/shared.ts";
import { type AssertionInput, authenticate, type RegistrationInput, register } from "./authenticator.ts";
import { flipBit } from "./encode.ts";
import { attestedOf } from "./fixture.ts";
import { verifyRegistration } from "./verify-registration.ts";
import { w3cCeremonies } from "./w3c-vectors.ts";

interface FixtureRow {
  readonly name: string;
  /** SimpleWebAuthn 14.0.3's verdict. */
  readonly observed: string;
  readonly input: {
    readonly response: { readonly response: Readonly<Record<string, string>> };
    readonly expectedChallenge: string;
    readonly expectedOrigin: string | string[];
    readonly expectedRPID?: string | string[];
    readonly requireUserVerification?: boolean;
    readonly credential: { readonly publicKey: { readonly __b64url: string }; readonly counter: number };
  };
}

/** Some old clients wrote padded base64. */
const loose = (text = "") =>
  fromBase64Url(text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")) ?? new Uint8Array();

function expectationOf({ input }: FixtureRow) {
  const { expectedRPID = "dev.dontneeda.pw", expectedOrigin, expectedChallenge } = input;
  return {
    challenge: fromBase64Url(expectedChallenge) ?? new Uint8Array(),
    relyingParty: { rpId: [expectedRPID].flat()[0]!, origins: [expectedOrigin].flat() },
    policy: { userVerification: input.requireUserVerification === false ? "discouraged" : "required" } as const,
  };
}

function registrationOf(row: FixtureRow): RegistrationInput {
  const { clientDataJSON, attestationObject } = row.input.response.response;
  const object = loose(attestationObject);
  // Two of them carry an invented id, so this uses the id inside.
  const { credentialId } = attestedOf(object);
  return {
    ...expectationOf(row),
    response: { credentialId, clientDataJson: loose(clientDataJSON), attestationObject: object, transports: [] },
  };
}

function assertionOf(row: FixtureRow): AssertionInput {
  const { clientDataJSON, authenticatorData, signature } = row.input.response.response;
  const { publicKey, counter } = row.input.credential;
  return {
    ...expectationOf(row),
    response: {
      clientDataJson: loose(clientDataJSON),
      authenticatorData: loose(authenticatorData),
      signature: loose(signature),
    },
    credential: { publicKey: loose(publicKey.__b64url), signCount: counter },
  };
}

const why = (result: { ok: true } | { ok: false; check: string }) => (result.ok ? "ok" : result.check);

/**
 * Refused by both, or by Sallyport only: other algorithms, SHA-1, formats that Level 3 does not have, and the reasons in the
 * titles.
 */
const refusedRegistrations = new Map([
  ["should throw when response challenge is not expected value", "challenge"],
  ["should throw when response origin is not expected value", "origin"],
  ["should throw an error if origin not in list of expected origins", "origin"],
  ["should throw an error if RP ID not in list of possible RP IDs", "rp_id"],
  ["should validate TPM RSA response (SHA1)", "public_key"],
  ["should verify SHA1 TPM response", "public_key"],
  ["should verify Packed attestation with RSA-PSS SHA-256 public key", "public_key"],
  ["should verify Packed attestation with RSA-PSS SHA-384 public key", "public_key"],
  ["should enforce CTS check by default", "attestation_format"],
  ["should skip CTS check when enforcement option is false", "attestation_format"],
  ["should verify TPM response with spec-compliant tcgAtTpm SAN structure", "attestation_statement"], // RS1
  ["should verify TPM response with non-spec-compliant tcgAtTpm SAN structure", "attestation_statement"], // RS1
  ["should verify TPM response with ECC public area type", "attestation_statement"], // RS1
]);

const refusedForAaguid = /^should fail if id-fido-gen-ce-aaguid/;

const refusedAssertions = new Map([
  ["should throw when response challenge is not expected value", "origin"], // Both are wrong, and origin comes first.
  ["should throw when response origin is not expected value", "origin"],
  ["should throw an error if origin not in list of expected origins", "origin"],
  ["should throw an error if RP ID not in list of possible RP IDs", "rp_id"],
  ["should verify TPM assertion", "public_key"], // Its key is not in the fixture.
  ["should throw an error if type not the expected type", "rp_id"],
  ["should throw an error if type not in list of expected types", "rp_id"],
  ["should return authenticator extension output", "signature"], // Altered, says the fixture: verified=false.
]);

/** The place of a byte string in another; after its end if it does not occur. */
function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = 0; at <= bytes.length - part.length; at++) {
    if (part.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return bytes.length;
}

if (hasShared) {
  const { registration, authentication } = await sharedJson<{
    registration: FixtureRow[];
    authentication: FixtureRow[];
  }>("vectors/webauthn/simplewebauthn-fixtures.json");

  test("SimpleWebAuthn's registrations, without an anchor", async () => {
    for (const row of registration) {
      const expected = refusedForAaguid.test(row.name)
        ? "attestation_statement"
        : (refusedRegistrations.get(row.name) ?? "ok");
      const result = await verifyRegistration(registrationOf(row));
      expect(why(result), row.name).toBe(expected);
      if (result.ok) expect(result, row.name).toMatchObject({ aaguid: null, attestation: { trusted: false } });
    }
    expect(registration).toHaveLength(39);
  });

  test("SimpleWebAuthn's assertions", async () => {
    for (const row of authentication)
      expect(why(await verifyAssertion(assertionOf(row))), row.name).toBe(refusedAssertions.get(row.name) ?? "ok");
    expect(authentication).toHaveLength(15);
  });

  test("SimpleWebAuthn's fixtures, with it as the verifier: Sallyport's verdicts", async () => {
    const verifier = simpleWebAuthn();
    for (const row of registration) {
      const input = registrationOf(row);
      expect(await verifyUnattested({ ...input, verifier }), row.name).toEqual(await verifyUnattested(input));
    }
    for (const row of authentication) {
      const input = assertionOf(row);
      expect(await verifyAssertion({ ...input, verifier }), row.name).toEqual(await verifyAssertion(input));
    }
  });

  test("SimpleWebAuthn's registrations with a bit flipped in each field: refused, never an exception", async () => {
    for (const row of registration) {
      const input = registrationOf(row);
      const { clientDataJson, attestationObject, credentialId } = input.response;
      const changed: Bytes[][] = ["type", "challenge", "origin"].map((member) => {
        const name = utf8(`"${member}":"`);
        return [flipBit(clientDataJson, indexOf(clientDataJson, name) + name.length + 3), attestationObject];
      });
      const data = indexOf(attestationObject, utf8("authData")) + 8 + 2;
      const id = indexOf(attestationObject, fromBase64Url(credentialId)!);
      for (const at of [1, data - 9, data + 5, data + 31, id, id - 1, indexOf(attestationObject, utf8("sig")) + 12])
        changed.push([clientDataJson, flipBit(attestationObject, Math.min(at, attestationObject.length - 1))]);
      for (const [index, [clientData, object]] of changed.entries()) {
        const isNone = indexOf(attestationObject, utf8("cfmtdnone")) < attestationObject.length;
        // A statement of `none` has no `sig`, and the bit at the end of the object is part of the key.
        if (isNone && index === changed.length - 1) continue;
        const response = { ...input.response, clientDataJson: clientData!, attestationObject: object! };
        expect((await verifyRegistration({ ...input, response })).ok, `${row.name} ${index}`).toBe(false);
      }
    }
  });

  test("SimpleWebAuthn's assertions with any bit flipped: refused, never an exception", async () => {
    for (const row of authentication) {
      const input = assertionOf(row);
      for (const part of ["clientDataJson", "authenticatorData", "signature"] as const) {
        for (let at = 0; at < input.response[part].length; at++) {
          const response = { ...input.response, [part]: flipBit(input.response[part], at, at % 8) };
          expect((await verifyAssertion({ ...input, response })).ok, `${row.name} ${part} ${at}`).toBe(false);
        }
      }
    }
  });
}

/** Another implementation on the same input, with no more trust than Sallyport has. */
async function theirRegistration({ response, challenge, relyingParty }: RegistrationInput): Promise<boolean> {
  const json: RegistrationResponseJSON = {
    id: response.credentialId,
    rawId: response.credentialId,
    type: "public-key",
    clientExtensionResults: {},
    response: {
      clientDataJSON: toBase64Url(response.clientDataJson),
      attestationObject: toBase64Url(response.attestationObject),
    },
  };
  try {
    const { verified } = await verifyRegistrationResponse({
      response: json,
      expectedChallenge: toBase64Url(challenge),
      expectedOrigin: [...relyingParty.origins],
      expectedRPID: relyingParty.rpId,
      requireUserVerification: false,
    });
    return verified;
  } catch {
    return false;
  }
}

async function theirAssertion({ response, challenge, relyingParty, credential }: AssertionInput): Promise<boolean> {
  const json: AuthenticationResponseJSON = {
    id: "aWQ",
    rawId: "aWQ",
    type: "public-key",
    clientExtensionResults: {},
    response: {
      clientDataJSON: toBase64Url(response.clientDataJson),
      authenticatorData: toBase64Url(response.authenticatorData),
      signature: toBase64Url(response.signature),
    },
  };
  try {
    const { verified } = await verifyAuthenticationResponse({
      response: json,
      expectedChallenge: toBase64Url(challenge),
      expectedOrigin: [...relyingParty.origins],
      expectedRPID: relyingParty.rpId,
      requireUserVerification: false,
      credential: { id: "aWQ", publicKey: credential.publicKey, counter: credential.signCount },
    });
    return verified;
  } catch {
    return false;
  }
}

describe("SimpleWebAuthn compared with Sallyport", () => {
  const relyingParty = {
    rpId: "example.org",
    origins: ["https://example.org"],
    crossOrigin: { topOrigins: ["https://example.com"] },
  };
  const policy = { userVerification: "discouraged" } as const;

  /** Refused by the peer for reasons that are not in §8: a maker of TPMs, an AAGUID, a root of its own, a chain of one. */
  const theyRefuse = ["tpm.ES256", "android-key.ES256", "apple.ES256", "fido-u2f.ES256"];

  test.each(w3cCeremonies)("$name: the same verdict", async ({ name, registration, authentication }) => {
    const attestationObject = fromBase64Url(registration.attestationObject)!;
    const { credentialId, publicKey } = attestedOf(attestationObject);
    const registered: RegistrationInput = {
      response: { credentialId, clientDataJson: utf8(registration.clientDataJson), attestationObject, transports: [] },
      challenge: fromBase64Url(registration.challenge)!,
      relyingParty,
      policy,
    };
    const ours = (await verifyRegistration(registered)).ok;
    expect(await theirRegistration(registered)).toBe(ours && !theyRefuse.includes(name));

    const asserted: AssertionInput = {
      response: {
        clientDataJson: utf8(authentication.clientDataJson),
        authenticatorData: fromBase64Url(authentication.authenticatorData)!,
        signature: fromBase64Url(authentication.signature)!,
      },
      challenge: fromBase64Url(authentication.challenge)!,
      relyingParty,
      credential: { publicKey, signCount: 0 },
      policy,
    };
    const isOurAlgorithm = !/ES384|ES512|Ed448/.test(name);
    expect((await verifyAssertion(asserted)).ok).toBe(isOurAlgorithm);
    // The peer also verifies ES384 and ES512, which Sallyport does not offer. It lacks Ed448, and refuses a top origin.
    expect(await theirAssertion(asserted)).toBe(name !== "packed.Ed448" && name !== "none.ES256.topOrigin");
  });

  test("responses with any bit flipped: the peer accepts every response that Sallyport accepts", async () => {
    const assertion = await authenticate({ clientData: { extraData: "x" } });
    expect([(await verifyAssertion(assertion)).ok, await theirAssertion(assertion)]).toEqual([true, true]);
    const registration = await register({ aaguid: new Uint8Array(16).fill(7) });
    const length = registration.response.attestationObject.length;
    for (let at = 0; at < length; at++) {
      const object = flipBit(registration.response.attestationObject, at, at % 8);
      const input = { ...registration, policy, response: { ...registration.response, attestationObject: object } };
      if ((await verifyRegistration(input)).ok) expect(await theirRegistration(input), `${at}`).toBe(true);
    }
  });
});
