/**
 * From an attestation certificate to an anchor that the deployment names: RFC 5280 §6.1, without policies, name
 * constraints and revocation.
 *
 * Only the configuration supplies anchors. A certificate that came with the attestation never becomes an anchor, self-signed or
 * not. Each certificate must be issued by the next, so the sender's certificates are never searched.
 *
 * @module
 */
import { constantTimeEqual } from "../../crypto/bytes.ts";
import type { HashName, PublicKey } from "../../crypto/public-key.ts";
import { type Certificate, readBasicConstraints } from "./certificate.ts";
import { derTags, readDer } from "./der.ts";
import { verifyDerSignature } from "./der-signature.ts";

/** True if the chain, leaf first, leads to one of the anchors and every certificate is valid at that time. */
export async function leadsToAnchor(
  chain: readonly Certificate[],
  anchors: readonly Certificate[],
  at: Date,
): Promise<boolean> {
  for (const [position, certificate] of chain.entries()) {
    if (!isAcceptable(certificate, position, at)) return false;
    if (anchors.some(({ encoded }) => constantTimeEqual(encoded, certificate.encoded))) return true;
    for (const anchor of anchors) {
      if (isAcceptable(anchor, position + 1, at) && (await isIssuedBy(certificate, anchor))) return true;
    }
    const issuer = chain[position + 1];
    if (!issuer || !(await isIssuedBy(certificate, issuer))) return false;
  }
  return false;
}

/** @param position How many certificates below it in the chain, leaf included; 0 for the leaf itself. */
function isAcceptable(certificate: Certificate, position: number, at: Date): boolean {
  const isCurrent = certificate.notBefore <= at && at <= certificate.notAfter;
  const isUnderstood = [...certificate.extensions].every(([oid, { critical }]) => !critical || understood.has(oid));
  if (!isCurrent || !isUnderstood) return false;
  if (position === 0) return true;
  const constraints = readBasicConstraints(certificate);
  return (
    constraints?.isAuthority === true && constraints.pathLength >= position - 1 && maySignCertificates(certificate)
  );
}

/**
 * Extensions that may be critical (RFC 5280 §4.2): usage and constraints, two that formats read, and policies, of which any is
 * accepted.
 */
const understood: ReadonlySet<string> = new Set(["2.5.29.15", "2.5.29.19", "2.5.29.17", "2.5.29.37", "2.5.29.32"]);

/** RFC 5280 §4.2.1.3: `keyCertSign` is bit 5, counted from the highest bit of the first byte. */
function maySignCertificates({ extensions }: Certificate): boolean {
  const usage = extensions.get("2.5.29.15");
  if (!usage) return true;
  const bits = readDer(usage.value, derTags.bitString)?.content;
  return bits !== undefined && ((bits[1] ?? 0) & 0x04) !== 0;
}

async function isIssuedBy(certificate: Certificate, issuer: Certificate): Promise<boolean> {
  const scheme = signatureSchemes.get(certificate.signatureAlgorithm);
  const key = issuer.publicKey;
  if (!scheme || key?.type !== scheme.type || !constantTimeEqual(certificate.issuer, issuer.subject)) return false;
  const { toBeSigned: data, signature } = certificate;
  return await verifyDerSignature({ key, hash: scheme.hash, signature, data });
}

/** RFC 5758 §3.2, RFC 8017 appendix A.2.4, RFC 8410 §3. No SHA-1. */
const signatureSchemes: ReadonlyMap<string, { readonly type: PublicKey["type"]; readonly hash: HashName }> = new Map([
  ["1.2.840.10045.4.3.2", { type: "EC", hash: "SHA-256" }],
  ["1.2.840.10045.4.3.3", { type: "EC", hash: "SHA-384" }],
  ["1.2.840.10045.4.3.4", { type: "EC", hash: "SHA-512" }],
  ["1.2.840.113549.1.1.11", { type: "RSA", hash: "SHA-256" }],
  ["1.2.840.113549.1.1.12", { type: "RSA", hash: "SHA-384" }],
  ["1.2.840.113549.1.1.13", { type: "RSA", hash: "SHA-512" }],
  ["1.3.101.112", { type: "Ed25519", hash: "SHA-256" }],
]);
