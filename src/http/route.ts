/**
 * A route as a value. Everything known about it is in its row: who may call it, what it takes, what it answers with; the
 * server registers rows, and the OpenAPI document and the tests read them.
 *
 * @module
 */
import type { Context } from "hono";
import type { GenericSchema } from "valibot";
import type { AccessRule } from "../domain/access-rules.ts";
import type { SessionActor } from "../domain/actor.ts";
import type { ErrorCode } from "../domain/error.ts";
import type { RequestContext } from "../domain/request-context.ts";
import type { VerifiedSession } from "../engine/sessions.ts";
import type { CoreOperations } from "../operations/auth.ts";
import type { PresentedSession } from "./bearer.ts";

/**
 * Who gets past the door; what they may reach behind it, the operation's own rule decides.
 *
 * - `anyone`: no credential is looked at.
 * - `ticket`: the login ticket in the request is the proof, which the operation consumes.
 * - `token`: the presented session token is the proof, and the operation itself looks it up.
 * - `optional`: the same, and there need be none.
 * - a rule: a session that counts now, and then the rule of {@link AccessRule} inside the statement.
 */
export type RouteAccess = "anyone" | "ticket" | "token" | "optional" | AccessRule;

/** What a handler is given: the request has been held to the row by then. */
export interface Call<Body, Query, Needed extends object = CoreOperations> {
  readonly c: Context;
  readonly auth: Needed;
  readonly body: Body;
  readonly query: Query;
  readonly context: RequestContext;
  /** A parameter of the row's path. */
  readonly parameter: (name: string) => string;
  /** The token that came, of a transport that the route takes; on routes that look at one. */
  readonly presented: PresentedSession | undefined;
}

/** A handler's further knowledge on a route with an access rule. */
export interface UserCall<Body, Query, Needed extends object = CoreOperations>
  extends Call<Body, Query, Needed>,
    VerifiedSession {
  readonly actor: SessionActor;
}

interface RouteFacts<Body, Query> {
  /** The specification's operation id, or ours. */
  readonly id: string;
  readonly method: "get" | "post" | "put";
  /** Hono's spelling: `/v1/users/:usr_id`. */
  readonly path: string;
  readonly summary: string;
  readonly body?: GenericSchema<unknown, Body>;
  readonly query?: GenericSchema<unknown, Query>;
  /** The status of success. */
  readonly status: 200 | 201 | 204;
  /** The codes of its own refusals, besides those that its access, body and query give. */
  readonly refusals: readonly ErrorCode[];
}

export interface OpenRoute<Body, Query, Needed extends object = CoreOperations> extends RouteFacts<Body, Query> {
  readonly access: Exclude<RouteAccess, AccessRule>;
  readonly run: (call: Call<Body, Query, Needed>) => Promise<Response>;
}

export interface GuardedRoute<Body, Query, Needed extends object = CoreOperations> extends RouteFacts<Body, Query> {
  readonly access: AccessRule;
  readonly run: (call: UserCall<Body, Query, Needed>) => Promise<Response>;
}

/** A row of whatever body and query, for operations that hold what it needs. */
export type Route<Needed extends object = CoreOperations> =
  // biome-ignore lint/suspicious/noExplicitAny: rows of every body and query stand in one table; each is checked by itself.
  OpenRoute<any, any, Needed> | GuardedRoute<any, any, Needed>;

/** A row of a list, whatever it needs: the server calls only those whose feature it has. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export type AnyRoute = Route<any>;

/** A row that anybody may call, or that proves itself. */
export function openRoute<Body = undefined, Query = undefined, Needed extends object = CoreOperations>(
  route: OpenRoute<Body, Query, Needed>,
): Route<Needed> {
  return route;
}

/** A row for the user of a session, who then meets the operation's rule. */
export function guardedRoute<Body = undefined, Query = undefined, Needed extends object = CoreOperations>(
  route: GuardedRoute<Body, Query, Needed>,
): Route<Needed> {
  return route;
}

/** Whether the route speaks to browsers with cookies: `/auth` does, `/v1` ignores them (S08). */
export function usesCookies(route: Pick<RouteFacts<unknown, unknown>, "path">): boolean {
  return route.path.startsWith("/auth/");
}
