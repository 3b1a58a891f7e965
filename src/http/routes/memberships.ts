import * as v from "valibot";
import * as acts from "../../domain/acts/membership.ts";
import { roles } from "../../domain/membership.ts";
import type { OrganizationAuth } from "../../operations/organization-parts.ts";
import { membershipBody, membershipOfUserBody } from "../organization-wire.ts";
import { idEntry, pageEntries, toNumber } from "../request-values.ts";
import { type RouteTable, rowsFor, type UserCall } from "../route.ts";
import { pageBody } from "../wire.ts";

const rows = rowsFor<OrganizationAuth>();

/** Memberships, as the specification has them, and the caller's own. */
export const membershipRoutes: RouteTable<OrganizationAuth> = () => [
  ...rows.twins({
    act: acts.listMemberships,
    auth: { id: "listOwnMemberships", path: "/auth/memberships" },
    v1: "/v1/users/:usr_id/memberships",
    method: "get",
    query: () => v.object(pageEntries()),
    run: async ({ auth, actor, userId, query: { limit, ...query } }) => {
      const page = await auth.memberships.listOfUser({ ...query, actor, userId, limit: toNumber(limit) });
      return pageBody(page, membershipOfUserBody);
    },
  }),
  rows.guarded({
    act: acts.transferOwnership,
    method: "post",
    path: "/v1/orgs/:org_id/transfer-ownership",
    body: () => v.strictObject({ from_mem_id: idEntry("mem"), to_mem_id: idEntry("mem") }),
    run: async ({ auth, actor, parameter, body }) => {
      const { from, to } = await auth.memberships.transferOwnership({
        actor,
        organizationId: parameter("org_id"),
        fromMembershipId: body.from_mem_id,
        toMembershipId: body.to_mem_id,
      });
      return { from_membership: membershipBody(from), to_membership: membershipBody(to) };
    },
  }),
  rows.guarded({
    act: acts.listMembers,
    method: "get",
    path: "/v1/orgs/:org_id/members",
    query: () => v.object({ ...pageEntries(), status: v.optional(v.picklist(["active", "suspended", "revoked"])) }),
    run: async ({ auth, actor, parameter, query: { limit, ...query } }) => {
      const organizationId = parameter("org_id");
      const page = await auth.memberships.list({ ...query, actor, organizationId, limit: toNumber(limit) });
      return pageBody(page, membershipBody);
    },
  }),
  rows.guarded({
    act: acts.addMember,
    method: "post",
    path: "/v1/orgs/:org_id/members",
    // The specification has `invited_by`. It is not read: the caller is the inviter.
    body: () =>
      v.strictObject({ usr_id: idEntry("usr"), role: v.picklist(roles), invited_by: v.optional(idEntry("usr")) }),
    status: 201,
    run: async ({ auth, actor, parameter, body: { usr_id: userId, role } }) => {
      const asked = { actor, organizationId: parameter("org_id"), userId, role };
      return membershipBody(await auth.memberships.add(asked));
    },
  }),
  rows.guarded({
    act: acts.getMembership,
    method: "get",
    path: "/v1/orgs/:org_id/members/:mem_id",
    run: async (call) => membershipBody(await call.auth.memberships.get(ofPath(call))),
  }),
  rows.guarded({
    act: acts.getMembershipHistory,
    method: "get",
    path: "/v1/orgs/:org_id/members/:mem_id/history",
    run: async (call) => pageBody(await call.auth.memberships.history(ofPath(call)), membershipBody),
  }),
  rows.guarded({
    act: acts.changeRole,
    method: "post",
    path: "/v1/orgs/:org_id/members/:mem_id/change-role",
    body: () => v.strictObject({ new_role: v.picklist(roles) }),
    run: async (call) => {
      const asked = { ...ofPath(call), role: call.body.new_role };
      return membershipBody(await call.auth.memberships.changeRole(asked));
    },
  }),
  rows.guarded({
    act: acts.suspendMembership,
    method: "post",
    path: "/v1/orgs/:org_id/members/:mem_id/suspend",
    run: async (call) => membershipBody(await call.auth.memberships.suspend(ofPath(call))),
  }),
  rows.guarded({
    act: acts.reinstateMembership,
    method: "post",
    path: "/v1/orgs/:org_id/members/:mem_id/reinstate",
    run: async (call) => membershipBody(await call.auth.memberships.reinstate(ofPath(call))),
  }),
  rows.guarded({
    act: acts.leaveOrganization,
    method: "post",
    path: "/v1/orgs/:org_id/members/:mem_id/self-leave",
    body: () => v.strictObject({ transferTo: v.optional(v.nullable(idEntry("usr"))) }),
    run: async (call) => {
      const asked = { ...ofPath(call), transferTo: call.body.transferTo };
      return membershipBody(await call.auth.memberships.leave(asked));
    },
  }),
  rows.guarded({
    act: acts.removeMember,
    method: "post",
    path: "/v1/orgs/:org_id/members/:mem_id/admin-remove",
    run: async (call) => membershipBody(await call.auth.memberships.remove(ofPath(call))),
  }),
];

/** The caller and the membership in the path, which is in the organization in the path. */
function ofPath({ actor, parameter }: Pick<UserCall<unknown, unknown, OrganizationAuth>, "actor" | "parameter">) {
  return { actor, membershipId: parameter("mem_id"), organizationId: parameter("org_id") };
}
