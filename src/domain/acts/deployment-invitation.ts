import { type Act, type GuardedAct, withKey } from "../act.ts";

/** Acts on invitations to the deployment. Flametrench's acts on an organization's invitations have other names. */

export const createInvitation: GuardedAct = {
  name: "createDeploymentInvitation",
  action: "identity.deployment_invitation.create",
  target: "join",
  who: { administrator: true },
  locks: ["identifier"],
  refusals: [
    "forbidden.sign_up_closed",
    "invalid_format.identifier",
    "invalid_format.name",
    "conflict.duplicate_credential",
    "too_many_requests",
    ...withKey,
  ],
};

export const listInvitations: GuardedAct = {
  name: "listDeploymentInvitations",
  action: "identity.deployment_invitation.list",
  target: "sys",
  who: { administrator: true },
  refusals: ["invalid_format.cursor"],
};

export const revokeInvitation: GuardedAct = {
  name: "revokeDeploymentInvitation",
  action: "identity.deployment_invitation.revoke",
  target: "join",
  who: { administrator: true },
  locks: ["identifier"],
};

/** Makes the account of an invitation. The secret of the invitation is the proof. */
export const acceptInvitation: Act = {
  name: "acceptDeploymentInvitation",
  action: "identity.deployment_invitation.accept",
  target: "join",
  locks: ["identifier", "user"],
  refusals: [
    "unauthorized.invalid_link",
    "invalid_format.password",
    "too_many_requests",
    "unavailable.busy",
    "forbidden.sign_up_closed",
    "invalid_format.name",
    "conflict.duplicate_credential",
  ],
};
