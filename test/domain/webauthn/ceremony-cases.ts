import { type Bytes, randomBytes, toBase64Url, utf8 } from "../../../src/crypto/bytes.ts";
import type { WebAuthnCheck } from "../../../src/domain/webauthn/refusal.ts";
import {
  type AssertionChanges,
  flag,
  generateTestKey,
  origin,
  type RegistrationChanges,
  rpId,
  type TestKey,
} from "./authenticator.ts";
import { cbor, type Encodable, flipBit, hex, join } from "./encode.ts";

/** A response, and the first check of Sallyport that it fails, or `ok`. */
export interface CeremonyCase<Changes> {
  readonly response: string;
  readonly changes: Changes;
  readonly expected: WebAuthnCheck | "ok";
}

/** A changed text of client data, in one place. */
const rewritten =
  (from: string, to: string) =>
  (json: Bytes): Bytes =>
    utf8(new TextDecoder().decode(json).replace(from, to));

const framedBy = (...topOrigins: string[]) => ({ rpId, origins: [origin], crossOrigin: { topOrigins } });
const top = "https://example.com";

/** Client data of either ceremony. */
const clientDataCases: readonly CeremonyCase<
  Pick<RegistrationChanges, "clientData" | "clientDataJson" | "relyingParty">
>[] = [
  { response: "unknown members", changes: { clientData: { extraData: "x", other: { a: [1] } } }, expected: "ok" },
  {
    response: "a byte order mark before the client data",
    changes: { clientDataJson: (json) => join(hex("efbbbf"), json) },
    expected: "ok",
  },
  {
    response: "client data that is not UTF-8",
    changes: { clientDataJson: (json) => join(json.slice(0, -1), utf8(',"x":"'), hex("ff"), utf8('"}')) },
    expected: "client_data_text",
  },
  {
    response: "client data of 16 KiB and more",
    changes: { clientData: { extraData: "x".repeat(16_384) } },
    expected: "client_data_text",
  },
  {
    response: "client data that is not JSON",
    changes: { clientDataJson: (json) => json.slice(1) },
    expected: "client_data_json",
  },
  { response: "client data null", changes: { clientDataJson: () => utf8("null") }, expected: "client_data_json" },
  {
    response: "client data in a list",
    changes: { clientDataJson: (json) => join(utf8("["), json, utf8("]")) },
    expected: "client_data_json",
  },
  {
    response: "an origin that occurs twice, the wrong one first",
    changes: { clientDataJson: rewritten("{", '{"origin":"https://evil.example",') },
    expected: "client_data_json",
  },
  {
    response: "an unknown member that occurs twice",
    changes: { clientDataJson: rewritten("{", '{"x":1,"x":2,') },
    expected: "client_data_json",
  },
  { response: "another type", changes: { clientData: { type: "payment.get" } }, expected: "type" },
  { response: "no type", changes: { clientData: { type: undefined } }, expected: "type" },
  {
    response: "another challenge",
    changes: { clientData: { challenge: toBase64Url(new Uint8Array(32)) } },
    expected: "challenge",
  },
  { response: "no challenge", changes: { clientData: { challenge: undefined } }, expected: "challenge" },
  { response: "an empty challenge", changes: { clientData: { challenge: "" } }, expected: "challenge" },
  {
    response: "another origin",
    changes: { clientData: { origin: "https://example.org.evil.example" } },
    expected: "origin",
  },
  {
    response: "a subdomain's origin",
    changes: { clientData: { origin: "https://a.example.org" } },
    expected: "origin",
  },
  { response: "the origin with a port", changes: { clientData: { origin: `${origin}:8443` } }, expected: "origin" },
  { response: "the origin over http", changes: { clientData: { origin: "http://example.org" } }, expected: "origin" },
  {
    response: "the origin in upper case",
    changes: { clientData: { origin: "https://EXAMPLE.org" } },
    expected: "origin",
  },
  { response: "the origin null", changes: { clientData: { origin: "null" } }, expected: "origin" },
  { response: "the origin in a list", changes: { clientData: { origin: [origin] } }, expected: "origin" },
  {
    response: "the second of two origins",
    changes: {
      clientData: { origin: "android:apk-key-hash:x" },
      relyingParty: { rpId, origins: [origin, "android:apk-key-hash:x"] },
    },
    expected: "ok",
  },
  {
    response: "a frame that is not allowed, without its page's origin",
    changes: { clientData: { crossOrigin: true } },
    expected: "cross_origin",
  },
  {
    response: "a frame that is not allowed, with its page's origin",
    changes: { clientData: { crossOrigin: true, topOrigin: top } },
    expected: "cross_origin",
  },
  {
    response: "a page's origin outside a frame",
    changes: { clientData: { topOrigin: top }, relyingParty: framedBy(top) },
    expected: "top_origin",
  },
  {
    response: "an allowed page's frame",
    changes: { clientData: { crossOrigin: true, topOrigin: top }, relyingParty: framedBy(top) },
    expected: "ok",
  },
  {
    response: "an allowed page's frame, without the page's origin",
    changes: { clientData: { crossOrigin: true }, relyingParty: framedBy(top) },
    expected: "ok",
  },
  {
    response: "another page's frame",
    changes: { clientData: { crossOrigin: true, topOrigin: "https://evil.example" }, relyingParty: framedBy(top) },
    expected: "top_origin",
  },
  {
    response: "a page's origin that is empty",
    changes: { clientData: { crossOrigin: true, topOrigin: "" }, relyingParty: framedBy(top) },
    expected: "top_origin",
  },
  { response: "crossOrigin as text", changes: { clientData: { crossOrigin: "true" } }, expected: "cross_origin" },
  {
    response: "token binding with an unknown status",
    changes: { clientData: { tokenBinding: { status: "other" } } },
    expected: "ok",
  },
  {
    response: "token binding that is not supported",
    changes: { clientData: { tokenBinding: { status: "not-supported" } } },
    expected: "ok",
  },
];

