import { describe, expect, test } from "vitest";
import { randomBytes, toBase64Url, utf8 } from "../../../src/crypto/bytes.ts";
import { verifyRegistration as verifyUnattested } from "../../../src/domain/webauthn/registration.ts";
import {
  flag,
  generateTestKey,
  type KeyKind,
  origin,
  type RegistrationChanges,
  register,
  rpId,
} from "./authenticator.ts";
import { cbor, type Encodable, flipBit, hex, join } from "./encode.ts";
import { verifyRegistration } from "./verify-registration.ts";

const outcome = async (changes: RegistrationChanges) => {
  const result = await verifyRegistration(await register(changes));
  return result.ok ? "ok" : result.check;
};

const seen = flag.up | flag.uv | flag.at;

test.each<{ kind: KeyKind; algorithm: number }>([
  { kind: "ES256", algorithm: -7 },
  { kind: "RS256", algorithm: -257 },
  { kind: "EdDSA", algorithm: -8 },
])("step 27: stored data of a new $kind key", async ({ kind, algorithm }) => {
  const key = await generateTestKey(kind);
  const credentialId = randomBytes(64);
  const input = await register({
    key,
    credentialId,
    aaguid: randomBytes(16),
    signCount: 9,
    flags: seen | flag.be | flag.bs,
  });
  expect(await verifyRegistration(input)).toEqual({
    ok: true,
    credentialId: toBase64Url(credentialId),
    publicKey: cbor(key.cose),
    algorithm,
    signCount: 9,
    userPresent: true,
    userVerified: true,
    backupEligible: true,
    backedUp: true,
    transports: ["internal", "hybrid"],
    rpId,
    aaguid: null,
    attestation: { format: "none", type: "none", trusted: false },
  });
});

