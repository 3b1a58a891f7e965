/**
 * The OpenAPI 3.1 document of the routes, as a route. It is an entry of its own, so that only an application that serves the
 * document contains its text.
 *
 * @module
 */
import type { Hono } from "hono";
import { Hono as TinyHono } from "hono/tiny";
import { requireOption } from "../domain/option-error.ts";
import type { OpenapiApi } from "./api.ts";
import { type AnyAuth, type AuthSource, authFor, realmOf, reportFault } from "./auth-source.ts";
import { fullCookieName, sessionCookie } from "./cookies.ts";
import { openapi } from "./generated/openapi.ts";
import { notAllowed } from "./not-allowed.ts";
import { errorResponse, isRefusal } from "./problem.ts";
import { routesOf } from "./route-table.ts";

export type { OpenapiApi } from "./api.ts";

/** The mounted parts of an application, which its document describes. */
export type RowSet = "/auth" | "/v1" | "/health";

/**
 * `GET /openapi.json`: the document of the features that `auth` has.
 *
 * @param options.describes The other mounted routes: `/auth` by `authRoutes`, `/v1` by `flametrenchRoutes`, `/health` by
 * `healthRoutes`. Default: `/auth`.
 * @throws {TypeError} If `describes` names something else.
 */
export function openapiRoutes(
  source: AuthSource<AnyAuth>,
  { describes = ["/auth"] }: { describes?: readonly RowSet[] } = {},
): Hono<object, OpenapiApi> {
  const isList = Array.isArray(describes) && describes.every((one) => ["/auth", "/v1", "/health"].includes(one));
  requireOption(isList, describes, 'a list of "/auth", "/v1" and "/health"', "describes");
  const app = new TinyHono();
  /** The document of a realm, without its servers: anyone may ask for it, and making it takes milliseconds. */
  const texts = new WeakMap<object, string>();
  const textFor = (auth: AnyAuth): string => {
    const realm = realmOf(auth);
    const known = texts.get(realm);
    if (known !== undefined) return known;
    const rows = routesOf(realm).map(({ path }) => path.replace(/:(\w+)/g, "{$1}"));
    const served = new Set([...rows, "/health", "/openapi.json"]);
    const isDescribed = (path: string): boolean =>
      served.has(path) && ["/openapi.json", ...describes].some((one) => path === one || path.startsWith(`${one}/`));
    const { servers: _servers, ...document } = JSON.parse(
      openapi.replace("__Host-session", fullCookieName(auth, sessionCookie)),
    ) as { paths: Record<string, unknown>; servers?: unknown };
    const paths = Object.fromEntries(Object.entries(document.paths).filter(([path]) => isDescribed(path)));
    const made = JSON.stringify({ ...document, paths });
    texts.set(realm, made);
    return made;
  };
  app.get("/openapi.json", (c) => {
    try {
      const text = textFor(authFor(source, c));
      const servers = [{ url: c.req.path.slice(0, -"/openapi.json".length) || "/" }];
      const headers = { "Cache-Control": "public, max-age=3600", "Content-Type": "application/json" };
      return c.body(`{"servers":${JSON.stringify(servers)},${text.slice(1)}`, 200, headers);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      reportFault(undefined, error);
      return errorResponse(c, error);
    }
  });
  app.all("/openapi.json", async (c, next) => notAllowed(c, ["GET", "HEAD"]) ?? (await next()));
  return app as unknown as Hono<object, OpenapiApi>;
}
