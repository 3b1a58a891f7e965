import type { Audited, GuardedAct } from "../act.ts";
import { getUser } from "./user.ts";

/** Only the owner of both accounts merges them: an administrator and the application cannot. */

/** It only reads whether the account that is kept may take part. */
export const beginMerge: GuardedAct = {
  ...getUser,
  name: "beginMerge",
  who: { owner: "fresh" },
  refusals: ["forbidden"],
};

/** The event of the account that ends. */
export const mergeUsers: GuardedAct = {
  name: "mergeUsers",
  action: "identity.user.merge",
  target: "usr",
  who: { owner: "fresh" },
  locks: ["user", "organization", "owners"],
  refusals: [
    "unauthorized.session_expired",
    "forbidden",
    "conflict.same_user",
    "conflict.sole_owner",
    "precondition.factor_needed_first",
    "precondition.invalid_transition",
    "precondition.limit_reached",
  ],
};

/** The event of the account that is kept. */
export const keepInMerge: Audited = { action: "identity.user.merge.keep", target: "usr" };
