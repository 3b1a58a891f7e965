import { describe, expect, test } from "vitest";
import { fromBase64Url, randomBytes, utf8 } from "../../../src/crypto/bytes.ts";
import { type CurveName, ecPublicKey, rsaPublicKey } from "../../../src/crypto/public-key.ts";
import { isStatementSignature } from "../../../src/domain/webauthn/attestation-statement.ts";
import type { CborValue } from "../../../src/domain/webauthn/cbor.ts";
import { generateTestKey, type RegistrationChanges, register } from "./authenticator.ts";
import { authenticatorName, type CertificateChanges, extension, issueCertificate, name } from "./certificates.ts";
import {
  bigEndian,
  der,
  derSignature,
  type Encodable,
  flipBit,
  hex,
  join,
  objectIdentifier,
  sequence,
} from "./encode.ts";
import {
  androidKey,
  apple,
  authorization,
  type Change,
  fidoU2f,
  packed,
  type Statement,
  selfSigned,
  tpm,
  tpmNames,
  tpmPurpose,
} from "./statements.ts";
import { verifyRegistration } from "./verify-registration.ts";

const outcome = async (changes: RegistrationChanges) => {
  const result = await verifyRegistration(await register(changes));
  return result.ok ? result.attestation.type : result.reason;
};
const invalid = "attestation_invalid";

const set =
  (member: string, value: Encodable): Change<Statement> =>
  (statement) =>
    new Map([...statement, [member, value]]);
const drop =
  (member: string): Change<Statement> =>
  (statement) =>
    new Map([...statement].filter(([key]) => key !== member));
const flip =
  (member: string): Change<Statement> =>
  (statement) =>
    new Map([...statement, [member, flipBit(statement.get(member) as Uint8Array, 20)]]);

const aaguid = randomBytes(16);
const aaguidExtension = (value: Uint8Array, critical = false) => extension("1.3.6.1.4.1.45724.1.1.4", value, critical);

