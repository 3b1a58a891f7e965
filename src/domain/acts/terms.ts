import type { Act, GuardedAct } from "../act.ts";

export const getTerms: Act = {
  name: "getTerms",
  action: "identity.terms.read",
  target: "sys",
};

export const acceptTerms: GuardedAct = {
  name: "acceptTerms",
  action: "identity.terms.accept",
  target: "usr",
  who: { owner: true },
  locks: ["user"],
  refusals: ["conflict.terms_changed", "precondition.user_not_active"],
};
