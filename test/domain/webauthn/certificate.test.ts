import { describe, expect, test } from "vitest";
import { type Bytes, fromBase64Url, utf8 } from "../../../src/crypto/bytes.ts";
import { parseCertificate, readBasicConstraints, readName } from "../../../src/domain/webauthn/certificate.ts";
import { readDerSequence } from "../../../src/domain/webauthn/der.ts";
import { generateTestKey } from "./authenticator.ts";
import { attribute, authenticatorName, extension, issueCertificate, name } from "./certificates.ts";
import { der, hex, integer, objectIdentifier, sequence } from "./encode.ts";

const x = hex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
const y = hex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
const n = new Uint8Array(256).fill(0xab);
const p256 = objectIdentifier("1.2.840.10045.3.1.7");
const ec = objectIdentifier("1.2.840.10045.2.1");
const rsa = sequence(objectIdentifier("1.2.840.113549.1.1.1"), hex("0500"));
const bits = (...parts: Uint8Array[]) => der(0x03, hex("00"), ...parts);

describe("the key of a certificate", () => {
  test.each<{ case: string; subjectKey: Bytes; expected?: string }>([
    { case: "of P-256", subjectKey: sequence(sequence(ec, p256), bits(hex("04"), x, y)), expected: "EC" },
    {
      case: "of Ed25519",
      subjectKey: sequence(sequence(objectIdentifier("1.3.101.112")), bits(x)),
      expected: "Ed25519",
    },
    { case: "of RSA", subjectKey: sequence(rsa, bits(sequence(integer(n), integer(hex("010001"))))), expected: "RSA" },
    { case: "compressed", subjectKey: sequence(sequence(ec, p256), bits(hex("03"), x)) },
    { case: "hybrid", subjectKey: sequence(sequence(ec, p256), bits(hex("06"), x, y)) },
    { case: "a coordinate short", subjectKey: sequence(sequence(ec, p256), bits(hex("04"), x, y.slice(1))) },
    { case: "a byte long", subjectKey: sequence(sequence(ec, p256), bits(hex("04"), x, y, hex("00"))) },
    {
      case: "of secp256k1",
      subjectKey: sequence(sequence(ec, objectIdentifier("1.3.132.0.10")), bits(hex("04"), x, y)),
    },
    { case: "without a curve", subjectKey: sequence(sequence(ec), bits(hex("04"), x, y)) },
    {
      case: "for key agreement only",
      subjectKey: sequence(sequence(objectIdentifier("1.3.132.1.12"), p256), bits(hex("04"), x, y)),
    },
    { case: "of seven bits", subjectKey: sequence(sequence(ec, p256), der(0x03, hex("0104"), x, y)) },
    { case: "of RSA, one number", subjectKey: sequence(rsa, bits(sequence(integer(n)))) },
    { case: "of RSA, no sequence", subjectKey: sequence(rsa, bits(integer(n))) },
    { case: "of Ed448", subjectKey: sequence(sequence(objectIdentifier("1.3.101.113")), bits(new Uint8Array(57))) },
    {
      case: "of ML-DSA-44",
      subjectKey: sequence(sequence(objectIdentifier("2.16.840.1.101.3.4.3.17")), bits(new Uint8Array(1312))),
    },
    { case: "empty", subjectKey: sequence() },
  ])("$case: $expected", async ({ subjectKey, expected }) => {
    const certificate = parseCertificate((await issueCertificate({ subjectKey })).der);
    expect(certificate).toBeDefined();
    expect(certificate?.publicKey?.type).toBe(expected);
  });

  test("the certified key is read", async () => {
    const key = await generateTestKey();
    const { publicKey } = parseCertificate((await issueCertificate({ key })).der)!;
    expect(publicKey).toEqual({
      type: "EC",
      curve: "P-256",
      x: fromBase64Url(key.jwk.x!),
      y: fromBase64Url(key.jwk.y!),
    });
  });
});

describe("validity", () => {
  const utc = (text: string) => der(0x17, utf8(text));
  const generalized = (text: string) => der(0x18, utf8(text));

  test.each<{ case: string; times: Bytes[]; expected?: [string, string] }>([
    {
      case: "two digits of a year",
      times: [utc("500101000000Z"), utc("491231235959Z")],
      expected: ["1950-01-01T00:00:00.000Z", "2049-12-31T23:59:59.000Z"],
    },
    {
      case: "four digits",
      times: [generalized("20500101000000Z"), generalized("99991231235959Z")],
      expected: ["2050-01-01T00:00:00.000Z", "9999-12-31T23:59:59.000Z"],
    },
    { case: "no seconds", times: [utc("2401010000Z"), utc("291231235959Z")] },
    { case: "an offset", times: [utc("240101000000+0100"), utc("291231235959Z")] },
    { case: "a month 13", times: [utc("241301000000Z"), utc("291231235959Z")] },
    { case: "text", times: [der(0x0c, utf8("20240101000000Z")), utc("291231235959Z")] },
    { case: "one time", times: [utc("240101000000Z")] },
    { case: "none", times: [] },
  ])("$case: $expected", async ({ times, expected }) => {
    const certificate = parseCertificate((await issueCertificate({ validity: sequence(...times) })).der);
    expect(certificate && [certificate.notBefore.toISOString(), certificate.notAfter.toISOString()]).toEqual(expected);
  });
});

