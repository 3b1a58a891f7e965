import { accessRules } from "../../domain/access-rules.ts";
import { AuthError } from "../../domain/error.ts";
import { guardedRoute, type Route } from "../route.ts";
import type { EndCredentialBody, PageQuery, UserFieldsBody, UsersQuery } from "../schemas.ts";
import { endCredentialBody, pageQuery, userFieldsBody, usersQuery } from "../schemas.ts";
import { pageBody, sessionBody, userBody } from "../wire.ts";

/** The specification's routes for users. */
export const userRoutes: readonly Route[] = [
  guardedRoute<undefined, UsersQuery>({
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
  guardedRoute<UserFieldsBody>({
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
  guardedRoute({
    id: "getUser",
    method: "get",
    path: "/v1/users/:usr_id",
    summary: "A user",
    access: accessRules.getUser,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor }) =>
      c.json(userBody(await auth.users.get({ actor, userId: c.req.param("usr_id")! })), 200),
  }),
  guardedRoute<UserFieldsBody>({
    id: "updateUser",
    method: "put",
    path: "/v1/users/:usr_id",
    summary: "Changes what is given: null clears, a member left out stays",
    access: accessRules.updateUser,
    body: userFieldsBody,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor, body }) => {
      const given = body.display_name === undefined ? {} : { displayName: body.display_name };
      return c.json(userBody(await auth.users.update({ actor, userId: c.req.param("usr_id")!, ...given })), 200);
    },
  }),
  guardedRoute({
    id: "suspendUser",
    method: "post",
    path: "/v1/users/:usr_id/suspend",
    summary: "Ends a user's sessions and lets nobody in until they are reinstated",
    access: accessRules.suspendUser,
    status: 200,
    refusals: ["conflict.already_terminal", "conflict.last_administrator"],
    run: async ({ c, auth, actor }) =>
      c.json(userBody(await auth.users.suspend({ actor, userId: c.req.param("usr_id")! })), 200),
  }),
  guardedRoute({
    id: "reinstateUser",
    method: "post",
    path: "/v1/users/:usr_id/reinstate",
    summary: "Lets a suspended user sign in again",
    access: accessRules.reinstateUser,
    status: 200,
    refusals: ["precondition.invalid_transition"],
    run: async ({ c, auth, actor }) =>
      c.json(userBody(await auth.users.reinstate({ actor, userId: c.req.param("usr_id")! })), 200),
  }),
  guardedRoute<EndCredentialBody>({
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
    run: async ({ c, auth, actor, body: { current_password: currentPassword } }) => {
      const act = { actor, userId: c.req.param("usr_id")! };
      const user =
        currentPassword === undefined
          ? await auth.users.revoke(act)
          : await auth.users.revokeOwn({ ...act, currentPassword });
      return c.json(userBody(user), 200);
    },
  }),
  guardedRoute<undefined, PageQuery>({
    id: "listUserSessions",
    method: "get",
    path: "/v1/users/:usr_id/sessions",
    summary: "A page of a user's sessions in every state",
    access: accessRules.listSessions,
    query: pageQuery,
    status: 200,
    refusals: ["invalid_format.cursor"],
    run: async ({ c, auth, actor, query: { cursor, limit } }) => {
      const userId = c.req.param("usr_id")!;
      const page = await auth.sessions.list({ actor, userId, cursor, limit: toNumber(limit) });
      return c.json(pageBody(page, sessionBody), 200);
    },
  }),
];

/** A query's number; the schema has held it to digits. */
export function toNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** The time that a member's text names. Its form is that of RFC 3339 by then, but 30 February has that form too. */
export function toDate(text: string, member: string): Date {
  const time = new Date(text);
  const day = Number(text.slice(8, 10));
  const lastDay = new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate();
  if (Number.isNaN(time.getTime()) || day > lastDay) {
    throw new AuthError("invalid_format.body", { details: { member } });
  }
  return time;
}
