import * as v from "valibot";
import * as acts from "../../domain/acts/deployment-invitation.ts";
import { longestInvitationSeconds, shortestInvitationSeconds } from "../../domain/deployment-invitation.ts";
import { acceptTypedName } from "../../domain/text.ts";
import type { InvitationAuth } from "../../operations/invitations.ts";
import type { MailAuth } from "../../operations/mail.ts";
import { invitationBody } from "../invitation-wire.ts";
import { deliverSoon } from "../mail-delivery.ts";
import { displayNameEntry, keyOf, pageEntries, toNumber } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { secretSignUpBody, signUpWithSecret } from "../secret-sign-up.ts";
import { pageBody } from "../wire.ts";

type Needed = InvitationAuth & Partial<Pick<MailAuth, "mail">>;

const rows = rowsFor<Needed>();

/**
 * Invitations to make an account. Flametrench has none to a deployment; what `/v1/invitations` of the specification serves are those
 * to an organization.
 */
export const invitationRoutes: RouteTable<Needed> = () => [
  rows.guarded({
    act: acts.createInvitation,
    method: "post",
    path: "/v1/deployment-invitations",
    body: () =>
      v.strictObject({
        identifier: v.string(),
        display_name: displayNameEntry(),
        ttl_seconds: v.optional(
          v.pipe(v.number(), v.integer(), v.minValue(shortestInvitationSeconds), v.maxValue(longestInvitationSeconds)),
        ),
      }),
    status: 201,
    run: async ({ c, auth, actor, body }) => {
      const { identifier, display_name: name = null, ttl_seconds: ttlSeconds } = body;
      const displayName = name === null ? null : acceptTypedName(name);
      const acceptLanguage = c.req.header("accept-language");
      const asked = { actor, identifier, displayName, ttlSeconds, acceptLanguage, ...keyOf(c) };
      const { invitation, url, token } = await auth.invitations.create(asked);
      deliverSoon(c, auth);
      return { invitation: invitationBody(invitation), url, token };
    },
  }),
  rows.guarded({
    act: acts.listInvitations,
    method: "get",
    path: "/v1/deployment-invitations",
    query: () => v.object(pageEntries()),
    run: async ({ auth, actor, query: { limit, ...query } }) =>
      pageBody(await auth.invitations.list({ ...query, actor, limit: toNumber(limit) }), invitationBody),
  }),
  rows.guarded({
    act: acts.revokeInvitation,
    method: "post",
    path: "/v1/deployment-invitations/:join_id/revoke",
    run: async ({ auth, actor, parameter }) =>
      invitationBody(await auth.invitations.revoke({ actor, invitationId: parameter("join_id") })),
  }),
  rows.open({
    act: acts.acceptInvitation,
    method: "post",
    path: "/auth/invitations/accept",
    access: "anyone",
    body: secretSignUpBody,
    status: 201,
    run: (call) => signUpWithSecret(call, call.auth.invitations.accept),
  }),
];
