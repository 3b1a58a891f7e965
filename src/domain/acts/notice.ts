import type { Act } from "../act.ts";

/** “This was not me”, said with the link of a notice. If the notice is about a changed address, the old one comes back. */
export const disownNotice: Act = {
  name: "disownNotice",
  action: "identity.notice.disown",
  target: "usr",
  locks: ["identifier", "user"],
  refusals: [
    "unauthorized.invalid_link",
    "unauthorized.reauthentication_required",
    "unauthorized.invalid_factor",
    "unauthorized.replayed_totp",
    "conflict.duplicate_credential",
    "too_many_requests",
    "unavailable.busy",
  ],
};
