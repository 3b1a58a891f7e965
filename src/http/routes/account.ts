import { accessRules } from "../../domain/access-rules.ts";
import type { AccountAuth } from "../../operations/accounts.ts";
import { toNumber } from "../request-values.ts";
import { guardedRoute, type Route } from "../route.ts";
import { type ChangePasswordBody, changePasswordBody, type PageQuery, pageQuery } from "../schemas.ts";
import { signedIn } from "../session-cookie.ts";
import { accountSessionBody, pageBody } from "../wire.ts";

/** What an application needs of one's own account. */
export const accountRoutes: readonly Route<AccountAuth>[] = [
  guardedRoute<undefined, PageQuery, AccountAuth>({
    id: "listOwnSessions",
    method: "get",
    path: "/auth/sessions",
    summary: "A page of the caller's live sessions, with their devices",
    access: accessRules.listSessions,
    query: pageQuery,
    status: 200,
    refusals: ["invalid_format.cursor"],
    run: async ({ c, auth, actor, user, session, query: { cursor, limit } }) => {
      const page = await auth.sessions.list({ actor, userId: user.id, cursor, limit: toNumber(limit), onlyLive: true });
      return c.json(
        pageBody(page, (one) => accountSessionBody(one, session.id)),
        200,
      );
    },
  }),
  guardedRoute<undefined, undefined, AccountAuth>({
    id: "revokeOtherSessions",
    method: "post",
    path: "/auth/sessions/revoke-others",
    summary: "Ends every session of the caller but this one",
    access: accessRules.revokeSession,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor }) => c.json(await auth.sessions.revokeOthers({ actor }), 200),
  }),
  guardedRoute<ChangePasswordBody, undefined, AccountAuth>({
    id: "changePassword",
    method: "post",
    path: "/auth/password",
    summary: "Changes the caller's password, ends all their sessions and gives a new one",
    access: accessRules.changePassword,
    body: changePasswordBody,
    status: 200,
    refusals: ["unauthorized.invalid_credential", "invalid_format.password", "too_many_requests", "unavailable.busy"],
    run: async ({ c, auth, actor, body, presented }) => {
      const { transport } = presented!;
      const issued = await auth.changePassword({
        actor,
        currentPassword: body.current_password,
        newPassword: body.new_password,
        transport,
      });
      return c.json(signedIn(c, transport, issued), 200);
    },
  }),
];
