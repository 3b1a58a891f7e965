import { type Context, Hono } from "hono";
import { AuthError } from "../domain/error.ts";
import type { Auth } from "../operations/auth.ts";
import { ConfigurationError } from "../operations/options.ts";
import type { AuthApi } from "./api.ts";
import { type PresentedSession, presentedSession } from "./authenticate.ts";
import { type AuthSource, type ClientAddress, requestContext, resolveAuth } from "./environment.ts";
import { openapi } from "./generated/openapi.ts";
import { readJsonBody, readQuery } from "./json-body.ts";
import { authErrorResponse } from "./problem.ts";
import type { Route } from "./route.ts";
import { usesCookies } from "./route.ts";
import { routes } from "./route-table.ts";
import { requireSameOrigin } from "./same-origin.ts";

export interface AuthRoutesOptions {
  /** Where a client's address comes from: {@link cloudflareAddress} on Workers. Without it all share one budget. */
  clientAddress?: ClientAddress;
  /** Told of every error that is answered with 500 or 503, which says nothing of it. Default: nothing is done. */
  onError?: (error: unknown) => void;
}

/**
 * Sallyport's routes, to be mounted under any path: `app.route("/", authRoutes(auth))`. `/auth` is for applications and their
 * pages, `/v1` is the Flametrench surface, `/health` says whether the service can answer, `/openapi.json` describes them.
 */
export function authRoutes(source: AuthSource, options: AuthRoutesOptions = {}): Hono<object, AuthApi> {
  const app = new Hono();
  app.notFound((c) => authErrorResponse(new AuthError("not_found"), c));
  app.onError((error, c) => {
    const response = authErrorResponse(error, c);
    if (response.status >= 500) options.onError?.(error);
    return response;
  });
  for (const route of routes) {
    app.on(route.method, route.path, (c) => answer(route, c, resolveAuth(source, c), options));
  }
  app.get("/health", async (c) => {
    try {
      await resolveAuth(source, c).health();
      return c.json({ status: "ok" }, 200, { "Cache-Control": "no-store" });
    } catch (error) {
      const option = error instanceof ConfigurationError ? { details: { option: error.option } } : {};
      throw new AuthError(option.details ? "unavailable.configuration" : "unavailable.database", {
        cause: error,
        ...option,
      });
    }
  });
  app.get("/openapi.json", (c) => {
    resolveAuth(source, c);
    const servers = [{ url: c.req.path.slice(0, -"/openapi.json".length) || "/" }];
    return c.json({ ...JSON.parse(openapi), servers }, 200, { "Cache-Control": "public, max-age=3600" });
  });
  return app as unknown as Hono<object, AuthApi>;
}

/** Holds a request to its row, in the order: where it came from, who sent it, what is in it. */
async function answer(route: Route, c: Context, auth: Auth, options: AuthRoutesOptions): Promise<Response> {
  c.header("Cache-Control", "no-store");
  c.header("X-Content-Type-Options", "nosniff");
  const context = requestContext(c, options.clientAddress);
  c.header("X-Request-Id", context.requestId);
  if (usesCookies(route)) requireSameOrigin(c, auth.origins);

  const presented = presentedTo(route, c);
  const read = async () => ({
    body: route.body && (await readJsonBody(c.req, route.body)),
    query: route.query && readQuery(c.req, route.query),
  });
  if (typeof route.access === "string") {
    if (route.access === "token" && !presented) throw new AuthError("unauthorized.invalid_token");
    return await route.run({ c, auth, context, presented, ...(await read()) });
  }
  if (!presented) throw new AuthError("unauthorized.invalid_token");
  const verified = await auth.sessions.verify({ ...presented, context });
  return await route.run({ c, auth, context, presented, ...verified, ...(await read()) });
}

/** The session token that came, on a route that looks at one. `/v1` never sees a cookie, whatever it holds (S08). */
function presentedTo(route: Route, c: Context): PresentedSession | undefined {
  if (route.access === "anyone" || route.access === "ticket") return undefined;
  const presented = presentedSession(c);
  return presented?.transport === "cookie" && !usesCookies(route) ? undefined : presented;
}
