import type { Feature } from "../../engine/feature.ts";
import { type InvitationAuth, type InvitationOptions, invitationParts } from "../../operations/invitations.ts";
import type { InvitationsApi } from "../generated/api.ts";
import { invitationRoutes } from "../routes/invitations.ts";

/**
 * The feature for inviting people to make an account: by an administrator, the application or the command line. With the feature
 * `mail`, an invitation is also mailed.
 */
export function invitations(options: InvitationOptions = {}): Feature<InvitationAuth, InvitationsApi> {
  return {
    name: "invitations",
    make: (core, features) => invitationParts(core, options, features),
    routes: invitationRoutes,
  };
}
