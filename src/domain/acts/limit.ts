import type { GuardedAct } from "../act.ts";

export const listLimits: GuardedAct = {
  name: "listLimits",
  action: "identity.limit.list",
  target: "sys",
  who: { administrator: true },
  refusals: ["invalid_format.identifier"],
};

export const liftLimit: GuardedAct = {
  name: "liftLimit",
  action: "identity.limit.lift",
  target: "sys",
  who: { administrator: true },
  refusals: ["invalid_format.identifier"],
};
