/**
 * The certificate of `npm start -- --https`: self-signed, for one host, P-256, in a file of this checkout. X.509 is RFC 5280;
 * Node reads certificates and makes none.
 *
 * @module
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

const day = 86_400_000;

/** The files in a folder, made again if the certificate is for another host (a name or an IPv4 address) or ends within a week. */
export function developmentCertificate(folder: string, host: string, now: Date): CertificateFiles {
  const files = { certificate: `${folder}/certificate.pem`, key: `${folder}/certificate-key.pem` };
  if (isCurrent(files.certificate, host, now)) return files;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(files.key, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  const der = certify({ host, publicKey, privateKey, from: now, to: new Date(now.getTime() + 90 * day) });
  writeFileSync(files.certificate, new X509Certificate(der).toString());
  return files;
}

function isCurrent(path: string, host: string, now: Date): boolean {
  try {
    const found = new X509Certificate(readFileSync(path));
    const isFor = isIP(host) ? found.checkIP(host) : found.checkHost(host);
    return isFor !== undefined && Date.parse(found.validTo) - now.getTime() > 7 * day;
  } catch {
    return false;
  }
}

interface Certificate {
  readonly host: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly from: Date;
  readonly to: Date;
}

/** RFC 5280 §4.1. Subject and issuer are the same name. */
function certify({ host, publicKey, privateKey, from, to }: Certificate): Buffer {
  const name = sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from("Sallyport development")))));
  const content = sequence(
    der(0xa0, integer(Buffer.from([2]))), // Version 3.
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    ecdsaWithSha256,
    name,
    sequence(time(from), time(to)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(
      0xa3,
      sequence(
        // §4.2.1.9: a leaf. §4.2.1.12: a server. §4.2.1.6: its host.
        extension("551d13", sequence()),
        extension("551d25", sequence(objectIdentifier("2b06010505070301"))),
        extension(
          "551d11",
          sequence(isIP(host) ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host))),
        ),
      ),
    ),
  );
  const signature = sign("sha256", content, privateKey);
  return sequence(content, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
}

/** DER: a tag, the length of the content, the content (X.690 §8.1). */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const integer = (bytes: Buffer): Buffer => der(0x02, bytes);
const objectIdentifier = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const extension = (id: string, value: Buffer): Buffer => sequence(objectIdentifier(id), der(0x04, value));

const commonName = objectIdentifier("550403");
const ecdsaWithSha256 = sequence(objectIdentifier("2a8648ce3d040302"));

/** UTCTime, which RFC 5280 §4.1.2.5 demands before 2050. */
function time(at: Date): Buffer {
  return der(0x17, Buffer.from(`${at.toISOString().slice(2, 19).replace(/\D/g, "")}Z`));
}
