import type { Core } from "../engine/core.ts";
import type { Feature, FeatureParts } from "../engine/feature.ts";
import { requireLinkPath } from "../engine/link-path.ts";
import { checked, checkWhole } from "../engine/options.ts";
import { purgeMail, purgeOrganizationInvitations } from "../store/maintenance.ts";
import { type MembershipOperations, membershipOperations } from "./memberships.ts";
import { type OrganizationInvitationOperations, organizationInvitationOperations } from "./organization-invitations.ts";
import { type OrganizationOperations, organizationOperations } from "./organizations.ts";

/** The options of the feature `organizations`. */
export interface OrganizationOptions {
  /**
   * How many organizations a user may own before they can make no more, 1 to 10,000. Those that another user made them an owner of
   * do not count. Default 50.
   */
  maxPerUser?: number;
  /**
   * Where the links of invitations lead, as a path on the base URL. Default `/join`. The page reads the secret from the query
   * parameter `token`, and sends it by POST.
   */
  invitationLinkPath?: string;
}

/** The operations that the feature `organizations` adds to `auth`. */
export interface OrganizationAuth {
  readonly organizations: OrganizationOperations;
  readonly memberships: MembershipOperations;
  readonly organizationInvitations: OrganizationInvitationOperations;
}

/** The operations on organizations, their members and their invitations. They owe messages if the application has the feature `mail`. */
export function organizationParts(
  core: Core,
  options: OrganizationOptions,
  features: readonly Feature[],
): FeatureParts<OrganizationAuth> {
  const { maxPerUser = 50, invitationLinkPath: linkPath = "/join" } = options;
  const mail = features.find(({ name }) => name === "mail");
  return {
    operations: {
      organizations: organizationOperations(core, maxPerUser),
      memberships: membershipOperations(core),
      organizationInvitations: organizationInvitationOperations(core, { linkPath, mail }),
    },
    check: () => {
      checkWhole("maxPerUser", maxPerUser, 10_000);
      checked("invitationLinkPath", () => requireLinkPath(core.origins[0]!.origin, linkPath, "/join"));
    },
    purges: [purgeOrganizationInvitations, purgeMail],
  };
}
