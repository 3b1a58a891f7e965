import { describe, expect, test } from "vitest";
import { type Bytes, fromBase64Url, utf8 } from "../../../src/crypto/bytes.ts";
import { ecPublicKey } from "../../../src/crypto/public-key.ts";
import { type AssertionPolicy, verifyAssertion } from "../../../src/domain/webauthn/assertion.ts";
import { type AttestationPolicy, parseTrustAnchors } from "../../../src/domain/webauthn/attestation.ts";
import { signedBytes } from "../../../src/domain/webauthn/authenticator-data.ts";
import { type CborMap, decodeCbor } from "../../../src/domain/webauthn/cbor.ts";
import type { RelyingParty } from "../../../src/domain/webauthn/client-data.ts";
import { verifyDerSignature } from "../../../src/domain/webauthn/der-signature.ts";
import type { RegistrationPolicy } from "../../../src/domain/webauthn/registration.ts";
import { relyingParty } from "./authenticator.ts";
import { flipBit } from "./encode.ts";
import { attestedOf } from "./fixture.ts";
import { verifyRegistration } from "./verify-registration.ts";
import { type W3cCeremony, w3cAttestationRoot, w3cCeremonies } from "./w3c-vectors.ts";

const bytes = (text: string) => fromBase64Url(text)!;

const anchors = parseTrustAnchors([{ certificate: bytes(w3cAttestationRoot) }]);
const at = new Date("2026-01-01T00:00:00Z");

interface Row {
  readonly name: string;
  /** Additions to `userVerification: "discouraged"`: several authenticators there verify no user. */
  readonly relyingParty?: RelyingParty;
  readonly type: "none" | "self" | "certificate";
  readonly aaguid?: boolean;
  readonly unsupported?: true;
}

const rows: readonly Row[] = [
  { name: "none.ES256", type: "none" },
  { name: "packed-self.ES256", type: "self" },
  { name: "none.ES256.crossOrigin", type: "none", relyingParty: { ...relyingParty, crossOrigin: { topOrigins: [] } } },
  {
    name: "none.ES256.topOrigin",
    type: "none",
    relyingParty: { ...relyingParty, crossOrigin: { topOrigins: ["https://example.com"] } },
  },
  { name: "none.ES256.long-credential-id", type: "none" },
  { name: "packed.ES256", type: "certificate", aaguid: true },
  { name: "packed.ES384", type: "certificate", unsupported: true },
  { name: "packed.ES512", type: "certificate", unsupported: true },
  { name: "packed.RS256", type: "certificate", aaguid: true },
  { name: "packed.EdDSA", type: "certificate", aaguid: true },
  { name: "packed.Ed448", type: "certificate", unsupported: true },
  { name: "tpm.ES256", type: "certificate", aaguid: true },
  { name: "android-key.ES256", type: "certificate", aaguid: true },
  { name: "apple.ES256", type: "certificate", aaguid: true },
  { name: "fido-u2f.ES256", type: "certificate" },
];

function registrationOf({ registration }: W3cCeremony, row: Row, policy: RegistrationPolicy & AttestationPolicy = {}) {
  const attestationObject = bytes(registration.attestationObject);
  const clientDataJson = utf8(registration.clientDataJson);
  const { credentialId } = attestedOf(attestationObject);
  return {
    response: { credentialId, clientDataJson, attestationObject, transports: [] },
    challenge: bytes(registration.challenge),
    relyingParty: row.relyingParty ?? relyingParty,
    policy: { userVerification: "discouraged", ...policy } as const,
  };
}

function assertionOf({ registration, authentication }: W3cCeremony, row: Row, policy: AssertionPolicy = {}) {
  const { publicKey, backupEligible } = attestedOf(bytes(registration.attestationObject));
  return {
    response: {
      clientDataJson: utf8(authentication.clientDataJson),
      authenticatorData: bytes(authentication.authenticatorData),
      signature: bytes(authentication.signature),
    },
    challenge: bytes(authentication.challenge),
    relyingParty: row.relyingParty ?? relyingParty,
    credential: { publicKey, signCount: 0, backupEligible },
    policy: { userVerification: "discouraged", ...policy } as const,
  };
}

test("W3C vectors: all 15 ceremonies are present", () => {
  expect(w3cCeremonies.map(({ name }) => name)).toEqual(rows.map(({ name }) => name));
});

