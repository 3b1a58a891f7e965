import { type Act, type Audited, type GuardedAct, withKey } from "../act.ts";

export const listFactors: GuardedAct = {
  name: "listMfaFactors",
  action: "identity.mfa.list",
  target: "usr",
  who: { owner: true, administrator: true },
};

export const enrollFactor: GuardedAct = {
  name: "enrollMfaFactor",
  action: "identity.mfa.enroll",
  target: "mfa",
  who: { owner: "fresh" },
  locks: ["user"],
  refusals: [
    "invalid_format.name",
    "invalid_format.rp_id",
    "forbidden",
    "precondition.factor_needed_first",
    // For a secret: an app's, or recovery codes.
    ...withKey,
  ],
};

export const confirmFactor: GuardedAct = {
  name: "confirmMfaEnrollment",
  action: "identity.mfa.confirm",
  target: "mfa",
  who: { owner: "fresh" },
  locks: ["user"],
  refusals: [
    "forbidden",
    "invalid_format.webauthn",
    "invalid_format.user_not_verified",
    "conflict.duplicate_credential",
    "precondition.factor_not_pending",
    "precondition.factor_code_invalid",
    "too_many_requests",
  ],
};

/** A second factor for a login ticket. */
export const verifyFactor: Act = {
  name: "verifyMfa",
  action: "identity.mfa.verify",
  target: "usr",
  locks: ["user"],
  refusals: [
    "unauthorized.invalid_ticket",
    "unauthorized.invalid_factor",
    "unauthorized.user_not_verified",
    "unauthorized.replayed_totp",
    "too_many_requests",
    "unavailable.busy",
  ],
};

export const revokeFactor: GuardedAct = {
  name: "revokeMfaFactor",
  action: "identity.mfa.revoke",
  target: "mfa",
  who: { owner: "fresh", administrator: true },
  locks: ["user"],
  refusals: ["conflict.already_terminal", "conflict.last_factor"],
};

export const getMfaPolicy: GuardedAct = {
  name: "getMfaPolicy",
  action: "identity.mfa_policy.read",
  target: "usr",
  who: { owner: true, administrator: true },
};

/** An owner raises the policy and never lowers it. */
export const setMfaPolicy: GuardedAct = {
  name: "setMfaPolicy",
  action: "identity.mfa_policy.set",
  target: "usr",
  who: { owner: "fresh", administrator: true },
  locks: ["user"],
  refusals: ["forbidden", "conflict.already_terminal", "precondition.factor_needed_first"],
};

export const grantEnrollment: GuardedAct = {
  name: "grantMfaEnrollment",
  action: "identity.mfa.grant_enrollment",
  target: "usr",
  who: { administrator: true },
  locks: ["user"],
  refusals: ["precondition.user_not_active", "precondition.invalid_transition"],
};

/** Done by the command line. */
export const resealSecrets: Audited = { action: "identity.mfa.reseal", target: "sys" };
