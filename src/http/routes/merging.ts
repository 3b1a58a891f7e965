import * as v from "valibot";
import { beginMerge, mergeUsers } from "../../domain/acts/merging.ts";
import { signOut } from "../../domain/acts/session.ts";
import { AuthError } from "../../domain/error.ts";
import type { CoreOperations } from "../../operations/auth.ts";
import type { MergingAuth } from "../../operations/merging.ts";
import type { PresentedSession } from "../bearer.ts";
import { idEntry } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { findKept, setAside, takeBack } from "../session-kept.ts";
import { accountSessionBody, userBody } from "../wire.ts";

/** @throws {AuthError} `forbidden` for a program, which has no second cookie. */
function requireBrowser(presented: PresentedSession | undefined): asserts presented is PresentedSession {
  if (presented?.transport !== "cookie") throw new AuthError("forbidden");
}

type Needed = CoreOperations & MergingAuth;

const rows = rowsFor<Needed>();

/** Merging two accounts: only for browsers, whose cookies hold both sessions. */
export const mergingRoutes: RouteTable<Needed> = () => [
  rows.guarded({
    act: beginMerge,
    method: "post",
    path: "/auth/merge/begin",
    status: 204,
    run: async ({ c, auth, actor, context, presented }) => {
      requireBrowser(presented);
      await auth.merging.begin({ actor });
      await setAside(c, auth, presented.token, context);
    },
  }),
  rows.guarded({
    act: mergeUsers,
    method: "post",
    path: "/auth/merge",
    body: () => v.strictObject({ usr_id: v.optional(idEntry("usr")), into_usr_id: v.optional(idEntry("usr")) }),
    run: async ({ c, auth, actor, context, presented, body }) => {
      requireBrowser(presented);
      const kept = await findKept(c, auth, context);
      // Another tab may have signed in to another account since the user confirmed.
      const { usr_id: ending = actor.userId, into_usr_id: staying = kept?.actor.userId } = body;
      if (!kept || ending !== actor.userId || staying !== kept.actor.userId) {
        throw new AuthError("unauthorized.session_expired");
      }
      const user = await auth.merging.merge({ actor, into: kept.actor });
      takeBack(c, auth, kept);
      return { user: userBody(user), session: accountSessionBody(kept.session, kept.session.id) };
    },
  }),
  rows.open({
    act: signOut,
    id: "cancelMerge",
    method: "post",
    path: "/auth/merge/cancel",
    access: "optional",
    status: 204,
    run: async ({ c, auth, presented, context }) => {
      const kept = await findKept(c, auth, context);
      if (kept && presented?.transport === "cookie") await auth.sessions.signOut({ ...presented, context });
      takeBack(c, auth, kept);
    },
  }),
];
