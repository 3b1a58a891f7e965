import * as v from "valibot";
import * as acts from "../../domain/acts/organization.ts";
import {
  longestGraceDays,
  longestLimitSeconds,
  mostBreakGlass,
  mostProviders,
  providerName,
  requirements,
  shortestLimitSeconds,
} from "../../domain/security-policy.ts";
import type { OrganizationAuth } from "../../operations/organization-parts.ts";
import { createdOrganizationBody, organizationBody, securityPolicyBody } from "../organization-wire.ts";
import { idEntry, keyOf, pageEntries, toNumber } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { pageBody } from "../wire.ts";

const rows = rowsFor<OrganizationAuth>();

const fields = () =>
  v.strictObject({ name: v.optional(v.nullable(v.string())), slug: v.optional(v.nullable(v.string())) });

/** Organizations, as the specification has them. */
export const organizationRoutes: RouteTable<OrganizationAuth> = () => [
  rows.guarded({
    act: acts.listOrganizations,
    method: "get",
    path: "/v1/orgs",
    query: () =>
      v.object({
        ...pageEntries(),
        query: v.optional(v.string()),
        status: v.optional(v.picklist(["active", "suspended", "revoked"])),
      }),
    run: async ({ auth, actor, query: { limit, ...query } }) =>
      pageBody(await auth.organizations.list({ ...query, actor, limit: toNumber(limit) }), organizationBody),
  }),
  rows.guarded({
    act: acts.createOrganization,
    method: "post",
    path: "/v1/orgs",
    body: fields,
    status: 201,
    run: async ({ c, auth, actor, user, body }) => {
      const asked = { ...body, actor, userId: user.id, ...keyOf(c) };
      return createdOrganizationBody(await auth.organizations.create(asked));
    },
  }),
  rows.guarded({
    act: acts.getOrganization,
    method: "get",
    path: "/v1/orgs/:org_id",
    run: async ({ auth, actor, parameter }) =>
      organizationBody(await auth.organizations.get({ actor, organizationId: parameter("org_id") })),
  }),
  rows.guarded({
    act: acts.updateOrganization,
    method: "put",
    path: "/v1/orgs/:org_id",
    body: fields,
    run: async ({ auth, actor, parameter, body }) =>
      organizationBody(await auth.organizations.update({ ...body, actor, organizationId: parameter("org_id") })),
  }),
  rows.guarded({
    act: acts.suspendOrganization,
    method: "post",
    path: "/v1/orgs/:org_id/suspend",
    run: async ({ auth, actor, parameter }) =>
      organizationBody(await auth.organizations.suspend({ actor, organizationId: parameter("org_id") })),
  }),
  rows.guarded({
    act: acts.reinstateOrganization,
    method: "post",
    path: "/v1/orgs/:org_id/reinstate",
    run: async ({ auth, actor, parameter }) =>
      organizationBody(await auth.organizations.reinstate({ actor, organizationId: parameter("org_id") })),
  }),
  rows.guarded({
    act: acts.revokeOrganization,
    method: "post",
    path: "/v1/orgs/:org_id/revoke",
    run: async ({ auth, actor, parameter }) =>
      organizationBody(await auth.organizations.revoke({ actor, organizationId: parameter("org_id") })),
  }),
  rows.guarded({
    act: acts.getSecurityPolicy,
    method: "get",
    path: "/v1/orgs/:org_id/security-policy",
    run: async ({ auth, actor, parameter }) =>
      securityPolicyBody(await auth.organizations.getSecurityPolicy({ actor, organizationId: parameter("org_id") })),
  }),
  rows.guarded({
    act: acts.setSecurityPolicy,
    method: "put",
    path: "/v1/orgs/:org_id/security-policy",
    // All of it, so that no one ends a limit by leaving it out.
    body: () =>
      v.strictObject({
        require: v.picklist(requirements),
        grace_days: wholeNumber(0, longestGraceDays),
        max_age_seconds: v.nullable(wholeNumber(shortestLimitSeconds, longestLimitSeconds)),
        max_idle_seconds: v.nullable(wholeNumber(shortestLimitSeconds, longestLimitSeconds)),
        allowed_providers: v.nullable(
          v.pipe(v.array(v.pipe(v.string(), v.regex(providerName))), v.maxLength(mostProviders)),
        ),
        break_glass: v.nullable(v.pipe(v.array(idEntry("usr")), v.minLength(1), v.maxLength(mostBreakGlass))),
      }),
    run: async ({ auth, actor, parameter, body }) =>
      securityPolicyBody(
        await auth.organizations.setSecurityPolicy({
          actor,
          organizationId: parameter("org_id"),
          require: body.require,
          graceDays: body.grace_days,
          maxAgeSeconds: body.max_age_seconds,
          maxIdleSeconds: body.max_idle_seconds,
          allowedProviders: body.allowed_providers,
          breakGlass: body.break_glass,
        }),
      ),
  }),
];

const wholeNumber = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