const seen = flag.up | flag.uv;
const made = seen | flag.at;
const extension = (map: Map<string, Encodable>) => cbor(map);

const keyWith =
  (...entries: [number, Encodable][]) =>
  ({ cose }: TestKey): Uint8Array =>
    cbor(new Map([...cose, ...entries]));

const [es256, rs256, eddsa, shortRsa] = [
  await generateTestKey(),
  await generateTestKey("RS256"),
  await generateTestKey("EdDSA"),
  await generateTestKey("RS256 of 1024 bits"),
];
const without = (label: number) => cbor(new Map([...es256.cose].filter(([name]) => name !== label)));

/** Keys in a registration, and stored keys of an assertion. */
const keyCases: readonly { response: string; key?: TestKey; publicKey?: Uint8Array; expected: "public_key" | "ok" }[] =
  [
    { response: "a key of ES256", key: es256, expected: "ok" },
    { response: "a key of RS256", key: rs256, expected: "ok" },
    { response: "a key of EdDSA", key: eddsa, expected: "ok" },
    { response: "a key of RS256 with 1024 bits", key: shortRsa, expected: "public_key" },
    { response: "a key of ES256 that says EdDSA", publicKey: keyWith([3, -8])(es256), expected: "public_key" },
    { response: "a key of ES256 that says ES384", publicKey: keyWith([3, -35])(es256), expected: "public_key" },
    { response: "a key of ES256 that says RS1", publicKey: keyWith([3, -65_535])(es256), expected: "public_key" },
    {
      response: "a key of RS256 that says PS256",
      publicKey: keyWith([3, -37])(rs256),
      key: rs256,
      expected: "public_key",
    },
    { response: "a key without its algorithm", publicKey: without(3), expected: "public_key" },
    { response: "a key without its type", publicKey: without(1), expected: "public_key" },
    { response: "a key without a coordinate", publicKey: without(-3), expected: "public_key" },
    { response: "a key of another type", publicKey: keyWith([1, 3])(es256), expected: "public_key" },
    { response: "a key of another curve", publicKey: keyWith([-1, 2])(es256), expected: "public_key" },
    {
      response: "a key with an identifier of its own",
      publicKey: keyWith([2, utf8("id")])(es256),
      expected: "public_key",
    },
    {
      response: "a point off the curve",
      publicKey: keyWith([-2, new Uint8Array(32).fill(1)])(es256),
      expected: "public_key",
    },
    {
      response: "a coordinate of 33 bytes",
      publicKey: keyWith([-2, join(hex("00"), es256.cose.get(-2) as Bytes)])(es256),
      expected: "public_key",
    },
    { response: "an empty key", publicKey: hex("a0"), expected: "public_key" },
  ];

