import { type Bytes, fromBase64Url, fromHex, toBase64Url, toHex } from "../crypto/bytes.ts";
import { verifyRegistration } from "../domain/webauthn/registration.ts";
import type { RegistrationResponse } from "../domain/webauthn/response.ts";
import { type CeremonyBinding, ceremonySeconds, challengeOf, verifyChallenge } from "../engine/challenges.ts";
import { isDecoy } from "../engine/decoy-credentials.ts";
import type { PasskeyCore } from "../engine/passkey-settings.ts";
import type * as store from "../store/webauthn.ts";

/** `PublicKeyCredentialCreationOptionsJSON`, WebAuthn L3 §5.1.9, with the members used here. */
export interface RegistrationOptions {
  readonly rp: { readonly id: string; readonly name: string };
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly challenge: string;
  readonly pubKeyCredParams: readonly { readonly type: "public-key"; readonly alg: -7 | -8 | -257 }[];
  /** Milliseconds. */
  readonly timeout: number;
  readonly excludeCredentials: readonly { readonly type: "public-key"; readonly id: string }[];
  readonly authenticatorSelection: {
    readonly residentKey: "required";
    readonly requireResidentKey: true;
    readonly userVerification: "required";
  };
  readonly attestation: "none" | "direct";
}

const algorithms = [-7, -8, -257] as const;

/**
 * The options of a registration: a discoverable credential with user verification, in an authenticator that has no credential
 * of this user yet.
 */
export function creationOptions(
  { relyingParty, rpName, attestation }: PasskeyCore,
  row: store.RegistrationOptionsRow,
  challenge: Bytes,
): RegistrationOptions {
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
    excludeCredentials: row.credentialIds.map((id) => ({ type: "public-key", id })),
    authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
    attestation: attestation ? "direct" : "none",
  };
}

/** The key that a registration proves, if it answers a challenge issued here for this binding. */
export async function verifyKey(
  core: PasskeyCore,
  response: RegistrationResponse,
  binding: CeremonyBinding,
): Promise<store.RegisteredKey | undefined> {
  const challenge = fromBase64Url(challengeOf(response.clientDataJson) ?? "");
  const spent = challenge && (await verifyChallenge(core, challenge, binding));
  if (!spent) return undefined;
  const { relyingParty, attestation } = core;
  // Certificates are checked at the challenge's time, which is the database's, not at this machine's.
  const verifyAttestation = attestation?.verifierAt(spent.expiresAt);
  const verified = await verifyRegistration({ response, challenge, relyingParty, verifyAttestation });
  if (!verified.ok) return undefined;
  const { credentialId, publicKey, signCount, rpId, transports, aaguid, backupEligible, backedUp } = verified;
  return {
    ...{ credentialId, signCount, rpId, transports, aaguid, backupEligible, backedUp },
    publicKey: toHex(publicKey),
    isDecoy: await isDecoy(core, credentialId),
    challenge: spent,
  };
}
