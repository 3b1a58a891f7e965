import { joinBytes } from "../../crypto/bytes.ts";
import { type AttestationEvidence, type AttestedRegistration, hasMembers, readChain } from "./attestation-statement.ts";
import { isCborBytes } from "./cbor.ts";
import { verifyDerSignature } from "./der-signature.ts";

/**
 * FIDO U2F attestation: WebAuthn L3 §8.6.
 *
 * The signature covers U2F's registration message, which has neither AAGUID nor flags: those are only the client's claim.
 */
export async function verifyFidoU2fStatement(
  registration: AttestedRegistration,
): Promise<AttestationEvidence | undefined> {
  const { statement, data, key, clientDataHash } = registration;
  const chain = hasMembers(statement, ["sig", "x5c"]) ? readChain(statement) : undefined;
  const signature = statement.get("sig");
  if (chain?.length !== 1 || !isCborBytes(signature)) return undefined;

  const leafKey = chain[0].publicKey;
  if (leafKey?.type !== "EC" || leafKey.curve !== "P-256" || key.publicKey.type !== "EC") return undefined;
  const { x, y } = key.publicKey;
  const point = joinBytes(new Uint8Array([4]), x, y);
  const message = joinBytes(new Uint8Array([0]), data.rpIdHash, clientDataHash, data.attested.credentialId, point);
  const isSigned = await verifyDerSignature({ key: leafKey, hash: "SHA-256", signature, data: message });
  return isSigned ? { type: "certificate", chain, coversAaguid: false } : undefined;
}
