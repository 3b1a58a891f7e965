import { type Bytes, fromBase64Url, fromHex, toBase64Url, toHex } from "../crypto/bytes.ts";
import { AuthError } from "../domain/error.ts";
import { uuidFor } from "../domain/id.ts";
import type { WebAuthnRefusal } from "../domain/webauthn/refusal.ts";
import { verifyRegistration } from "../domain/webauthn/registration.ts";
import {
  type AuthenticatorTransport,
  authenticatorTransports,
  parseRegistrationResponse,
} from "../domain/webauthn/response.ts";
import { admitted } from "../engine/admission.ts";
import { type CeremonyBinding, ceremonySeconds, challengeOf, verifyChallenge } from "../engine/challenges.ts";
import { isDecoy } from "../engine/decoy-credentials.ts";
import type { PasskeyCore, UserVerification } from "../engine/passkey-settings.ts";
import type { FactorHolder } from "../store/factor-holder.ts";
import type * as store from "../store/webauthn.ts";

/** `PublicKeyCredentialCreationOptionsJSON`, WebAuthn L3 §5.1.9, with the members used here. */
export interface RegistrationOptions {
  readonly rp: { readonly id: string; readonly name: string };
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly challenge: string;
  readonly pubKeyCredParams: readonly { readonly type: "public-key"; readonly alg: -7 | -8 | -257 }[];
  /** Milliseconds. */
  readonly timeout: number;
  readonly excludeCredentials: readonly CredentialDescriptor[];
  readonly authenticatorSelection: {
    readonly residentKey: "required" | "discouraged";
    readonly requireResidentKey: boolean;
    readonly userVerification: UserVerification;
  };
  readonly attestation: "none" | "direct";
}

/** `PublicKeyCredentialDescriptorJSON`: a credential, and how its authenticator can be reached, if it has said so. */
export interface CredentialDescriptor {
  readonly type: "public-key";
  readonly id: string;
  readonly transports?: readonly AuthenticatorTransport[];
}

const algorithms = [-7, -8, -257] as const;

/**
 * The options of a registration, in an authenticator that has no credential of this user yet. If the user must be verified, the
 * credential is discoverable. A key without a PIN can be neither.
 */
export function creationOptions(
  { relyingParty, rpName, attestation }: PasskeyCore,
  row: store.RegistrationOptionsRow,
  challenge: Bytes,
  userVerification: UserVerification,
): RegistrationOptions {
  const isDiscoverable = userVerification === "required";
  return {
    rp: { id: relyingParty.rpId, name: rpName },
    user: {
      id: toBase64Url(fromHex(row.handle)!),
      name: row.loginName,
      displayName: row.displayName ?? row.loginName,
    },
    challenge: toBase64Url(challenge),
    pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key", alg })),
    timeout: ceremonySeconds * 1000,
    excludeCredentials: row.credentials.map(descriptorOf),
    authenticatorSelection: {
      residentKey: isDiscoverable ? "required" : "discouraged",
      requireResidentKey: isDiscoverable,
      userVerification,
    },
    attestation: attestation ? "direct" : "none",
  };
}

/** A stored credential as WebAuthn L3 §5.8.3 has it. */
export function descriptorOf(stored: store.StoredCredential): CredentialDescriptor {
  const [id = "", ...named] = stored.split(" ");
  const transports = authenticatorTransports.filter((transport) => named.includes(transport));
  return { type: "public-key", id, ...(transports.length > 0 && { transports }) };
}

/**
 * The key that a registration proves, if it answers a challenge issued here for this binding.
 *
 * @param ceremony.response `RegistrationResponseJSON` as the browser returns it.
 * @throws {AuthError} `invalid_format.webauthn` with the reason, `invalid_format.user_not_verified`, and `too_many_requests` if
 *   attestation is verified.
 */
export async function verifyKey(
  core: PasskeyCore,
  ceremony: {
    response: unknown;
    binding: CeremonyBinding;
    holder: FactorHolder;
    userVerification: UserVerification;
  },
): Promise<store.RegisteredKey> {
  const { binding, holder, userVerification } = ceremony;
  const response = parseRegistrationResponse(ceremony.response);
  if (!response) throw refused("malformed");
  const challenge = fromBase64Url(challengeOf(response.clientDataJson) ?? "");
  const spent = challenge && (await verifyChallenge(core, challenge, binding));
  if (!spent) throw refused("challenge_mismatch");
  const { relyingParty, attestation, verifier } = core;
  // Certificates are checked at the challenge's time, which is the database's, not at this machine's.
  const verifyAttestation = attestation?.verifierAt(spent.expiresAt);
  const policy = { userVerification };
  const registration = { response, challenge, relyingParty, policy, verifyAttestation, verifier };
  const verify = () => verifyRegistration(registration);
  const verified = attestation
    ? await admitted(core, { admissions: attestation.admissions, of: placeOf(holder) }, verify)
    : await verify();
  if (!verified.ok) throw refused(verified.reason);
  const { credentialId, publicKey, signCount, rpId, transports, aaguid, backupEligible, backedUp } = verified;
  return {
    ...{ credentialId, signCount, rpId, transports, aaguid, backupEligible, backedUp },
    publicKey: toHex(publicKey),
    isDecoy: await isDecoy(core, credentialId),
    challenge: spent,
  };
}

/** Whose registrations are counted together. A ticket costs its user a counted password. */
function placeOf(holder: FactorHolder): string {
  if ("ticketHash" in holder) return holder.ticketHash;
  return "sessionId" in holder && holder.actor.userId ? uuidFor("usr", holder.actor.userId) : "";
}

/** The caller is the user whom the key is for, so the reason reveals nothing. */
function refused(reason: WebAuthnRefusal["reason"]): AuthError {
  return reason === "user_not_verified"
    ? new AuthError("invalid_format.user_not_verified")
    : new AuthError("invalid_format.webauthn", { details: { reason } });
}
