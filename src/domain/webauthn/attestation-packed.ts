import { constantTimeEqual } from "../../crypto/bytes.ts";
import {
  type AttestationEvidence,
  type AttestedRegistration,
  hasMembers,
  isStatementSignature,
  readChain,
} from "./attestation-statement.ts";
import { type Certificate, readBasicConstraints } from "./certificate.ts";
import { derTags, readDer } from "./der.ts";

/** Packed attestation: WebAuthn L3 §8.2. */
export async function verifyPackedStatement(
  registration: AttestedRegistration,
): Promise<AttestationEvidence | undefined> {
  const { statement, key, signed, data } = registration;
  if (hasMembers(statement, ["alg", "sig"])) {
    // Self attestation: the credential's key signs, in the credential's algorithm and no other.
    const isRight = statement.get("alg") === key.algorithm;
    const isSigned = isRight && (await isStatementSignature(statement, key.publicKey, signed));
    return isSigned ? { type: "self", chain: [], coversAaguid: true } : undefined;
  }

  const chain = hasMembers(statement, ["alg", "sig", "x5c"]) ? readChain(statement) : undefined;
  if (!chain) return undefined;
  const [leaf] = chain;
  if (!isPackedCertificate(leaf) || !isAaguidOf(leaf, data.attested.aaguid) || !leaf.publicKey) return undefined;
  const isSigned = await isStatementSignature(statement, leaf.publicKey, signed);
  return isSigned ? { type: "certificate", chain, coversAaguid: true } : undefined;
}

/** §8.2.1. */
function isPackedCertificate(leaf: Certificate): boolean {
  const attribute = (oid: string) => leaf.subjectAttributes.get(oid) ?? [];
  const [country, ...countries] = attribute("2.5.4.6");
  return (
    leaf.version === 3 &&
    countries.length === 0 &&
    /^[A-Z]{2}$/.test(country ?? "") &&
    attribute("2.5.4.10").some((organization) => organization !== "") &&
    attribute("2.5.4.11").includes("Authenticator Attestation") &&
    attribute("2.5.4.3").some((name) => name !== "") &&
    readBasicConstraints(leaf)?.isAuthority === false
  );
}

/** id-fido-gen-ce-aaguid, §8.2.1: if present, it names the model and is not critical. */
export function isAaguidOf(leaf: Certificate, aaguid: Uint8Array): boolean {
  const extension = leaf.extensions.get("1.3.6.1.4.1.45724.1.1.4");
  if (!extension) return true;
  const value = readDer(extension.value, derTags.octetString)?.content;
  return !extension.critical && value !== undefined && constantTimeEqual(value, aaguid);
}
