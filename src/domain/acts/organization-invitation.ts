import { type Act, type GuardedAct, withKey } from "../act.ts";
import type { ErrorCode } from "../error.ts";
import { atLeast } from "../membership.ts";

/** Acts on invitations to an organization. Those on invitations to the deployment have other names. */

export const createInvitation: GuardedAct = {
  name: "createInvitation",
  action: "tenancy.inv.create",
  target: "inv",
  who: { relation: { ...atLeast("admin"), notAboveOwn: true, fresh: "strongest" } },
  locks: ["user", "organization"],
  refusals: [
    "forbidden",
    "forbidden.role_hierarchy",
    "invalid_format.identifier",
    "invalid_format.relation",
    "invalid_format.object_type",
    "invalid_format.object_id",
    "precondition.limit_reached",
    "precondition.org_not_active",
    "precondition.past_expiration",
    "too_many_requests",
    ...withKey,
  ],
};

export const getInvitation: GuardedAct = {
  name: "getInvitation",
  action: "tenancy.inv.read",
  target: "inv",
  who: { relation: atLeast("admin"), administrator: true },
};

export const listInvitations: GuardedAct = {
  name: "listInvitations",
  action: "tenancy.inv.list",
  target: "org",
  who: { relation: atLeast("admin"), administrator: true },
  refusals: ["invalid_format.cursor"],
};

export const revokeInvitation: GuardedAct = {
  name: "revokeInvitation",
  action: "tenancy.inv.revoke",
  target: "inv",
  who: { relation: { ...atLeast("admin"), notAboveOwn: true } },
  locks: ["organization"],
  refusals: ["forbidden.role_hierarchy", "conflict.invitation_not_pending"],
};

const whileOpen: readonly ErrorCode[] = [
  "conflict.invitation_not_pending",
  "conflict.invitation_expired",
  "precondition.org_not_active",
];

/** The invitation's secret shows the way to it; the session shows who accepts. */
export const acceptInvitation: GuardedAct = {
  name: "acceptInvitation",
  action: "tenancy.inv.accept",
  target: "inv",
  who: { owner: true },
  locks: ["user", "organization"],
  refusals: [
    "unauthorized.invalid_link",
    ...whileOpen,
    "precondition.identifier_mismatch",
    "precondition.identifier_unverified",
    "conflict.duplicate_membership",
  ],
};

/** Accepting for a user, by the application alone. */
export const acceptInvitationFor: GuardedAct = {
  ...acceptInvitation,
  name: "acceptInvitationFor",
  who: {},
  refusals: [
    ...whileOpen,
    "precondition.identifier_binding_required",
    "precondition.identifier_mismatch",
    "precondition.user_not_active",
    "conflict.duplicate_membership",
  ],
};

/** Makes the account of an invitation, with its membership. The secret of the invitation is the proof. */
export const acceptInvitationAsNewUser: Act = {
  name: "acceptInvitationAsNewUser",
  action: "tenancy.inv.accept",
  target: "inv",
  locks: ["identifier", "user", "organization"],
  refusals: [
    "unauthorized.invalid_link",
    "invalid_format.password",
    "invalid_format.name",
    "too_many_requests",
    "unavailable.busy",
    "forbidden.sign_up_closed",
    "conflict.duplicate_credential",
  ],
};

/** It spends nothing and leaves no event. */
export const lookAtInvitation: Act = {
  name: "lookAtInvitation",
  action: "tenancy.inv.read",
  target: "inv",
  refusals: ["unauthorized.invalid_link"],
};

/** The invitation's secret is the proof. */
export const declineInvitation: Act = {
  name: "declineInvitation",
  action: "tenancy.inv.decline",
  target: "inv",
  locks: ["organization"],
  // Not found: an id that is none.
  refusals: ["not_found", "unauthorized.invalid_link", "conflict.invitation_not_pending"],
};

/** Declining for a user, by the application alone. */
export const declineInvitationFor: GuardedAct = {
  ...declineInvitation,
  name: "declineInvitationFor",
  who: {},
  refusals: ["conflict.invitation_not_pending"],
};