describe("each numbered step of §7.1", () => {
  const keyOf =
    (...changes: [number, Encodable][]) =>
    async () => {
      const { cose } = await generateTestKey();
      return cbor(new Map([...cose, ...changes]));
    };

  test.each<RegistrationChanges & { case: string; expected: string }>([
    {
      case: "step 5: client data that is not UTF-8",
      clientDataJson: (json) => join(json, hex("ff")),
      expected: "client_data_text",
    },
    {
      case: "step 5: client data with a byte order mark",
      clientDataJson: (json) => join(hex("efbbbf"), json),
      expected: "ok",
    },
    {
      case: "step 6: client data that is not JSON",
      clientDataJson: (json) => json.slice(1),
      expected: "client_data_json",
    },
    { case: "step 6: future members", clientData: { extraData: "x" }, expected: "ok" },
    { case: "step 7: an assertion's type", clientData: { type: "webauthn.get" }, expected: "type" },
    { case: "step 7: no type", clientData: { type: undefined }, expected: "type" },
    {
      case: "step 8: another's challenge",
      clientData: { challenge: toBase64Url(new Uint8Array(32)) },
      expected: "challenge",
    },
    { case: "step 9: another origin", clientData: { origin: "https://example.org.evil.example" }, expected: "origin" },
    { case: "step 10: cross origin", clientData: { crossOrigin: true }, expected: "cross_origin" },
    { case: "step 11: a top origin", clientData: { topOrigin: "https://evil.example" }, expected: "top_origin" },
    {
      case: "step 13: an object cut short",
      attestationObject: (object) => object.slice(0, -1),
      expected: "attestation_object",
    },
    {
      case: "step 13: a trailing byte",
      attestationObject: (object) => join(object, hex("00")),
      expected: "attestation_object",
    },
    {
      case: "step 13: a member too many",
      attestationObject: (object) => join(hex("a4"), object.slice(1), cbor("epAtt"), hex("f4")),
      expected: "attestation_object",
    },
    {
      case: "step 13: the format twice",
      attestationObject: (object) => join(hex("a4"), object.slice(1), cbor("fmt"), cbor("none")),
      expected: "attestation_object",
    },
    {
      case: "step 13: a format that is not text",
      attestationObject: () =>
        cbor(
          new Map<string, Encodable>([
            ["fmt", 1],
            ["attStmt", new Map()],
            ["authData", new Uint8Array(37)],
          ]),
        ),
      expected: "attestation_object",
    },
    {
      case: "step 13: a statement that is not a map",
      attestationObject: () =>
        cbor(
          new Map<string, Encodable>([
            ["fmt", "none"],
            ["attStmt", []],
            ["authData", new Uint8Array(37)],
          ]),
        ),
      expected: "attestation_object",
    },
    {
      case: "step 13: authenticator data as text",
      attestationObject: () =>
        cbor(
          new Map<string, Encodable>([
            ["fmt", "none"],
            ["attStmt", new Map()],
            ["authData", "x"],
          ]),
        ),
      expected: "attestation_object",
    },
    {
      case: "step 13: another name",
      attestationObject: () =>
        cbor(
          new Map<string, Encodable>([
            ["fmt", "none"],
            ["attStmt", new Map()],
            ["authdata", "x"],
          ]),
        ),
      expected: "attestation_object",
    },
    { case: "step 13: an empty object", attestationObject: () => hex("a0"), expected: "attestation_object" },
    {
      case: "step 13: authenticator data of 36 bytes",
      authenticatorData: (data) => data.slice(0, 36),
      expected: "authenticator_data",
    },
    {
      case: "step 13: no credential in it",
      flags: flag.up | flag.uv,
      authenticatorData: (data) => data.slice(0, 37),
      expected: "authenticator_data",
    },
    { case: "step 13: a credential without its flag", flags: flag.up | flag.uv, expected: "authenticator_data" },
    { case: "step 13: a byte after the key", after: hex("00"), expected: "authenticator_data" },
    { case: "step 13: an extension without its flag", after: hex("a0"), expected: "authenticator_data" },
    {
      case: "step 13: a key cut short",
      authenticatorData: (data) => data.slice(0, -1),
      expected: "authenticator_data",
    },
    { case: "step 14: another RP", rpId: "evil.example", expected: "rp_id" },
    { case: "step 14: the RP in upper case", rpId: "EXAMPLE.org", expected: "rp_id" },
    { case: "step 14: a subdomain", rpId: "login.example.org", expected: "rp_id" },
    { case: "step 15: no user present", flags: flag.uv | flag.at, expected: "user_present" },
    {
      case: "step 15: no user present, mediation optional",
      flags: flag.uv | flag.at,
      policy: { mediation: "optional" },
      expected: "user_present",
    },
    {
      case: "step 15: no user present, conditional create",
      flags: flag.uv | flag.at,
      policy: { mediation: "conditional" },
      expected: "ok",
    },
    { case: "step 16: not verified, by default", flags: flag.up | flag.at, expected: "user_verified" },
    {
      case: "step 16: not verified in a conditional create",
      flags: flag.at,
      policy: { mediation: "conditional" },
      expected: "user_verified",
    },
    {
      case: "step 16: not verified, preferred",
      flags: flag.up | flag.at,
      policy: { userVerification: "preferred" },
      expected: "ok",
    },
    { case: "step 17: backed up though not eligible", flags: seen | flag.bs, expected: "backup_flags" },
    { case: "step 18: eligible, any", flags: seen | flag.be, policy: { backup: "any" }, expected: "ok" },
    { case: "step 18: eligible, wanted", flags: seen | flag.be, policy: { backup: "eligible" }, expected: "ok" },
    {
      case: "step 18: eligible, not wanted",
      flags: seen | flag.be,
      policy: { backup: "single_device" },
      expected: "backup_policy",
    },
    { case: "step 18: not eligible, wanted", policy: { backup: "eligible" }, expected: "backup_policy" },
    { case: "step 18: not eligible, as wanted", policy: { backup: "single_device" }, expected: "ok" },
    {
      case: "step 19: backed up, as wanted",
      flags: seen | flag.be | flag.bs,
      policy: { backup: "backed_up" },
      expected: "ok",
    },
    {
      case: "step 19: not backed up, wanted",
      flags: seen | flag.be,
      policy: { backup: "backed_up" },
      expected: "backup_policy",
    },
    {
      case: "step 19: backed up, one device wanted",
      flags: seen | flag.be | flag.bs,
      policy: { backup: "single_device" },
      expected: "backup_policy",
    },
    { case: "step 20: an algorithm that was not offered", policy: { algorithms: [-8, -257] }, expected: "algorithm" },
    { case: "step 20: no algorithm offered", policy: { algorithms: [] }, expected: "algorithm" },
    { case: "step 20: the offered algorithm", policy: { algorithms: [-7] }, expected: "ok" },
    { case: "step 21: an unknown format", format: "example", expected: "attestation_format" },
    { case: "step 21: a format in upper case", format: "None", expected: "attestation_format" },
    { case: "step 21: Packed", format: "Packed", expected: "attestation_format" },
    { case: "step 21: a format of an object's prototype", format: "constructor", expected: "attestation_format" },
    {
      case: "step 21: SafetyNet, which Level 3 removed",
      format: "android-safetynet",
      expected: "attestation_format",
    },
    { case: "step 21: compound", format: "compound", expected: "attestation_format" },
    {
      case: "step 21: a format that policy leaves out",
      policy: { formats: ["packed"] },
      expected: "attestation_format",
    },
    {
      case: "step 22: none, with a member in its statement",
      statement: async () => new Map([["alg", -7]]),
      expected: "attestation_statement",
    },
    { case: "step 22: packed, with an empty statement", format: "packed", expected: "attestation_statement" },
    {
      case: "step 24: none, where anchors are named",
      policy: { trust: { anchors: [], at: new Date(0) } },
      expected: "attestation_trust",
    },
    {
      case: "step 24: none, where untrusted is accepted",
      policy: { trust: { anchors: [], at: new Date(0), untrusted: "accepted" } },
      expected: "ok",
    },
    { case: "step 25: a credential id of 1,023 bytes", credentialId: randomBytes(1023), expected: "ok" },
    {
      case: "step 25: a credential id of 1,024 bytes",
      credentialId: randomBytes(1024),
      expected: "authenticator_data",
    },
    { case: "step 25: an empty credential id", credentialId: hex(""), expected: "authenticator_data" },
    {
      case: "step 28: an extension that was not requested, by default",
      flags: seen | flag.ed,
      after: cbor(new Map([["credProtect", 2]])),
      expected: "ok",
    },
    {
      case: "step 28: the same, refused by policy",
      flags: seen | flag.ed,
      after: cbor(new Map([["credProtect", 2]])),
      policy: { extensions: "refused" },
      expected: "extensions",
    },
    {
      case: "step 28: extensions that are not a map",
      flags: seen | flag.ed,
      after: hex("01"),
      expected: "authenticator_data",
    },
  ])("$case: $expected", async ({ case: _, expected, ...changes }) => {
    expect(await outcome(changes)).toBe(expected);
  });

  test.each<{ case: string; publicKey: () => Promise<Uint8Array> }>([
    { case: "another algorithm in the key", publicKey: keyOf([3, -8]) },
    {
      case: "no algorithm",
      publicKey: async () => cbor(new Map([...(await generateTestKey()).cose].filter(([label]) => label !== 3))),
    },
    { case: "ES384", publicKey: keyOf([3, -35]) },
    { case: "another type", publicKey: keyOf([1, 3]) },
    { case: "another curve", publicKey: keyOf([-1, 2]) },
    { case: "a point off the curve", publicKey: keyOf([-2, new Uint8Array(32).fill(1)]) },
    { case: "RS256 of 1024 bits", publicKey: async () => cbor((await generateTestKey("RS256 of 1024 bits")).cose) },
    { case: "an empty key", publicKey: async () => hex("a0") },
  ])("step 20: $case: unsupported", async ({ publicKey }) => {
    const result = await verifyRegistration(await register({ publicKey: await publicKey() }));
    expect(result).toEqual({ ok: false, reason: "unsupported_key", check: "public_key" });
  });

  test("step 12: client data that differs from the attested one: refused", async () => {
    const statement: RegistrationChanges["statement"] = async (signed, key) =>
      new Map<string, Encodable>([
        ["alg", -7],
        ["sig", await key.sign(signed)],
      ]);
    const input = await register({ format: "packed", statement, clientData: { extraData: "x" } });
    expect(await verifyRegistration(input)).toMatchObject({ ok: true });
    const text = new TextDecoder().decode(input.response.clientDataJson).replace('"x"', '"y"');
    const result = await verifyRegistration({ ...input, response: { ...input.response, clientDataJson: utf8(text) } });
    expect(result).toMatchObject({ ok: false, check: "attestation_statement" });
  });

  test("the client's credential id must equal the authenticator's", async () => {
    const input = await register();
    for (const credentialId of [toBase64Url(randomBytes(32)), "", "a=", `${input.response.credentialId}A`]) {
      const result = await verifyRegistration({ ...input, response: { ...input.response, credentialId } });
      expect(result).toEqual({ ok: false, reason: "malformed", check: "credential_id" });
    }
  });
});

