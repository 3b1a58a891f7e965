import type { Feature } from "../../engine/feature.ts";
import type { FederationOptions } from "../../engine/federation-settings.ts";
import { federationParts } from "../../operations/federation.ts";
import type { FederationAuth } from "../../operations/federation-operations.ts";
import type { FederationApi } from "../generated/api.ts";
import { federationRoutes } from "../routes/federation.ts";

/** The feature for signing in with providers: `federation({ providers: [google({ … })] })`. */
export function federation(options: FederationOptions): Feature<FederationAuth, FederationApi> {
  return {
    name: "federation",
    make: (core) => federationParts(core, options),
    routes: federationRoutes,
    issuers: () => options.providers.flatMap(({ issuers }) => issuers),
  };
}
