import { accessRules } from "../../domain/access-rules.ts";
import type { AccountAuth } from "../../operations/accounts.ts";
import { toNumber } from "../request-values.ts";
import { guardedRoute, type Route } from "../route.ts";
import type { EndCredentialBody, PageQuery, UserFieldsBody, UsersQuery } from "../schemas.ts";
import { endCredentialBody, pageQuery, userFieldsBody, usersQuery } from "../schemas.ts";
import { pageBody, sessionBody, userBody } from "../wire.ts";

/** The specification's routes for users. */
export const userRoutes: readonly Route<AccountAuth>[] = [
  guardedRoute<undefined, UsersQuery, AccountAuth>({
    id: "listUsers",
    method: "get",
    path: "/v1/users",
    summary: "A page of users in order of their ids",
    access: accessRules.listUsers,
    query: usersQuery,
    status: 200,
    refusals: ["invalid_format.cursor"],
    run: async ({ c, auth, actor, query: { limit, ...query } }) => {
      const page = await auth.users.list({ ...query, actor, limit: toNumber(limit) });
      return c.json(pageBody(page, userBody), 200);
    },
  }),
  guardedRoute<UserFieldsBody, undefined, AccountAuth>({
    id: "createUser",
    method: "post",
    path: "/v1/users",
    summary: "Makes a user without any credential",
    access: accessRules.createUser,
    body: userFieldsBody,
    status: 201,
    refusals: ["invalid_format.idempotency_key"],
    run: async ({ c, auth, actor, body }) => {
      const idempotencyKey = c.req.header("idempotency-key");
      const displayName = body.display_name ?? null;
      return c.json(userBody(await auth.users.create({ actor, displayName, idempotencyKey })), 201);
    },
  }),
  guardedRoute<undefined, undefined, AccountAuth>({
    id: "getUser",
    method: "get",
    path: "/v1/users/:usr_id",
    summary: "A user",
    access: accessRules.getUser,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor, parameter }) =>
      c.json(userBody(await auth.users.get({ actor, userId: parameter("usr_id") })), 200),
  }),
  guardedRoute<UserFieldsBody, undefined, AccountAuth>({
    id: "updateUser",
    method: "put",
    path: "/v1/users/:usr_id",
    summary: "Changes what is given: null clears, a member left out stays",
    access: accessRules.updateUser,
    body: userFieldsBody,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor, body, parameter }) => {
      const given = body.display_name === undefined ? {} : { displayName: body.display_name };
      return c.json(userBody(await auth.users.update({ actor, userId: parameter("usr_id"), ...given })), 200);
    },
  }),
  guardedRoute<undefined, undefined, AccountAuth>({
    id: "suspendUser",
    method: "post",
    path: "/v1/users/:usr_id/suspend",
    summary: "Ends a user's sessions and lets nobody in until they are reinstated",
    access: accessRules.suspendUser,
    status: 200,
    refusals: ["conflict.already_terminal", "conflict.last_administrator"],
    run: async ({ c, auth, actor, parameter }) =>
      c.json(userBody(await auth.users.suspend({ actor, userId: parameter("usr_id") })), 200),
  }),
  guardedRoute<undefined, undefined, AccountAuth>({
    id: "reinstateUser",
    method: "post",
    path: "/v1/users/:usr_id/reinstate",
    summary: "Lets a suspended user sign in again",
    access: accessRules.reinstateUser,
    status: 200,
    refusals: ["precondition.invalid_transition"],
    run: async ({ c, auth, actor, parameter }) =>
      c.json(userBody(await auth.users.reinstate({ actor, userId: parameter("usr_id") })), 200),
  }),
  guardedRoute<EndCredentialBody, undefined, AccountAuth>({
    id: "revokeUser",
    method: "post",
    path: "/v1/users/:usr_id/revoke",
    summary: "Ends an account for good; one's own, if it has a password, needs `current_password`",
    access: accessRules.revokeUser,
    body: endCredentialBody,
    status: 200,
    refusals: [
      "conflict.already_terminal",
      "conflict.last_administrator",
      "forbidden",
      "unauthorized.invalid_credential",
      "too_many_requests",
      "unavailable.busy",
    ],
    run: async ({ c, auth, actor, body: { current_password: currentPassword }, parameter }) => {
      const act = { actor, userId: parameter("usr_id") };
      const user =
        currentPassword === undefined
          ? await auth.users.revoke(act)
          : await auth.users.revokeOwn({ ...act, currentPassword });
      return c.json(userBody(user), 200);
    },
  }),
  guardedRoute<undefined, PageQuery, AccountAuth>({
    id: "listUserSessions",
    method: "get",
    path: "/v1/users/:usr_id/sessions",
    summary: "A page of a user's sessions in every state",
    access: accessRules.listSessions,
    query: pageQuery,
    status: 200,
    refusals: ["invalid_format.cursor"],
    run: async ({ c, auth, actor, query: { cursor, limit }, parameter }) => {
      const userId = parameter("usr_id");
      const page = await auth.sessions.list({ actor, userId, cursor, limit: toNumber(limit) });
      return c.json(pageBody(page, sessionBody), 200);
    },
  }),
];
