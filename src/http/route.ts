/**
 * A route as a value. Everything known about it is in its row: who may call it, what it takes, what it answers. The server
 * registers rows; the OpenAPI document and the tests read them.
 *
 * @module
 */

import type { Context, HonoRequest } from "hono";
import type { GenericSchema } from "valibot";
import { type Act, type GuardedAct, ownerOnly, type Who } from "../domain/act.ts";
import type { SessionActor } from "../domain/actor.ts";
import type { AuthError, ErrorCode } from "../domain/error.ts";
import type { Id, IdType, UserId } from "../domain/id.ts";
import type { RequestContext } from "../domain/request-context.ts";
import type { WithRealm } from "../engine/realm.ts";
import type { VerifiedSession } from "../engine/sessions.ts";
import type { CoreOperations } from "../operations/auth.ts";
import type { PresentedSession } from "./bearer.ts";
import type { Schema } from "./schema.ts";

/**
 * The credential that a route asks for. Access to the object itself is checked by the operation.
 *
 * - `anyone`: none is read.
 * - `ticket`: the login ticket in the request, which the operation consumes.
 * - `token`: the presented session token, which the operation itself looks up.
 * - `optional`: the same, if the request presents a token.
 * - a rule: a live session; then the rule applies inside the statement.
 */
export type RouteAccess = "anyone" | "ticket" | "token" | "optional" | Who;

/** The argument of a handler: the request has been checked against the row by then. */
export interface Call<Body, Query, Needed extends object = CoreOperations> {
  readonly c: Context;
  readonly auth: Needed & WithRealm;
  readonly body: Body;
  readonly query: Query;
  readonly context: RequestContext;
  /** An identifier in the row's path, such as `usr_id`. The operation answers `not_found` if it has another form or type. */
  readonly parameter: <Type extends IdType>(name: `${Type}_id`) => Id<Type>;
  /** A name in the row's path, such as `provider`. It may have any form. */
  readonly name: (parameter: string) => string;
  /** The presented token, in a transport that the route takes; only on routes that read one. */
  readonly presented: PresentedSession | undefined;
}

/** The argument of a handler on a route that needs a session. */
export interface UserCall<Body, Query, Needed extends object = CoreOperations>
  extends Call<Body, Query, Needed>,
    VerifiedSession {
  readonly actor: SessionActor;
}

/** The argument of a handler of {@link twins}. */
export interface TwinCall<Body, Query, Needed extends object> extends UserCall<Body, Query, Needed> {
  /** The user in the path; under `/auth`, the caller. */
  readonly userId: UserId;
  /** True under `/auth`, where callers act on their own account, administrators included. */
  readonly onlyOwn: boolean;
}

/** The body of a success, nothing if the row has no body, or a response: one with another status, or one that leads elsewhere. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler of a row without a body returns nothing.
export type Answer = object | void;

interface RouteFacts<Body, Query> {
  /** The specification's operation id, or ours. */
  readonly id: string;
  readonly method: "get" | "post" | "put" | "delete";
  /** Hono's spelling: `/v1/users/:usr_id`. */
  readonly path: string;
  readonly body?: Schema<Body>;
  /** Reads the body of a form: `readFormBody`. Default: the body is JSON. */
  readonly readForm?: ReadForm;
  /** True for a request that another site sends, or has a browser send: it carries no proof of ours, and needs none. */
  readonly isForeign?: true;
  readonly query?: Schema<Query>;
  /** The status of success. */
  readonly status: 200 | 201 | 204 | 303;
}

/** A refused request, for {@link LeadsOn.refusedTo}. */
export interface RefusedCall<Needed extends object> {
  readonly c: Context;
  readonly auth: Needed & WithRealm;
  readonly error: AuthError;
  readonly name: (parameter: string) => string;
}

interface LeadsOn<Needed extends object> {
  /**
   * The page that says the refusal to a browser that follows a link or sends a form, which leads there with 303. Nothing for a
   * program. Default: the refusal is JSON.
   */
  readonly refusedTo?: (call: RefusedCall<Needed>) => string | undefined;
}

type ReadForm = <Body>(request: HonoRequest, schema: GenericSchema<unknown, Body>) => Promise<Body>;

/** A row as the table holds it. */
export interface OpenRoute<Body, Query, Needed extends object = CoreOperations>
  extends RouteFacts<Body, Query>,
    LeadsOn<Needed> {
  readonly access: Exclude<RouteAccess, Who>;
  /** The codes of the handler's own refusals. The row's access, body and query add others. */
  readonly refusals: readonly ErrorCode[];
  readonly run: (call: Call<Body, Query, Needed>) => Promise<Answer>;
}

