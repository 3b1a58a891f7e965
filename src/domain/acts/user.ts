import type { GuardedAct } from "../act.ts";

export const createUser: GuardedAct = {
  name: "createUser",
  action: "identity.user.create",
  target: "usr",
  who: { administrator: true },
  refusals: ["invalid_format.name", "invalid_format.idempotency_key"],
};

export const getUser: GuardedAct = {
  name: "getUser",
  action: "identity.user.read",
  target: "usr",
  who: { owner: true, administrator: true },
};

export const updateUser: GuardedAct = {
  name: "updateUser",
  action: "identity.user.update",
  target: "usr",
  who: { owner: true },
  locks: ["user"],
  refusals: ["invalid_format.name"],
};

export const listUsers: GuardedAct = {
  name: "listUsers",
  action: "identity.user.list",
  target: "sys",
  who: { administrator: true },
  refusals: ["invalid_format.cursor"],
};

export const suspendUser: GuardedAct = {
  name: "suspendUser",
  action: "identity.user.suspend",
  target: "usr",
  who: { administrator: true },
  locks: ["user", "administrators"],
  refusals: ["conflict.already_terminal", "conflict.last_administrator"],
};

export const reinstateUser: GuardedAct = {
  name: "reinstateUser",
  action: "identity.user.reinstate",
  target: "usr",
  who: { administrator: true },
  locks: ["user"],
  refusals: ["precondition.invalid_transition"],
};

export const revokeUser: GuardedAct = {
  name: "revokeUser",
  action: "identity.user.revoke",
  target: "usr",
  who: { owner: "fresh", administrator: true },
  locks: ["user", "organization", "owners", "administrators"],
  refusals: [
    "conflict.already_terminal",
    "conflict.last_administrator",
    "conflict.sole_owner",
    "forbidden",
    "unauthorized.invalid_credential",
    "too_many_requests",
    "unavailable.busy",
  ],
};
