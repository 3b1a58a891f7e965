import { type Bytes, toBase64Url, toHex } from "../../../src/crypto/bytes.ts";
import { parseAuthenticatorData } from "../../../src/domain/webauthn/authenticator-data.ts";
import { decodeCbor, isCborBytes, isCborMap } from "../../../src/domain/webauthn/cbor.ts";

/** The credential in an attestation object; empty if it cannot be read. */
export function attestedOf(attestationObject: Bytes): {
  readonly credentialId: string;
  readonly publicKey: Bytes;
  readonly aaguid: string;
  readonly userVerified: boolean;
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
} {
  const object = decodeCbor(attestationObject);
  const bytes = isCborMap(object) ? object.get("authData") : undefined;
  const data = isCborBytes(bytes) ? parseAuthenticatorData(bytes) : undefined;
  const {
    credentialId = new Uint8Array(),
    publicKey = new Uint8Array(),
    aaguid = new Uint8Array(),
  } = data?.attested ?? {};
  return {
    credentialId: toBase64Url(credentialId),
    publicKey,
    aaguid: toHex(aaguid).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    userVerified: data?.userVerified ?? false,
    backupEligible: data?.backupEligible ?? false,
    backedUp: data?.backedUp ?? false,
  };
}
