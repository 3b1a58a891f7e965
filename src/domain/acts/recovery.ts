import type { Act, GuardedAct } from "../act.ts";

/** Names a new address for a user who has lost every way in. No one who is an administrator gets one this way. */
export const startRecovery: GuardedAct = {
  name: "startRecovery",
  action: "identity.recovery.start",
  target: "usr",
  who: { administrator: true },
  locks: ["user"],
  refusals: [
    "forbidden",
    "invalid_format.identifier",
    "conflict.already_terminal",
    "conflict.duplicate_credential",
    "precondition.user_not_active",
    "too_many_requests",
  ],
};

/** Stops it, with the link that every old address got. */
export const cancelRecovery: Act = {
  name: "cancelRecovery",
  action: "identity.recovery.cancel",
  target: "usr",
  locks: ["user"],
  refusals: ["unauthorized.invalid_link"],
};

/** Spends the link that the new address got: it sets a new way in, and ends everything else. */
export const finishRecovery: Act = {
  name: "finishRecovery",
  action: "identity.recovery.finish",
  target: "usr",
  locks: ["identifier", "user"],
  refusals: [
    "unauthorized.invalid_link",
    "invalid_format.password",
    "conflict.duplicate_credential",
    "too_many_requests",
    "unavailable.busy",
  ],
};
