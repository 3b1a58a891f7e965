/**
 * Organizations, memberships and invitations as JSON: the specification's schemas, without additional members but the secret of a new
 * invitation.
 *
 * @module
 */
import { type Membership, type MembershipOfUser, memberOrganization, membership } from "../domain/membership.ts";
import { type Organization, organization } from "../domain/organization.ts";
import {
  invitingOrganization,
  type OpenOrganizationInvitation,
  type OrganizationInvitation,
  openOrganizationInvitation,
  organizationInvitation,
  type PreTuple,
  type PreTupleBody,
} from "../domain/organization-invitation.ts";
import { toBody, type WireOf } from "../domain/record.ts";
import { type SecurityPolicy, securityPolicy } from "../domain/security-policy.ts";
import type { AcceptedInvitation } from "../operations/organization-acceptance.ts";
import type { CreatedOrganization } from "../operations/organizations.ts";

/** An organization in a response. */
export interface OrganizationBody extends WireOf<typeof organization> {}

/** What an organization asks of the sessions of its members, in a response. */
export interface SecurityPolicyBody extends WireOf<typeof securityPolicy> {}

/** A membership in a response. */
export interface MembershipBody extends WireOf<typeof membership> {}

/** A membership in the list of a user, with its organization. */
export interface MembershipOfUserBody extends MembershipBody {
  organization: WireOf<typeof memberOrganization>;
}

/** A new organization, with the membership of its first owner. */
export interface CreatedOrganizationBody {
  org: OrganizationBody;
  owner_membership: MembershipBody;
}

/** An invitation to an organization in a response, without its secrets. */
export interface OrganizationInvitationBody extends WireOf<typeof organizationInvitation> {
  /** The user who accepted it. */
  invited_user_id: string | null;
  pre_tuples: PreTupleBody[];
}

/** A new invitation with the link to copy, which is shown only this once. */
export interface MadeOrganizationInvitationBody extends OrganizationInvitationBody {
  url: string;
  token: string;
}

/** An invitation that was accepted, and what came of it. */
export interface AcceptedInvitationBody {
  invitation: OrganizationInvitationBody;
  membership: MembershipBody;
}

/** An open invitation, to the holder of one of its secrets. */
export interface OpenInvitationBody extends WireOf<typeof openOrganizationInvitation> {
  organization: WireOf<typeof invitingOrganization>;
}

export function openInvitationBody({
  organization: inviting,
  ...open
}: OpenOrganizationInvitation): OpenInvitationBody {
  return { ...toBody(openOrganizationInvitation, open), organization: toBody(invitingOrganization, inviting) };
}

export function organizationInvitationBody({
  invitedUserId,
  preTuples,
  ...value
}: OrganizationInvitation): OrganizationInvitationBody {
  return {
    ...toBody(organizationInvitation, value),
    invited_user_id: invitedUserId,
    pre_tuples: preTuples.map(preTupleBody),
  };
}

function preTupleBody({ relation, objectType, objectId }: PreTuple): PreTupleBody {
  return { relation, object_type: objectType, object_id: objectId };
}

export function acceptedInvitationBody({ invitation, membership: made }: AcceptedInvitation): AcceptedInvitationBody {
  return { invitation: organizationInvitationBody(invitation), membership: membershipBody(made) };
}

export function organizationBody(value: Organization): OrganizationBody {
  return toBody(organization, value);
}

export function securityPolicyBody(value: SecurityPolicy): SecurityPolicyBody {
  return toBody(securityPolicy, value);
}

export function membershipBody(value: Membership): MembershipBody {
  return toBody(membership, value);
}

export function membershipOfUserBody(value: MembershipOfUser): MembershipOfUserBody {
  return { ...membershipBody(value), organization: toBody(memberOrganization, value.organization) };
}

export function createdOrganizationBody(created: CreatedOrganization): CreatedOrganizationBody {
  return { org: organizationBody(created.organization), owner_membership: membershipBody(created.membership) };
}
