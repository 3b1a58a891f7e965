import type { Bytes } from "../../../src/crypto/bytes.ts";
import { type RegistrationChanges, sha256, type TestKey } from "./authenticator.ts";
import {
  attribute,
  type CertificateChanges,
  extension,
  issueCertificate,
  name,
  type TestCertificate,
} from "./certificates.ts";
import { bigEndian, der, type Encodable, hex, integer, join, objectIdentifier, sequence } from "./encode.ts";

/** A statement in one of the formats, and the changes to it. */
export type Statement = Map<string, Encodable>;
export type Change<Value> = (value: Value) => Value;

type MakeStatement = NonNullable<RegistrationChanges["statement"]>;

const keep = <Value>(value: Value) => value;

export function packed(
  leaf: TestCertificate,
  others: readonly Bytes[] = [],
  change: Change<Statement> = keep,
): MakeStatement {
  return async (signed) =>
    change(
      new Map<string, Encodable>([
        ["alg", -7],
        ["sig", await leaf.key.sign(signed)],
        ["x5c", [leaf.der, ...others]],
      ]),
    );
}

export function selfSigned(change: Change<Statement> = keep, signer?: TestKey): MakeStatement {
  return async (signed, key) =>
    change(
      new Map<string, Encodable>([
        ["alg", key.cose.get(3)!],
        ["sig", await (signer ?? key).sign(signed)],
      ]),
    );
}

export function fidoU2f(leaf: TestCertificate, change: Change<Statement> = keep): MakeStatement {
  return async (_, key, data, clientDataHash) => {
    const idBytes = data[53]! * 256 + data[54]!;
    const [x, y] = [key.cose.get(-2), key.cose.get(-3)].map((part) => (part ?? hex("")) as Bytes);
    const point = join(hex("04"), x!, y!);
    const message = join(hex("00"), data.slice(0, 32), clientDataHash, data.slice(55, 55 + idBytes), point);
    return change(
      new Map<string, Encodable>([
        ["sig", await leaf.key.sign(message)],
        ["x5c", [leaf.der]],
      ]),
    );
  };
}

export interface KeyDescription {
  readonly challenge?: Bytes;
  readonly softwareEnforced?: readonly Bytes[];
  readonly teeEnforced?: readonly Bytes[];
}

/** Entries of an authorization list. */
export const authorization = {
  purpose: (...purposes: number[]): Bytes =>
    der(0xa1, der(0x31, ...purposes.map((purpose) => integer(bigEndian(purpose, 1))))),
  allApplications: der([0xbf, 0x84, 0x58], hex("0500")),
  origin: (value: number): Bytes => der([0xbf, 0x85, 0x3e], integer(bigEndian(value, 1))),
};

export function androidKey(
  description: KeyDescription = {},
  certificate: CertificateChanges = {},
  change: Change<Statement> = keep,
): MakeStatement {
  return async (signed, key, _, clientDataHash) => {
    const { challenge = clientDataHash, softwareEnforced = [], teeEnforced = [] } = description;
    const value = sequence(
      hex("0202012c0a01000201000a0100"),
      der(0x04, challenge),
      der(0x04),
      sequence(...softwareEnforced),
      sequence(...teeEnforced),
    );
    const extensions = [extension("1.3.6.1.4.1.11129.2.1.17", value)];
    const leaf = await issueCertificate({ key, extensions, ...certificate });
    return change(
      new Map<string, Encodable>([
        ["alg", -7],
        ["sig", await key.sign(signed)],
        ["x5c", [leaf.der]],
      ]),
    );
  };
}

export function apple(
  nonceOf: Change<Bytes> = keep,
  certificate: CertificateChanges = {},
  change: Change<Statement> = keep,
): MakeStatement {
  return async (signed, key) => {
    const value = sequence(der(0xa1, der(0x04, nonceOf(await sha256(signed)))));
    const extensions = [extension("1.2.840.113635.100.8.2", value)];
    const leaf = await issueCertificate({ key, extensions, ...certificate });
    return change(new Map<string, Encodable>([["x5c", [leaf.der]]]));
  };
}

/** The parts of a TPM's two structures, each of which a test may change. */
export interface TpmParts {
  readonly magic?: Bytes;
  readonly attestType?: Bytes;
  readonly extraData?: Change<Bytes>;
  readonly name?: Change<Bytes>;
  readonly pubArea?: Change<Bytes>;
  readonly certInfo?: Change<Bytes>;
  /** The scheme of the key, with its hash if it is not null. */
  readonly scheme?: Bytes;
  readonly symmetric?: Bytes;
}

const sized = (bytes: Uint8Array) => join(bigEndian(bytes.length, 2), bytes);

function tpmPublicArea(key: TestKey, parts: TpmParts = {}): Bytes {
  const { symmetric = hex("0010"), scheme = hex("0010") } = parts;
  const part = (label: number) => key.cose.get(label) as Bytes;
  const isRsa = key.cose.get(1) === 3;
  const head = join(hex(isRsa ? "0001" : "0023"), hex("000b"), hex("00040000"), sized(hex("00")), symmetric, scheme);
  const rsa = () => join(bigEndian(8 * part(-1).length, 2), bigEndian(0, 4), sized(part(-1)));
  const area = join(head, isRsa ? rsa() : join(hex("00030010"), sized(part(-2)), sized(part(-3))));
  return parts.pubArea?.(area) ?? area;
}

export const tpmNames = (manufacturer = "id:4E544300"): Bytes =>
  extension(
    "2.5.29.17",
    sequence(
      der(
        0xa4,
        sequence(
          der(
            0x31,
            attribute("2.23.133.2.1", manufacturer),
            attribute("2.23.133.2.2", "TPM"),
            attribute("2.23.133.2.3", "id:1"),
          ),
        ),
      ),
    ),
    true,
  );

export const tpmPurpose = (oid = "2.23.133.8.3"): Bytes => extension("2.5.29.37", sequence(objectIdentifier(oid)));

export function tpm(
  parts: TpmParts = {},
  certificate: CertificateChanges = {},
  change: Change<Statement> = keep,
): MakeStatement {
  return async (signed, key) => {
    const area = tpmPublicArea(key, parts);
    const extraData = (parts.extraData ?? keep)(await sha256(signed));
    const keyName = (parts.name ?? keep)(join(hex("000b"), await sha256(area)));
    const { magic = hex("ff544347"), attestType = hex("8017") } = parts;
    const info = join(
      magic,
      attestType,
      sized(hex("")),
      sized(extraData),
      new Uint8Array(25),
      sized(keyName),
      sized(hex("")),
    );
    const certInfo = (parts.certInfo ?? keep)(info);
    const leaf = await issueCertificate({ subject: name(), extensions: [tpmNames(), tpmPurpose()], ...certificate });
    return change(
      new Map<string, Encodable>([
        ["ver", "2.0"],
        ["alg", -7],
        ["x5c", [leaf.der]],
        ["sig", await leaf.key.sign(certInfo)],
        ["certInfo", certInfo],
        ["pubArea", area],
      ]),
    );
  };
}