describe("step 10 and 11 by policy", () => {
  const framed = (topOrigins: string[]) => ({ rpId, origins: [origin], crossOrigin: { topOrigins } });

  test.each([
    { clientData: { crossOrigin: true }, topOrigins: [], expected: "ok" },
    {
      clientData: { crossOrigin: true, topOrigin: "https://example.com" },
      topOrigins: ["https://example.com"],
      expected: "ok",
    },
    { clientData: { crossOrigin: true, topOrigin: "https://example.com" }, topOrigins: [], expected: "top_origin" },
  ])("$clientData with $topOrigins: $expected", async ({ clientData, topOrigins, expected }) => {
    expect(await outcome({ clientData, relyingParty: framed(topOrigins) })).toBe(expected);
  });
});

test("registration: without trust no AAGUID is accepted", async () => {
  const statement: RegistrationChanges["statement"] = async (signed, key) =>
    new Map<string, Encodable>([
      ["alg", -7],
      ["sig", await key.sign(signed)],
    ]);
  for (const changes of [{}, { format: "packed", statement }]) {
    const result = await verifyRegistration(await register({ ...changes, aaguid: randomBytes(16) }));
    expect(result).toMatchObject({ ok: true, aaguid: null, attestation: { trusted: false } });
  }
});

test("registration without trust: the statement is not read, and the record has nothing from it", async () => {
  const input = await register({
    aaguid: randomBytes(16),
    format: "packed",
    statement: async () => new Map([["alg", 0]]),
  });
  expect(await verifyRegistration(input)).toMatchObject({ ok: false, check: "attestation_statement" });
  expect(await verifyUnattested(input)).toMatchObject({
    ok: true,
    aaguid: null,
    attestation: { format: "packed", type: "unverified", trusted: false },
  });
  const unknown = await register({ format: "android-safetynet", statement: async () => new Map() });
  expect(await verifyUnattested(unknown)).toMatchObject({ ok: true, aaguid: null, attestation: { trusted: false } });
  // Text that is not a statement at all is still refused.
  const bytes = unknown.response.attestationObject.slice(0, -1);
  const cut = { ...unknown, response: { ...unknown.response, attestationObject: bytes } };
  expect(await verifyUnattested(cut)).toMatchObject({ ok: false, check: "attestation_object" });
});

test("registration cut short anywhere or with any bit flipped: never an exception", async () => {
  const input = await register({ flags: seen | flag.ed, after: cbor(new Map([["credProps", true]])) });
  const { attestationObject } = input.response;
  for (let length = 0; length < attestationObject.length; length++) {
    const response = { ...input.response, attestationObject: attestationObject.slice(0, length) };
    expect((await verifyRegistration({ ...input, response })).ok, `${length}`).toBe(false);
  }
  for (let at = 0; at < 8 * attestationObject.length; at++) {
    const response = { ...input.response, attestationObject: flipBit(attestationObject, at >> 3, at & 7) };
    await verifyRegistration({ ...input, response });
  }
});
