import type { Feature } from "../../engine/feature.ts";
import { type Terms, type TermsAuth, termsParts } from "../../operations/terms.ts";
import type { TermsApi } from "../generated/api.ts";
import { termsRoutes } from "../routes/terms.ts";

/**
 * The feature for terms that users accept. Their version and the time are on the user. When the version changes, `requireTerms`
 * refuses users until they have accepted it; nothing else is blocked.
 */
export function terms(options: Terms): Feature<TermsAuth, TermsApi> {
  return { name: "terms", make: (core) => termsParts(core, options), routes: termsRoutes };
}
