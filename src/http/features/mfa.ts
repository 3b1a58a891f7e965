import type { Feature } from "../../engine/feature.ts";
import type { MfaOptions } from "../../engine/mfa-settings.ts";
import { codesOf, type MfaAuth, mfaParts } from "../../operations/mfa.ts";
import type { MfaApi } from "../generated/api.ts";
import { mfaRoutes } from "../routes/factors.ts";

/** The feature for second factors: authenticator apps, recovery codes, and the policy that requires a factor. */
export function mfa(options: MfaOptions): Feature<MfaAuth, MfaApi> {
  return {
    name: "mfa",
    make: (core) => mfaParts(core, options),
    routes: mfaRoutes,
    codes: (core) => codesOf(core, options),
  };
}
