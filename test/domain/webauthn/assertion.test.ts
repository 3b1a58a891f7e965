import { describe, expect, test } from "vitest";
import { type Bytes, toBase64Url, utf8 } from "../../../src/crypto/bytes.ts";
import { verifyAssertion } from "../../../src/domain/webauthn/assertion.ts";
import { hasShared, sharedJson, sharedPaths } from "../../support/shared.ts";
import {
  type AssertionChanges,
  authenticate,
  authenticatorData,
  flag,
  generateTestKey,
  type KeyKind,
} from "./authenticator.ts";
import { cbor, derSignature, flipBit, hex, join } from "./encode.ts";

const outcome = async (changes: AssertionChanges) => {
  const result = await verifyAssertion(await authenticate(changes));
  return result.ok ? "ok" : result.reason;
};

test.each<KeyKind>(["ES256", "RS256", "EdDSA"])("assertion with %s: accepted", async (kind) => {
  const input = await authenticate({
    key: await generateTestKey(kind),
    signCount: 7,
    flags: flag.up | flag.uv | flag.be | flag.bs,
  });
  expect(await verifyAssertion(input)).toEqual({
    ok: true,
    newSignCount: 7,
    userPresent: true,
    userVerified: true,
    backupEligible: true,
    backedUp: true,
  });
});

describe("each numbered step of §7.2", () => {
  test.each<AssertionChanges & { case: string; expected: string }>([
    {
      case: "step 8: client data that is not UTF-8",
      clientDataJson: (json) => join(json, hex("ff")),
      expected: "malformed",
    },
    { case: "step 9: client data that is not JSON", clientDataJson: (json) => json.slice(1), expected: "malformed" },
    { case: "step 10: a registration", clientData: { type: "webauthn.create" }, expected: "type_mismatch" },
    {
      case: "step 11: another's challenge",
      clientData: { challenge: toBase64Url(new Uint8Array(32)) },
      expected: "challenge_mismatch",
    },
    {
      case: "step 12: another origin",
      clientData: { origin: "https://example.org.evil.example" },
      expected: "origin_mismatch",
    },
    { case: "step 13: cross origin", clientData: { crossOrigin: true }, expected: "origin_mismatch" },
    { case: "step 14: a top origin", clientData: { topOrigin: "https://evil.example" }, expected: "origin_mismatch" },
    { case: "step 15: another RP", rpId: "evil.example", expected: "rp_id_mismatch" },
    { case: "step 15: the RP in upper case", rpId: "EXAMPLE.ORG", expected: "rp_id_mismatch" },
    { case: "step 15: a subdomain", rpId: "login.example.org", expected: "rp_id_mismatch" },
    { case: "step 15: the origin in place of the RP ID", rpId: "https://example.org", expected: "rp_id_mismatch" },
    { case: "step 16: no user present", flags: flag.uv, expected: "user_not_present" },
    { case: "step 17: not verified, by default", flags: flag.up, expected: "user_not_verified" },
    {
      case: "step 17: not verified, required",
      flags: flag.up,
      policy: { userVerification: "required" },
      expected: "user_not_verified",
    },
    {
      case: "step 17: not verified, preferred",
      flags: flag.up,
      policy: { userVerification: "preferred" },
      expected: "ok",
    },
    {
      case: "step 17: not verified, discouraged",
      flags: flag.up,
      policy: { userVerification: "discouraged" },
      expected: "ok",
    },
    { case: "step 18: backed up though not eligible", flags: flag.up | flag.uv | flag.bs, expected: "malformed" },
    {
      case: "step 19: became eligible",
      flags: flag.up | flag.uv | flag.be,
      stored: { backupEligible: false },
      expected: "malformed",
    },
    {
      case: "step 19: no longer eligible",
      flags: flag.up | flag.uv,
      stored: { backupEligible: true },
      expected: "malformed",
    },
    {
      case: "step 19: eligible as before",
      flags: flag.up | flag.uv | flag.be,
      stored: { backupEligible: true },
      expected: "ok",
    },
    { case: "step 19: as before, not eligible", stored: { backupEligible: false }, expected: "ok" },
    { case: "step 19: stored eligibility unknown", flags: flag.up | flag.uv | flag.be, stored: {}, expected: "ok" },
    {
      case: "step 21: a signature with a byte after it",
      signature: (signature) => join(signature, hex("00")),
      expected: "signature_invalid",
    },
    { case: "step 21: no signature", signature: () => hex(""), expected: "signature_invalid" },
    { case: "step 21: a signature of 64 zeros", signature: () => new Uint8Array(64), expected: "signature_invalid" },
    {
      case: "step 21: r and s of zero",
      signature: () => derSignature(new Uint8Array(64)),
      expected: "signature_invalid",
    },
    { case: "step 22: the same counter", signCount: 5, stored: { signCount: 5 }, expected: "counter_regression" },
    { case: "step 22: a lower counter", signCount: 4, stored: { signCount: 5 }, expected: "counter_regression" },
    { case: "step 22: back to zero", signCount: 0, stored: { signCount: 5 }, expected: "counter_regression" },
    { case: "step 22: one more", signCount: 6, stored: { signCount: 5 }, expected: "ok" },
    { case: "step 22: zero twice", signCount: 0, stored: { signCount: 0 }, expected: "ok" },
    { case: "step 22: the first count", signCount: 1, stored: { signCount: 0 }, expected: "ok" },
    { case: "step 22: the highest", signCount: 0xffff_ffff, stored: { signCount: 0x7fff_ffff }, expected: "ok" },
    {
      case: "step 22: from the highest round to 1",
      signCount: 1,
      stored: { signCount: 0xffff_ffff },
      expected: "counter_regression",
    },
    {
      case: "step 23: an extension that was not requested, by default",
      flags: 0x85,
      rest: cbor(new Map([["uvm", [[1, 2, 3]]]])),
      expected: "ok",
    },
    {
      case: "step 23: the same, refused by policy",
      flags: 0x85,
      rest: cbor(new Map([["uvm", true]])),
      policy: { extensions: "refused" },
      expected: "extension_not_allowed",
    },
    {
      case: "no user present, with presence unchecked",
      flags: flag.uv,
      policy: { userPresence: "unchecked" },
      expected: "ok",
    },
  ])("$case: $expected", async ({ case: _, expected, ...changes }) => {
    expect(await outcome(changes)).toBe(expected);
  });

  test("step 20: a byte of the client data changed, after it was signed", async () => {
    const input = await authenticate({ clientData: { extraData: "x" } });
    const text = new TextDecoder().decode(input.response.clientDataJson).replace('"x"', '"y"');
    const result = await verifyAssertion({ ...input, response: { ...input.response, clientDataJson: utf8(text) } });
    expect(result).toMatchObject({ ok: false, reason: "signature_invalid" });
  });

  test("step 21: signed with another key, also of another algorithm", async () => {
    for (const kind of ["ES256", "RS256", "EdDSA"] as const) {
      const other = await generateTestKey(kind);
      expect(await outcome({ publicKey: cbor(other.cose) })).toBe("signature_invalid");
    }
  });

  test("step 21: the algorithm comes from the key: RS256 with 1024 bits is unsupported", async () => {
    expect(await outcome({ key: await generateTestKey("RS256 of 1024 bits") })).toBe("unsupported_key");
  });

  test.each<{ case: string; publicKey: Bytes }>([
    { case: "nothing", publicKey: hex("") },
    { case: "text", publicKey: utf8("key") },
    { case: "an empty map", publicKey: hex("a0") },
    { case: "a key without alg", publicKey: hex("a10102") },
  ])("step 21: a stored key that is $case is unsupported", async ({ publicKey }) => {
    expect(await outcome({ publicKey })).toBe("unsupported_key");
  });
});

