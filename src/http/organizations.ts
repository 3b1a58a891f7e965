/**
 * Organizations: groups of users, each with a role.
 *
 * @module
 */
export type { Member, Membership, MembershipOfUser, Role } from "../domain/membership.ts";
export type { Organization } from "../domain/organization.ts";
export type {
  JoinableOrganization,
  Joining,
  JoinRequest,
  OrganizationDomain,
} from "../domain/organization-domain.ts";
export type {
  OpenOrganizationInvitation,
  OrganizationInvitation,
  PreTuple,
  PreTupleBody,
} from "../domain/organization-invitation.ts";
export type { SecurityPolicy, SecuritySettings } from "../domain/security-policy.ts";
export type { JoinedOrganization, JoiningOperations, OfRequest, ToJoin } from "../operations/joining.ts";
export type { MembershipOperations, OfMembership, TransferredOwnership } from "../operations/memberships.ts";
export type {
  AcceptedInvitation,
  InvitedOperations,
  PresentedInvitation,
} from "../operations/organization-acceptance.ts";
export type {
  OfDomain,
  OrganizationDomainAuth,
  OrganizationDomainOperations,
  OrganizationDomainOptions,
  RecheckedDomains,
} from "../operations/organization-domains.ts";
export type {
  InviteToOrganization,
  MadeOrganizationInvitation,
  OfInvitation,
  OrganizationInvitationOperations,
} from "../operations/organization-invitations.ts";
export type { OrganizationAuth, OrganizationOptions } from "../operations/organization-parts.ts";
export type {
  CreatedOrganization,
  CreateOrganization,
  OfOrganization,
  OrganizationOperations,
  UpdateOrganization,
} from "../operations/organizations.ts";
export type { OfPolicy, SecurityPolicyOperations } from "../operations/security-policies.ts";
export type { FoundMembership, MembershipChecks } from "../operations/verify-membership.ts";
export { organizationDomains } from "./features/organization-domains.ts";
export { organizations } from "./features/organizations.ts";
export type { OrganizationDomainsApi, OrganizationsApi } from "./generated/api.ts";
export type {
  JoinableOrganizationBody,
  JoinedOrganizationBody,
  JoinRequestBody,
  OrganizationDomainBody,
} from "./organization-domain-wire.ts";
export type {
  AcceptedInvitationBody,
  CreatedOrganizationBody,
  MadeOrganizationInvitationBody,
  MembershipBody,
  MembershipOfUserBody,
  OrganizationBody,
  OrganizationInvitationBody,
  SecurityPolicyBody,
} from "./organization-wire.ts";
export {
  type MembershipOptions,
  type MembershipVariables,
  type MembershipVerifier,
  requireMembership,
} from "./require-membership.ts";
