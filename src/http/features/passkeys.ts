import type { Feature } from "../../engine/feature.ts";
import type { PasskeyOptions } from "../../engine/passkey-settings.ts";
import { type PasskeyAuth, passkeyParts } from "../../operations/passkeys.ts";
import type { PasskeysApi } from "../generated/api.ts";
import { passkeyRoutes } from "../routes/passkeys.ts";

/** The feature for passkeys, and for security keys as second factors (W3C WebAuthn Level 3). */
export function passkeys(options: PasskeyOptions = {}): Feature<PasskeyAuth, PasskeysApi> {
  return { name: "passkeys", make: (core) => passkeyParts(core, options), routes: passkeyRoutes };
}
