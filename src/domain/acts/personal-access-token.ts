import { type Act, type Audited, type GuardedAct, withKey } from "../act.ts";

export const createPat: GuardedAct = {
  name: "createPat",
  action: "identity.pat.create",
  target: "pat",
  who: { owner: "fresh" },
  locks: ["user"],
  refusals: [
    "invalid_format.name",
    "invalid_format.scope",
    "pat.expires_in_past",
    "precondition.limit_reached",
    "too_many_requests",
    "unavailable.busy",
    ...withKey,
  ],
};

export const getPat: GuardedAct = {
  name: "getPat",
  action: "identity.pat.read",
  target: "pat",
  who: { owner: true, administrator: true },
};

export const listPats: GuardedAct = {
  name: "listPatsForUser",
  action: "identity.pat.list",
  target: "usr",
  who: { owner: true, administrator: true },
  refusals: ["invalid_format.cursor"],
};

export const revokePat: GuardedAct = {
  name: "revokePat",
  action: "identity.pat.revoke",
  target: "pat",
  who: { owner: true, administrator: true },
  locks: ["user"],
};

export const verifyPat: Act = {
  name: "verifyPatToken",
  action: "identity.pat.verify",
  target: "pat",
  refusals: [
    "pat.invalid",
    "pat.revoked",
    "pat.expired",
    "auth.token_format_unrecognized",
    "too_many_requests",
    "unavailable.busy",
  ],
};

/** The first refusal of a window, once its attempts are used up. */
export const verifyPatLimited: Audited = { action: "identity.pat.verify.limited", target: "sys" };
