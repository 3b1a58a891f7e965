import { type Bytes, fromBase64Url, randomBytes, utf8 } from "../../../src/crypto/bytes.ts";
import { generateTestKey, type TestKey } from "./authenticator.ts";
import { der, hex, integer, join, objectIdentifier, sequence } from "./encode.ts";

export interface TestCertificate {
  readonly der: Bytes;
  readonly subject: Bytes;
  readonly key: TestKey;
}

export interface CertificateChanges {
  /** By default it signs itself. */
  readonly issuer?: Pick<TestCertificate, "subject" | "key">;
  readonly key?: TestKey;
  readonly subject?: Bytes;
  readonly version?: 1 | 3;
  /** `GeneralizedTime`. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly authority?: boolean | undefined;
  readonly pathLength?: number;
  /** By default, extensions that fit an authority or a leaf. */
  readonly keyUsage?: Bytes | undefined;
  readonly extensions?: readonly Bytes[];
  readonly signature?: (signature: Bytes) => Bytes;
  /** `SubjectPublicKeyInfo`. */
  readonly subjectKey?: Bytes;
  /** `Validity`. */
  readonly validity?: Bytes;
  /** Replaces the last field and its tag. */
  readonly optional?: Bytes;
  /** The inner object identifier; the outer one is always ECDSA with SHA-256. */
  readonly innerAlgorithm?: string;
}

/** A time within the default validity. */
export const testTime = new Date("2026-06-01T00:00:00Z");

export function name(...attributes: readonly (readonly [string, string])[]): Bytes {
  return sequence(...attributes.map(([oid, text]) => der(0x31, attribute(oid, text))));
}

export const attribute = (oid: string, text: string): Bytes => sequence(objectIdentifier(oid), der(0x0c, utf8(text)));

/** The subject that §8.2.1 requires for packed attestation. */
export const authenticatorName = (commonName = "Authenticator 1", unit = "Authenticator Attestation"): Bytes =>
  name(["2.5.4.6", "AQ"], ["2.5.4.10", "Vendor"], ["2.5.4.11", unit], ["2.5.4.3", commonName]);

export const authorityName = (commonName: string): Bytes => name(["2.5.4.10", "Vendor"], ["2.5.4.3", commonName]);

export function extension(oid: string, value: Uint8Array, critical = false): Bytes {
  return sequence(objectIdentifier(oid), ...(critical ? [hex("0101ff")] : []), der(0x04, value));
}

const ecdsaWithSha256 = "1.2.840.10045.4.3.2";

/** A certificate with a P-256 key, signed with another key. */
export async function issueCertificate(changes: CertificateChanges = {}): Promise<TestCertificate> {
  const key = changes.key ?? (await generateTestKey());
  const subject = changes.subject ?? authenticatorName();
  const issuer = changes.issuer ?? { subject, key };
  const isAuthority = "authority" in changes ? changes.authority : false;
  const basicConstraints =
    isAuthority === undefined
      ? []
      : [
          extension(
            "2.5.29.19",
            sequence(
              ...(isAuthority ? [hex("0101ff")] : []),
              ...(changes.pathLength === undefined ? [] : [integer(new Uint8Array([changes.pathLength]))]),
            ),
            true,
          ),
        ];
  const usage = "keyUsage" in changes ? changes.keyUsage : hex(isAuthority ? "03020106" : "03020780");
  const extensions = [
    ...basicConstraints,
    ...(usage ? [extension("2.5.29.15", usage, true)] : []),
    ...(changes.extensions ?? []),
  ];
  const algorithm = sequence(objectIdentifier(ecdsaWithSha256));
  const toBeSigned = sequence(
    ...(changes.version === 1 ? [] : [der(0xa0, integer(new Uint8Array([2])))]),
    integer(join(hex("01"), randomBytes(15))),
    changes.innerAlgorithm ? sequence(objectIdentifier(changes.innerAlgorithm)) : algorithm,
    issuer.subject,
    changes.validity ??
      sequence(
        der(0x18, utf8(changes.notBefore ?? "20240101000000Z")),
        der(0x18, utf8(changes.notAfter ?? "20290101000000Z")),
      ),
    subject,
    changes.subjectKey ?? subjectPublicKey(key),
    ...(changes.optional ? [changes.optional] : changes.version === 1 ? [] : [der(0xa3, sequence(...extensions))]),
  );
  const signature = await issuer.key.sign(toBeSigned);
  const bits = der(0x03, hex("00"), changes.signature?.(signature) ?? signature);
  return { der: sequence(toBeSigned, algorithm, bits), subject, key };
}

function subjectPublicKey({ jwk }: TestKey): Bytes {
  const part = (text: string | undefined) => fromBase64Url(text ?? "")!;
  if (jwk.kty === "EC") {
    const algorithm = sequence(objectIdentifier("1.2.840.10045.2.1"), objectIdentifier("1.2.840.10045.3.1.7"));
    return sequence(algorithm, der(0x03, hex("0004"), part(jwk.x), part(jwk.y)));
  }
  if (jwk.kty === "OKP") return sequence(sequence(objectIdentifier("1.3.101.112")), der(0x03, hex("00"), part(jwk.x)));
  const algorithm = sequence(objectIdentifier("1.2.840.113549.1.1.1"), hex("0500"));
  return sequence(algorithm, der(0x03, hex("00"), sequence(integer(part(jwk.n)), integer(part(jwk.e)))));
}
