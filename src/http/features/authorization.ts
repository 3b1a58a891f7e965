import type { Feature } from "../../engine/feature.ts";
import { type AuthorizationAuth, type AuthorizationOptions, authorizationParts } from "../../operations/tuples.ts";
import type { AuthorizationApi } from "../generated/api.ts";
import { tupleRoutes } from "../routes/tuples.ts";

/** The feature for relational tuples: which subject has which relation to which object. */
export function authorization(options: AuthorizationOptions = {}): Feature<AuthorizationAuth, AuthorizationApi> {
  return { name: "authorization", make: (core) => authorizationParts(core, options), routes: tupleRoutes };
}
