/**
 * What requests about passkeys may hold. A browser's answer is kept to its shape by whoever reads it.
 *
 * @module
 */
import * as v from "valibot";

/** `RegistrationResponseJSON` or `AuthenticationResponseJSON` (WebAuthn L3 §5.1.8); members that we do not know are let be. */
export type BrowserResponse = { [member: string]: unknown };

const browserResponse: v.GenericSchema<unknown, BrowserResponse> = v.looseObject({});
const name = v.string();

export interface PasskeyOptionsBody {
  identifier?: string | undefined;
}

export const passkeyOptionsBody: v.GenericSchema<unknown, PasskeyOptionsBody> = v.strictObject({
  identifier: v.optional(v.string()),
});

export interface RegisterPasskeyBody {
  response: BrowserResponse;
  name?: string | undefined;
}

export const registerPasskeyBody: v.GenericSchema<unknown, RegisterPasskeyBody> = v.strictObject({
  response: browserResponse,
  name: v.optional(name),
});

export interface RenamePasskeyBody {
  name: string;
}

export const renamePasskeyBody: v.GenericSchema<unknown, RenamePasskeyBody> = v.strictObject({ name });

export interface PasskeySignInBody {
  response: BrowserResponse;
  transport?: "cookie" | "token" | undefined;
}

export const passkeySignInBody: v.GenericSchema<unknown, PasskeySignInBody> = v.strictObject({
  response: browserResponse,
  transport: v.optional(v.picklist(["cookie", "token"])),
});
