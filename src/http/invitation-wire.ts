import { type DeploymentInvitation, deploymentInvitation } from "../domain/deployment-invitation.ts";
import { toBody, type WireOf } from "../domain/record.ts";

/** An invitation in a response, without its secrets. */
export type DeploymentInvitationBody = WireOf<typeof deploymentInvitation>;

/** A new invitation with the link to copy, which is shown only this once. */
export interface MadeInvitationBody {
  invitation: DeploymentInvitationBody;
  url: string;
  token: string;
}

export function invitationBody(invitation: DeploymentInvitation): DeploymentInvitationBody {
  return toBody(deploymentInvitation, invitation);
}
