import type { Act, GuardedAct } from "../act.ts";

export const createSession: Act = {
  name: "createSession",
  action: "identity.session.create",
  target: "ses",
  locks: ["user"],
  refusals: ["unauthorized.invalid_ticket", "precondition.ttl_too_short"],
};

export const getSession: GuardedAct = {
  name: "getSession",
  action: "identity.session.read",
  target: "ses",
  who: { owner: true, administrator: true },
};

export const listSessions: GuardedAct = {
  name: "listUserSessions",
  action: "identity.session.list",
  target: "usr",
  who: { owner: true, administrator: true },
  refusals: ["invalid_format.cursor"],
};

export const refreshSession: Act = {
  name: "refreshSession",
  action: "identity.session.refresh",
  target: "ses",
  locks: ["user"],
  refusals: ["unauthorized.session_expired", "unauthorized.mfa_required"],
};

export const revokeSession: GuardedAct = {
  name: "revokeSession",
  action: "identity.session.revoke",
  target: "ses",
  who: { owner: true, administrator: true },
  locks: ["user"],
};

export const revokeOtherSessions: GuardedAct = {
  name: "revokeOtherSessions",
  action: "identity.session.revoke_others",
  target: "usr",
  who: { owner: true, administrator: true },
  locks: ["user"],
};

export const signOut: Act = {
  name: "signOut",
  action: "identity.session.sign_out",
  target: "ses",
  locks: ["user"],
};

/** Users prove only their own factors. */
export const stepUp: GuardedAct = {
  name: "stepUp",
  action: "identity.session.step_up",
  target: "usr",
  who: { owner: true },
  locks: ["user"],
  refusals: [
    "unauthorized.invalid_factor",
    "unauthorized.user_not_verified",
    "unauthorized.replayed_totp",
    "too_many_requests",
    "unavailable.busy",
    "unauthorized.invalid_credential",
    "unauthorized.reauthentication_required",
  ],
};
