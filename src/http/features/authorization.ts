import type { Feature } from "../../engine/feature.ts";
import { type AuthorizationAuth, authorizationParts } from "../../operations/tuples.ts";

/** Checking relational tuples: who holds which relation on what. */
export function authorization(): Feature<AuthorizationAuth> {
  return { name: "authorization", make: authorizationParts, routes: [] };
}
