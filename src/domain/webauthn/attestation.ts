/**
 * Registration: verifying what an authenticator made, WebAuthn L3 §7.1 steps 5 to 25 and 28.
 *
 * Left to the caller, who has the records: that the challenge is spent only once and belongs to the user (steps 8 and 29),
 * and that the credential id is nobody's yet (step 26).
 *
 * Statements are verified here, without the network, the machine's clock or a list of authorities of our own: what is
 * trusted, and at what time, comes with the call. Formats left out: `android-safetynet`, which L3 took back, and
 * `compound`.
 *
 * @module
 */
import { type Bytes, constantTimeEqual, fromBase64Url, toBase64Url, toHex } from "../../crypto/bytes.ts";
import { verifyAndroidKeyStatement } from "./attestation-android-key.ts";
import { verifyAppleStatement } from "./attestation-apple.ts";
import { verifyFidoU2fStatement } from "./attestation-fido-u2f.ts";
import { verifyPackedStatement } from "./attestation-packed.ts";
import {
  type AttestationEvidence,
  type AttestationType,
  type AttestedRegistration,
  hasMembers,
  type StatementVerifier,
  sha256,
} from "./attestation-statement.ts";
import { verifyTpmStatement } from "./attestation-tpm.ts";
import {
  type AuthenticatorData,
  checkAuthenticatorData,
  parseAuthenticatorData,
  signedBytes,
} from "./authenticator-data.ts";
import { decodeCbor, isCborBytes, isCborMap } from "./cbor.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { leadsToAnchor } from "./certificate-chain.ts";
import { checkClientData, type RelyingParty } from "./client-data.ts";
import { type CoseAlgorithm, coseAlgorithms, isUsableCoseKey, parseCoseKey } from "./cose-key.ts";
import { type CheckOf, refuseCeremony, type WebAuthnRefusal } from "./refusal.ts";
import type { AuthenticatorTransport, RegistrationResponse } from "./response.ts";

export type AttestationFormat = "none" | "packed" | "tpm" | "android-key" | "fido-u2f" | "apple";

/** Step 21: upper and lower case differ (§8.1). */
const formats: ReadonlyMap<AttestationFormat, StatementVerifier> = new Map([
  ["none", verifyNoneStatement],
  ["packed", verifyPackedStatement],
  ["tpm", verifyTpmStatement],
  ["android-key", verifyAndroidKeyStatement],
  ["fido-u2f", verifyFidoU2fStatement],
  ["apple", verifyAppleStatement],
]);

/** A certificate that vouches for authenticators; {@link parseTrustAnchors} makes one. */
export interface TrustAnchor {
  readonly certificate: Certificate;
  /** The models that it may vouch for; all of them by default. */
  readonly aaguids?: readonly string[];
}

/** Whom to believe about what kind of authenticator it is. */
export interface AttestationTrust {
  readonly anchors: readonly TrustAnchor[];
  /** The time at which the certificates must be valid. */
  readonly at: Date;
  /** What becomes of attestation that leads to no anchor, self attestation and none among them. Default `refused`. */
  readonly untrusted?: "refused" | "accepted";
}

export interface RegistrationPolicy {
  /** Those that the options offered. Default all that we verify. */
  readonly algorithms?: readonly CoseAlgorithm[];
  /** Whether the authenticator must have verified the user. Default `required`. */
  readonly userVerification?: "required" | "preferred" | "discouraged";
  /** `conditional` is the only mediation that does without a present user (step 15). Default `optional`. */
  readonly mediation?: "optional" | "conditional";
  /** Steps 18 and 19: only keys that can be backed up, that are, or that cannot be. Default `any`. */
  readonly backup?: "any" | "eligible" | "backed_up" | "single_device";
  /** Default all. A statement is verified even where nothing is trusted, so that a record never says what is not so. */
  readonly formats?: readonly AttestationFormat[];
  /** By default nobody is believed: `attestation` of the options is `none`, and no AAGUID is a reason for anything. */
  readonly trust?: AttestationTrust;
  /** Whether an authenticator may add extensions that nobody asked for. Default `ignored`, as step 28 advises. */
  readonly extensions?: "ignored" | "refused";
}

/** What the record of a credential keeps: §4, credential record. */
export interface VerifiedRegistration {
  readonly ok: true;
  /** Base64url. */
  readonly credentialId: string;
  /** The COSE_Key as it was sent. */
  readonly publicKey: Bytes;
  readonly algorithm: CoseAlgorithm;
  readonly signCount: number;
  readonly userPresent: boolean;
  readonly userVerified: boolean;
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
  readonly transports: readonly AuthenticatorTransport[];
  readonly rpId: string;
  /** The model, as a UUID; `null` unless a trusted attestation covers it, since anybody can claim any. */
  readonly aaguid: string | null;
  readonly attestation: {
    readonly format: AttestationFormat;
    readonly type: AttestationType;
    readonly trusted: boolean;
  };
}

export type RegistrationRefusal = WebAuthnRefusal<CheckOf<"registration">>;

/**
 * Whether a response answers our challenge with a new key that we can use; never throws, whatever was sent.
 *
 * @param registration.challenge The bytes that were sent to this client and to no other.
 */
