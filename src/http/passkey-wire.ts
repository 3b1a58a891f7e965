import type { Passkey } from "../domain/passkey.ts";
import type { Status } from "../domain/user.ts";
import type { AssertionOptions } from "../operations/passkeys.ts";
import type { RegistrationOptions } from "../operations/registration.ts";

export interface PasskeyBody {
  id: string;
  status: Status;
  name: string | null;
  transports: string[];
  aaguid: string | null;
  backup_eligible: boolean;
  backed_up: boolean;
  created_at: string;
  last_used_at: string | null;
}

interface CredentialDescriptor {
  type: "public-key";
  id: string;
}

/** `PublicKeyCredentialCreationOptionsJSON` (WebAuthn L3 §5.1.9), in the members that a browser expects. */
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

export function passkeyBody(passkey: Passkey): PasskeyBody {
  return {
    id: passkey.id,
    status: passkey.status,
    name: passkey.name,
    transports: [...passkey.transports],
    aaguid: passkey.aaguid,
    backup_eligible: passkey.backupEligible,
    backed_up: passkey.backedUp,
    created_at: passkey.createdAt.toISOString(),
    last_used_at: passkey.lastUsedAt?.toISOString() ?? null,
  };
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
