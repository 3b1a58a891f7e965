import type { Context } from "hono";
import { accessRules } from "../../domain/access-rules.ts";
import { AuthError, errorBody } from "../../domain/error.ts";
import { type Transport, ticketSeconds } from "../../domain/session.ts";
import type { IssuedSession } from "../../engine/sessions.ts";
import type { SecondFactorNeeded } from "../../operations/sign-in.ts";
import {
  clearCookie,
  knownDeviceCookie,
  longestCookieSeconds,
  readCookie,
  sessionCookie,
  setCookie,
  ticketCookie,
} from "../cookies.ts";
import { guardedRoute, openRoute, type Route } from "../route.ts";
import type { ChangePasswordBody, PageQuery, PasswordCredentialsBody, UserFieldsBody } from "../schemas.ts";
import { changePasswordBody, pageQuery, signInBody, signUpBody } from "../schemas.ts";
import { accountSessionBody, pageBody, type SignedInBody, userBody } from "../wire.ts";
import { toNumber } from "./users.ts";

/** What an application needs of an account: signing up, in and out, and staying signed in. */
export const accountRoutes: readonly Route[] = [
  openRoute<PasswordCredentialsBody & UserFieldsBody>({
    id: "signUp",
    method: "post",
    path: "/auth/sign-up",
    summary: "Makes an account and signs in to it",
    access: "anyone",
    body: signUpBody,
    status: 201,
    refusals: [
      "forbidden.sign_up_closed",
      "invalid_format.identifier",
      "invalid_format.password",
      "conflict.duplicate_credential",
      "too_many_requests",
      "unavailable.busy",
    ],
    run: async ({ c, auth, body, context }) => {
      const { display_name: displayName = null, transport = "cookie", ...proof } = body;
      const presentedToken = readCookie(c, sessionCookie);
      const issued = await auth.signUp({ ...proof, displayName, transport, presentedToken, context });
      return c.json(signedIn(c, transport, issued), 201);
    },
  }),
  openRoute<PasswordCredentialsBody>({
    id: "signIn",
    method: "post",
    path: "/auth/sign-in",
    summary: "Signs in; answers 401 `unauthorized.mfa_required` with a ticket if a second factor is to come",
    access: "anyone",
    body: signInBody,
    status: 200,
    refusals: [
      "unauthorized.invalid_credential",
      "unauthorized.mfa_required",
      "unauthorized.enrollment_required",
      "forbidden.enrollment_not_granted",
      "too_many_requests",
      "unavailable.busy",
    ],
    run: async ({ c, auth, body, context }) => {
      const { transport = "cookie", ...proof } = body;
      const result = await auth.signIn({
        ...proof,
        transport,
        context,
        knownDevice: readCookie(c, knownDeviceCookie),
        presentedToken: transport === "cookie" ? readCookie(c, sessionCookie) : undefined,
      });
      return result.mfaRequired
        ? secondFactorNeeded(c, transport, result)
        : c.json(signedIn(c, transport, result), 200);
    },
  }),
  openRoute({
    id: "refresh",
    method: "post",
    path: "/auth/refresh",
    summary: "A new session in the place of the presented one, in its transport",
    access: "token",
    status: 200,
    refusals: ["unauthorized.session_expired", "unauthorized.mfa_required"],
    run: async ({ c, auth, presented, context }) => {
      const issued = await auth.sessions.refresh({ ...presented!, context });
      return c.json(signedIn(c, presented!.transport, issued), 200);
    },
  }),
  openRoute({
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
      if (presented?.transport !== "token") clearCookie(c, sessionCookie);
      return c.body(null, 204);
    },
  }),
  guardedRoute({
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
  guardedRoute<undefined, PageQuery>({
    id: "listOwnSessions",
    method: "get",
    path: "/auth/sessions",
    summary: "A page of the caller's live sessions, with their devices",
    access: accessRules.listSessions,
    query: pageQuery,
    status: 200,
    refusals: ["invalid_format.cursor"],
    run: async ({ c, auth, actor, user, session, query: { cursor, limit } }) => {
      const page = await auth.sessions.list({ actor, userId: user.id, cursor, limit: toNumber(limit), onlyLive: true });
      return c.json(
        pageBody(page, (one) => accountSessionBody(one, session.id)),
        200,
      );
    },
  }),
  guardedRoute({
    id: "revokeOtherSessions",
    method: "post",
    path: "/auth/sessions/revoke-others",
    summary: "Ends every session of the caller but this one",
    access: accessRules.revokeSession,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor }) => c.json(await auth.sessions.revokeOthers({ actor }), 200),
  }),
  guardedRoute<ChangePasswordBody>({
    id: "changePassword",
    method: "post",
    path: "/auth/password",
    summary: "Changes the caller's password, ends all their sessions and gives a new one",
    access: accessRules.changePassword,
    body: changePasswordBody,
    status: 200,
    refusals: ["unauthorized.invalid_credential", "invalid_format.password", "too_many_requests", "unavailable.busy"],
    run: async ({ c, auth, actor, body, presented }) => {
      const { transport } = presented!;
      const issued = await auth.changePassword({
        actor,
        currentPassword: body.current_password,
        newPassword: body.new_password,
        transport,
      });
      return c.json(signedIn(c, transport, issued), 200);
    },
  }),
];

/** Hands a session over in its transport: the token is in the cookie or in the body, never in both (S08). */
export function signedIn(
  c: Context,
  transport: Transport,
  issued: IssuedSession & { knownDevice?: string },
): SignedInBody {
  const { session, user, token, knownDevice } = issued;
  const body = { user: userBody(user), session: accountSessionBody(session, session.id) };
  if (transport === "token") return { ...body, token };

  setCookie(c, sessionCookie, token, (session.expiresAt.getTime() - session.createdAt.getTime()) / 1000);
  if (knownDevice) setCookie(c, knownDeviceCookie, knownDevice, longestCookieSeconds);
  return body;
}

/** Says that a second factor is needed, and of the user the kinds that they have: the first one is proved (S20). */
function secondFactorNeeded(c: Context, transport: Transport, needed: SecondFactorNeeded): Response {
  const { ticket, factors, enroll } = needed;
  const { code, message } = errorBody(
    new AuthError(enroll ? "unauthorized.enrollment_required" : "unauthorized.mfa_required"),
  );
  c.header("WWW-Authenticate", "Bearer");
  if (transport === "token") return c.json({ code, message, details: { factors, ticket } }, 401);
  setTicketCookie(c, ticket);
  return c.json({ code, message, details: { factors } }, 401);
}

/** Keeps a login ticket in the browser for as long as it counts (S20). */
export function setTicketCookie(c: Context, ticket: string): void {
  setCookie(c, ticketCookie, ticket, ticketSeconds);
}
