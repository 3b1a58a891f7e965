import * as v from "valibot";
import * as acts from "../../domain/acts/session.ts";
import type { AccountAuth } from "../../operations/accounts.ts";
import { idEntry, pageEntries, toNumber } from "../request-values.ts";
import { type Route, rowsFor } from "../route.ts";
import { ticketHeader } from "../ticket.ts";
import { accountSessionBody, pageBody, sessionBody } from "../wire.ts";

const rows = rowsFor<AccountAuth>();

/** Sessions: the caller's own, and the specification's routes, whose tokens travel in bodies and in `Authorization`. */
export const sessionRoutes: readonly Route<AccountAuth>[] = [
  rows.open({
    act: acts.createSession,
    id: "createSession",
    method: "post",
    path: "/v1/sessions",
    summary: "Exchange the login ticket in the `Login-Ticket` header for a session",
    access: "ticket",
    body: v.strictObject({
      usr_id: idEntry("usr"),
      cred_id: idEntry("cred"),
      ttl_seconds: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2_147_483_647)),
    }),
    status: 201,
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
  rows.guarded({
    act: acts.listSessions,
    id: "listOwnSessions",
    method: "get",
    path: "/auth/sessions",
    summary: "List the caller's live sessions, with their devices",
    query: v.object(pageEntries()),
    status: 200,
    run: async ({ c, auth, actor, user, session, query: { cursor, limit } }) => {
      const page = await auth.sessions.list({ actor, userId: user.id, cursor, limit: toNumber(limit), onlyLive: true });
      return c.json(
        pageBody(page, (one) => accountSessionBody(one, session.id)),
        200,
      );
    },
  }),
  rows.guarded({
    act: acts.listSessions,
    id: "listUserSessions",
    method: "get",
    path: "/v1/users/:usr_id/sessions",
    summary: "List a user's sessions in every state",
    query: v.object(pageEntries()),
    status: 200,
    run: async ({ c, auth, actor, parameter, query: { cursor, limit } }) => {
      const page = await auth.sessions.list({ actor, userId: parameter("usr_id"), cursor, limit: toNumber(limit) });
      return c.json(pageBody(page, sessionBody), 200);
    },
  }),
  ...rows.twins({
    act: acts.getSession,
    auth: { id: "getOwnSession", path: "/auth/sessions/:ses_id", summary: "Get one of the caller's sessions" },
    v1: { id: "getSession", path: "/v1/sessions/:ses_id", summary: "Get a session" },
    method: "get",
    status: 200,
    run: async ({ c, auth, actor, session, parameter, onlyOwn }) => {
      const found = await auth.sessions.get({ actor, sessionId: parameter("ses_id"), onlyOwn });
      return c.json(onlyOwn ? accountSessionBody(found, session.id) : sessionBody(found), 200);
    },
  }),
  rows.open({
    act: acts.refreshSession,
    id: "refreshSession",
    method: "post",
    path: "/v1/sessions/:ses_id/refresh",
    summary: "Replace the presented session with a new one",
    access: "token",
    status: 201,
    refusals: ["not_found"],
    run: async ({ c, auth, presented, context, parameter }) => {
      const refreshed = await auth.sessions.refresh({ ...presented!, sessionId: parameter("ses_id"), context });
      return c.json({ session: sessionBody(refreshed.session), token: refreshed.token }, 201);
    },
  }),
  ...rows.twins({
    act: acts.revokeSession,
    auth: {
      id: "revokeOwnSession",
      path: "/auth/sessions/:ses_id/revoke",
      summary: "End one of the caller's sessions, or its successor",
    },
    v1: { id: "revokeSession", path: "/v1/sessions/:ses_id/revoke", summary: "End a session" },
    method: "post",
    status: 200,
    run: async ({ c, auth, actor, session, parameter, onlyOwn }) => {
      const ended = await auth.sessions.revoke({ actor, sessionId: parameter("ses_id"), onlyOwn });
      return c.json(onlyOwn ? accountSessionBody(ended, session.id) : sessionBody(ended), 200);
    },
  }),
  rows.guarded({
    act: acts.revokeOtherSessions,
    id: "revokeOtherSessions",
    method: "post",
    path: "/auth/sessions/revoke-others",
    summary: "End every other session of the caller",
    status: 200,
    run: async ({ c, auth, actor }) => c.json(await auth.sessions.revokeOthers({ actor }), 200),
  }),
];
