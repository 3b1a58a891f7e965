import { accessRules } from "../../domain/access-rules.ts";
import { refreshSession } from "../../operations/refresh-session.ts";
import { type AnyAuth, realmOf } from "../auth-source.ts";
import { guardedRoute, openRoute, type Route } from "../route.ts";
import { endSession, signedIn } from "../session-cookie.ts";
import { accountSessionBody, userBody } from "../wire.ts";

/** What every application has: who is signed in, staying signed in, and signing out. */
export const coreRoutes: readonly Route<AnyAuth>[] = [
  openRoute<undefined, undefined, AnyAuth>({
    id: "refresh",
    method: "post",
    path: "/auth/refresh",
    summary: "A new session in the place of the presented one, in its transport",
    access: "token",
    status: 200,
    refusals: ["unauthorized.session_expired", "unauthorized.mfa_required"],
    run: async ({ c, auth, presented, context }) => {
      const issued = await refreshSession(realmOf(auth).core, { ...presented!, context });
      return c.json(signedIn(c, presented!.transport, issued), 200);
    },
  }),
  openRoute<undefined, undefined, AnyAuth>({
    id: "signOut",
    method: "post",
    path: "/auth/sign-out",
    summary: "Ends the presented session, if there is one",
    access: "optional",
    status: 204,
    refusals: [],
    run: async ({ c, auth, presented, context }) => {
      if (presented) await auth.sessions.signOut({ ...presented, context });
      // A bearer speaks for itself alone: the session of a cookie beside it goes on, so its cookie stays.
      if (presented?.transport !== "token") endSession(c);
      return c.body(null, 204);
    },
  }),
  guardedRoute<undefined, undefined, AnyAuth>({
    id: "currentSession",
    method: "get",
    path: "/auth/session",
    summary: "Who is signed in",
    access: accessRules.getSession,
    status: 200,
    refusals: [],
    run: async ({ c, user, session }) =>
      c.json({ user: userBody(user), session: accountSessionBody(session, session.id) }, 200),
  }),
];
