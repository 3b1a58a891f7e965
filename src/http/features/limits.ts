import type { Feature } from "../../engine/feature.ts";
import { type LimitAuth, limitParts } from "../../operations/limits.ts";
import type { LimitsApi } from "../generated/api.ts";
import { limitRoutes } from "../routes/limits.ts";

/** The feature for seeing and lifting limits on attempts, for administrators. */
export function limits(): Feature<LimitAuth, LimitsApi> {
  return { name: "limits", make: limitParts, routes: limitRoutes };
}
