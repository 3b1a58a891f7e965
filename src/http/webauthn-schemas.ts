/**
 * The browser's WebAuthn JSON in requests: the dictionaries of W3C WebAuthn Level 3 §5.1.8, with the standard's members. Members
 * that a later level adds are ignored. The operations check the contents.
 *
 * @module
 */
import * as v from "valibot";
import type { AuthenticationResponseBody, RegistrationResponseBody } from "./generated/api.ts";
import type { Schema } from "./schema.ts";

const text = v.string;
const maybe = () => v.optional(v.string());

/** `AuthenticationExtensionsClientOutputsJSON`. None is requested, and none is read. */
const extensionResults = () =>
  v.object({
    appid: v.optional(v.boolean()),
    appidExclude: v.optional(v.boolean()),
    credProps: v.optional(v.object({ rk: v.optional(v.boolean()) })),
  });

/** The members that both responses have. */
const common = () => ({
  id: text(),
  rawId: text(),
  type: v.literal("public-key"),
  authenticatorAttachment: v.optional(v.nullable(text())),
  clientExtensionResults: v.optional(extensionResults()),
});

/** `RegistrationResponseJSON`. */
export const registrationResponseBody: Schema<RegistrationResponseBody> = () =>
  v.object({
    ...common(),
    response: v.object({
      clientDataJSON: text(),
      attestationObject: text(),
      authenticatorData: maybe(),
      transports: v.optional(v.array(text())),
      publicKey: v.optional(v.nullable(text())),
      publicKeyAlgorithm: v.optional(v.number()),
    }),
  });

/** `AuthenticationResponseJSON`. */
export const authenticationResponseBody: Schema<AuthenticationResponseBody> = () =>
  v.object({
    ...common(),
    response: v.object({
      clientDataJSON: text(),
      authenticatorData: text(),
      signature: text(),
      userHandle: v.optional(v.nullable(text())),
    }),
  });
