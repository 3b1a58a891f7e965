import type { Act, GuardedAct } from "../act.ts";

export const requestVerification: GuardedAct = {
  name: "requestIdentifierVerification",
  action: "identity.identifier.request_verification",
  target: "cred",
  who: { owner: true },
  locks: ["user"],
  refusals: ["not_found", "invalid_format.identifier", "precondition.invalid_transition", "too_many_requests"],
};

/** Asks for the link that proves a new address, in place of one of the user's own. The target is a digest of the new address. */
export const requestIdentifierChange: GuardedAct = {
  name: "requestIdentifierChange",
  action: "identity.identifier.request_change",
  target: "login",
  who: { owner: "fresh" },
  locks: ["user"],
  refusals: ["not_found", "invalid_format.identifier", "precondition.invalid_transition", "too_many_requests"],
};

/** Spends the link of a new address. The target is the password that had the old one. */
export const changeIdentifier: GuardedAct = {
  name: "changeIdentifier",
  action: "identity.identifier.change",
  target: "cred",
  who: { owner: "fresh" },
  locks: ["identifier", "user"],
  refusals: ["unauthorized.invalid_link", "unauthorized.invalid_credential", "conflict.duplicate_credential"],
};

/** Spends a link in a session of the account. */
export const verifyOwnIdentifier: GuardedAct = {
  name: "verifyOwnIdentifier",
  action: "identity.identifier.verify",
  target: "cred",
  who: { owner: "fresh" },
  locks: ["user"],
  refusals: ["unauthorized.invalid_link", "unauthorized.invalid_credential"],
};

/** Spends a link without a session, with the account's password or a new one. */
export const verifyIdentifier: Act = {
  name: "verifyIdentifier",
  action: "identity.identifier.verify",
  target: "cred",
  locks: ["user"],
  refusals: [
    "unauthorized.invalid_link",
    "unauthorized.invalid_credential",
    "unauthorized.reauthentication_required",
    "invalid_format.password",
    "too_many_requests",
    "unavailable.busy",
  ],
};
