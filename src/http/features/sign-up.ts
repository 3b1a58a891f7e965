import type { SignUpMode } from "../../engine/core.ts";
import type { Feature } from "../../engine/feature.ts";
import { type SignUpAuth, signUpMode, signUpParts } from "../../operations/sign-up.ts";
import type { SignUpApi } from "../generated/api.ts";
import { signUpRoutes } from "../routes/sign-up.ts";

/**
 * The feature for signing up with a password.
 *
 * @param options.mode `open` lets everyone create an account and reveals whether an identifier is taken. `verify-first` mails a
 * link first, which makes the account, and reveals nothing; it needs the feature `mail`. `invited`
 * requires an invitation, of the feature `invitations`. `closed` refuses everyone, invited or not.
 */
export function signUp(options: { mode: SignUpMode }): Feature<SignUpAuth, SignUpApi> {
  return { name: "signUp", signUp: signUpMode(options.mode), make: signUpParts, routes: signUpRoutes };
}