describe("sign count, detection of clones", () => {
  test.each<{ case: string; changes: AssertionChanges; expected: string }>([
    { case: "signed", changes: {}, expected: "sign_count" },
    {
      case: "with another signature",
      changes: { signature: (signature) => flipBit(signature, 12) },
      expected: "sign_count_claimed",
    },
    {
      case: "with a stored key that cannot be read",
      changes: { publicKey: hex("a0") },
      expected: "sign_count_claimed",
    },
  ])("$case: $expected", async ({ changes, expected }) => {
    const input = await authenticate({ signCount: 5, stored: { signCount: 5 }, ...changes });
    expect(await verifyAssertion(input)).toEqual({ ok: false, reason: "counter_regression", check: expected });
  });
});

describe("authenticator data, to the byte", () => {
  test.each<{ case: string; flags: number; rest: Bytes; expected: string }>([
    { case: "a byte too many", flags: 0x05, rest: hex("00"), expected: "malformed" },
    { case: "an extension without its flag", flags: 0x05, rest: hex("a0"), expected: "malformed" },
    { case: "a flag without its extension", flags: 0x85, rest: hex(""), expected: "malformed" },
    { case: "an extension that is no map", flags: 0x85, rest: hex("80"), expected: "malformed" },
    { case: "two extensions maps", flags: 0x85, rest: hex("a0a0"), expected: "malformed" },
    { case: "an extension cut short", flags: 0x85, rest: hex("a1"), expected: "malformed" },
    { case: "a flag without its credential", flags: 0x45, rest: hex(""), expected: "malformed" },
    { case: "a credential without its flag", flags: 0x05, rest: new Uint8Array(60), expected: "malformed" },
    { case: "an empty extensions map", flags: 0x85, rest: hex("a0"), expected: "ok" },
    { case: "reserved flags", flags: 0x27, rest: hex(""), expected: "ok" },
  ])("$case: $expected", async ({ flags, rest, expected }) => {
    expect(await outcome({ flags, rest })).toBe(expected);
  });

  test("36 bytes, and every length below", async () => {
    const input = await authenticate();
    for (let length = 0; length < 37; length++) {
      const response = { ...input.response, authenticatorData: (await authenticatorData({})).slice(0, length) };
      expect(await verifyAssertion({ ...input, response })).toMatchObject({ ok: false, reason: "malformed" });
    }
  });
});

