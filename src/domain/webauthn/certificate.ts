/**
 * X.509 certificates (RFC 5280 §4.1), the parts that attestation reads.
 *
 * Names are compared as bytes, which is stricter than RFC 5280 §7.1. Revocation lists are not fetched: the maker of the
 * certificate chooses their address.
 *
 * @module
 */
import { type Bytes, constantTimeEqual } from "../../crypto/bytes.ts";
import {
  type CurveName,
  curveBytes,
  ecPublicKey,
  ed25519PublicKey,
  type PublicKey,
  rsaPublicKey,
} from "../../crypto/public-key.ts";
import {
  type DerElement,
  derBitString,
  derObjectIdentifier,
  derTags,
  derUnsigned,
  readDerElements,
  readDerSequence,
} from "./der.ts";

export interface Certificate {
  readonly encoded: Bytes;
  /** The bytes that the issuer signed. */
  readonly toBeSigned: Bytes;
  readonly version: number;
  readonly issuer: Bytes;
  readonly subject: Bytes;
  /** The attributes of the subject, each type with its texts. */
  readonly subjectAttributes: NameAttributes;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** `undefined` for a kind of key that is not supported here. */
  readonly publicKey: PublicKey | undefined;
  readonly extensions: ReadonlyMap<string, CertificateExtension>;
  readonly signatureAlgorithm: string;
  readonly signature: Bytes;
}

export type NameAttributes = ReadonlyMap<string, readonly string[]>;

export interface CertificateExtension {
  readonly critical: boolean;
  readonly value: Bytes;
}

/** The certificate, or `undefined` unless the bytes are exactly one certificate. */
export function parseCertificate(encoded: Bytes): Certificate | undefined {
  const [toBeSigned, outerAlgorithm, signatureBits, ...others] = readDerSequence(encoded) ?? [];
  if (!toBeSigned || !outerAlgorithm || !signatureBits || others.length > 0) return undefined;
  const fields = readDerSequence(toBeSigned.encoded);
  const version = fields?.[0]?.tag === versionTag ? readVersion(fields[0]) : 1;
  const [serial, algorithm, issuer, validity, subject, subjectKey, ...optional] =
    fields?.slice(fields[0]?.tag === versionTag ? 1 : 0) ?? [];
  if (!version || !serial || !algorithm || !issuer || !validity || !subject || !subjectKey) return undefined;

  const [notBefore, notAfter] = readDerSequence(validity.encoded)?.map(readTime) ?? [];
  const subjectAttributes = readName(subject.encoded);
  const extensions = readExtensions(optional.find(({ tag }) => tag === extensionsTag));
  const signature = derBitString(signatureBits);
  const signatureAlgorithm = readAlgorithm(outerAlgorithm)?.oid;
  // RFC 5280 §4.1.1.2: the outer algorithm is not signed, so it must equal the inner one, which is.
  const isSameAlgorithm = constantTimeEqual(outerAlgorithm.encoded, algorithm.encoded);
  if (!notBefore || !notAfter || !subjectAttributes || !extensions || !signature) return undefined;
  if (!signatureAlgorithm || !isSameAlgorithm) return undefined;
  return {
    encoded,
    toBeSigned: toBeSigned.encoded,
    version,
    issuer: issuer.encoded,
    subject: subject.encoded,
    subjectAttributes,
    notBefore,
    notAfter,
    publicKey: readPublicKey(subjectKey.encoded),
    extensions,
    signatureAlgorithm,
    signature,
  };
}

/** `[0] EXPLICIT` and `[3] EXPLICIT` of TBSCertificate. */
const versionTag = 0xa0;
const extensionsTag = 0xa3;

/** The attributes of a `Name`, RFC 5280 §4.1.2.4, whether or not each has its own set. */
export function readName(name: Bytes): NameAttributes | undefined {
  const attributes = new Map<string, string[]>();
  for (const set of readDerSequence(name) ?? [undefined]) {
    const pairs = set?.tag === derTags.set ? readDerElements(set.content) : undefined;
    if (!pairs) return undefined;
    for (const pair of pairs) {
      const [type, value, ...others] = readDerSequence(pair.encoded) ?? [];
      const oid = type && derObjectIdentifier(type);
      if (!oid || !value || others.length > 0) return undefined;
      attributes.set(oid, [...(attributes.get(oid) ?? []), readText(value)]);
    }
  }
  return attributes;
}

