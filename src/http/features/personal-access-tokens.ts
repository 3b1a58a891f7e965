import type { Feature } from "../../engine/feature.ts";
import {
  type PersonalAccessTokenAuth,
  type PersonalAccessTokenOptions,
  personalAccessTokenParts,
} from "../../operations/personal-access-tokens.ts";
import type { PersonalAccessTokensApi } from "../generated/api.ts";
import { personalAccessTokenRoutes } from "../routes/personal-access-tokens.ts";

/**
 * The feature for personal access tokens: a user's long-lived secrets for programs. They reach only routes that name a scope.
 */
export function personalAccessTokens(
  options: PersonalAccessTokenOptions = {},
): Feature<PersonalAccessTokenAuth, PersonalAccessTokensApi> {
  return {
    name: "personalAccessTokens",
    make: (core) => personalAccessTokenParts(core, options),
    routes: personalAccessTokenRoutes,
  };
}