describe.each(rows)("$name", (row) => {
  const ceremony = w3cCeremonies.find(({ name }) => name === row.name)!;
  const unsupported = { ok: false, reason: "unsupported_key", check: "public_key" };

  test("registration with the vectors' root as the only anchor: trusted", async () => {
    const policy = { trust: { anchors, at, untrusted: "accepted" } } as const;
    const result = await verifyRegistration(registrationOf(ceremony, row, policy));
    if (row.unsupported) return expect(result).toEqual(unsupported);
    const { aaguid, ...attested } = attestedOf(bytes(ceremony.registration.attestationObject));
    expect(result).toMatchObject({ ok: true, ...attested, signCount: 0 });
    expect(result).toMatchObject({ attestation: { type: row.type, trusted: row.type === "certificate" } });
    expect(result).toMatchObject({ aaguid: row.aaguid ? aaguid : null });
  });

  test("registration without an anchor: valid and untrusted", async () => {
    const result = await verifyRegistration(registrationOf(ceremony, row));
    if (row.unsupported) return expect(result).toEqual(unsupported);
    expect(result).toMatchObject({ ok: true, aaguid: null, attestation: { type: row.type, trusted: false } });
  });

  test("registration that must be trusted", async () => {
    const result = await verifyRegistration(registrationOf(ceremony, row, { trust: { anchors, at } }));
    if (row.unsupported) return expect(result).toEqual(unsupported);
    if (row.type === "certificate") return expect(result).toMatchObject({ ok: true });
    expect(result).toEqual({ ok: false, reason: "attestation_untrusted", check: "attestation_trust" });
  });

  test("authentication with the registered key", async () => {
    const result = await verifyAssertion(assertionOf(ceremony, row));
    if (row.unsupported) return expect(result).toEqual(unsupported);
    expect(result).toMatchObject({ ok: true, newSignCount: 0, userPresent: true });
  });

  test("default policy: an unverified user and a foreign frame are refused", async () => {
    const defaults = { policy: {}, relyingParty };
    const results = [
      await verifyRegistration({ ...registrationOf(ceremony, row), ...defaults }),
      await verifyAssertion({ ...assertionOf(ceremony, row), ...defaults }),
    ];
    const { userVerified } = attestedOf(bytes(ceremony.registration.attestationObject));
    const isVerified = [userVerified, (bytes(ceremony.authentication.authenticatorData)[32]! & 4) !== 0];
    const expected = isVerified.map((verified) =>
      verified ? (row.unsupported ? "unsupported_key" : "ok") : "user_not_verified",
    );
    expect(results.map((result) => (result.ok ? "ok" : result.reason))).toEqual(
      row.relyingParty ? ["origin_mismatch", "origin_mismatch"] : expected,
    );
  });

  test("authentication with any byte changed is refused", async () => {
    const input = assertionOf(ceremony, row);
    for (const part of ["clientDataJson", "authenticatorData", "signature"] as const) {
      for (let index = 0; index < input.response[part].length; index += 3) {
        const response = { ...input.response, [part]: flipBit(input.response[part], index, index % 8) };
        expect((await verifyAssertion({ ...input, response })).ok, `${part} ${index}`).toBe(false);
      }
    }
  });
});

describe("W3C ceremonies with refused algorithms: the signatures themselves verify", () => {
  test.each([
    { name: "packed.ES384", curve: "P-384", hash: "SHA-384" },
    { name: "packed.ES512", curve: "P-521", hash: "SHA-512" },
  ] as const)("$name", async ({ name, curve, hash }) => {
    const { registration, authentication } = w3cCeremonies.find((ceremony) => ceremony.name === name)!;
    const cose = decodeCbor(attestedOf(bytes(registration.attestationObject)).publicKey) as CborMap;
    const key = ecPublicKey(curve, cose.get(-2) as Bytes, cose.get(-3) as Bytes)!;
    const data = await signedBytes(bytes(authentication.authenticatorData), utf8(authentication.clientDataJson));
    expect(await verifyDerSignature({ key, hash, signature: bytes(authentication.signature), data })).toBe(true);
  });
});

/** A statement of `none` signs nothing, so the client chooses its flags, counter and key. */
describe.each(rows.filter(({ type }) => type !== "none"))("step 22: $name", (row) => {
  const ceremony = w3cCeremonies.find(({ name }) => name === row.name)!;

  test("registration with any byte changed is refused", async () => {
    const input = registrationOf(ceremony, row, { trust: { anchors, at } });
    const isSelf = row.type === "self";
    const { attestationObject } = input.response;
    for (let index = 0; index < attestationObject.length; index++) {
      const response = { ...input.response, attestationObject: flipBit(attestationObject, index, index % 8) };
      const { credentialId } = attestedOf(response.attestationObject);
      const policy = isSelf ? ({ userVerification: "discouraged" } as const) : input.policy;
      const result = await verifyRegistration({ ...input, policy, response: { ...response, credentialId } });
      if (row.name === "fido-u2f.ES256" && result.ok)
        expect(unsignedByU2f(attestationObject, index), `${index}`).toBe(true);
      else expect(result.ok, `${index}`).toBe(false);
    }
  });
});

/** U2F's message has no flags, counter and AAGUID. */
function unsignedByU2f(attestationObject: Uint8Array, index: number): boolean {
  const text = [...attestationObject].map((byte) => String.fromCharCode(byte)).join("");
  const data = text.indexOf("authData") + 8 + 2;
  return index >= data + 32 && index < data + 32 + 1 + 4 + 16;
}