/** The integer 2 as two bytes, which is longer than it must be. */
const longInteger = (key: Uint8Array): Bytes => join(key.slice(0, 2), hex("1802"), key.slice(3));

export const registrationCases: readonly CeremonyCase<RegistrationChanges>[] = [
  ...clientDataCases,
  { response: "an assertion's type", changes: { clientData: { type: "webauthn.get" } }, expected: "type" },
  { response: "another site's RP ID", changes: { rpId: "evil.example" }, expected: "rp_id" },
  { response: "the RP ID in upper case", changes: { rpId: "EXAMPLE.ORG" }, expected: "rp_id" },
  { response: "a subdomain as RP ID", changes: { rpId: "login.example.org" }, expected: "rp_id" },
  { response: "the origin as RP ID", changes: { rpId: origin }, expected: "rp_id" },
  { response: "no present user", changes: { flags: made & ~flag.up }, expected: "user_present" },
  { response: "no verified user", changes: { flags: made & ~flag.uv }, expected: "user_verified" },
  {
    response: "no verified user, where none is required",
    changes: { flags: made & ~flag.uv, policy: { userVerification: "preferred" } },
    expected: "ok",
  },
  { response: "eligible for backup", changes: { flags: made | flag.be }, expected: "ok" },
  { response: "backed up", changes: { flags: made | flag.be | flag.bs }, expected: "ok" },
  { response: "backed up but not eligible", changes: { flags: made | flag.bs }, expected: "backup_flags" },
  { response: "reserved flags", changes: { flags: made | 0x22 }, expected: "ok" },
  { response: "a counter", changes: { signCount: 0xffff_ffff }, expected: "ok" },
  { response: "an AAGUID", changes: { aaguid: randomBytes(16) }, expected: "ok" },
  {
    response: "an extension",
    changes: { flags: made | flag.ed, after: extension(new Map([["credProtect", 2]])) },
    expected: "ok",
  },
  { response: "extensions without their flag", changes: { after: hex("a0") }, expected: "authenticator_data" },
  { response: "a flag without its extensions", changes: { flags: made | flag.ed }, expected: "authenticator_data" },
  {
    response: "extensions that are not a map",
    changes: { flags: made | flag.ed, after: hex("01") },
    expected: "authenticator_data",
  },
  {
    response: "an extension nested 200 deep",
    changes: {
      flags: made | flag.ed,
      after: join(hex("a16178"), new Uint8Array(200).fill(0x81), hex("00")),
    },
    expected: "authenticator_data",
  },
  {
    response: "an extension nested 30,000 deep",
    changes: {
      flags: made | flag.ed,
      after: join(hex("a16178"), new Uint8Array(30_000).fill(0x81), hex("00")),
    },
    expected: "authenticator_data",
  },
  {
    response: "an extension that claims to be of 4 GiB",
    changes: { flags: made | flag.ed, after: hex("a161785affffffff") },
    expected: "authenticator_data",
  },
  {
    response: "an extension that occurs twice",
    changes: { flags: made | flag.ed, after: hex("a2617801617802") },
    expected: "authenticator_data",
  },
  {
    response: "an extension with a tag",
    changes: { flags: made | flag.ed, after: hex("a16178c001") },
    expected: "authenticator_data",
  },
  {
    response: "an extension with a floating-point number",
    changes: { flags: made | flag.ed, after: hex("a16178fb3ff199999999999a") },
    expected: "authenticator_data",
  },
  {
    response: "an extension of indefinite length",
    changes: { flags: made | flag.ed, after: hex("bf617801ff") },
    expected: "authenticator_data",
  },
  { response: "a byte after the key", changes: { after: hex("00") }, expected: "authenticator_data" },
  {
    response: "a key cut short",
    changes: { authenticatorData: (data) => data.slice(0, -1) },
    expected: "authenticator_data",
  },
  {
    response: "authenticator data of 36 bytes",
    changes: { authenticatorData: (data) => data.slice(0, 36) },
    expected: "authenticator_data",
  },
  {
    response: "no credential",
    changes: { flags: seen, authenticatorData: (data) => data.slice(0, 37) },
    expected: "authenticator_data",
  },
  { response: "a credential without its flag", changes: { flags: seen }, expected: "authenticator_data" },
  { response: "a credential id of 1,023 bytes", changes: { credentialId: randomBytes(1023) }, expected: "ok" },
  {
    response: "a credential id of 1,024 bytes",
    changes: { credentialId: randomBytes(1024) },
    expected: "authenticator_data",
  },
  { response: "an empty credential id", changes: { credentialId: hex("") }, expected: "authenticator_data" },
  ...keyCases.map(({ response, key = es256, publicKey, expected }) => ({
    response,
    changes: { key, ...(publicKey && { publicKey }) },
    expected,
  })),
  {
    response: "a key with an integer longer than it must be",
    changes: { key: es256, publicKey: longInteger(cbor(es256.cose)) },
    expected: "ok",
  },
  {
    response: "a key whose members have another order",
    changes: { key: es256, publicKey: cbor(new Map([...es256.cose].reverse())) },
    expected: "ok",
  },
  {
    response: "a member of the key twice",
    changes: { key: es256, publicKey: join(hex("a6"), cbor(es256.cose).slice(1), hex("0326")) },
    expected: "authenticator_data",
  },
  {
    response: "an algorithm that was not offered",
    changes: { key: es256, policy: { algorithms: [-8, -257] } },
    expected: "algorithm",
  },
  { response: "the offered algorithm", changes: { key: eddsa, policy: { algorithms: [-8] } }, expected: "ok" },
];