describe("packed, §8.2", () => {
  test.each<{ case: string; certificate?: CertificateChanges; change?: Change<Statement>; expected: string }>([
    { case: "a valid statement", expected: "certificate" },
    {
      case: "with the AAGUID in the certificate",
      certificate: { extensions: [aaguidExtension(der(4, aaguid))] },
      expected: "certificate",
    },
    {
      case: "another AAGUID in the certificate",
      certificate: { extensions: [aaguidExtension(der(4, randomBytes(16)))] },
      expected: invalid,
    },
    { case: "a bare AAGUID", certificate: { extensions: [aaguidExtension(aaguid)] }, expected: invalid },
    {
      case: "the AAGUID critical",
      certificate: { extensions: [aaguidExtension(der(4, aaguid), true)] },
      expected: invalid,
    },
    {
      case: "the AAGUID twice",
      certificate: { extensions: [aaguidExtension(der(4, aaguid)), aaguidExtension(der(4, aaguid))] },
      expected: invalid,
    },
    { case: "a certificate of version 1", certificate: { version: 1 }, expected: invalid },
    { case: "an authority's certificate", certificate: { authority: true }, expected: invalid },
    { case: "no basic constraints", certificate: { authority: undefined }, expected: invalid },
    {
      case: "another unit",
      certificate: { subject: authenticatorName("A", "Authenticator attestation") },
      expected: invalid,
    },
    {
      case: "no unit",
      certificate: { subject: name(["2.5.4.6", "AQ"], ["2.5.4.10", "V"], ["2.5.4.3", "A"]) },
      expected: invalid,
    },
    {
      case: "no country",
      certificate: { subject: name(["2.5.4.10", "V"], ["2.5.4.11", "Authenticator Attestation"], ["2.5.4.3", "A"]) },
      expected: invalid,
    },
    {
      case: "no organization",
      certificate: { subject: name(["2.5.4.6", "AQ"], ["2.5.4.11", "Authenticator Attestation"], ["2.5.4.3", "A"]) },
      expected: invalid,
    },
    {
      case: "no common name",
      certificate: { subject: name(["2.5.4.6", "AQ"], ["2.5.4.10", "V"], ["2.5.4.11", "Authenticator Attestation"]) },
      expected: invalid,
    },
    { case: "an empty subject", certificate: { subject: name() }, expected: invalid },
    { case: "no alg", change: drop("alg"), expected: invalid },
    { case: "no sig", change: drop("sig"), expected: invalid },
    { case: "another alg", change: set("alg", -257), expected: invalid },
    { case: "alg of another hash", change: set("alg", -35), expected: invalid },
    { case: "alg of SHA-1", change: set("alg", -65535), expected: invalid },
    { case: "alg as text", change: set("alg", "ES256"), expected: invalid },
    { case: "sig as text", change: set("sig", "sig"), expected: invalid },
    { case: "a changed signature", change: flip("sig"), expected: invalid },
    { case: "x5c empty", change: set("x5c", []), expected: invalid },
    { case: "x5c a certificate", change: set("x5c", hex("3000")), expected: invalid },
    { case: "x5c of text", change: set("x5c", ["x"]), expected: invalid },
    { case: "x5c of no certificate", change: set("x5c", [hex("3000")]), expected: invalid },
    { case: "x5c null", change: set("x5c", null), expected: invalid },
    {
      case: "x5c with another kind of item after the leaf",
      change: (statement) => set("x5c", [...(statement.get("x5c") as Encodable[]), hex("30")])(statement),
      expected: invalid,
    },
    {
      case: "six certificates",
      change: (statement) => set("x5c", Array(6).fill((statement.get("x5c") as Encodable[])[0]!))(statement),
      expected: "certificate",
    },
    {
      case: "seven certificates",
      change: (statement) => set("x5c", Array(7).fill((statement.get("x5c") as Encodable[])[0]!))(statement),
      expected: invalid,
    },
    { case: "ECDAA", change: (statement) => set("ecdaaKeyId", hex("00"))(drop("x5c")(statement)), expected: invalid },
    { case: "ECDAA and x5c together", change: set("ecdaaKeyId", hex("00")), expected: invalid },
  ])("$case: $expected", async ({ certificate, change, expected }) => {
    const leaf = await issueCertificate(certificate);
    expect(await outcome({ format: "packed", aaguid, statement: packed(leaf, [], change) })).toBe(expected);
  });

  test("signed by another key than the certificate's", async () => {
    const leaf = { ...(await issueCertificate()), key: await generateTestKey() };
    expect(await outcome({ format: "packed", statement: packed(leaf) })).toBe(invalid);
  });

  test.each(["RS256", "EdDSA"] as const)("a certificate with a key of %s", async (kind) => {
    const key = await generateTestKey(kind);
    const leaf = await issueCertificate({ key, issuer: await issueCertificate() });
    expect(await outcome({ format: "packed", statement: packed(leaf, [], set("alg", key.cose.get(3)!)) })).toBe(
      "certificate",
    );
    expect(await outcome({ format: "packed", statement: packed(leaf) })).toBe(invalid);
  });

  test("a certificate with an RSA key of 1024 bits", async () => {
    const key = await generateTestKey("RS256 of 1024 bits");
    const leaf = await issueCertificate({ key, issuer: await issueCertificate() });
    expect(await outcome({ format: "packed", statement: packed(leaf, [], set("alg", -257)) })).toBe(invalid);
  });

  test.each<{ case: string; change?: Change<Statement>; expected: string }>([
    { case: "a valid statement", expected: "self" },
    { case: "another alg", change: set("alg", -8), expected: invalid },
    { case: "no alg", change: drop("alg"), expected: invalid },
    { case: "no sig", change: drop("sig"), expected: invalid },
    { case: "a changed signature", change: flip("sig"), expected: invalid },
    { case: "with x5c empty", change: set("x5c", []), expected: invalid },
  ])("self, $case: $expected", async ({ change, expected }) => {
    expect(await outcome({ format: "packed", statement: selfSigned(change) })).toBe(expected);
  });

  test("self, signed by another key", async () => {
    expect(await outcome({ format: "packed", statement: selfSigned(undefined, await generateTestKey()) })).toBe(
      invalid,
    );
  });

  test.each(["RS256", "EdDSA"] as const)("self with %s", async (kind) => {
    expect(await outcome({ format: "packed", key: await generateTestKey(kind), statement: selfSigned() })).toBe("self");
  });
});

