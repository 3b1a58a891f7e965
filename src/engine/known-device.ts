/**
 * A known device has signed in to the account before. It has its own counter, so that a stranger who guesses cannot lock the
 * owner out (S22, R014).
 *
 * The value is `<credential>.<nonce>.<mac>`, with `.factor` at its end after a second factor, and nothing is stored. It is bound
 * to the credential, which a password change replaces.
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
  /** True if a second factor was proved on it. */
  readonly withFactor: boolean;
}

/** The last part of the value of a device on which a second factor was proved. */
const factorPart = "factor";

/**
 * The value to store on the device after a full sign-in.
 *
 * @param withFactor True after a second factor. Only such a device has its own counter for codes; otherwise a password alone
 * could make many devices, each with its own guesses.
 */
export async function issueKnownDevice(core: Core, credentialId: CredentialId, withFactor = false): Promise<string> {
  const nonce = toBase64Url(randomBytes(16));
  const more = withFactor ? [factorPart] : [];
  const mac = await core.keys.mac("known-device", [credentialId, nonce, ...more]);
  return [credentialId, nonce, toBase64Url(mac!), ...more].join(".");
}

/** The known device that a value proves, or `undefined`. Values from older secrets count until the secret is dropped. */
export async function verifyKnownDevice(core: Core, value: string | undefined): Promise<KnownDevice | undefined> {
  const [credentialId = "", nonce = "", macText = "", ...more] = value?.split(".", 5) ?? [];
  const mac = fromBase64Url(macText);
  const withFactor = more.length === 1 && more[0] === factorPart;
  if (!isValidId(credentialId, "cred") || !mac || (more.length > 0 && !withFactor)) return undefined;
  for (const version of core.keys.versions) {
    const expected = await core.keys.mac("known-device", [credentialId, nonce, ...more], version);
    if (expected && constantTimeEqual(expected, mac)) {
      return { credentialId: uuidFor("cred", credentialId), nonce, withFactor };
    }
  }
  return undefined;
}
