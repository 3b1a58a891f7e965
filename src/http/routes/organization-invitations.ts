import * as v from "valibot";
import * as acts from "../../domain/acts/organization-invitation.ts";
import { roles } from "../../domain/membership.ts";
import type { MailAuth } from "../../operations/mail.ts";
import type { OrganizationAuth } from "../../operations/organization-parts.ts";
import { deliverSoon } from "../mail-delivery.ts";
import { acceptedInvitationBody, openInvitationBody, organizationInvitationBody } from "../organization-wire.ts";
import { idEntry, keyOf, pageEntries, toDate, toNumber } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { secretSignUpBody, signUpWithSecret } from "../secret-sign-up.ts";
import { pageBody } from "../wire.ts";

type Needed = OrganizationAuth & Partial<Pick<MailAuth, "mail">>;

const rows = rowsFor<Needed>();

const secret = () => v.strictObject({ token: v.string() });

const preTuple = () => v.strictObject({ relation: v.string(), object_type: v.string(), object_id: v.string() });

/** Invitations to organizations, as the specification has them. An id alone opens nothing, so accepting needs the secret too. */
export const organizationInvitationRoutes: RouteTable<Needed> = () => [
  rows.guarded({
    act: acts.listInvitations,
    method: "get",
    path: "/v1/orgs/:org_id/invitations",
    query: () =>
      v.object({
        ...pageEntries(),
        status: v.optional(v.picklist(["pending", "accepted", "declined", "revoked", "expired"])),
      }),
    run: async ({ auth, actor, parameter, query: { limit, ...query } }) => {
      const asked = { ...query, actor, organizationId: parameter("org_id"), limit: toNumber(limit) };
      return pageBody(await auth.organizationInvitations.list(asked), organizationInvitationBody);
    },
  }),
  rows.guarded({
    act: acts.createInvitation,
    method: "post",
    path: "/v1/orgs/:org_id/invitations",
    body: () =>
      v.strictObject({
        identifier: v.string(),
        role: v.picklist(roles),
        pre_tuples: v.optional(v.array(preTuple())),
        expires_at: v.optional(v.pipe(v.string(), v.isoTimestamp())),
        renew: v.optional(v.boolean()),
      }),
    status: 201,
    run: async ({ c, auth, actor, parameter, body }) => {
      const { pre_tuples: preTuples, expires_at: end, ...invited } = body;
      const { invitation, url, token } = await auth.organizationInvitations.create({
        ...invited,
        actor,
        organizationId: parameter("org_id"),
        preTuples: preTuples?.map(({ relation, object_type: objectType, object_id: objectId }) => ({
          relation,
          objectType,
          objectId,
        })),
        expiresAt: end === undefined ? undefined : toDate(end, "expires_at"),
        acceptLanguage: c.req.header("accept-language"),
        ...keyOf(c),
      });
      deliverSoon(c, auth);
      return { ...organizationInvitationBody(invitation), url, token };
    },
  }),
  rows.guarded({
    act: acts.getInvitation,
    method: "get",
    path: "/v1/invitations/:inv_id",
    run: async ({ auth, actor, parameter }) =>
      organizationInvitationBody(await auth.organizationInvitations.get({ actor, invitationId: parameter("inv_id") })),
  }),
  rows.guarded({
    act: acts.revokeInvitation,
    method: "post",
    path: "/v1/invitations/:inv_id/revoke",
    run: async ({ auth, actor, parameter }) =>
      organizationInvitationBody(
        await auth.organizationInvitations.revoke({ actor, invitationId: parameter("inv_id") }),
      ),
  }),
  rows.guarded({
    act: acts.acceptInvitation,
    method: "post",
    path: "/v1/invitations/:inv_id/accept",
    // The specification has the last two. They are not read: the session says who accepts, and with which identifier.
    body: () =>
      v.strictObject({
        token: v.string(),
        as_usr_id: v.optional(v.nullable(idEntry("usr"))),
        accepting_identifier: v.optional(v.string()),
      }),
    run: async ({ auth, actor, parameter, body: { token } }) =>
      acceptedInvitationBody(
        await auth.organizationInvitations.accept({ actor, token, invitationId: parameter("inv_id") }),
      ),
  }),
  rows.open({
    act: acts.declineInvitation,
    method: "post",
    path: "/v1/invitations/:inv_id/decline",
    access: "anyone",
    body: secret,
    run: async ({ auth, context, parameter, body: { token } }) =>
      organizationInvitationBody(
        await auth.organizationInvitations.decline({ token, context, invitationId: parameter("inv_id") }),
      ),
  }),
  rows.open({
    act: acts.lookAtInvitation,
    method: "post",
    path: "/auth/organization-invitations/look",
    access: "anyone",
    body: secret,
    run: async ({ auth, body }) => openInvitationBody(await auth.organizationInvitations.look(body)),
  }),
  rows.open({
    // The secret alone says which invitation it is, so none is not found.
    act: { ...acts.declineInvitation, refusals: ["unauthorized.invalid_link", "conflict.invitation_not_pending"] },
    id: "declineOwnInvitation",
    method: "post",
    path: "/auth/organization-invitations/decline",
    access: "anyone",
    body: secret,
    run: async ({ auth, context, body }) =>
      organizationInvitationBody(await auth.organizationInvitations.decline({ ...body, context })),
  }),
  rows.guarded({
    act: acts.acceptInvitation,
    id: "acceptOwnInvitation",
    method: "post",
    path: "/auth/organization-invitations/accept",
    body: secret,
    run: async ({ auth, actor, body: { token } }) =>
      acceptedInvitationBody(await auth.organizationInvitations.accept({ actor, token })),
  }),
  rows.open({
    act: acts.acceptInvitationAsNewUser,
    method: "post",
    path: "/auth/organization-invitations/sign-up",
    access: "anyone",
    body: secretSignUpBody,
    status: 201,
    run: (call) => signUpWithSecret(call, call.auth.organizationInvitations.acceptAsNewUser),
  }),
];
