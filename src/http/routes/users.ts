import * as v from "valibot";
import * as acts from "../../domain/acts/user.ts";
import type { AccountAuth } from "../../operations/accounts.ts";
import { displayNameEntry, pageEntries, toNumber } from "../request-values.ts";
import { type Route, rowsFor } from "../route.ts";
import { pageBody, userBody } from "../wire.ts";

const rows = rowsFor<AccountAuth>();

const fields = v.strictObject({ display_name: displayNameEntry() });

/** Users: the caller's own account, and the specification's routes. */
export const userRoutes: readonly Route<AccountAuth>[] = [
  rows.guarded({
    act: acts.listUsers,
    id: "listUsers",
    method: "get",
    path: "/v1/users",
    summary: "List users in order of their ids",
    query: v.object({
      ...pageEntries(),
      query: v.optional(v.string()),
      status: v.optional(v.picklist(["active", "suspended", "revoked"])),
    }),
    status: 200,
    run: async ({ c, auth, actor, query: { limit, ...query } }) => {
      const page = await auth.users.list({ ...query, actor, limit: toNumber(limit) });
      return c.json(pageBody(page, userBody), 200);
    },
  }),
  rows.guarded({
    act: acts.createUser,
    id: "createUser",
    method: "post",
    path: "/v1/users",
    summary: "Create a user without a credential",
    body: fields,
    status: 201,
    run: async ({ c, auth, actor, body }) => {
      const idempotencyKey = c.req.header("idempotency-key");
      const displayName = body.display_name ?? null;
      return c.json(userBody(await auth.users.create({ actor, displayName, idempotencyKey })), 201);
    },
  }),
  ...rows.twins({
    act: acts.getUser,
    auth: { id: "getOwnUser", path: "/auth/user", summary: "Get the caller's user" },
    v1: { id: "getUser", path: "/v1/users/:usr_id", summary: "Get a user" },
    method: "get",
    status: 200,
    run: async ({ c, auth, actor, userId }) => c.json(userBody(await auth.users.get({ actor, userId })), 200),
  }),
  ...rows.twins({
    act: acts.updateUser,
    auth: { id: "updateOwnUser", path: "/auth/user", summary: "Change the caller's user; `null` clears a field" },
    v1: { id: "updateUser", path: "/v1/users/:usr_id", summary: "Change a user; `null` clears a field" },
    method: "put",
    body: fields,
    status: 200,
    run: async ({ c, auth, actor, userId, body }) => {
      const given = body.display_name === undefined ? {} : { displayName: body.display_name };
      return c.json(userBody(await auth.users.update({ actor, userId, ...given })), 200);
    },
  }),
  rows.guarded({
    act: acts.suspendUser,
    id: "suspendUser",
    method: "post",
    path: "/v1/users/:usr_id/suspend",
    summary: "Suspend a user and end their sessions",
    status: 200,
    run: async ({ c, auth, actor, parameter }) =>
      c.json(userBody(await auth.users.suspend({ actor, userId: parameter("usr_id") })), 200),
  }),
  rows.guarded({
    act: acts.reinstateUser,
    id: "reinstateUser",
    method: "post",
    path: "/v1/users/:usr_id/reinstate",
    summary: "Reinstate a suspended user",
    status: 200,
    run: async ({ c, auth, actor, parameter }) =>
      c.json(userBody(await auth.users.reinstate({ actor, userId: parameter("usr_id") })), 200),
  }),
  ...rows.twins({
    act: acts.revokeUser,
    auth: {
      id: "closeAccount",
      path: "/auth/user/revoke",
      summary: "Close the caller's account permanently; needs `current_password` if it has a password",
    },
    v1: {
      id: "revokeUser",
      path: "/v1/users/:usr_id/revoke",
      summary: "Close an account permanently; the caller's own needs `current_password` if it has a password",
    },
    method: "post",
    body: v.strictObject({ current_password: v.optional(v.string()) }),
    status: 200,
    run: async ({ c, auth, actor, userId, body: { current_password: currentPassword } }) => {
      const user =
        currentPassword === undefined
          ? await auth.users.revoke({ actor, userId })
          : await auth.users.revokeOwn({ actor, userId, currentPassword });
      return c.json(userBody(user), 200);
    },
  }),
];
