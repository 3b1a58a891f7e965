import type { Feature } from "../../engine/feature.ts";
import { type Terms, type TermsAuth, termsParts } from "../../operations/terms.ts";
import type { TermsApi } from "../generated/api.ts";
import { termsRoutes } from "../routes/terms.ts";

/**
 * The feature for terms that users accept. The version that a user accepted, and the time, are on the user. When the terms' version
 * changes, `requireTerms` refuses users until they have accepted the new one; nothing else is blocked.
 */
export function terms(options: Terms): Feature<TermsAuth, TermsApi> {
  return { name: "terms", make: (core) => termsParts(core, options), routes: termsRoutes };
}
