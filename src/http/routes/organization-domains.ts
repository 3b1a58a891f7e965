import * as v from "valibot";
import * as acts from "../../domain/acts/organization-domain.ts";
import { joinings } from "../../domain/organization-domain.ts";
import type { OrganizationDomainAuth } from "../../operations/organization-domains.ts";
import {
  joinableOrganizationBody,
  joinedOrganizationBody,
  joinRequestBody,
  organizationDomainBody,
} from "../organization-domain-wire.ts";
import { membershipBody } from "../organization-wire.ts";
import { idEntry, pageEntries, toNumber } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { pageBody } from "../wire.ts";

const rows = rowsFor<OrganizationDomainAuth>();

const named = () => v.strictObject({ domain: v.string() });
const ofUser = () => v.strictObject({ usr_id: idEntry("usr") });
const ofOrganization = () => v.strictObject({ org_id: idEntry("org") });

/** Domains of organizations, and joining by the domain of an address. The specification has neither. */
export const organizationDomainRoutes: RouteTable<OrganizationDomainAuth> = () => [
  rows.guarded({
    act: acts.listDomains,
    method: "get",
    path: "/v1/orgs/:org_id/domains",
    run: async ({ auth, actor, parameter }) =>
      pageBody(
        await auth.organizationDomains.list({ actor, organizationId: parameter("org_id") }),
        organizationDomainBody,
      ),
  }),
  rows.guarded({
    act: acts.addDomain,
    method: "post",
    path: "/v1/orgs/:org_id/domains",
    body: named,
    run: async ({ auth, actor, parameter, body }) =>
      organizationDomainBody(
        await auth.organizationDomains.add({ ...body, actor, organizationId: parameter("org_id") }),
      ),
  }),
  rows.guarded({
    act: acts.proveDomain,
    method: "post",
    path: "/v1/orgs/:org_id/domains/prove",
    body: named,
    run: async ({ auth, actor, parameter, body }) =>
      organizationDomainBody(
        await auth.organizationDomains.prove({ ...body, actor, organizationId: parameter("org_id") }),
      ),
  }),
  rows.guarded({
    act: acts.setJoining,
    method: "put",
    path: "/v1/orgs/:org_id/domains/joining",
    body: () => v.strictObject({ domain: v.string(), joining: v.picklist(joinings) }),
    run: async ({ auth, actor, parameter, body }) =>
      organizationDomainBody(
        await auth.organizationDomains.setJoining({ ...body, actor, organizationId: parameter("org_id") }),
      ),
  }),
  rows.guarded({
    act: acts.removeDomain,
    method: "post",
    path: "/v1/orgs/:org_id/domains/remove",
    body: named,
    status: 204,
    run: async ({ auth, actor, parameter, body }) =>
      await auth.organizationDomains.remove({ ...body, actor, organizationId: parameter("org_id") }),
  }),
  rows.guarded({
    act: acts.listRequests,
    method: "get",
    path: "/v1/orgs/:org_id/join-requests",
    query: () => v.object(pageEntries()),
    run: async ({ auth, actor, parameter, query: { limit, ...query } }) => {
      const asked = { ...query, actor, organizationId: parameter("org_id"), limit: toNumber(limit) };
      return pageBody(await auth.organizationDomains.requests(asked), joinRequestBody);
    },
  }),
  rows.guarded({
    act: acts.approveRequest,
    method: "post",
    path: "/v1/orgs/:org_id/join-requests/approve",
    body: ofUser,
    run: async ({ auth, actor, parameter, body: { usr_id: userId } }) =>
      membershipBody(await auth.organizationDomains.approve({ actor, organizationId: parameter("org_id"), userId })),
  }),
  rows.guarded({
    act: acts.declineRequest,
    method: "post",
    path: "/v1/orgs/:org_id/join-requests/decline",
    body: ofUser,
    status: 204,
    run: async ({ auth, actor, parameter, body: { usr_id: userId } }) =>
      await auth.organizationDomains.decline({ actor, organizationId: parameter("org_id"), userId }),
  }),
  rows.guarded({
    act: acts.listJoinable,
    method: "get",
    path: "/auth/organizations/joinable",
    run: async ({ auth, actor }) =>
      pageBody(await auth.organizationDomains.joinable({ actor }), joinableOrganizationBody),
  }),
  rows.guarded({
    act: acts.joinByDomain,
    method: "post",
    path: "/auth/organizations/join",
    body: ofOrganization,
    run: async ({ auth, actor, body: { org_id: organizationId } }) =>
      joinedOrganizationBody(await auth.organizationDomains.join({ actor, organizationId })),
  }),
  rows.guarded({
    act: acts.withdrawRequest,
    method: "post",
    path: "/auth/organizations/withdraw",
    body: ofOrganization,
    status: 204,
    run: async ({ auth, actor, body: { org_id: organizationId } }) =>
      await auth.organizationDomains.withdraw({ actor, organizationId }),
  }),
];
