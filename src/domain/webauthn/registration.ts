/**
 * Registration: verifying what an authenticator made, WebAuthn L3 §7.1 steps 5 to 25 and 28.
 *
 * Left to the caller, who has the records: that the challenge is spent only once and is the user's (steps 8 and 29), and that
 * no user has the credential id yet (step 26).
 *
 * @module
 */
import { type Bytes, constantTimeEqual, fromBase64Url, toHex } from "../../crypto/bytes.ts";
import { sha256 } from "../../crypto/digest.ts";
import { type AttestationType, type AttestedRegistration, hasMembers } from "./attestation-statement.ts";
import {
  type AuthenticatorData,
  checkAuthenticatorData,
  parseAuthenticatorData,
  signedBytes,
} from "./authenticator-data.ts";
import { decodeCbor, isCborBytes, isCborMap } from "./cbor.ts";
import { checkClientData, type RelyingParty } from "./client-data.ts";
import { type CoseAlgorithm, coseAlgorithms, isUsableCoseKey, parseCoseKey } from "./cose-key.ts";
import { type CheckOf, refuseCeremony, type WebAuthnRefusal } from "./refusal.ts";
import type { AuthenticatorTransport, RegistrationResponse } from "./response.ts";
import { refusalIn, requiresVerification, stateOf, type WebAuthnVerifier } from "./verifier.ts";

export interface RegistrationPolicy {
  /** The algorithms that the options offered. Default: all supported ones. */
  readonly algorithms?: readonly CoseAlgorithm[];
  /** Whether the authenticator must have verified the user. Default `required`. */
  readonly userVerification?: "required" | "preferred" | "discouraged";
  /** `conditional` is the only mediation that works without a present user (step 15). Default `optional`. */
  readonly mediation?: "optional" | "conditional";
  /**
   * Steps 18 and 19: which keys to accept. `eligible`: keys that can be backed up. `backed_up`: keys that are. `single_device`:
   * keys that cannot be. Default `any`.
   */
  readonly backup?: "any" | "eligible" | "backed_up" | "single_device";
  /** Whether an authenticator may add extensions that were not requested. Default `ignored`, as step 28 advises. */
  readonly extensions?: "ignored" | "refused";
}

/** The data to store for a credential: §4, credential record. */
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
  readonly aaguid: AttestationVerdict["aaguid"];
  readonly attestation: AttestationVerdict["attestation"];
}

/** The result of checking an authenticator's statement. */
export interface AttestationVerdict {
  readonly ok: true;
  /** The model, as a UUID; `null` unless a trusted attestation covers it, since any client can claim any model. */
  readonly aaguid: string | null;
  readonly attestation: {
    readonly format: string;
    /** `unverified` if the statement was not read. */
    readonly type: AttestationType | "unverified";
    readonly trusted: boolean;
  };
}

/** Verifies the statement of a registration: steps 21 to 24. */
export type AttestationVerifier = (
  attested: AttestedRegistration & { readonly format: string },
) => Promise<AttestationVerdict | RegistrationRefusal>;

export type RegistrationRefusal = WebAuthnRefusal<CheckOf<"registration">>;

/**
 * Checks whether a response answers our challenge with a new, supported key. Never throws, whatever was sent.
 *
 * @param registration.challenge The bytes that were sent to this client only.
 * @param registration.verifyAttestation By default the statement is not read and proves nothing: an attacker could simply have
 * omitted it.
 * @param registration.verifier Another implementation that must accept the response too, attestation apart.
 */
export async function verifyRegistration(registration: {
  readonly response: RegistrationResponse;
  readonly challenge: Bytes;
  readonly relyingParty: RelyingParty;
  readonly policy?: RegistrationPolicy;
  readonly verifyAttestation?: AttestationVerifier | undefined;
  readonly verifier?: WebAuthnVerifier | undefined;
}): Promise<VerifiedRegistration | WebAuthnRefusal> {
  const { response, challenge, relyingParty, policy = {}, verifyAttestation, verifier } = registration;
  const { clientDataJson, credentialId } = response;
  const { algorithms = coseAlgorithms } = policy;
  const isVerificationRequired = requiresVerification(policy);

  // Steps 5 to 11.
  const clientDataRefusal = checkClientData(clientDataJson, { type: "webauthn.create", challenge, relyingParty });
  if (clientDataRefusal) return clientDataRefusal;

  // Step 13.
  const object = parseAttestationObject(response.attestationObject);
  if (!object) return refuseCeremony("attestation_object");
  const { authenticatorData } = object;
  const data = parseAuthenticatorData(authenticatorData);
  if (!data || !hasAttested(data)) return refuseCeremony("authenticator_data");
  const { publicKey, aaguid } = data.attested;
  const named = fromBase64Url(credentialId);
  if (!named || !constantTimeEqual(named, data.attested.credentialId)) return refuseCeremony("credential_id");

  // Steps 14 to 19.
  const dataRefusal = await checkAuthenticatorData(data, {
    rpId: relyingParty.rpId,
    userPresent: policy.mediation !== "conditional",
    userVerified: isVerificationRequired,
  });
  if (dataRefusal) return dataRefusal;
  if (!isBackupAllowed(data, policy.backup ?? "any")) return refuseCeremony("backup_policy");

  // Step 20.
  const key = parseCoseKey(publicKey);
  if (!key || !(await isUsableCoseKey(key))) return refuseCeremony("public_key");
  if (!algorithms.includes(key.algorithm)) return refuseCeremony("algorithm");

  // Step 28, before the costly part.
  if (policy.extensions === "refused" && data.extensions) return refuseCeremony("extensions");

  if (verifier) {
    const expected = { ...relyingParty, challenge, algorithms, userVerified: isVerificationRequired };
    const ceremony = { response: { credentialId, clientDataJson, authenticatorData }, expected };
    const read = { ...stateOf(data), credentialId, publicKey, aaguid: formatAaguid(aaguid) };
    const refusal = refusalIn(await verifier.registration(ceremony), read);
    if (refusal) return refusal;
  }

  // Steps 21 to 24.
  const { format, statement } = object;
  const verdict = verifyAttestation
    ? await verifyAttestation({
        ...{ format, statement, data, key },
        signed: await signedBytes(authenticatorData, clientDataJson),
        clientDataHash: await sha256(clientDataJson),
      })
    : ({ ok: true, aaguid: null, attestation: { format, type: "unverified", trusted: false } } as const);
  if (!verdict.ok) return verdict;

  const { signCount, userPresent, userVerified, backupEligible, backedUp } = data;
  return {
    ok: true,
    credentialId,
    publicKey,
    algorithm: key.algorithm,
    signCount,
    userPresent,
    userVerified,
    backupEligible,
    backedUp,
    transports: response.transports,
    rpId: relyingParty.rpId,
    aaguid: verdict.aaguid,
    attestation: verdict.attestation,
  };
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

function isBackupAllowed(data: AuthenticatorData, backup: NonNullable<RegistrationPolicy["backup"]>): boolean {
  const { backupEligible, backedUp } = data;
  return { any: true, eligible: backupEligible, backed_up: backedUp, single_device: !backupEligible }[backup];
}

/** The model of an authenticator as a UUID in lower case. */
export function formatAaguid(aaguid: Bytes): string {
  return toHex(aaguid).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
