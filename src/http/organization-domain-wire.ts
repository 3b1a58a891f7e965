/**
 * Domains of organizations, and joining by them, as JSON.
 *
 * @module
 */
import {
  type JoinableOrganization,
  type JoinRequest,
  joinableOrganization,
  joinRequest,
  type OrganizationDomain,
  organizationDomain,
} from "../domain/organization-domain.ts";
import { toBody, type WireOf } from "../domain/record.ts";
import type { JoinedOrganization } from "../operations/joining.ts";
import { type MembershipBody, membershipBody } from "./organization-wire.ts";

/** A domain of an organization in a response, with the TXT record that proves it. */
export interface OrganizationDomainBody extends WireOf<typeof organizationDomain> {
  record: { name: string; text: string };
}

/** An organization that a user may join, in a response. */
export interface JoinableOrganizationBody extends WireOf<typeof joinableOrganization> {}

/** A user who asks to join an organization, in a response. */
export interface JoinRequestBody extends WireOf<typeof joinRequest> {}

/** What came of joining, in a response. */
export interface JoinedOrganizationBody {
  status: "joined" | "requested";
  membership: MembershipBody | null;
}

export function organizationDomainBody({ record, ...value }: OrganizationDomain): OrganizationDomainBody {
  return { ...toBody(organizationDomain, value), record: { ...record } };
}

export function joinableOrganizationBody(value: JoinableOrganization): JoinableOrganizationBody {
  return toBody(joinableOrganization, value);
}

export function joinRequestBody(value: JoinRequest): JoinRequestBody {
  return toBody(joinRequest, value);
}

export function joinedOrganizationBody({ status, membership }: JoinedOrganization): JoinedOrganizationBody {
  return { status, membership: membership && membershipBody(membership) };
}
