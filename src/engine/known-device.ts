/**
 * A known device has signed in to the account before. It has its own counter, so that a stranger who guesses cannot lock the
 * owner out (S22, R014).
 *
 * The value is `<credential>.<nonce>.<mac>` and nothing is stored. It is bound to the credential, which a password change
 * replaces.
 *
 * @module
 */
import { constantTimeEqual, fromBase64Url, randomBytes, toBase64Url } from "../crypto/bytes.ts";
import { type CredentialId, isValidId, uuidFor } from "../domain/id.ts";
import type { Core } from "./core.ts";

export interface KnownDevice {
  readonly credentialId: string;
  /** Its attempts are counted by this. */
  readonly nonce: string;
}

/** The value to store on the device after a full sign-in. */
export async function issueKnownDevice(core: Core, credentialId: CredentialId): Promise<string> {
  const nonce = toBase64Url(randomBytes(16));
  const mac = await core.keys.mac("known-device", [credentialId, nonce]);
  return `${credentialId}.${nonce}.${toBase64Url(mac!)}`;
}

/** The known device that a value proves, or `undefined`. Values from older secrets count until the secret is dropped. */
export async function verifyKnownDevice(core: Core, value: string | undefined): Promise<KnownDevice | undefined> {
  const [credentialId = "", nonce = "", macText = "", ...rest] = value?.split(".", 4) ?? [];
  const mac = fromBase64Url(macText);
  if (!isValidId(credentialId, "cred") || !mac || rest.length > 0) return undefined;
  for (const version of core.keys.versions) {
    const expected = await core.keys.mac("known-device", [credentialId, nonce], version);
    if (expected && constantTimeEqual(expected, mac)) return { credentialId: uuidFor("cred", credentialId), nonce };
  }
  return undefined;
}
