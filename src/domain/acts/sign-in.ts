import type { Act, Audited } from "../act.ts";

/** Acts before authentication. Their target is the digest of the login that was tried. */

export const signIn: Act = {
  name: "signIn",
  action: "identity.sign_in",
  target: "login",
  locks: ["user"],
  refusals: [
    "unauthorized.invalid_credential",
    "forbidden.enrollment_not_granted",
    "too_many_requests",
    "unavailable.busy",
  ],
};

/** The first refusal of a window, once its attempts are used up. */
export const signInLimited: Audited = { action: "identity.sign_in.limited", target: "login" };

export const signInWithPasskey: Act = {
  name: "signInWithPasskey",
  action: "identity.sign_in",
  target: "login",
  locks: ["user"],
  refusals: ["unauthorized.invalid_credential", "unauthorized.user_not_verified", "too_many_requests"],
};

export const signUp: Act = {
  name: "signUp",
  action: "identity.sign_up",
  target: "login",
  locks: ["identifier"],
  refusals: [
    "forbidden.sign_up_closed",
    "invalid_format.identifier",
    "invalid_format.name",
    "invalid_format.password",
    "conflict.duplicate_credential",
    "too_many_requests",
    "unavailable.busy",
  ],
};
