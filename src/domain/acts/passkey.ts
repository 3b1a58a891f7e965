import type { GuardedAct } from "../act.ts";

export const listPasskeys: GuardedAct = {
  name: "listOwnPasskeys",
  action: "identity.passkey.list",
  target: "usr",
  who: { owner: true, administrator: true },
};

export const registerPasskey: GuardedAct = {
  name: "registerPasskey",
  action: "identity.passkey.register",
  target: "cred",
  who: { owner: "fresh" },
  locks: ["user"],
  refusals: [
    "invalid_format.webauthn",
    "invalid_format.user_not_verified",
    "invalid_format.name",
    "conflict.duplicate_credential",
    "precondition.limit_reached",
    "too_many_requests",
  ],
};

export const renamePasskey: GuardedAct = {
  name: "renamePasskey",
  action: "identity.passkey.rename",
  target: "cred",
  who: { owner: true },
  locks: ["user"],
  refusals: ["invalid_format.name", "conflict.already_terminal"],
};

/** Revokes a credential, but only one of the user's own passkeys. */
export const revokeOwnPasskey: GuardedAct = {
  name: "revokePasskey",
  action: "identity.credential.revoke",
  target: "cred",
  who: { owner: "fresh" },
  locks: ["user"],
  refusals: ["conflict.already_terminal", "conflict.last_way_in", "conflict.last_factor"],
};
