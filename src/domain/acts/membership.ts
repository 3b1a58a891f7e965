import type { GuardedAct } from "../act.ts";
import type { ErrorCode } from "../error.ts";
import { atLeast } from "../membership.ts";

/** The refusals of a change of a member by another one. */
const byMembers: readonly ErrorCode[] = ["forbidden.role_hierarchy", "precondition.org_not_active"];

export const addMember: GuardedAct = {
  name: "addMember",
  action: "tenancy.mem.create",
  target: "mem",
  who: { relation: { ...atLeast("admin"), notAboveOwn: true, fresh: "strongest" } },
  locks: ["user", "organization"],
  refusals: [...byMembers, "precondition.user_not_active", "conflict.duplicate_membership"],
};

export const getMembership: GuardedAct = {
  name: "getMembership",
  action: "tenancy.mem.read",
  target: "mem",
  who: { owner: true, relation: atLeast("viewer"), administrator: true },
};

export const listMembers: GuardedAct = {
  name: "listMembers",
  action: "tenancy.mem.list",
  target: "org",
  who: { relation: atLeast("viewer"), administrator: true },
  refusals: ["invalid_format.cursor"],
};

/** The memberships of a user, in all organizations. */
export const listMemberships: GuardedAct = {
  name: "listMembershipsOfUser",
  action: "tenancy.mem.list_of_user",
  target: "usr",
  who: { owner: true, administrator: true },
  refusals: ["invalid_format.cursor"],
};

/** A membership with those that it replaced. */
export const getMembershipHistory: GuardedAct = {
  name: "getMembershipHistory",
  action: "tenancy.mem.history",
  target: "mem",
  who: { owner: true, relation: atLeast("admin"), administrator: true },
};

export const changeRole: GuardedAct = {
  name: "changeRole",
  action: "tenancy.mem.change_role",
  target: "mem",
  who: { relation: { ...atLeast("admin"), notAboveOwn: true, fresh: "strongest" } },
  locks: ["organization", "owners"],
  refusals: [...byMembers, "precondition.mem_not_active", "conflict.sole_owner"],
};

export const suspendMembership: GuardedAct = {
  name: "suspendMembership",
  action: "tenancy.mem.suspend",
  target: "mem",
  who: { relation: { ...atLeast("admin"), notAboveOwn: true, fresh: "strongest" } },
  locks: ["organization", "owners"],
  refusals: [...byMembers, "precondition.mem_not_active", "conflict.already_terminal", "conflict.sole_owner"],
};

export const reinstateMembership: GuardedAct = {
  name: "reinstateMembership",
  action: "tenancy.mem.reinstate",
  target: "mem",
  who: { relation: { ...atLeast("admin"), notAboveOwn: true, fresh: "strongest" } },
  locks: ["user", "organization"],
  refusals: [
    ...byMembers,
    "precondition.user_not_active",
    "precondition.invalid_transition",
    "conflict.duplicate_membership",
  ],
};

export const leaveOrganization: GuardedAct = {
  name: "selfLeave",
  action: "tenancy.mem.leave",
  target: "mem",
  who: { owner: true },
  locks: ["organization", "owners"],
  refusals: [
    "precondition.mem_not_active",
    "conflict.sole_owner",
    "precondition.self_transfer",
    "unauthorized.reauthentication_required",
    "unauthorized.enrollment_required",
    "forbidden.provider_not_allowed",
  ],
};

export const removeMember: GuardedAct = {
  name: "adminRemove",
  action: "tenancy.mem.remove",
  target: "mem",
  who: { relation: { ...atLeast("admin"), notAboveOwn: true }, administrator: true },
  locks: ["organization"],
  refusals: [...byMembers, "conflict.already_terminal"],
};

/** An administrator may too: the last owner may be gone for good. */
export const transferOwnership: GuardedAct = {
  name: "transferOwnership",
  action: "tenancy.org.transfer_ownership",
  target: "org",
  who: { relation: { ...atLeast("owner"), fresh: true }, administrator: true },
  locks: ["organization"],
  refusals: [
    "precondition.org_not_active",
    "precondition.from_not_active",
    "precondition.from_not_owner",
    "precondition.to_not_active",
    "precondition.self_transfer",
  ],
};