/** The text of an attribute; `""` for one of the string types that new certificates may not have (§4.1.2.4). */
function readText({ tag, content }: DerElement): string {
  const isText = tag === derTags.utf8String || tag === derTags.printableString || tag === derTags.ia5String;
  return isText ? new TextDecoder().decode(content) : "";
}

function readVersion(element: DerElement): number | undefined {
  const [version, ...others] = readDerElements(element.content) ?? [];
  const value = version && others.length === 0 ? derUnsigned(version) : undefined;
  return value?.length === 1 && value[0]! <= 2 ? value[0]! + 1 : undefined;
}

/** §4.1.2.5: always with seconds and a Z; a two-digit year means 1950 to 2049. */
function readTime({ tag, content }: DerElement): Date | undefined {
  const text = new TextDecoder().decode(content);
  const year = tag === derTags.utcTime ? (Number(text.slice(0, 2)) >= 50 ? "19" : "20") : "";
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(year + text);
  if (!match || (tag !== derTags.utcTime && tag !== derTags.generalizedTime)) return undefined;
  const [, y, m, d, hours, minutes, seconds] = match;
  const time = new Date(`${y}-${m}-${d}T${hours}:${minutes}:${seconds}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function readExtensions(element: DerElement | undefined): Certificate["extensions"] | undefined {
  const extensions = new Map<string, CertificateExtension>();
  if (!element) return extensions;
  for (const extension of readDerSequence(element.content) ?? [undefined]) {
    const parts = extension && readDerSequence(extension.encoded);
    const oid = parts?.[0] && derObjectIdentifier(parts[0]);
    const flag = parts?.[1]?.tag === derTags.boolean ? parts[1] : undefined;
    const [value, ...others] = parts?.slice(flag ? 2 : 1) ?? [];
    if (!oid || extensions.has(oid) || value?.tag !== derTags.octetString || others.length > 0) return undefined;
    extensions.set(oid, { critical: flag !== undefined && flag.content[0] !== 0, value: value.content });
  }
  return extensions;
}

function readAlgorithm(element: DerElement): { readonly oid: string; readonly parameters?: DerElement } | undefined {
  const [identifier, parameters, ...others] = readDerSequence(element.encoded) ?? [];
  const oid = identifier && derObjectIdentifier(identifier);
  return oid && others.length === 0 ? { oid, ...(parameters && { parameters }) } : undefined;
}

/** SubjectPublicKeyInfo: RFC 3279 §2.3.1, RFC 5480 §2, RFC 8410 §4. */
function readPublicKey(encoded: Bytes): PublicKey | undefined {
  const [algorithmElement, bits] = readDerSequence(encoded) ?? [];
  const algorithm = algorithmElement && readAlgorithm(algorithmElement);
  const key = bits && derBitString(bits);
  if (!algorithm || !key) return undefined;
  if (algorithm.oid === "1.3.101.112") return ed25519PublicKey(key);
  if (algorithm.oid === "1.2.840.113549.1.1.1") {
    const [n, e] = readDerSequence(key)?.map(derUnsigned) ?? [];
    return n && e && rsaPublicKey(n, e);
  }
  const curve = curves.get((algorithm.parameters && derObjectIdentifier(algorithm.parameters)) ?? "");
  if (algorithm.oid !== "1.2.840.10045.2.1" || !curve || key[0] !== 4) return undefined;
  const length = curveBytes[curve];
  return ecPublicKey(curve, key.slice(1, 1 + length), key.slice(1 + length));
}

/** RFC 5480 §2.1.1.1. */
const curves: ReadonlyMap<string, CurveName> = new Map([
  ["1.2.840.10045.3.1.7", "P-256"],
  ["1.3.132.0.34", "P-384"],
  ["1.3.132.0.35", "P-521"],
]);

/** RFC 5280 §4.2.1.9; `undefined` if the extension is missing or cannot be read. */
export function readBasicConstraints({
  extensions,
}: Certificate): { readonly isAuthority: boolean; readonly pathLength: number } | undefined {
  const parts = readDerSequence(extensions.get("2.5.29.19")?.value ?? new Uint8Array());
  if (!parts) return undefined;
  const flag = parts[0]?.tag === derTags.boolean ? parts[0] : undefined;
  const limits = parts.slice(flag ? 1 : 0);
  const [limit, ...others] = limits.map(derUnsigned);
  if (limits.length > 0 && (limit?.length !== 1 || others.length > 0)) return undefined;
  return {
    isAuthority: flag !== undefined && flag.content[0] !== 0,
    pathLength: limit?.[0] ?? Number.POSITIVE_INFINITY,
  };
}
