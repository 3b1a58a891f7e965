import type { GuardedAct } from "../act.ts";
import type { ErrorCode } from "../error.ts";

/** The refusals of both ways to end a credential's use: suspending and revoking it. */
const takingAway: readonly ErrorCode[] = [
  "forbidden",
  "conflict.already_terminal",
  "conflict.last_way_in",
  "conflict.last_factor",
  "conflict.credential_not_active",
  "conflict.credential_type_mismatch",
  "unauthorized.invalid_credential",
  "too_many_requests",
  "unavailable.busy",
];

/**
 * An administrator reads, suspends, reinstates and revokes, but never receives a secret or gives a proof for another user: only
 * the owner proves a password, opens a session or renews it.
 */

export const createCredential: GuardedAct = {
  name: "createCredential",
  action: "identity.credential.create",
  target: "cred",
  who: { owner: "fresh" },
  locks: ["identifier", "user"],
  refusals: [
    "invalid_format.identifier",
    "invalid_format.password",
    "conflict.duplicate_credential",
    "unauthorized.invalid_credential",
    "too_many_requests",
    "unavailable.busy",
  ],
};

export const getCredential: GuardedAct = {
  name: "getCredential",
  action: "identity.credential.read",
  target: "cred",
  who: { owner: true, administrator: true },
};

export const listCredentials: GuardedAct = {
  name: "listCredentials",
  action: "identity.credential.list",
  target: "usr",
  who: { owner: true, administrator: true },
};

export const findCredential: GuardedAct = {
  name: "findCredential",
  action: "identity.credential.find",
  target: "cred",
  who: { administrator: true },
};

export const rotateCredential: GuardedAct = {
  name: "rotateCredential",
  action: "identity.credential.rotate",
  target: "cred",
  who: { owner: "fresh" },
  locks: ["user"],
  refusals: [
    "invalid_format.password",
    "conflict.credential_not_active",
    "conflict.credential_type_mismatch",
    "unauthorized.invalid_credential",
    "too_many_requests",
    "unavailable.busy",
  ],
};

export const suspendCredential: GuardedAct = {
  name: "suspendCredential",
  action: "identity.credential.suspend",
  target: "cred",
  who: { owner: "fresh", administrator: true },
  locks: ["user"],
  refusals: takingAway,
};

/** An owner must not reinstate a credential that an administrator suspended. */
export const reinstateCredential: GuardedAct = {
  name: "reinstateCredential",
  action: "identity.credential.reinstate",
  target: "cred",
  who: { administrator: true },
  locks: ["user"],
  refusals: ["precondition.invalid_transition", "precondition.user_not_active", "conflict.duplicate_credential"],
};

export const revokeCredential: GuardedAct = {
  name: "revokeCredential",
  action: "identity.credential.revoke",
  target: "cred",
  who: { owner: "fresh", administrator: true },
  locks: ["user"],
  refusals: takingAway,
};

export const changePassword: GuardedAct = {
  name: "changePassword",
  action: "identity.password.change",
  target: "cred",
  who: { owner: "fresh" },
  locks: ["user"],
  refusals: ["unauthorized.invalid_credential", "invalid_format.password", "too_many_requests", "unavailable.busy"],
};
