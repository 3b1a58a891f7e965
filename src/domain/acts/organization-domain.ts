import type { Act, Audited, GuardedAct } from "../act.ts";
import { atLeast } from "../membership.ts";

/** Whatever opens an organization to others: its owners alone, no administrator. */
const who: GuardedAct["who"] = { relation: { ...atLeast("owner"), fresh: true } };

export const addDomain: GuardedAct = {
  name: "addOrgDomain",
  action: "tenancy.org.add_domain",
  target: "org",
  who,
  locks: ["organization"],
  refusals: ["invalid_format.body", "precondition.limit_reached"],
};

export const listDomains: GuardedAct = {
  name: "listOrgDomains",
  action: "tenancy.org.list_domains",
  target: "org",
  who: { relation: atLeast("admin"), administrator: true },
};

export const proveDomain: GuardedAct = {
  name: "proveOrgDomain",
  action: "tenancy.org.prove_domain",
  target: "org",
  who,
  locks: ["organization"],
  refusals: [
    "invalid_format.body",
    "precondition.domain_not_proved",
    "conflict.domain_proved_elsewhere",
    "too_many_requests",
    "unavailable.resolver",
  ],
};

export const setJoining: GuardedAct = {
  name: "setOrgDomainJoining",
  action: "tenancy.org.set_domain_joining",
  target: "org",
  who,
  locks: ["organization"],
  refusals: ["invalid_format.body", "precondition.domain_not_proved"],
};

export const removeDomain: GuardedAct = {
  name: "removeOrgDomain",
  action: "tenancy.org.remove_domain",
  target: "org",
  who,
  locks: ["organization"],
  refusals: ["invalid_format.body"],
};

/** The application looks the records of proved domains up again. */
export const recheckDomains: Act = {
  name: "recheckOrgDomains",
  action: "tenancy.org.recheck_domain",
  target: "org",
  locks: ["organization"],
};

/** A proof that no longer counts: the record is gone, or another organization has proved the domain since. */
export const loseDomain: Audited = { action: "tenancy.org.lose_domain", target: "org" };

/** The organizations that a user may join. */
export const listJoinable: GuardedAct = {
  name: "listJoinableOrgs",
  action: "tenancy.org.list_joinable",
  target: "usr",
  who: { owner: true },
};

/** A user joins by the domain of their verified address. */
export const joinByDomain: GuardedAct = {
  name: "joinOrg",
  action: "tenancy.mem.create",
  target: "mem",
  who: { owner: true },
  locks: ["user", "organization"],
  refusals: ["not_found", "conflict.duplicate_membership", "precondition.limit_reached"],
};

/** What `joinByDomain` leaves where an owner or admin decides. */
export const requestToJoin: Audited = { action: "tenancy.org.request_to_join", target: "org" };

export const withdrawRequest: GuardedAct = {
  name: "withdrawJoinRequest",
  action: "tenancy.org.withdraw_join_request",
  target: "org",
  who: { owner: true },
  locks: ["user", "organization"],
  refusals: ["not_found"],
};

export const listRequests: GuardedAct = {
  name: "listJoinRequests",
  action: "tenancy.org.list_join_requests",
  target: "org",
  who: { relation: atLeast("admin"), administrator: true },
  refusals: ["invalid_format.cursor"],
};

export const approveRequest: GuardedAct = {
  name: "approveJoinRequest",
  action: "tenancy.mem.create",
  target: "mem",
  who: { relation: atLeast("admin") },
  locks: ["user", "organization"],
  refusals: ["precondition.org_not_active"],
};

export const declineRequest: GuardedAct = {
  name: "declineJoinRequest",
  action: "tenancy.org.decline_join_request",
  target: "org",
  who: { relation: atLeast("admin") },
  locks: ["user", "organization"],
};
