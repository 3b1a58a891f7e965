import * as v from "valibot";
import * as acts from "../../domain/acts/session.ts";
import type { Session } from "../../domain/session.ts";
import type { AccountAuth } from "../../operations/accounts.ts";
import { idEntry, pageEntries, toNumber } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { ticketHeader } from "../ticket.ts";
import { accountSessionBody, pageBody, type SessionBody, sessionBody } from "../wire.ts";

const rows = rowsFor<AccountAuth>();

/** Sessions: the caller's own, and the specification's routes, whose tokens travel in bodies and in `Authorization`. */
export const sessionRoutes: RouteTable<AccountAuth> = () => [
  rows.open({
    act: acts.createSession,
    method: "post",
    path: "/v1/sessions",
    access: "ticket",
    body: () =>
      v.strictObject({
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
      return { session: sessionBody(session), token };
    },
  }),
  ...rows.twins({
    act: acts.listSessions,
    auth: { id: "listOwnSessions", path: "/auth/sessions" },
    v1: "/v1/users/:usr_id/sessions",
    method: "get",
    query: () => v.object(pageEntries()),
    run: async ({ auth, actor, userId, session, onlyOwn, query: { cursor, limit } }) => {
      const asked = { actor, userId, cursor, limit: toNumber(limit), onlyLive: onlyOwn };
      return pageBody(await auth.sessions.list(asked), bodyFor(session, onlyOwn));
    },
  }),
  ...rows.twins({
    act: acts.getSession,
    auth: { id: "getOwnSession", path: "/auth/sessions/:ses_id" },
    v1: "/v1/sessions/:ses_id",
    method: "get",
    run: async ({ auth, actor, session, parameter, onlyOwn }) => {
      const found = await auth.sessions.get({ actor, sessionId: parameter("ses_id"), onlyOwn });
      return bodyFor(session, onlyOwn)(found);
    },
  }),
  rows.open({
    act: acts.refreshSession,
    method: "post",
    path: "/v1/sessions/:ses_id/refresh",
    access: "token",
    status: 201,
    refusals: ["not_found"],
    run: async ({ auth, presented, context, parameter }) => {
      const refreshed = await auth.sessions.refresh({ ...presented!, sessionId: parameter("ses_id"), context });
      return { session: sessionBody(refreshed.session), token: refreshed.token };
    },
  }),
  ...rows.twins({
    act: acts.revokeSession,
    auth: { id: "revokeOwnSession", path: "/auth/sessions/:ses_id/revoke" },
    v1: "/v1/sessions/:ses_id/revoke",
    method: "post",
    run: async ({ auth, actor, session, parameter, onlyOwn }) => {
      const ended = await auth.sessions.revoke({ actor, sessionId: parameter("ses_id"), onlyOwn });
      return bodyFor(session, onlyOwn)(ended);
    },
  }),
  rows.guarded({
    act: acts.revokeOtherSessions,
    method: "post",
    path: "/auth/sessions/revoke-others",
    run: async ({ auth, actor }) => await auth.sessions.revokeOthers({ actor }),
  }),
];

/** Under `/auth` a session has additional members for applications; under `/v1` it has the specification's members only. */
function bodyFor(current: Session, onlyOwn: boolean): (session: Session) => SessionBody {
  return onlyOwn ? (session) => accountSessionBody(session, current.id) : sessionBody;
}
