import type { Act } from "../act.ts";

/** The reader of a notice says that it was somebody else. */
export const disownNotice: Act = {
  name: "disownNotice",
  action: "identity.notice.disown",
  target: "usr",
  locks: ["user"],
  refusals: ["unauthorized.invalid_link"],
};