test("assertion checks run in Flametrench's order", async () => {
  const all: AssertionChanges = {
    clientData: { type: "x", origin: "x", challenge: "x" },
    rest: hex("00"),
    rpId: "x",
    flags: flag.bs,
    signCount: 1,
    stored: { signCount: 2, backupEligible: true },
    publicKey: hex(""),
    signature: () => hex(""),
  };
  const without = (...names: string[]) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name))) as AssertionChanges;
  const head = ["clientData", "rest", "rpId"];
  expect(await outcome({ ...all, clientDataJson: () => hex("ff") })).toBe("malformed");
  expect(await outcome(all)).toBe("type_mismatch");
  expect(await outcome({ ...all, clientData: { origin: "x", challenge: "x" } })).toBe("origin_mismatch");
  expect(await outcome({ ...all, clientData: { challenge: "x" } })).toBe("challenge_mismatch");
  expect(await outcome(without("clientData"))).toBe("malformed");
  expect(await outcome(without("clientData", "rest"))).toBe("rp_id_mismatch");
  expect(await outcome(without(...head))).toBe("user_not_present");
  expect(await outcome({ ...without(...head), flags: flag.up | flag.bs })).toBe("user_not_verified");
  expect(await outcome({ ...without(...head), flags: flag.up | flag.uv | flag.bs })).toBe("malformed");
  expect(await outcome({ ...without(...head, "flags"), flags: flag.up | flag.uv })).toBe("malformed");
  expect(await outcome({ ...without(...head, "flags"), stored: { signCount: 2 } })).toBe("counter_regression");
  expect(await outcome(without(...head, "flags", "stored"))).toBe("unsupported_key");
  expect(await outcome(without(...head, "flags", "stored", "publicKey"))).toBe("signature_invalid");
});

test("assertion with any bit flipped: refused, never an exception", async () => {
  for (const kind of ["ES256", "EdDSA"] as const) {
    const input = await authenticate({ key: await generateTestKey(kind) });
    for (const part of ["clientDataJson", "authenticatorData", "signature"] as const) {
      for (let at = 0; at < input.response[part].length; at++) {
        const response = { ...input.response, [part]: flipBit(input.response[part], at, at % 8) };
        expect((await verifyAssertion({ ...input, response })).ok, `${part} ${at}`).toBe(false);
      }
    }
  }
});

interface Fixture {
  readonly shared?: Readonly<Record<string, unknown>>;
  readonly tests: readonly {
    id: string;
    input: Readonly<Record<string, unknown>>;
    expected: { result: { ok: boolean; reason?: string; new_sign_count?: number } };
  }[];
}

/** The operation of the conformance fixtures, as their runner maps it. */
async function webauthnVerifyAssertion(input: Readonly<Record<string, unknown>>) {
  const bytes = (name: string) => hex(input[name] as string);
  const result = await verifyAssertion({
    response: {
      clientDataJson: bytes("client_data_json_hex"),
      authenticatorData: bytes("authenticator_data_hex"),
      signature: bytes("signature_hex"),
    },
    challenge: bytes("expected_challenge_hex"),
    relyingParty: { rpId: input.stored_rp_id as string, origins: [input.expected_origin as string] },
    credential: { publicKey: bytes("cose_public_key_hex"), signCount: input.stored_sign_count as number },
    policy: {
      userVerification: input.require_user_verified === false ? "discouraged" : "required",
      userPresence: input.require_user_present === false ? "unchecked" : "required",
    },
  });
  return result.ok ? { ok: true, new_sign_count: result.newSignCount } : { ok: false, reason: result.reason };
}

if (hasShared) {
  test("assertion: Flametrench's fixtures", async () => {
    const paths = sharedPaths("conformance/fixtures/identity/mfa/webauthn-");
    expect(paths.length).toBeGreaterThan(0);
    for (const path of paths) {
      const fixture = await sharedJson<Fixture>(path);
      expect(fixture.tests.length).toBeGreaterThan(3);
      for (const { id, input, expected } of fixture.tests) {
        expect(await webauthnVerifyAssertion({ ...fixture.shared, ...input }), id).toEqual(expected.result);
      }
    }
  });
}
