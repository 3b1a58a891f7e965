import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { type GenericSchema, strictObject } from "valibot";
import { AuthError } from "../domain/error.ts";
import type { Origin } from "../domain/origin.ts";
import { ConfigurationError } from "../engine/options.ts";
import type { Auth } from "../operations/auth.ts";
import type { AuthApi } from "./api.ts";
import { type PresentedSession, presentedSession } from "./authenticate.ts";
import { type AuthSource, type ClientAddress, requestContext, resolveAuth } from "./environment.ts";
import { openapi } from "./generated/openapi.ts";
import { readJsonBody, readQuery } from "./json-body.ts";
import { authErrorResponse } from "./problem.ts";
import type { Route } from "./route.ts";
import { usesCookies } from "./route.ts";
import { routes } from "./route-table.ts";
import { sessionHeader, ticketHeader } from "./routes/sessions.ts";
import { requireSameOrigin } from "./same-origin.ts";

export interface AuthRoutesOptions<Needed extends Auth = Auth> {
  /** Where a client's address comes from: {@link cloudflareAddress} on Workers. Without it all share one budget. */
  clientAddress?: ClientAddress;
  /** Rows of what is not in `createAuth`, such as `mfaRoutes` of `sallyport/mfa`. Default: none. */
  routes?: readonly Route<Needed>[];
  /** Told of every error that is answered with 500 or 503, which says nothing of it. Default: nothing is done. */
  onError?: (error: unknown) => void;
}

/**
 * Sallyport's routes, to be mounted under any path: `app.route("/", authRoutes(auth))`. `/auth` is for applications and their
 * pages, `/v1` is the Flametrench surface, `/health` says whether the service can answer, `/openapi.json` describes them.
 */
export function authRoutes<Needed extends Auth = Auth>(
  source: AuthSource<Needed>,
  options: AuthRoutesOptions<Needed> = {},
): Hono<object, AuthApi> {
  const app = new Hono();
  const mounted: readonly Route<Needed>[] = [...routes, ...(options.routes ?? [])];
  app.notFound((c) => authErrorResponse(new AuthError("not_found"), c));
  app.onError((error, c) => {
    const response = authErrorResponse(error, c);
    if (response.status >= 500) options.onError?.(error);
    return response;
  });
  app.use(async (c, next) => {
    // `/health` says itself what is wrong with the configuration.
    const origins = c.req.path.endsWith("/health") ? [] : crossOrigins(resolveAuth(source, c).origins);
    return origins.length === 0 ? await next() : await cors({ ...sharing, origin: origins })(c, next);
  });
  for (const route of mounted) {
    app.on(route.method, route.path, async (c) => {
      try {
        return await inTime(answer(route, c, resolveAuth(source, c), options));
      } catch (error) {
        throw usesCookies(route) ? error : withoutDetails(error);
      }
    });
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
    const document = JSON.parse(openapi) as { paths: Record<string, unknown> };
    const here = new Set([...mounted.map(({ path }) => path.replace(/:(\w+)/g, "{$1}")), "/health", "/openapi.json"]);
    const paths = Object.fromEntries(Object.entries(document.paths).filter(([path]) => here.has(path)));
    return c.json({ ...document, servers, paths }, 200, { "Cache-Control": "public, max-age=3600" });
  });
  return app as unknown as Hono<object, AuthApi>;
}

/** Whose pages may read the answers: those listed for `cors` beside the base URL, which needs no leave (S36). */
function crossOrigins(origins: readonly Origin[]): string[] {
  return origins.flatMap(({ origin, uses }, index) => (index > 0 && uses.includes("cors") ? [origin] : []));
}

/** What those pages may send and read. Unsafe requests with a cookie need the origin to be listed for `csrf` too. */
const sharing = {
  credentials: true,
  allowMethods: ["GET", "HEAD", "POST", "PUT"],
  allowHeaders: ["Authorization", "Content-Type", "Idempotency-Key", ticketHeader, "X-Request-Id"],
  exposeHeaders: ["Retry-After", "WWW-Authenticate", "X-Request-Id", ticketHeader, sessionHeader],
  maxAge: 600,
};

/** Holds a request to its row, in the order: where it came from, who sent it, what is in it. */
async function answer<Needed extends Auth>(
  route: Route<Needed>,
  c: Context,
  auth: Needed,
  options: Pick<AuthRoutesOptions, "clientAddress">,
): Promise<Response> {
  c.header("Cache-Control", "no-store");
  c.header("X-Content-Type-Options", "nosniff");
  const context = requestContext(c, options.clientAddress);
  c.header("X-Request-Id", context.requestId);
  if (usesCookies(route)) requireSameOrigin(c, auth.origins);

  const presented = presentedTo(route, c);
  const read = async () => ({
    body: route.method === "get" ? undefined : await readJsonBody(c.req, route.body ?? nothing()),
    query: readQuery(c.req, route.query ?? nothing()),
  });
  if (typeof route.access === "string") {
    if (route.access === "token" && !presented) throw new AuthError("unauthorized.invalid_token");
    return await route.run({ c, auth, context, presented, ...(await read()) });
  }
  if (!presented) throw new AuthError("unauthorized.invalid_token");
  const verified = await auth.sessions.verify({ ...presented, context });
  return await route.run({ c, auth, context, presented, ...verified, ...(await read()) });
}

/** What a row without a schema takes. */
const nothing = (): GenericSchema => strictObject({});

/** What a client waits, less the way back. */
const answerMilliseconds = 4_700;

/**
 * Answers 503 where the answer would take too long: an operation keeps to its time, but a request may be several. What has begun
 * happens once or never, and the client asks again.
 */
async function inTime(answered: Promise<Response>): Promise<Response> {
  let refuse = (): void => undefined;
  const late = new Promise<never>((_resolve, reject) => {
    refuse = () => reject(new AuthError("unavailable.database", { retryAfterSeconds: 1 }));
  });
  const timer = setTimeout(() => refuse(), answerMilliseconds);
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Flametrench's `Error` has a code and a message, and nothing else. */
function withoutDetails(error: unknown): unknown {
  if (!(error instanceof AuthError) || !error.details) return error;
  return new AuthError(error.code, { cause: error, retryAfterSeconds: error.retryAfterSeconds });
}

/** The session token that came, on a route that looks at one. `/v1` never sees a cookie, whatever it holds (S08). */
function presentedTo(route: Pick<Route, "access" | "path">, c: Context): PresentedSession | undefined {
  if (route.access === "anyone" || route.access === "ticket") return undefined;
  const presented = presentedSession(c);
  return presented?.transport === "cookie" && !usesCookies(route) ? undefined : presented;
}
