import type { Act } from "../act.ts";
import type { ErrorCode } from "../error.ts";

/** Acts with a secret that was mailed. Anyone can ask for one; the answer is the same whether or not an account has the address. */

/** The refusals of an act that spends a link and hashes a password. */
const withPassword: readonly ErrorCode[] = [
  "unauthorized.invalid_link",
  "invalid_format.password",
  "too_many_requests",
  "unavailable.busy",
];

export const requestPasswordReset: Act = {
  name: "requestPasswordReset",
  action: "identity.password.request_reset",
  target: "login",
  refusals: ["too_many_requests"],
};

export const resetPassword: Act = {
  name: "resetPassword",
  action: "identity.password.reset",
  target: "cred",
  locks: ["user"],
  refusals: withPassword,
};

export const requestSignInLink: Act = {
  name: "requestSignInLink",
  action: "identity.sign_in.request_link",
  target: "login",
  refusals: ["too_many_requests"],
};

export const signInWithLink: Act = {
  name: "signInWithLink",
  action: "identity.sign_in",
  target: "cred",
  locks: ["user"],
  refusals: ["unauthorized.invalid_link", "forbidden.enrollment_not_granted"],
};

export const requestSignUp: Act = {
  name: "requestSignUp",
  action: "identity.sign_up.request",
  target: "login",
  refusals: ["forbidden.sign_up_closed", "invalid_format.identifier", "too_many_requests"],
};

export const confirmSignUp: Act = {
  name: "confirmSignUp",
  action: "identity.sign_up",
  target: "login",
  locks: ["identifier"],
  refusals: [...withPassword, "forbidden.sign_up_closed", "invalid_format.name", "conflict.duplicate_credential"],
};

/** Exchanges the code of a message for a secret that does what the message's link does. */
export const exchangeCode: Act = {
  name: "exchangeMailedCode",
  action: "identity.mailed_code.exchange",
  target: "login",
  refusals: ["unauthorized.invalid_link", "too_many_requests"],
};
