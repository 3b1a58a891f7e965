import type { Bytes } from "../../crypto/bytes.ts";
import type { HashName, PublicKey } from "../../crypto/public-key.ts";
import type { AuthenticatorData } from "./authenticator-data.ts";
import { type CborMap, isCborBytes } from "./cbor.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import type { CoseKey } from "./cose-key.ts";
import { verifyDerSignature } from "./der-signature.ts";

/** The registration that a statement is verified against. */
export interface AttestedRegistration {
  readonly statement: CborMap;
  readonly data: Required<Pick<AuthenticatorData, "attested">> & AuthenticatorData;
  /** Authenticator data, then the hash of the client data: what most formats sign. */
  readonly signed: Bytes;
  /** SHA-256. */
  readonly clientDataHash: Bytes;
  readonly key: CoseKey;
}

/** The content of a valid statement: who made it and, for an authority, the certificates, leaf first. */
export interface AttestationEvidence {
  readonly type: AttestationType;
  readonly chain: readonly Certificate[];
  /** Whether the statement covers the authenticator data, and so the AAGUID in it. */
  readonly coversAaguid: boolean;
}

/** WebAuthn L3 §6.5.4. A statement does not show which kind of authority its certificate comes from. */
export type AttestationType = "none" | "self" | "certificate";

/** Verifies the statement of one format (§8): the evidence, or `undefined` if it does not hold. */
export type StatementVerifier = (registration: AttestedRegistration) => Promise<AttestationEvidence | undefined>;

/** More than any authenticator sends; each certificate costs a signature. */
const maxCertificates = 6;

/** COSE algorithms that an attestation may be signed with. No SHA-1, so TPMs that have nothing else are refused. */
const attestationAlgorithms: ReadonlyMap<
  unknown,
  { readonly hash: HashName; readonly fits: (key: PublicKey) => boolean }
> = new Map([
  [-7, { hash: "SHA-256", fits: (key: PublicKey) => key.type === "EC" && key.curve === "P-256" }],
  [-35, { hash: "SHA-384", fits: (key: PublicKey) => key.type === "EC" && key.curve === "P-384" }],
  [-36, { hash: "SHA-512", fits: (key: PublicKey) => key.type === "EC" && key.curve === "P-521" }],
  [-8, { hash: "SHA-256", fits: (key: PublicKey) => key.type === "Ed25519" }],
  [-257, { hash: "SHA-256", fits: (key: PublicKey) => key.type === "RSA" }],
  [-258, { hash: "SHA-384", fits: (key: PublicKey) => key.type === "RSA" }],
  [-259, { hash: "SHA-512", fits: (key: PublicKey) => key.type === "RSA" }],
]);

/** The certificates of `x5c`, or `undefined` if there is none or one cannot be read. */
export function readChain(statement: CborMap): readonly [Certificate, ...Certificate[]] | undefined {
  const x5c = statement.get("x5c");
  if (!Array.isArray(x5c) || x5c.length > maxCertificates) return undefined;
  const certificates = x5c.map((der) => (isCborBytes(der) ? parseCertificate(der) : undefined));
  const [leaf, ...others] = certificates;
  if (!leaf || !others.every((certificate) => certificate !== undefined)) return undefined;
  return [leaf, ...others];
}

/** True if `sig` is over the data, made with the key in the algorithm that `alg` names. */
export async function isStatementSignature(statement: CborMap, key: PublicKey, data: Bytes): Promise<boolean> {
  const signature = statement.get("sig");
  const algorithm = attestationAlgorithms.get(statement.get("alg"));
  if (!algorithm?.fits(key) || !isCborBytes(signature)) return false;
  return await verifyDerSignature({ key, hash: algorithm.hash, signature, data });
}

/** True if the statement has exactly these members. */
export function hasMembers(statement: CborMap, members: readonly string[]): boolean {
  return statement.size === members.length && members.every((member) => statement.has(member));
}
