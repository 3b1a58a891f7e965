import type { PasswordSettings } from "../../engine/core.ts";
import type { Feature } from "../../engine/feature.ts";
import { type PasswordAuth, passwordParts } from "../../operations/sign-in.ts";
import type { PasswordsApi } from "../generated/api.ts";
import { passwordRoutes } from "../routes/passwords.ts";

/**
 * The feature for signing in with an identifier and a password.
 *
 * @param options.hasher `argon2id()` of `sallyport/argon2id`. It also hashes recovery codes and personal access tokens.
 */
export function passwords(options: PasswordSettings): Feature<PasswordAuth, PasswordsApi> {
  return { name: "passwords", passwords: options, make: passwordParts, routes: passwordRoutes };
}
