import type { Context } from "hono";
import { accessRules } from "../../domain/access-rules.ts";
import type { Transport } from "../../domain/session.ts";
import { readCookie, ticketCookie } from "../cookies.ts";
import { guardedRoute, openRoute, type Route } from "../route.ts";
import { type CreateSessionBody, createSessionBody } from "../schemas.ts";
import { sessionBody } from "../wire.ts";

/** Carries a login ticket, so that the bodies keep the specified schema. */
export const ticketHeader = "Login-Ticket";

/** Carries the token of a session that takes the place of the one that asked, for the same reason. */
export const sessionHeader = "Session-Token";

/** The login ticket: of a program in the header, of a browser in the cookie. One form is never taken for the other (S20). */
export function presentedTicket(c: Context): { ticket: string; transport: Transport } {
  const header = c.req.header(ticketHeader);
  if (header !== undefined) return { ticket: header, transport: "token" };
  return { ticket: readCookie(c, ticketCookie) ?? "", transport: "cookie" };
}

/** The specification's routes for sessions. Their tokens travel in bodies and in `Authorization`, never in cookies. */
export const sessionRoutes: readonly Route[] = [
  openRoute<CreateSessionBody>({
    id: "createSession",
    method: "post",
    path: "/v1/sessions",
    summary: "Spends the login ticket in the `Login-Ticket` header on a session",
    access: "ticket",
    body: createSessionBody,
    status: 201,
    refusals: ["unauthorized.invalid_ticket", "precondition.ttl_too_short"],
    run: async ({ c, auth, body, context }) => {
      const { session, token } = await auth.sessions.create({
        ticket: c.req.header(ticketHeader) ?? "",
        userId: body.usr_id,
        credentialId: body.cred_id,
        ttlSeconds: body.ttl_seconds,
        transport: "token",
        context,
      });
      return c.json({ session: sessionBody(session), token }, 201);
    },
  }),
  guardedRoute({
    id: "getSession",
    method: "get",
    path: "/v1/sessions/:ses_id",
    summary: "A session",
    access: accessRules.getSession,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor }) =>
      c.json(sessionBody(await auth.sessions.get({ actor, sessionId: c.req.param("ses_id")! })), 200),
  }),
  openRoute({
    id: "refreshSession",
    method: "post",
    path: "/v1/sessions/:ses_id/refresh",
    summary: "A new session in the place of the presented one; no other can be named",
    access: "token",
    status: 201,
    refusals: ["not_found", "unauthorized.session_expired", "unauthorized.mfa_required"],
    run: async ({ c, auth, presented, context }) => {
      const sessionId = c.req.param("ses_id")!;
      const { session, token } = await auth.sessions.refresh({ ...presented!, sessionId, context });
      return c.json({ session: sessionBody(session), token }, 201);
    },
  }),
  guardedRoute({
    id: "revokeSession",
    method: "post",
    path: "/v1/sessions/:ses_id/revoke",
    summary: "Ends a session; one that has ended stays as it is",
    access: accessRules.revokeSession,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor }) =>
      c.json(sessionBody(await auth.sessions.revoke({ actor, sessionId: c.req.param("ses_id")! })), 200),
  }),
];