describe("attestation algorithms: each has its own curve and hash", () => {
  const rsa = (hash: string) => ({
    name: "RSASSA-PKCS1-v1_5",
    hash,
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  });
  const ec = (namedCurve: string) => ({ name: "ECDSA", namedCurve });

  test.each([
    { alg: -7, generation: ec("P-256"), hash: "SHA-256", expected: true },
    { alg: -7, generation: ec("P-384"), hash: "SHA-256", expected: false },
    { alg: -7, generation: ec("P-256"), hash: "SHA-384", expected: false },
    { alg: -35, generation: ec("P-384"), hash: "SHA-384", expected: true },
    { alg: -35, generation: ec("P-256"), hash: "SHA-384", expected: false },
    { alg: -36, generation: ec("P-521"), hash: "SHA-512", expected: true },
    { alg: -36, generation: ec("P-256"), hash: "SHA-512", expected: false },
    { alg: -257, generation: rsa("SHA-256"), hash: "SHA-256", expected: true },
    { alg: -258, generation: rsa("SHA-384"), hash: "SHA-384", expected: true },
    { alg: -259, generation: rsa("SHA-512"), hash: "SHA-512", expected: true },
    { alg: -257, generation: rsa("SHA-384"), hash: "SHA-384", expected: false },
    { alg: -65535, generation: rsa("SHA-1"), hash: "SHA-1", expected: false },
  ])("$alg, $generation, $hash: $expected", async ({ alg, generation, hash, expected }) => {
    const pair = (await crypto.subtle.generateKey(generation, true, ["sign", "verify"])) as CryptoKeyPair;
    const jwk = (await crypto.subtle.exportKey("jwk", pair.publicKey)) as JsonWebKey;
    const part = (name: "x" | "y" | "n" | "e") => fromBase64Url(jwk[name] ?? "")!;
    const key =
      jwk.kty === "EC" ? ecPublicKey(jwk.crv as CurveName, part("x"), part("y"))! : rsaPublicKey(part("n"), part("e"))!;
    const data = utf8("signed");
    const raw = new Uint8Array(await crypto.subtle.sign({ name: generation.name, hash }, pair.privateKey, data));
    const sig = jwk.kty === "EC" ? derSignature(raw) : raw;
    const statement = new Map<string, CborValue>([
      ["alg", alg],
      ["sig", sig],
    ]);
    expect(await isStatementSignature(statement, key, data)).toBe(expected);
  });
});

