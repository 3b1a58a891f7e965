import type { Feature } from "../../engine/feature.ts";
import { type AdministrationAuth, administrationParts } from "../../operations/administrators.ts";

/**
 * The feature for granting and removing the right to administer. It has no routes: the command line makes the first
 * administrator.
 */
export function administration(): Feature<AdministrationAuth> {
  return { name: "administration", make: administrationParts };
}
