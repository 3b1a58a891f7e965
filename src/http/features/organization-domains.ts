import type { Feature } from "../../engine/feature.ts";
import {
  type OrganizationDomainAuth,
  type OrganizationDomainOptions,
  organizationDomainParts,
} from "../../operations/organization-domains.ts";
import type { OrganizationDomainsApi } from "../generated/api.ts";
import { organizationDomainRoutes } from "../routes/organization-domains.ts";

/** The feature for domains that organizations prove by DNS, and for joining by the domain of an address. It needs `organizations`. */
export function organizationDomains(
  options: OrganizationDomainOptions,
): Feature<OrganizationDomainAuth, OrganizationDomainsApi> {
  return {
    name: "organizationDomains",
    make: (core) => organizationDomainParts(core, options),
    routes: organizationDomainRoutes,
  };
}
