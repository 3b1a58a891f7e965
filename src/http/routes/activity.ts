import * as v from "valibot";
import { ownerOnly } from "../../domain/act.ts";
import { listActivity } from "../../domain/acts/activity.ts";
import type { ActivityAuth } from "../../operations/activity.ts";
import { activityEventBody } from "../activity-wire.ts";
import { pageEntries, toNumber } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { pageBody } from "../wire.ts";

const rows = rowsFor<ActivityAuth>();

/** The caller's own activity. Flametrench has no path for it, so there is no second one for administrators. */
export const activityRoutes: RouteTable<ActivityAuth> = () => [
  rows.guarded({
    act: ownerOnly(listActivity),
    id: "listOwnActivity",
    method: "get",
    path: "/auth/activity",
    query: () => v.object(pageEntries()),
    run: async ({ auth, actor, user, query: { limit, ...query } }) => {
      const page = await auth.activity.list({ ...query, actor, userId: user.id, limit: toNumber(limit) });
      return pageBody(page, activityEventBody);
    },
  }),
];
