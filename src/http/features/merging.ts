import type { Feature } from "../../engine/feature.ts";
import { type MergingAuth, mergingParts } from "../../operations/merging.ts";
import type { MergingApi } from "../generated/api.ts";
import { mergingRoutes } from "../routes/merging.ts";

/** The feature for merging two accounts of one person, who has signed in to both in one browser. It needs `accounts`. */
export function merging(): Feature<MergingAuth, MergingApi> {
  return { name: "merging", make: mergingParts, routes: mergingRoutes };
}
