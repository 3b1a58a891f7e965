import { type GuardedAct, withKey } from "../act.ts";
import { atLeast } from "../membership.ts";

/** Any user may form an organization, and becomes its owner. */
export const createOrganization: GuardedAct = {
  name: "createOrg",
  action: "tenancy.org.create",
  target: "org",
  who: { owner: true },
  locks: ["user"],
  refusals: [
    "invalid_format.name",
    "precondition.org_slug_format",
    "conflict.org_slug",
    "precondition.limit_reached",
    "too_many_requests",
    ...withKey,
  ],
};

export const getOrganization: GuardedAct = {
  name: "getOrg",
  action: "tenancy.org.read",
  target: "org",
  who: { relation: atLeast("guest"), administrator: true },
};

export const listOrganizations: GuardedAct = {
  name: "listOrgs",
  action: "tenancy.org.list",
  target: "sys",
  who: { administrator: true },
  refusals: ["invalid_format.cursor"],
};

export const updateOrganization: GuardedAct = {
  name: "updateOrg",
  action: "tenancy.org.update",
  target: "org",
  who: { relation: atLeast("admin") },
  locks: ["organization"],
  refusals: ["invalid_format.name", "precondition.org_slug_format", "conflict.org_slug"],
};

export const suspendOrganization: GuardedAct = {
  name: "suspendOrg",
  action: "tenancy.org.suspend",
  target: "org",
  who: { administrator: true },
  locks: ["organization"],
  refusals: ["conflict.already_terminal"],
};

export const reinstateOrganization: GuardedAct = {
  name: "reinstateOrg",
  action: "tenancy.org.reinstate",
  target: "org",
  who: { administrator: true },
  locks: ["organization"],
  refusals: ["precondition.invalid_transition"],
};

export const revokeOrganization: GuardedAct = {
  name: "revokeOrg",
  action: "tenancy.org.revoke",
  target: "org",
  who: { relation: { ...atLeast("owner"), fresh: true, freesLastOwner: true }, administrator: true },
  locks: ["organization"],
  refusals: ["conflict.already_terminal"],
};

export const getSecurityPolicy: GuardedAct = {
  name: "getOrgSecurityPolicy",
  action: "tenancy.org.read_security_policy",
  target: "org",
  who: { relation: atLeast("admin"), administrator: true },
};

/** No administrator may: the policy is about those who trust the organization. */
export const setSecurityPolicy: GuardedAct = {
  name: "setOrgSecurityPolicy",
  action: "tenancy.org.set_security_policy",
  target: "org",
  refusals: ["precondition.mem_not_active"],
  who: { relation: { ...atLeast("owner"), fresh: true } },
  locks: ["organization"],
};
