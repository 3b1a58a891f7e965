import { constantTimeEqual } from "../../crypto/bytes.ts";
import { sha256 } from "../../crypto/digest.ts";
import { arePublicKeysEqual } from "../../crypto/public-key.ts";
import { type AttestationEvidence, type AttestedRegistration, hasMembers, readChain } from "./attestation-statement.ts";
import { derTags, readDer, readDerSequence } from "./der.ts";

/** `[1] EXPLICIT OCTET STRING` in a sequence: the extension 1.2.840.113635.100.8.2. */
const nonceTag = 0xa1;

/**
 * Apple anonymous attestation: WebAuthn L3 §8.8.
 *
 * There is no signature: the certificate is made for this registration, and contains its nonce. Without an anchor it proves
 * nothing, since anyone can write such a certificate.
 */
export async function verifyAppleStatement(
  registration: AttestedRegistration,
): Promise<AttestationEvidence | undefined> {
  const { statement, signed, key } = registration;
  // Devices also send an algorithm, which is not in the syntax of §8.8 and is not used.
  const isComplete = hasMembers(statement, ["x5c"]) || hasMembers(statement, ["alg", "x5c"]);
  const chain = isComplete ? readChain(statement) : undefined;
  if (!chain) return undefined;
  const { extensions, publicKey } = chain[0];
  const [wrapped, ...others] =
    readDerSequence(extensions.get("1.2.840.113635.100.8.2")?.value ?? new Uint8Array()) ?? [];
  const nonce = wrapped?.tag === nonceTag ? readDer(wrapped.content, derTags.octetString)?.content : undefined;
  if (!nonce || others.length > 0 || !constantTimeEqual(nonce, await sha256(signed))) return undefined;
  if (!publicKey || !arePublicKeysEqual(publicKey, key.publicKey)) return undefined;
  return { type: "certificate", chain, coversAaguid: true };
}
