/**
 * The authenticator's part of a ceremony: authenticator data, WebAuthn L3 §6.1, and the checks of §7.1 and §7.2 on its
 * flags.
 *
 * @module
 */
import { type Bytes, constantTimeEqual, joinBytes, utf8 } from "../../crypto/bytes.ts";
import { sha256 } from "../../crypto/digest.ts";
import { type CborMap, decodeFirstCbor, isCborMap } from "./cbor.ts";
import { type CommonCheck, refuseCeremony, type WebAuthnRefusal } from "./refusal.ts";

export interface AuthenticatorData {
  readonly rpIdHash: Bytes;
  readonly userPresent: boolean;
  readonly userVerified: boolean;
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
  readonly signCount: number;
  readonly attested?: AttestedCredentialData;
  /** Data only: no extension is requested, so nothing acts on them. */
  readonly extensions?: CborMap;
}

/** §6.5.1. */
export interface AttestedCredentialData {
  readonly aaguid: Bytes;
  readonly credentialId: Bytes;
  /** The COSE_Key as it was sent. */
  readonly publicKey: Bytes;
}

/** §6.1 table 1. */
const flagBits = {
  userPresent: 0x01,
  userVerified: 0x04,
  backupEligible: 0x08,
  backedUp: 0x10,
  attested: 0x40,
  extensions: 0x80,
} as const;

/** RP ID hash, flags and counter. */
const headBytes = 37;

/** §6.5.1: longer ones are refused, also by step 25 of §7.1. */
const maxCredentialIdBytes = 1023;

/** The parts, or `undefined` unless the flags account for every byte. */
export function parseAuthenticatorData(bytes: Bytes): AuthenticatorData | undefined {
  if (bytes.length < headBytes) return undefined;
  const flags = bytes[32]!;
  const has = (flag: keyof typeof flagBits) => (flags & flagBits[flag]) !== 0;
  let rest = bytes.slice(headBytes);

  const attested = has("attested") ? readAttested(rest) : undefined;
  if (has("attested") && !attested) return undefined;
  if (attested) rest = rest.slice(attested.length);

  const extensions = has("extensions") ? decodeFirstCbor(rest) : undefined;
  if (has("extensions") && !isCborMap(extensions?.value)) return undefined;
  if (rest.length !== (extensions?.length ?? 0)) return undefined;

  return {
    rpIdHash: bytes.slice(0, 32),
    userPresent: has("userPresent"),
    userVerified: has("userVerified"),
    backupEligible: has("backupEligible"),
    backedUp: has("backedUp"),
    signCount: new DataView(bytes.buffer, bytes.byteOffset).getUint32(33),
    ...(attested && { attested: attested.value }),
    ...(extensions && { extensions: extensions.value as CborMap }),
  };
}

/**
 * The first check that the data fails, among the checks that both ceremonies make: the RP ID, user presence, user verification,
 * and that a key that cannot be backed up is not backed up (§6.1.3).
 */
export async function checkAuthenticatorData(
  data: AuthenticatorData,
  expected: { readonly rpId: string; readonly userPresent: boolean; readonly userVerified: boolean },
): Promise<WebAuthnRefusal<CommonCheck> | undefined> {
  const rpIdHash = await sha256(utf8(expected.rpId));
  if (!constantTimeEqual(data.rpIdHash, rpIdHash)) return refuseCeremony("rp_id");
  if (expected.userPresent && !data.userPresent) return refuseCeremony("user_present");
  if (expected.userVerified && !data.userVerified) return refuseCeremony("user_verified");
  if (data.backedUp && !data.backupEligible) return refuseCeremony("backup_flags");
  return undefined;
}

/** What signatures cover: authenticator data and the hash of the client data (§6.3.3 step 11, §6.5.5). */
export async function signedBytes(authenticatorData: Bytes, clientDataJson: Bytes): Promise<Bytes> {
  return joinBytes(authenticatorData, await sha256(clientDataJson));
}

function readAttested(bytes: Bytes): { readonly value: AttestedCredentialData; readonly length: number } | undefined {
  if (bytes.length < 18) return undefined;
  const idBytes = bytes[16]! * 256 + bytes[17]!;
  if (idBytes === 0 || idBytes > maxCredentialIdBytes || bytes.length < 18 + idBytes) return undefined;
  const key = decodeFirstCbor(bytes.slice(18 + idBytes));
  if (!isCborMap(key?.value)) return undefined;
  const length = 18 + idBytes + key.length;
  const value = {
    aaguid: bytes.slice(0, 16),
    credentialId: bytes.slice(18, 18 + idBytes),
    publicKey: bytes.slice(18 + idBytes, length),
  };
  return { value, length };
}
