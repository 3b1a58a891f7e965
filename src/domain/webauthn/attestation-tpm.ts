import { type Bytes, constantTimeEqual, joinBytes } from "../../crypto/bytes.ts";
import { arePublicKeysEqual, type HashName } from "../../crypto/public-key.ts";
import { isAaguidOf } from "./attestation-packed.ts";
import {
  type AttestationEvidence,
  type AttestedRegistration,
  hasMembers,
  isStatementSignature,
  readChain,
} from "./attestation-statement.ts";
import { isCborBytes } from "./cbor.ts";
import { type Certificate, readBasicConstraints, readName } from "./certificate.ts";
import { derObjectIdentifier, readDerSequence } from "./der.ts";
import { parseCertifyInfo, parsePublicArea } from "./tpm-structure.ts";

/** The hash of `alg` (WebAuthn L3 §8.3: over the data to be signed, in `extraData`). No SHA-1. */
const attestedHashes: ReadonlyMap<unknown, HashName> = new Map([
  [-7, "SHA-256"],
  [-35, "SHA-384"],
  [-36, "SHA-512"],
  [-257, "SHA-256"],
  [-258, "SHA-384"],
  [-259, "SHA-512"],
]);

/** TPM_ALG_ID, the first bytes of a name. */
const nameAlgorithms: Readonly<Record<HashName, number>> = { "SHA-256": 0x0b, "SHA-384": 0x0c, "SHA-512": 0x0d };

/** TPM attestation: WebAuthn L3 §8.3. */
export async function verifyTpmStatement(registration: AttestedRegistration): Promise<AttestationEvidence | undefined> {
  const { statement, signed, key, data } = registration;
  const isComplete = hasMembers(statement, ["ver", "alg", "x5c", "sig", "certInfo", "pubArea"]);
  const [certInfo, pubArea] = [statement.get("certInfo"), statement.get("pubArea")];
  const hash = attestedHashes.get(statement.get("alg"));
  if (!isComplete || statement.get("ver") !== "2.0" || !hash || !isCborBytes(certInfo) || !isCborBytes(pubArea))
    return undefined;

  const area = parsePublicArea(pubArea);
  const info = parseCertifyInfo(certInfo);
  if (!area || !info || !arePublicKeysEqual(area.publicKey, key.publicKey)) return undefined;
  const name = joinBytes(new Uint8Array([0, nameAlgorithms[area.nameHash]]), await digest(area.nameHash, pubArea));
  if (!constantTimeEqual(info.name, name)) return undefined;
  if (!constantTimeEqual(info.extraData, await digest(hash, signed))) return undefined;

  const chain = readChain(statement);
  const leaf = chain?.[0];
  if (!leaf?.publicKey || !isAikCertificate(leaf) || !isAaguidOf(leaf, data.attested.aaguid)) return undefined;
  const isSigned = await isStatementSignature(statement, leaf.publicKey, certInfo);
  return isSigned ? { type: "certificate", chain: chain ?? [], coversAaguid: true } : undefined;
}

/** §8.3.1. This checks only that the certificate names a maker; the anchors decide who made the TPM. */
function isAikCertificate(leaf: Certificate): boolean {
  const purposes = readDerSequence(leaf.extensions.get("2.5.29.37")?.value ?? new Uint8Array());
  const hasNoSubject = leaf.subjectAttributes.size === 0;
  return (
    leaf.version === 3 &&
    hasNoSubject &&
    namesTpm(leaf.extensions.get("2.5.29.17")?.value) &&
    purposes?.some((purpose) => derObjectIdentifier(purpose) === "2.23.133.8.3") === true &&
    readBasicConstraints(leaf)?.isAuthority === false
  );
}

/** `[4] EXPLICIT Name` of GeneralName. */
const directoryNameTag = 0xa4;

/** TCG EK Credential Profile §3.2.9: manufacturer, model and version in a directory name. */
function namesTpm(alternativeNames: Bytes | undefined): boolean {
  const names = (alternativeNames && readDerSequence(alternativeNames)) ?? [];
  const attributes = names.filter(({ tag }) => tag === directoryNameTag).map(({ content }) => readName(content));
  return attributes.some((name) => {
    const [manufacturer] = name?.get("2.23.133.2.1") ?? [];
    return /^id:[0-9A-Fa-f]{8}$/.test(manufacturer ?? "") && name?.has("2.23.133.2.2") && name.has("2.23.133.2.3");
  });
}

async function digest(hash: HashName, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest(hash, bytes));
}
