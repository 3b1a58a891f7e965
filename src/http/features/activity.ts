import type { Feature } from "../../engine/feature.ts";
import { type ActivityAuth, activityParts } from "../../operations/activity.ts";
import type { ActivityApi } from "../generated/api.ts";
import { activityRoutes } from "../routes/activity.ts";

/** The feature for reading what has happened to an account. Callers read their own, administrators any. */
export function activity(): Feature<ActivityAuth, ActivityApi> {
  return { name: "activity", make: activityParts, routes: activityRoutes };
}
