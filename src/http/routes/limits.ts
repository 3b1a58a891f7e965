import * as v from "valibot";
import * as acts from "../../domain/acts/limit.ts";
import { AuthError } from "../../domain/error.ts";
import type { LimitAuth, LimitsOf } from "../../operations/limits.ts";
import { limitBody } from "../limit-wire.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { pageBody } from "../wire.ts";

const rows = rowsFor<LimitAuth>();

const whose = () => ({
  identifier: v.optional(v.string()),
  address: v.optional(v.string()),
  key: v.optional(v.string()),
  name: v.optional(v.string()),
});

/** Limits on attempts, for administrators. */
export const limitRoutes: RouteTable<LimitAuth> = () => [
  rows.guarded({
    act: acts.listLimits,
    method: "get",
    path: "/v1/limits",
    query: () => v.object(whose()),
    run: async ({ auth, actor, query }) => {
      const given = Object.entries(query).filter(([, text]) => text !== undefined);
      if (given.length > 1) throw new AuthError("invalid_format.query", { details: { member: given[1]![0] } });
      const of = given.length === 0 ? undefined : (Object.fromEntries(given) as LimitsOf);
      return pageBody(await auth.limits.list({ actor, of }), limitBody);
    },
  }),
  rows.guarded({
    act: acts.liftLimit,
    method: "post",
    path: "/v1/limits/lift",
    body: () =>
      v.union([
        v.strictObject({ identifier: v.string() }),
        v.strictObject({ address: v.string() }),
        v.strictObject({ key: v.string() }),
        v.strictObject({ name: v.string() }),
      ]),
    run: async ({ auth, actor, body: of }) => await auth.limits.lift({ actor, of }),
  }),
];
