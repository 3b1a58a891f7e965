import type { Feature } from "../../engine/feature.ts";
import { type AuthorizationAuth, type AuthorizationOptions, authorizationParts } from "../../operations/tuples.ts";

/** The feature for checking relational tuples: which subject has which relation to which object. */
export function authorization(options: AuthorizationOptions = {}): Feature<AuthorizationAuth> {
  return { name: "authorization", make: (core) => authorizationParts(core, options) };
}
