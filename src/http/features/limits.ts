import type { Feature } from "../../engine/feature.ts";
import { type LimitAuth, limitParts } from "../../operations/limits.ts";

/** The feature for seeing and lifting limits on attempts. It has no routes. */
export function limits(): Feature<LimitAuth> {
  return { name: "limits", make: limitParts };
}
