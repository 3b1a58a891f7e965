import type { SignUpMode } from "../../engine/core.ts";
import type { Feature } from "../../engine/feature.ts";
import { type SignUpAuth, signUpParts } from "../../operations/sign-up.ts";
import type { SignUpApi } from "../generated/api.ts";
import { signUpRoutes } from "../routes/sign-up.ts";

/**
 * Creating an account with a password.
 *
 * @param options.mode `open` lets everyone create an account and reveals whether an identifier is taken. `invited` needs an
 * invitation. `closed` refuses everyone.
 */
export function signUp(options: { mode: SignUpMode }): Feature<SignUpAuth, SignUpApi> {
  return { name: "signUp", signUp: options.mode, make: signUpParts, routes: signUpRoutes };
}
