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
  app.get("/openapi.json", (c) => {
    try {
      const auth = authFor(source, c);
      const rows = routesOf(realmOf(auth)).map(({ path }) => path.replace(/:(\w+)/g, "{$1}"));
      const served = new Set([...rows, "/health", "/openapi.json"]);
      const isDescribed = (path: string): boolean =>
        served.has(path) && ["/openapi.json", ...describes].some((one) => path === one || path.startsWith(`${one}/`));
      const document = JSON.parse(openapi.replace("__Host-session", fullCookieName(auth, sessionCookie))) as {
        paths: Record<string, unknown>;
      };
      const paths = Object.fromEntries(Object.entries(document.paths).filter(([path]) => isDescribed(path)));
      const servers = [{ url: c.req.path.slice(0, -"/openapi.json".length) || "/" }];
      return c.json({ ...document, servers, paths }, 200, { "Cache-Control": "public, max-age=3600" });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      reportFault(undefined, error);
      return errorResponse(c, error);
    }
  });
  app.all("/openapi.json", async (c, next) => notAllowed(c, ["GET", "HEAD"]) ?? (await next()));
  return app as unknown as Hono<object, OpenapiApi>;
}
