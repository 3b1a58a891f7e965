import type { Context, MiddlewareHandler } from "hono";
import { AuthError } from "../domain/error.ts";
import { requireOption } from "../domain/option-error.ts";
import { rateLimitHeaders } from "../domain/rate-limit-headers.ts";
import type { Realm, WithRealm } from "../engine/realm.ts";
import type { Requester } from "../operations/rate-limits.ts";
import type { AuthSource } from "./auth-source.ts";
import { guard } from "./authenticate.ts";
import { allowOrigin } from "./cors.ts";

/** What a limit counts by: a text for each user or client, or nothing for the client's address. */
export type RateLimitKey = (c: Context) => string | undefined | Promise<string | undefined>;

/** What happens to requests while they cannot be counted. */
export type OnUnavailable = "refuse" | "accept";

/** The client of a request: the application's key, or else the client's address. */
export async function requesterOf(c: Context, realm: Realm, key: RateLimitKey | undefined): Promise<Requester> {
  return {
    key: (await key?.(c)) || undefined,
    address: realm.clientAddress(c),
    isPreflight: c.req.method === "OPTIONS",
  };
}

/** A limit, and how much of it is left to the client. */
export interface RateLimitState {
  /** As `RateLimit-Policy` writes it. */
  readonly limit: string;
  readonly remaining: number;
  /** True if the request is past the limit. */
  readonly isOver: boolean;
  readonly resetSeconds: number;
}

/** @throws {TypeError} If an option that the limits share is wrong. */
export function requireLimitOptions(options: {
  key?: RateLimitKey | undefined;
  name?: string | undefined;
  onUnavailable?: OnUnavailable | undefined;
}): void {
  const { key, name, onUnavailable } = options;
  requireOption(key === undefined || typeof key === "function", key, "a function from the context to a text", "key");
  const isChoice = onUnavailable === undefined || onUnavailable === "refuse" || onUnavailable === "accept";
  requireOption(isChoice, onUnavailable, '"refuse" or "accept"', "onUnavailable");
  const isName = name === undefined || (typeof name === "string" && /^[!-~]{1,100}$/.test(name));
  requireOption(isName, name, "1 to 100 visible ASCII characters", "name");
}

/**
 * A middleware that counts a request before it is served, and puts the state of the limit into the headers of the response. Pages
 * of the origins that are listed for `cors` may read its refusals, as they may read those of Sallyport's own routes.
 *
 * @param count Returns the state of the limit, or `undefined` to add no headers.
 */
export function limitedRequest(
  source: AuthSource<WithRealm>,
  count: (c: Context, realm: Realm) => Promise<RateLimitState | undefined>,
): MiddlewareHandler {
  return async (c, next) => {
    let state: RateLimitState | undefined;
    let realm: Realm | undefined;
    const counted = guard(source, async (_c, _auth, its) => {
      realm = its;
      state = await count(c, its);
      if (state?.isOver) {
        throw new AuthError("too_many_requests", { retryAfterSeconds: state.resetSeconds, limit: state.limit });
      }
    });
    const refused = await counted(c, async () => {
      await next();
      // The headers of a response that switches protocols belong to the other protocol.
      if (!state || c.res.status === 101) return;
      const { limit, remaining, resetSeconds } = state;
      const headers = { ...rateLimitHeaders(limit, remaining, resetSeconds), ...exposure(c.res) };
      for (const [name, value] of Object.entries(headers)) c.header(name, value, { append: true });
    });
    if (!refused) return refused;
    // An application with CORS of its own has answered this already.
    const isAnswered = !realm || refused.headers.has(allowedOrigin);
    const readable = isAnswered ? refused : allowOrigin(c, realm!, refused);
    if (state) for (const [name, value] of Object.entries(exposure(readable))) readable.headers.append(name, value);
    return readable;
  };
}

const allowedOrigin = "Access-Control-Allow-Origin";

const exposed = "Access-Control-Expose-Headers";

/** Where a page of another origin may read a response, its right to read the headers of a limit. */
function exposure({ headers }: Response): Record<string, string> {
  const isReadable = headers.has(allowedOrigin) && !headers.get(exposed)?.includes("RateLimit-Policy");
  return isReadable ? { [exposed]: "RateLimit-Policy,RateLimit" } : {};
}

/** True for an error of which the middleware's `onUnavailable` decides. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof AuthError && error.status === 503;
}
