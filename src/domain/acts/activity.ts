import type { GuardedAct } from "../act.ts";

export const listActivity: GuardedAct = {
  name: "listActivity",
  action: "identity.activity.list",
  target: "usr",
  who: { owner: true, administrator: true },
  refusals: ["invalid_format.cursor"],
};
