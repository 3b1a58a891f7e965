import { ownerOnly } from "../../domain/act.ts";
import * as acts from "../../domain/acts/session.ts";
import { refreshSession } from "../../operations/refresh-session.ts";
import { type AnyAuth, realmOf } from "../auth-source.ts";
import { type Route, rowsFor } from "../route.ts";
import { endSession, signedIn } from "../session-cookie.ts";
import { accountSessionBody, signedInUserBody } from "../wire.ts";

const rows = rowsFor<AnyAuth>();

/** The rows of every application: the current user, refreshing a session, and signing out. */
export const coreRoutes: readonly Route<AnyAuth>[] = [
  rows.open({
    act: acts.refreshSession,
    id: "refresh",
    method: "post",
    path: "/auth/refresh",
    summary: "Replace the presented session with a new one, in the same transport",
    access: "token",
    status: 200,
    run: async ({ c, auth, presented, context }) => {
      const issued = await refreshSession(realmOf(auth).core, { ...presented!, context });
      return c.json(signedIn(c, presented!.transport, issued), 200);
    },
  }),
  rows.open({
    act: acts.signOut,
    id: "signOut",
    method: "post",
    path: "/auth/sign-out",
    summary: "End the presented session, if there is one",
    access: "optional",
    status: 204,
    run: async ({ c, auth, presented, context }) => {
      if (presented) await auth.sessions.signOut({ ...presented, context });
      // A bearer ends only its own session. The session of a cookie in the same request goes on, so its cookie stays.
      if (presented?.transport !== "token") endSession(c);
      return c.body(null, 204);
    },
  }),
  rows.guarded({
    act: ownerOnly(acts.getSession),
    id: "currentSession",
    method: "get",
    path: "/auth/session",
    summary: "Get the caller's user and session",
    status: 200,
    run: async ({ c, user, session }) =>
      c.json({ user: signedInUserBody(user), session: accountSessionBody(session, session.id) }, 200),
  }),
];