describe("fido-u2f, §8.6", () => {
  test.each<{ case: string; change?: Change<Statement>; expected: string }>([
    { case: "a valid statement", expected: "certificate" },
    { case: "no sig", change: drop("sig"), expected: invalid },
    { case: "a changed signature", change: flip("sig"), expected: invalid },
    { case: "no certificate", change: drop("x5c"), expected: invalid },
    { case: "an alg", change: set("alg", -7), expected: invalid },
    {
      case: "two certificates",
      change: (statement) => set("x5c", Array(2).fill((statement.get("x5c") as Encodable[])[0]!))(statement),
      expected: invalid,
    },
  ])("$case: $expected", async ({ change, expected }) => {
    expect(await outcome({ format: "fido-u2f", statement: fidoU2f(await issueCertificate(), change) })).toBe(expected);
  });

  test("signed by another key, or with a certificate key that is not P-256", async () => {
    const leaf = { ...(await issueCertificate()), key: await generateTestKey() };
    expect(await outcome({ format: "fido-u2f", statement: fidoU2f(leaf) })).toBe(invalid);
    const edwards = await issueCertificate({ key: await generateTestKey("EdDSA"), issuer: await issueCertificate() });
    expect(await outcome({ format: "fido-u2f", statement: fidoU2f(edwards) })).toBe(invalid);
  });

  test("a credential that U2F cannot have", async () => {
    for (const kind of ["EdDSA", "RS256"] as const)
      expect(
        await outcome({
          format: "fido-u2f",
          key: await generateTestKey(kind),
          statement: fidoU2f(await issueCertificate()),
        }),
      ).toBe(invalid);
  });
});

describe("android-key, §8.4", () => {
  const { purpose, origin, allApplications } = authorization;

  test.each<{ case: string; make: RegistrationChanges["statement"]; expected: string }>([
    { case: "with empty lists, as W3C's vector has them", make: androidKey(), expected: "certificate" },
    {
      case: "made in the TEE, for signing",
      make: androidKey({ teeEnforced: [purpose(2), origin(0)] }),
      expected: "certificate",
    },
    {
      case: "made in software, for signing and verifying",
      make: androidKey({ softwareEnforced: [purpose(2, 3), origin(0)] }),
      expected: "certificate",
    },
    { case: "another challenge", make: androidKey({ challenge: randomBytes(32) }), expected: invalid },
    { case: "no challenge", make: androidKey({ challenge: hex("") }), expected: invalid },
    { case: "for all applications", make: androidKey({ teeEnforced: [allApplications] }), expected: invalid },
    {
      case: "for all applications, in the software list",
      make: androidKey({ softwareEnforced: [allApplications] }),
      expected: invalid,
    },
    { case: "imported", make: androidKey({ teeEnforced: [purpose(2), origin(2)] }), expected: invalid },
    { case: "for decryption only", make: androidKey({ teeEnforced: [purpose(1), origin(0)] }), expected: invalid },
    { case: "for no purpose", make: androidKey({ teeEnforced: [purpose(), origin(0)] }), expected: invalid },
    {
      case: "an origin that is not an integer",
      make: androidKey({ teeEnforced: [der([0xbf, 0x85, 0x3e], hex("0500"))] }),
      expected: invalid,
    },
    { case: "lists that cannot be read", make: androidKey({ teeEnforced: [hex("bf")] }), expected: invalid },
    { case: "no key description", make: androidKey({}, { extensions: [] }), expected: invalid },
    {
      case: "an empty key description",
      make: androidKey({}, { extensions: [extension("1.3.6.1.4.1.11129.2.1.17", hex("3000"))] }),
      expected: invalid,
    },
    { case: "another alg", make: androidKey({}, {}, set("alg", -257)), expected: invalid },
    { case: "a changed signature", make: androidKey({}, {}, flip("sig")), expected: invalid },
    { case: "no signature", make: androidKey({}, {}, drop("sig")), expected: invalid },
    { case: "no certificate", make: androidKey({}, {}, drop("x5c")), expected: invalid },
  ])("$case: $expected", async ({ make, expected }) => {
    expect(await outcome({ format: "android-key", statement: make! })).toBe(expected);
  });

  test("a certificate with another key than the credential", async () => {
    const key = await generateTestKey();
    expect(await outcome({ format: "android-key", statement: androidKey({}, { key }) })).toBe(invalid);
  });
});

