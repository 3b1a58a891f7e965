import { accessRules } from "../../domain/access-rules.ts";
import type { AccountAuth } from "../../operations/accounts.ts";
import { guardedRoute, openRoute, type Route } from "../route.ts";
import { type CreateSessionBody, createSessionBody } from "../schemas.ts";
import { ticketHeader } from "../ticket.ts";
import { sessionBody } from "../wire.ts";

/** The specification's routes for sessions. Their tokens travel in bodies and in `Authorization`, never in cookies. */
export const sessionRoutes: readonly Route<AccountAuth>[] = [
  openRoute<CreateSessionBody, undefined, AccountAuth>({
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
  guardedRoute<undefined, undefined, AccountAuth>({
    id: "getSession",
    method: "get",
    path: "/v1/sessions/:ses_id",
    summary: "A session",
    access: accessRules.getSession,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor, parameter }) =>
      c.json(sessionBody(await auth.sessions.get({ actor, sessionId: parameter("ses_id") })), 200),
  }),
  openRoute({
    id: "refreshSession",
    method: "post",
    path: "/v1/sessions/:ses_id/refresh",
    summary: "A new session in the place of the presented one; no other can be named",
    access: "token",
    status: 201,
    refusals: ["not_found", "unauthorized.session_expired", "unauthorized.mfa_required"],
    run: async ({ c, auth, presented, context, parameter }) => {
      const sessionId = parameter("ses_id");
      const { session, token } = await auth.sessions.refresh({ ...presented!, sessionId, context });
      return c.json({ session: sessionBody(session), token }, 201);
    },
  }),
  guardedRoute<undefined, undefined, AccountAuth>({
    id: "revokeSession",
    method: "post",
    path: "/v1/sessions/:ses_id/revoke",
    summary: "Ends a session; one that has ended stays as it is",
    access: accessRules.revokeSession,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor, parameter }) =>
      c.json(sessionBody(await auth.sessions.revoke({ actor, sessionId: parameter("ses_id") })), 200),
  }),
];
