import { type Passkey, passkey } from "../domain/passkey.ts";
import { toBody } from "../domain/record.ts";
import type { AssertionOptions } from "../operations/passkeys.ts";
import type { CredentialDescriptor, RegistrationOptions } from "../operations/registration.ts";
import type {
  AssertionOptionsBody,
  CredentialDescriptorBody,
  PasskeyBody,
  RegistrationOptionsBody,
} from "./generated/api.ts";

export function passkeyBody(value: Passkey): PasskeyBody {
  const { usr_id: _owner, ...body } = toBody(passkey, value);
  return body;
}

/** `PublicKeyCredentialCreationOptionsJSON` (WebAuthn L3 §5.1.9), with the members that a browser expects. */
export function registrationOptionsBody(options: RegistrationOptions): RegistrationOptionsBody {
  return {
    ...options,
    pubKeyCredParams: [...options.pubKeyCredParams],
    excludeCredentials: options.excludeCredentials.map(descriptorBody),
  };
}

/** `PublicKeyCredentialRequestOptionsJSON` (WebAuthn L3 §5.1.10). */
export function assertionOptionsBody(options: AssertionOptions): AssertionOptionsBody {
  return { ...options, allowCredentials: options.allowCredentials.map(descriptorBody) };
}

function descriptorBody({ transports, ...descriptor }: CredentialDescriptor): CredentialDescriptorBody {
  return { ...descriptor, ...(transports && { transports: [...transports] }) };
}
