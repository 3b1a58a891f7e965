import { ownerOnly } from "../../domain/act.ts";
import * as acts from "../../domain/acts/session.ts";
import { refreshSession } from "../../operations/refresh-session.ts";
import { type AnyAuth, realmOf } from "../auth-source.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { endSession, signedIn } from "../session-cookie.ts";
import { endKept } from "../session-kept.ts";
import { accountSessionBody, signedInUserBody } from "../wire.ts";

const rows = rowsFor<AnyAuth>();

/** The rows of every application: the current user, refreshing a session, and signing out. */
export const coreRoutes: RouteTable<AnyAuth> = () => [
  rows.open({
    act: acts.refreshSession,
    id: "refresh",
    method: "post",
    path: "/auth/refresh",
    access: "token",
    run: async ({ c, auth, presented, context }) => {
      const issued = await refreshSession(realmOf(auth).core, { ...presented!, context });
      return signedIn(c, auth, presented!.transport, issued);
    },
  }),
  rows.open({
    act: acts.signOut,
    method: "post",
    path: "/auth/sign-out",
    access: "optional",
    status: 204,
    run: async ({ c, auth, presented, context }) => {
      if (presented) await auth.sessions.signOut({ ...presented, context });
      // A bearer ends only its own session. The session of a cookie in the same request goes on, so its cookie stays.
      if (presented?.transport === "token") return;
      await endKept(c, auth, context);
      endSession(c, auth);
    },
  }),
  rows.guarded({
    act: ownerOnly(acts.getSession),
    id: "currentSession",
    method: "get",
    path: "/auth/session",
    run: async ({ user, session }) => ({
      user: signedInUserBody(user),
      session: accountSessionBody(session, session.id),
    }),
  }),
];