export async function verifyRegistration(registration: {
  readonly response: RegistrationResponse;
  readonly challenge: Bytes;
  readonly relyingParty: RelyingParty;
  readonly policy?: RegistrationPolicy;
}): Promise<VerifiedRegistration | RegistrationRefusal> {
  const { response, challenge, relyingParty, policy = {} } = registration;
  const { clientDataJson } = response;

  // Steps 5 to 11.
  const clientDataRefusal = checkClientData(clientDataJson, { type: "webauthn.create", challenge, relyingParty });
  if (clientDataRefusal) return clientDataRefusal;

  // Step 13.
  const object = parseAttestationObject(response.attestationObject);
  if (!object) return refuseCeremony("attestation_object");
  const data = parseAuthenticatorData(object.authenticatorData);
  if (!data || !hasAttested(data)) return refuseCeremony("authenticator_data");
  const credentialId = fromBase64Url(response.credentialId);
  if (!credentialId || !constantTimeEqual(credentialId, data.attested.credentialId))
    return refuseCeremony("credential_id");

  // Steps 14 to 19.
  const dataRefusal = await checkAuthenticatorData(data, {
    rpId: relyingParty.rpId,
    userPresent: policy.mediation !== "conditional",
    userVerified: (policy.userVerification ?? "required") === "required",
  });
  if (dataRefusal) return dataRefusal;
  if (!isBackupAllowed(data, policy.backup ?? "any")) return refuseCeremony("backup_policy");

  // Step 20.
  const key = parseCoseKey(data.attested.publicKey);
  if (!key || !(await isUsableCoseKey(key))) return refuseCeremony("public_key");
  if (!(policy.algorithms ?? coseAlgorithms).includes(key.algorithm)) return refuseCeremony("algorithm");

  // Step 28, before the costly part.
  if (policy.extensions === "refused" && data.extensions) return refuseCeremony("extensions");

  // Steps 21 and 22.
  const format = object.format as AttestationFormat;
  const verifyStatement = formats.get(format);
  const isAccepted = policy.formats?.includes(format) ?? true;
  if (!verifyStatement || !isAccepted) return refuseCeremony("attestation_format");
  const signed = await signedBytes(object.authenticatorData, clientDataJson);
  const clientDataHash = await sha256(clientDataJson);
  const evidence = await verifyStatement({ statement: object.statement, data, signed, clientDataHash, key });
  if (!evidence) return refuseCeremony("attestation_statement");

  // Steps 23 and 24.
  const aaguid = formatAaguid(data.attested.aaguid);
  const trusted = policy.trust !== undefined && (await isTrusted(evidence, aaguid, policy.trust));
  if (policy.trust && !trusted && policy.trust.untrusted !== "accepted") return refuseCeremony("attestation_trust");

  const { signCount, userPresent, userVerified, backupEligible, backedUp } = data;
  return {
    ok: true,
    credentialId: toBase64Url(data.attested.credentialId),
    publicKey: data.attested.publicKey,
    algorithm: key.algorithm,
    signCount,
    userPresent,
    userVerified,
    backupEligible,
    backedUp,
    transports: response.transports,
    rpId: relyingParty.rpId,
    aaguid: trusted && evidence.coversAaguid ? aaguid : null,
    attestation: { format, type: evidence.type, trusted },
  };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The anchors of a configuration, once, at start-up.
 *
 * @param list.certificate DER, as FIDO metadata or a manufacturer publishes it.
 * @param list.aaguids UUIDs in lower case.
 * @throws {TypeError} For anything else.
 */
export function parseTrustAnchors(
  list: readonly { readonly certificate: Bytes; readonly aaguids?: readonly string[] }[],
): readonly TrustAnchor[] {
  return list.map(({ certificate: encoded, aaguids }) => {
    const certificate = parseCertificate(encoded);
    if (!certificate) throw new TypeError("A trust anchor is one X.509 certificate in DER.");
    if (aaguids?.some((aaguid) => !uuid.test(aaguid))) throw new TypeError("An AAGUID is a UUID in lower case.");
    return { certificate, ...(aaguids && { aaguids }) };
  });
}

/** §6.5.4: exactly the three members. */
function parseAttestationObject(bytes: Bytes):
  | {
      readonly format: string;
      readonly statement: AttestedRegistration["statement"];
      readonly authenticatorData: Bytes;
    }
  | undefined {
  const map = decodeCbor(bytes);
  if (!isCborMap(map) || !hasMembers(map, ["fmt", "attStmt", "authData"])) return undefined;
  const [format, statement, authenticatorData] = [map.get("fmt"), map.get("attStmt"), map.get("authData")];
  if (typeof format !== "string" || !isCborMap(statement) || !isCborBytes(authenticatorData)) return undefined;
  return { format, statement, authenticatorData };
}

function hasAttested(data: AuthenticatorData): data is AttestedRegistration["data"] {
  return data.attested !== undefined;
}

/** §8.7. */
async function verifyNoneStatement({ statement }: AttestedRegistration): Promise<AttestationEvidence | undefined> {
  return statement.size === 0 ? { type: "none", chain: [], coversAaguid: false } : undefined;
}

function isBackupAllowed(data: AuthenticatorData, backup: NonNullable<RegistrationPolicy["backup"]>): boolean {
  const { backupEligible, backedUp } = data;
  return { any: true, eligible: backupEligible, backed_up: backedUp, single_device: !backupEligible }[backup];
}

/** A model that is only claimed opens no anchor that is for some models. */
async function isTrusted(
  { type, chain, coversAaguid }: AttestationEvidence,
  aaguid: string,
  { anchors, at }: AttestationTrust,
): Promise<boolean> {
  const forModel = anchors.filter(({ aaguids }) => !aaguids || (coversAaguid && aaguids.includes(aaguid)));
  const certificates = forModel.map(({ certificate }) => certificate);
  return type === "certificate" && (await leadsToAnchor(chain, certificates, at));
}

function formatAaguid(aaguid: Bytes): string {
  return toHex(aaguid).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