export interface GuardedRoute<Body, Query, Needed extends object = CoreOperations>
  extends RouteFacts<Body, Query>,
    LeadsOn<Needed> {
  readonly access: Who;
  readonly refusals: readonly ErrorCode[];
  readonly run: (call: UserCall<Body, Query, Needed>) => Promise<Answer>;
}

/** A row of any body and query, for operations that include `Needed`. */
export type Route<Needed extends object = CoreOperations> =
  // biome-ignore lint/suspicious/noExplicitAny: rows of every body and query stand in one table; each is checked by itself.
  OpenRoute<any, any, Needed> | GuardedRoute<any, any, Needed>;

/** A row of a list, whatever it needs: the server calls only rows whose feature it has. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export type AnyRoute = Route<any>;

/** Makes the rows of a feature. A function delays that work from the cold start to the first request of a route. */
export type RouteTable<Needed extends object = CoreOperations> = () => readonly Route<Needed>[];

/** A table of a list of features, whatever it needs. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export type AnyRouteTable = RouteTable<any>;

/** The act of a row, and the codes that this row adds to the act's own refusals. */
interface Acting<Row extends Act> {
  readonly act: Row;
  readonly refusals?: readonly ErrorCode[];
}

/** The members to write in a row. The act supplies the rest. */
type Written<Row> = Omit<Row, "access" | "refusals" | "id" | "status"> & Defaulted;

/** A row without an id has the act's name, and one without a status answers 200. */
type Defaulted = Partial<Pick<RouteFacts<unknown, unknown>, "id" | "status">>;

/** The functions that make rows whose handlers have operations of the kind `Needed`. */
export interface Rows<Needed extends object> {
  /** A row that anyone may call, or whose request contains its own proof. */
  open<Body = undefined, Query = undefined>(
    row: Written<OpenRoute<Body, Query, Needed>> & Pick<OpenRoute<Body, Query, Needed>, "access"> & Acting<Act>,
  ): Route<Needed>;
  /** A row for the user of a session, to whom the act's rule then applies. */
  guarded<Body = undefined, Query = undefined>(
    row: Written<GuardedRoute<Body, Query, Needed>> & Acting<GuardedAct>,
  ): Route<Needed>;
  /**
   * One act at its two paths: under `/auth` on the caller's own account, and under `/v1` as Flametrench has it. Returns both
   * rows. Only the owner may call the row under `/auth`.
   */
  twins<Body = undefined, Query = undefined>(row: Twins<Body, Query, Needed>): readonly Route<Needed>[];
}

/** One act at its two paths. */
interface Twins<Body, Query, Needed extends object>
  extends Omit<RouteFacts<Body, Query>, "id" | "path" | "status">,
    Pick<Defaulted, "status">,
    Acting<GuardedAct> {
  /** With a body of its own, if the two paths write it differently. */
  readonly auth: { readonly id: string; readonly path: string; readonly body?: Schema<Body> };
  /** The path; its id is the act's name. */
  readonly v1: string;
  readonly run: (call: TwinCall<Body, Query, Needed>) => Promise<Answer>;
}

/** The functions that make a table of rows: `const rows = rowsFor<AccountAuth>()`. */
export function rowsFor<Needed extends object>(): Rows<Needed> {
  const guarded: Rows<Needed>["guarded"] = ({ act, refusals = [], ...row }) => ({
    id: act.name,
    status: 200,
    ...row,
    access: act.who,
    refusals: [...new Set([...(act.refusals ?? []), ...refusals])],
  });
  return {
    open: ({ act, refusals = [], ...row }) => ({
      id: act.name,
      status: 200,
      ...row,
      refusals: [...new Set([...(act.refusals ?? []), ...refusals])],
    }),
    guarded,
    twins: ({ act, auth, v1, run, ...row }) => [
      guarded({
        ...row,
        ...auth,
        act: ownerOnly(act),
        run: (call) => run({ ...call, userId: call.user.id, onlyOwn: true }),
      }),
      guarded({
        ...row,
        path: v1,
        act,
        run: (call) => run({ ...call, userId: call.parameter("usr_id"), onlyOwn: false }),
      }),
    ],
  };
}

/** True if the route uses cookies, for browsers: `/auth` does, `/v1` ignores them (S08). */
export function usesCookies(route: Pick<RouteFacts<unknown, unknown>, "path">): boolean {
  return route.path.startsWith("/auth/");
}
