import type { Feature } from "../../engine/feature.ts";
import {
  type OrganizationAuth,
  type OrganizationOptions,
  organizationParts,
} from "../../operations/organization-parts.ts";
import type { OrganizationsApi } from "../generated/api.ts";
import type { RouteTable } from "../route.ts";
import { membershipRoutes } from "../routes/memberships.ts";
import { organizationInvitationRoutes } from "../routes/organization-invitations.ts";
import { organizationRoutes } from "../routes/organizations.ts";

/** The feature for organizations: groups of users, each with a role. */
export function organizations(options: OrganizationOptions = {}): Feature<OrganizationAuth, OrganizationsApi> {
  return { name: "organizations", make: (core, features) => organizationParts(core, options, features), routes };
}

const routes: RouteTable<OrganizationAuth> = () => [
  ...organizationRoutes(),
  ...membershipRoutes(),
  ...organizationInvitationRoutes(),
];
