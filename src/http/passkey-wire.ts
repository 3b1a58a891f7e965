import { type Passkey, passkey } from "../domain/passkey.ts";
import { toBody, type WireOf } from "../domain/record.ts";
import type { AssertionOptions } from "../operations/passkeys.ts";
import type { RegistrationOptions } from "../operations/registration.ts";

export type PasskeyBody = Omit<WireOf<typeof passkey>, "usr_id">;

interface CredentialDescriptor {
  type: "public-key";
  id: string;
}

/** `PublicKeyCredentialCreationOptionsJSON` (WebAuthn L3 §5.1.9), with the members that a browser expects. */
export interface RegistrationOptionsBody {
  rp: { id: string; name: string };
  user: { id: string; name: string; displayName: string };
  challenge: string;
  pubKeyCredParams: { type: "public-key"; alg: -7 | -8 | -257 }[];
  timeout: number;
  excludeCredentials: CredentialDescriptor[];
  authenticatorSelection: { residentKey: "required"; requireResidentKey: true; userVerification: "required" };
  attestation: "none" | "direct";
}

/** `PublicKeyCredentialRequestOptionsJSON` (WebAuthn L3 §5.1.10). */
export interface AssertionOptionsBody {
  challenge: string;
  timeout: number;
  rpId: string;
  allowCredentials: CredentialDescriptor[];
  userVerification: "required";
}

export function passkeyBody(value: Passkey): PasskeyBody {
  const { usr_id: _owner, ...body } = toBody(passkey, value);
  return body;
}

export function registrationOptionsBody(options: RegistrationOptions): RegistrationOptionsBody {
  return {
    ...options,
    pubKeyCredParams: [...options.pubKeyCredParams],
    excludeCredentials: [...options.excludeCredentials],
  };
}

export function assertionOptionsBody(options: AssertionOptions): AssertionOptionsBody {
  return { ...options, allowCredentials: [...options.allowCredentials] };
}