describe("apple, §8.8", () => {
  test.each<{ case: string; make: RegistrationChanges["statement"]; expected: string }>([
    { case: "a valid statement", make: apple(), expected: "certificate" },
    { case: "with an alg, as devices send it", make: apple(undefined, {}, set("alg", -7)), expected: "certificate" },
    { case: "another nonce", make: apple((nonce) => flipBit(nonce, 5)), expected: invalid },
    { case: "half the nonce", make: apple((nonce) => nonce.slice(16)), expected: invalid },
    { case: "no nonce", make: apple(undefined, { extensions: [] }), expected: invalid },
    {
      case: "a nonce that cannot be read",
      make: apple(undefined, { extensions: [extension("1.2.840.113635.100.8.2", hex("30"))] }),
      expected: invalid,
    },
    { case: "no certificate", make: apple(undefined, {}, drop("x5c")), expected: invalid },
    { case: "a signature", make: apple(undefined, {}, set("sig", hex("00"))), expected: invalid },
  ])("$case: $expected", async ({ make, expected }) => {
    expect(await outcome({ format: "apple", statement: make! })).toBe(expected);
  });

  test("a certificate with another key than the credential", async () => {
    expect(await outcome({ format: "apple", statement: apple(undefined, { key: await generateTestKey() }) })).toBe(
      invalid,
    );
  });
});