export const assertionCases: readonly CeremonyCase<AssertionChanges>[] = [
  ...clientDataCases,
  { response: "a registration's type", changes: { clientData: { type: "webauthn.create" } }, expected: "type" },
  { response: "another site's RP ID", changes: { rpId: "evil.example" }, expected: "rp_id" },
  { response: "the RP ID in upper case", changes: { rpId: "EXAMPLE.ORG" }, expected: "rp_id" },
  { response: "a subdomain as RP ID", changes: { rpId: "login.example.org" }, expected: "rp_id" },
  { response: "the origin as RP ID", changes: { rpId: origin }, expected: "rp_id" },
  { response: "no present user", changes: { flags: flag.uv }, expected: "user_present" },
  { response: "no verified user", changes: { flags: flag.up }, expected: "user_verified" },
  {
    response: "no verified user, where none is required",
    changes: { flags: flag.up, policy: { userVerification: "discouraged" } },
    expected: "ok",
  },
  { response: "eligible for backup", changes: { flags: seen | flag.be }, expected: "ok" },
  { response: "backed up", changes: { flags: seen | flag.be | flag.bs }, expected: "ok" },
  { response: "backed up but not eligible", changes: { flags: seen | flag.bs }, expected: "backup_flags" },
  { response: "reserved flags", changes: { flags: seen | 0x22 }, expected: "ok" },
  { response: "the highest counter", changes: { signCount: 0xffff_ffff }, expected: "ok" },
  { response: "no counter", changes: { signCount: 0 }, expected: "ok" },
  { response: "an empty map of extensions", changes: { flags: seen | flag.ed, rest: hex("a0") }, expected: "ok" },
  { response: "a byte too many", changes: { rest: hex("00") }, expected: "authenticator_data" },
  { response: "extensions without their flag", changes: { rest: hex("a0") }, expected: "authenticator_data" },
  { response: "a flag without its extensions", changes: { flags: seen | flag.ed }, expected: "authenticator_data" },
  {
    response: "extensions that are not a map",
    changes: { flags: seen | flag.ed, rest: hex("80") },
    expected: "authenticator_data",
  },
  {
    response: "an extension nested 30,000 deep",
    changes: { flags: seen | flag.ed, rest: join(hex("a16178"), new Uint8Array(30_000).fill(0x81), hex("00")) },
    expected: "authenticator_data",
  },
  {
    response: "a flag without its credential",
    changes: { flags: seen | flag.at },
    expected: "authenticator_data",
  },
  {
    response: "a credential without its flag",
    changes: { rest: new Uint8Array(60) },
    expected: "authenticator_data",
  },
  ...keyCases.map(({ response, key = es256, publicKey, expected }) => ({
    response,
    changes: { key, ...(publicKey && { publicKey: publicKey as Bytes }) },
    // Whether coordinates are a point is asked when the key is imported, for the signature.
    expected: response === "a point off the curve" ? ("signature" as const) : expected,
  })),
  {
    response: "a key with an integer longer than it must be",
    changes: { key: es256, publicKey: longInteger(cbor(es256.cose)) },
    expected: "ok",
  },
  {
    response: "a stored key with a byte after it",
    changes: { key: es256, publicKey: join(cbor(es256.cose), hex("00")) },
    expected: "public_key",
  },
  ...[es256, rs256, eddsa].flatMap((key, index) => {
    const name = ["ES256", "RS256", "EdDSA"][index]!;
    const other = [rs256, eddsa, es256][index]!;
    return [
      {
        response: `another key's signature, ${name}`,
        changes: { key, publicKey: cbor(other.cose) },
        expected: "signature" as const,
      },
      { response: `no signature, ${name}`, changes: { key, signature: () => hex("") }, expected: "signature" as const },
      {
        response: `a changed signature, ${name}`,
        changes: { key, signature: (bytes: Bytes) => flipBit(bytes, bytes.length - 3) },
        expected: "signature" as const,
      },
      {
        response: `a signature with a byte after it, ${name}`,
        changes: { key, signature: (bytes: Bytes) => join(bytes, hex("00")) },
        expected: "signature" as const,
      },
      {
        response: `a signature cut short, ${name}`,
        changes: { key, signature: (bytes: Bytes) => bytes.slice(0, -1) },
        expected: "signature" as const,
      },
      {
        response: `a signature of 16 KiB, ${name}`,
        changes: { key, signature: () => new Uint8Array(16_384) },
        expected: "signature" as const,
      },
    ];
  }),
  {
    response: "an ES256 signature whose length is written in two bytes",
    changes: { key: es256, signature: (der) => join(hex("3081"), der.slice(1)) },
    expected: "signature",
  },
  {
    response: "an ES256 signature of indefinite length",
    changes: { key: es256, signature: (der) => join(hex("3080"), der.slice(2), hex("0000")) },
    expected: "signature",
  },
  {
    response: "an ES256 signature with a third number",
    changes: {
      key: es256,
      signature: (der) => join(hex("30"), new Uint8Array([der[1]! + 3]), der.slice(2), hex("020101")),
    },
    expected: "signature",
  },
  {
    response: "an ES256 signature as two numbers without DER",
    changes: { key: es256, signature: () => new Uint8Array(64).fill(1) },
    expected: "signature",
  },
  {
    response: "an ES256 signature of zeros",
    changes: { key: es256, signature: () => hex("3006020100020100") },
    expected: "signature",
  },
];