describe("names in certificates", () => {
  test("attributes in one set or several, repeated, or not of a text type: read", () => {
    const together = sequence(der(0x31, attribute("2.5.4.3", "a"), attribute("2.5.4.10", "b")));
    const oid = objectIdentifier("2.5.4.3");
    const types = [0x0c, 0x13, 0x16, 0x1e].map((tag) => der(0x31, sequence(oid, der(tag, utf8("c")))));
    expect(readName(together)).toEqual(
      new Map([
        ["2.5.4.3", ["a"]],
        ["2.5.4.10", ["b"]],
      ]),
    );
    expect(readName(name(["2.5.4.3", "a"], ["2.5.4.3", "b"]))).toEqual(new Map([["2.5.4.3", ["a", "b"]]]));
    expect(readName(sequence(...types))).toEqual(new Map([["2.5.4.3", ["c", "c", "c", ""]]]));
    expect(readName(sequence())).toEqual(new Map());
  });

  test.each([
    { case: "no sequence", bytes: der(0x31) },
    { case: "no set", bytes: sequence(attribute("2.5.4.3", "a")) },
    { case: "an invalid type", bytes: sequence(der(0x31, sequence(hex("0500"), der(0x0c)))) },
    { case: "no value", bytes: sequence(der(0x31, sequence(objectIdentifier("2.5.4.3")))) },
    { case: "two values", bytes: sequence(der(0x31, sequence(objectIdentifier("2.5.4.3"), der(0x0c), der(0x0c)))) },
    { case: "cut short", bytes: authenticatorName().slice(0, -1) },
  ])("refused: $case", ({ bytes }) => {
    expect(readName(bytes)).toBeUndefined();
  });
});

describe("extensions of certificates", () => {
  const constraints = (...parts: Bytes[]) => extension("2.5.29.19", sequence(...parts));
  const flag = hex("0101ff");
  const unlimited = Number.POSITIVE_INFINITY;

  test.each<{ case: string; value: Bytes; expected?: { isAuthority: boolean; pathLength: number } }>([
    { case: "an authority", value: constraints(flag), expected: { isAuthority: true, pathLength: unlimited } },
    {
      case: "an authority over leaves",
      value: constraints(flag, hex("020100")),
      expected: { isAuthority: true, pathLength: 0 },
    },
    { case: "none", value: constraints(), expected: { isAuthority: false, pathLength: unlimited } },
    {
      case: "not an authority, explicitly",
      value: constraints(hex("010100")),
      expected: { isAuthority: false, pathLength: unlimited },
    },
    { case: "a path of 2^16", value: constraints(flag, hex("0203010000")) },
    { case: "a path below zero", value: constraints(flag, hex("0201ff")) },
    { case: "two paths", value: constraints(flag, hex("020100"), hex("020101")) },
    { case: "text", value: constraints(der(0x0c)) },
    { case: "no sequence", value: extension("2.5.29.19", hex("0500")) },
    { case: "another extension", value: extension("2.5.29.14", sequence(flag)) },
  ])("basic constraints, $case: $expected", async ({ value, expected }) => {
    const certificate = parseCertificate((await issueCertificate({ authority: undefined, extensions: [value] })).der)!;
    expect(readBasicConstraints(certificate)).toEqual(expected);
  });

  test.each([
    { case: "no value", bytes: sequence(objectIdentifier("1.2.3")) },
    { case: "no octets", bytes: sequence(objectIdentifier("1.2.3"), hex("0500")) },
    { case: "two values", bytes: sequence(objectIdentifier("1.2.3"), der(4), der(4)) },
    { case: "no type", bytes: sequence(der(4)) },
    { case: "a set", bytes: der(0x31, objectIdentifier("1.2.3"), der(4)) },
  ])("refused: $case", async ({ bytes }) => {
    expect(parseCertificate((await issueCertificate({ extensions: [bytes] })).der)).toBeUndefined();
  });

  test("a certificate without any", async () => {
    const certificate = parseCertificate((await issueCertificate({ version: 1 })).der)!;
    expect([certificate.version, certificate.extensions.size]).toEqual([1, 0]);
  });

  test("a list that is no sequence: refused", async () => {
    expect(parseCertificate((await issueCertificate({ optional: der(0xa3, hex("0500")) })).der)).toBeUndefined();
  });

  test("the critical flag is read", async () => {
    const extensions = [extension("1.2.3", hex("00"), true), extension("1.2.4", hex("00"))];
    const certificate = parseCertificate((await issueCertificate({ extensions })).der)!;
    expect(["1.2.3", "1.2.4"].map((oid) => certificate.extensions.get(oid)?.critical)).toEqual([true, false]);
  });
});

test("certificate with missing or extra outer parts: refused", async () => {
  const content = (await issueCertificate()).der.slice(4);
  expect(parseCertificate(sequence(content))).toBeDefined();
  for (const other of [
    sequence(content, hex("0500")),
    sequence(),
    sequence(sequence(), sequence(), der(3)),
    der(0x31, content),
  ])
    expect(parseCertificate(other)).toBeUndefined();
});

test("certificate with any part missing, doubled or of another kind: never an exception", async () => {
  const { der: whole } = await issueCertificate();
  const [toBeSigned, ...rest] = readDerSequence(whole)!;
  const fields = readDerSequence(toBeSigned!.encoded)!.map(({ encoded }) => encoded);
  const outer = rest.map(({ encoded }) => encoded);
  const changes = (parts: readonly Bytes[]) =>
    parts.flatMap((part, at) =>
      [[], [part, part], [hex("0500")], [sequence()], [sequence(hex("0500"))]].map((put) =>
        parts.toSpliced(at, 1, ...put),
      ),
    );
  const read = [
    ...changes(fields).map((changed) => sequence(sequence(...changed), ...outer)),
    ...changes([toBeSigned!.encoded, ...outer]).map((changed) => sequence(...changed)),
    ...changes([sequence(), sequence(), hex("030100")]).map((changed) => sequence(...changed)),
  ].filter((bytes) => parseCertificate(bytes) !== undefined);
  // Names may be empty, a key and a serial number may be anything, and the version and the extensions may be missing.
  expect(read.length).toBeLessThan(20);
});
