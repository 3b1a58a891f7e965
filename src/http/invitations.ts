/**
 * Invitations to make an account, for a deployment that strangers may not join.
 *
 * @module
 */
export type { DeploymentInvitation } from "../domain/deployment-invitation.ts";
export type {
  AcceptInvitation,
  LookAtInvitation,
  OpenInvitation,
} from "../operations/invitation-acceptance.ts";
export type {
  CreateInvitation,
  InvitationAuth,
  InvitationOperations,
  InvitationOptions,
  MadeInvitation,
} from "../operations/invitations.ts";
export type { AccountWithSecret } from "../operations/secret-sign-up.ts";
export { invitations } from "./features/invitations.ts";
export type { InvitationsApi } from "./generated/api.ts";
export type { DeploymentInvitationBody, MadeInvitationBody } from "./invitation-wire.ts";
