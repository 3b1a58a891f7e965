import type { Act } from "../act.ts";

/** “This was not me”, said with the link of a notice. */
export const disownNotice: Act = {
  name: "disownNotice",
  action: "identity.notice.disown",
  target: "usr",
  locks: ["user"],
  refusals: ["unauthorized.invalid_link"],
};