describe("tpm, §8.3", () => {
  const names = (...extensions: CertificateChanges["extensions"] & object) => ({ extensions });

  test.each<{ case: string; make: RegistrationChanges["statement"]; expected: string }>([
    { case: "a valid statement", make: tpm(), expected: "certificate" },
    { case: "a key with a scheme", make: tpm({ scheme: hex("0018000b") }), expected: "certificate" },
    {
      case: "with the AAGUID in the certificate",
      make: tpm({}, names(tpmNames(), tpmPurpose(), aaguidExtension(der(4, aaguid)))),
      expected: "certificate",
    },
    {
      case: "another AAGUID in the certificate",
      make: tpm({}, names(tpmNames(), tpmPurpose(), aaguidExtension(der(4, randomBytes(16))))),
      expected: invalid,
    },
    { case: "another version", make: tpm({}, {}, set("ver", "1.2")), expected: invalid },
    { case: "no version", make: tpm({}, {}, drop("ver")), expected: invalid },
    { case: "an alg of SHA-1", make: tpm({}, {}, set("alg", -65535)), expected: invalid },
    { case: "another alg", make: tpm({}, {}, set("alg", -257)), expected: invalid },
    { case: "a changed signature", make: tpm({}, {}, flip("sig")), expected: invalid },
    { case: "changed after it was signed", make: tpm({}, {}, flip("certInfo")), expected: invalid },
    {
      case: "another public area than certified",
      make: tpm({}, {}, (statement) => set("pubArea", flipBit(statement.get("pubArea") as Uint8Array, 5))(statement)),
      expected: invalid,
    },
    { case: "not made by a TPM", make: tpm({ magic: hex("00544347") }), expected: invalid },
    { case: "a quote in place of a certification", make: tpm({ attestType: hex("8018") }), expected: invalid },
    { case: "another registration's data", make: tpm({ extraData: () => randomBytes(32) }), expected: invalid },
    { case: "another key's name", make: tpm({ name: () => join(hex("000b"), randomBytes(32)) }), expected: invalid },
    {
      case: "a name of another algorithm",
      make: tpm({ name: (value) => join(hex("000c"), value.slice(2)) }),
      expected: invalid,
    },
    {
      case: "a byte after the public area",
      make: tpm({ pubArea: (area) => join(area, hex("00")) }),
      expected: invalid,
    },
    {
      case: "a byte after the certification",
      make: tpm({ certInfo: (info) => join(info, hex("00")) }),
      expected: invalid,
    },
    { case: "a certification cut short", make: tpm({ certInfo: (info) => info.slice(0, -1) }), expected: invalid },
    { case: "an empty public area", make: tpm({ pubArea: () => hex("") }), expected: invalid },
    { case: "a key that encrypts", make: tpm({ symmetric: hex("0006") }), expected: invalid },
    { case: "a keyed hash", make: tpm({ pubArea: (area) => join(hex("0008"), area.slice(2)) }), expected: invalid },
    {
      case: "a name made with SHA-1",
      make: tpm({ pubArea: (area) => join(area.slice(0, 2), hex("0004"), area.slice(4)) }),
      expected: invalid,
    },
    { case: "no alternative name", make: tpm({}, names(tpmPurpose())), expected: invalid },
    { case: "an unknown manufacturer", make: tpm({}, names(tpmNames("NTC"), tpmPurpose())), expected: invalid },
    { case: "no purpose", make: tpm({}, names(tpmNames())), expected: invalid },
    {
      case: "that purpose and another",
      make: tpm(
        {},
        names(
          tpmNames(),
          extension("2.5.29.37", sequence(objectIdentifier("1.3.6.1.5.5.7.3.2"), objectIdentifier("2.23.133.8.3"))),
        ),
      ),
      expected: "certificate",
    },
    {
      case: "an empty list of purposes",
      make: tpm({}, names(tpmNames(), extension("2.5.29.37", sequence()))),
      expected: invalid,
    },
    {
      case: "an empty list of names",
      make: tpm({}, names(extension("2.5.29.17", sequence()), tpmPurpose())),
      expected: invalid,
    },
    {
      case: "another name beside the TPM's",
      make: tpm(
        {},
        names(
          extension(
            "2.5.29.17",
            sequence(
              der(0x82, utf8("tpm.example")),
              der(0xa4, name(["2.23.133.2.1", "id:4E544300"], ["2.23.133.2.2", "TPM"], ["2.23.133.2.3", "id:1"])),
            ),
          ),
          tpmPurpose(),
        ),
      ),
      expected: "certificate",
    },
    {
      case: "no model",
      make: tpm(
        {},
        names(
          extension("2.5.29.17", sequence(der(0xa4, name(["2.23.133.2.1", "id:4E544300"], ["2.23.133.2.3", "id:1"])))),
          tpmPurpose(),
        ),
      ),
      expected: invalid,
    },
    {
      case: "no version of the TPM",
      make: tpm(
        {},
        names(
          extension("2.5.29.17", sequence(der(0xa4, name(["2.23.133.2.1", "id:4E544300"], ["2.23.133.2.2", "TPM"])))),
          tpmPurpose(),
        ),
      ),
      expected: invalid,
    },
    { case: "another purpose", make: tpm({}, names(tpmNames(), tpmPurpose("1.3.6.1.5.5.7.3.2"))), expected: invalid },
    { case: "a subject", make: tpm({}, { subject: authenticatorName() }), expected: invalid },
    { case: "an authority's certificate", make: tpm({}, { authority: true }), expected: invalid },
    { case: "a certificate of version 1", make: tpm({}, { version: 1 }), expected: invalid },
  ])("$case: $expected", async ({ make, expected }) => {
    expect(await outcome({ format: "tpm", aaguid, statement: make! })).toBe(expected);
  });

  test("an RSA key, with the default exponent and with another one", async () => {
    const key = await generateTestKey("RS256");
    expect(await outcome({ format: "tpm", key, statement: tpm() })).toBe("certificate");
    const otherExponent: Change<Uint8Array<ArrayBuffer>> = (area) => {
      const at = area.length - 256 - 2 - 4;
      return join(area.slice(0, at), bigEndian(3, 4), area.slice(at + 4));
    };
    expect(await outcome({ format: "tpm", key, statement: tpm({ pubArea: otherExponent }) })).toBe(invalid);
  });

  test("the public area of another key, certified correctly", async () => {
    const other = await generateTestKey();
    const statement: RegistrationChanges["statement"] = (signed, _, data, hash) => tpm()(signed, other, data, hash);
    expect(await outcome({ format: "tpm", statement })).toBe(invalid);
  });
});
