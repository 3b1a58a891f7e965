/**
 * Sallyport without routes: the same features, for applications that write their own handlers or have no HTTP at all.
 *
 * @module
 */
import type { PasswordSettings, SignUpMode } from "./engine/core.ts";
import type { Feature } from "./engine/feature.ts";
import { type AccountAuth, accountParts } from "./operations/accounts.ts";
import { type PasswordAuth, passwordParts } from "./operations/sign-in.ts";
import { type SignUpAuth, signUpMode, signUpParts } from "./operations/sign-up.ts";

export { type Auth, type AuthFor, createAuth } from "./operations/auth.ts";

/** The feature for signing in with an identifier and a password. It takes the options of `passwords` of `sallyport`. */
export function passwords(options: PasswordSettings): Feature<PasswordAuth> {
  return { name: "passwords", passwords: options, make: passwordParts };
}

/** The feature for signing up with a password. It takes the options of `signUp` of `sallyport`. */
export function signUp(options: { mode: SignUpMode }): Feature<SignUpAuth> {
  return { name: "signUp", signUp: signUpMode(options.mode), make: signUpParts };
}

/** The feature for managing accounts: users, credentials and sessions. */
export function accounts(): Feature<AccountAuth> {
  return { name: "accounts", make: accountParts };
}
