import type { Context, Hono } from "hono";
import { routePath } from "hono/route";
// The smallest router suffices for one path, and the application has its own router.
import { Hono as TinyHono } from "hono/tiny";
import { AuthError } from "../domain/error.ts";
import { ConfigurationError } from "../engine/options.ts";
import type { Realm } from "../engine/realm.ts";
import { health } from "../operations/health.ts";
import { respond } from "./answer.ts";
import type { ApiIn, HealthApi } from "./api.ts";
import { type AnyAuth, type AuthSource, authFor, realmOf, reportFault } from "./auth-source.ts";
import { allowOrigin, preflight } from "./cors.ts";
import type { CoreApi } from "./generated/api.ts";
import { isLast, notAllowed } from "./not-allowed.ts";
import { errorResponse } from "./problem.ts";
import { type Match, matchRows } from "./route-match.ts";
import { routesOf } from "./route-table.ts";

/**
 * The routes for an application and its pages, under `/auth`: `app.route("/", authRoutes(auth))`. They work under any path.
 *
 * They affect only their own requests: no header, status or error of the application's other routes changes.
 */
export function authRoutes<Auth extends AnyAuth>(source: AuthSource<Auth>): Hono<object, CoreApi & ApiIn<Auth>> {
  return rowSet(source, "/auth") as unknown as Hono<object, CoreApi & ApiIn<Auth>>;
}

/** The routes of the Flametrench specification, under `/v1`: `app.route("/", flametrenchRoutes(auth))`. They ignore cookies. */
export function flametrenchRoutes<Auth extends AnyAuth>(source: AuthSource<Auth>): Hono<object, ApiIn<Auth>> {
  return rowSet(source, "/v1") as unknown as Hono<object, ApiIn<Auth>>;
}

/**
 * `GET /health`: 200 if the database answers, with the versions of the keys that write; otherwise 503, with the name of an option
 * that is missing or unsafe.
 *
 * @param options.names Your operators' names for options, such as `{ secrets: "SALLYPORT_SECRET" }`.
 */
export function healthRoutes<Auth extends AnyAuth>(
  source: AuthSource<Auth>,
  { names = {} }: { names?: Readonly<Record<string, string>> } = {},
): Hono<object, HealthApi> {
  const app = new TinyHono();
  app.get("/health", async (c) => {
    let realm: Realm | undefined;
    try {
      const auth = authFor(source, c);
      realm = realmOf(auth);
      realm.check();
      await health(auth);
      const writes = Object.entries(realm.keys()).map(([option, versions]) => [
        names[option] ?? option,
        versions.writes,
      ]);
      return c.json({ status: "ok", writes: Object.fromEntries(writes) }, 200, { "Cache-Control": "no-store" });
    } catch (error) {
      reportFault(realm, error);
      const isOption = error instanceof ConfigurationError;
      const details = isOption ? { option: names[error.option] ?? error.option } : undefined;
      return errorResponse(
        c,
        new AuthError(isOption ? "unavailable.configuration" : "unavailable.database", { details }),
      );
    }
  });
  app.all("/health", async (c, next) => notAllowed(c, ["GET", "HEAD"]) ?? (await next()));
  return app as unknown as Hono<object, HealthApi>;
}

/**
 * One handler for all rows below a prefix, because the features are unknown before the first request if the source is a
 * function of the environment. A request that matches no row goes on unchanged to the application's later handlers.
 */
function rowSet(source: AuthSource<AnyAuth>, prefix: "/auth" | "/v1"): TinyHono {
  const app = new TinyHono();
  // Used only if these routes are the whole application. Otherwise the application's own handler answers.
  app.notFound((c) => errorResponse(c, new AuthError("not_found")));
  app.all(`${prefix}/*`, async (c, next) => {
    let auth: AnyAuth;
    try {
      auth = authFor(source, c);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      reportFault(undefined, error);
      // The rows are unknown without the options, so the request may be for a later handler of the application.
      return isLast(c) ? errorResponse(c, error) : await next();
    }
    const realm = realmOf(auth);
    const match = matchRows(routesOf(realm), c.req.method, pathBelow(c, prefix));
    if (match?.row) return allowOrigin(c, realm, await respond(match.row, match.parameters, c, auth));
    return (match && answerFor(match, c, realm)) ?? (await next());
  });
  return app;
}

/** The answer on a known path to a method without a row: the answer to a preflight, or 405 if no later handler may answer. */
function answerFor({ methods }: Match, c: Context, realm: Realm): Response | undefined {
  if (c.req.method === "OPTIONS") return preflight(c, realm, methods);
  return notAllowed(c, methods);
}

/** The path below our prefix, wherever the routes are mounted. The base may have parameters, so segments are counted. */
function pathBelow(c: Context, prefix: string): string {
  const base = routePath(c).slice(0, -`${prefix}/*`.length).split("/").length - 1;
  return `/${c.req.path
    .split("/")
    .slice(base + 1)
    .join("/")}`;
}
