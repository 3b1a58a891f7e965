import type { GuardedAct } from "../act.ts";

export const grantAdministrator: GuardedAct = {
  name: "grantAdministrator",
  action: "authz.administrator.grant",
  target: "usr",
  who: { administrator: true },
  locks: ["user"],
  refusals: ["precondition.user_not_active", "precondition.factor_needed_first"],
};

export const removeAdministrator: GuardedAct = {
  name: "removeAdministrator",
  action: "authz.administrator.remove",
  target: "usr",
  who: { administrator: true },
  locks: ["user", "administrators"],
  refusals: ["conflict.last_administrator"],
};
