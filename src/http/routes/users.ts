import * as v from "valibot";
import * as acts from "../../domain/acts/user.ts";
import { acceptTypedName } from "../../domain/text.ts";
import type { AccountAuth } from "../../operations/accounts.ts";
import { displayNameEntry, keyOf, pageEntries, toNumber } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { pageBody, userBody } from "../wire.ts";

const rows = rowsFor<AccountAuth>();

const fields = () => v.strictObject({ display_name: displayNameEntry() });

/** Users: the caller's own account, and the specification's routes. */
export const userRoutes: RouteTable<AccountAuth> = () => [
  rows.guarded({
    act: acts.listUsers,
    method: "get",
    path: "/v1/users",
    query: () =>
      v.object({
        ...pageEntries(),
        query: v.optional(v.string()),
        status: v.optional(v.picklist(["active", "suspended", "revoked"])),
      }),
    run: async ({ auth, actor, query: { limit, ...query } }) => {
      const page = await auth.users.list({ ...query, actor, limit: toNumber(limit) });
      return pageBody(page, userBody);
    },
  }),
  rows.guarded({
    act: acts.createUser,
    method: "post",
    path: "/v1/users",
    body: fields,
    status: 201,
    run: async ({ c, auth, actor, body }) => {
      const displayName = body.display_name ?? null;
      return userBody(await auth.users.create({ actor, displayName, ...keyOf(c) }));
    },
  }),
  ...rows.twins({
    act: acts.getUser,
    auth: { id: "getOwnUser", path: "/auth/user" },
    v1: "/v1/users/:usr_id",
    method: "get",
    run: async ({ auth, actor, userId }) => userBody(await auth.users.get({ actor, userId })),
  }),
  ...rows.twins({
    act: acts.updateUser,
    auth: { id: "updateOwnUser", path: "/auth/user" },
    v1: "/v1/users/:usr_id",
    method: "put",
    body: fields,
    run: async ({ auth, actor, userId, body: { display_name: name }, onlyOwn }) => {
      const given = name === undefined ? {} : { displayName: onlyOwn && name !== null ? acceptTypedName(name) : name };
      return userBody(await auth.users.update({ actor, userId, ...given }));
    },
  }),
  rows.guarded({
    act: acts.suspendUser,
    method: "post",
    path: "/v1/users/:usr_id/suspend",
    run: async ({ auth, actor, parameter }) =>
      userBody(await auth.users.suspend({ actor, userId: parameter("usr_id") })),
  }),
  rows.guarded({
    act: acts.reinstateUser,
    method: "post",
    path: "/v1/users/:usr_id/reinstate",
    run: async ({ auth, actor, parameter }) =>
      userBody(await auth.users.reinstate({ actor, userId: parameter("usr_id") })),
  }),
  ...rows.twins({
    act: acts.revokeUser,
    auth: { id: "closeAccount", path: "/auth/user/revoke" },
    v1: "/v1/users/:usr_id/revoke",
    method: "post",
    body: () =>
      v.strictObject({ current_password: v.optional(v.string()), end_organizations: v.optional(v.boolean()) }),
    run: async ({ auth, actor, userId, body }) => {
      const { current_password: currentPassword, end_organizations: endOrganizations } = body;
      const user =
        currentPassword === undefined
          ? await auth.users.revoke({ actor, userId, endOrganizations })
          : await auth.users.revokeOwn({ actor, userId, currentPassword, endOrganizations });
      return userBody(user);
    },
  }),
];
