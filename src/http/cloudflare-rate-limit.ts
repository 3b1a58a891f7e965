import type { Context, MiddlewareHandler } from "hono";
import { AuthError } from "../domain/error.ts";
import { OptionError, requireOption } from "../domain/option-error.ts";
import { policyOf } from "../domain/rate-limit-headers.ts";
import { ConfigurationError } from "../engine/options.ts";
import type { WithRealm } from "../engine/realm.ts";
import { requesterName } from "../operations/rate-limits.ts";
import type { AuthSource } from "./auth-source.ts";
import { inTime } from "./in-time.ts";
import {
  limitedRequest,
  type OnUnavailable,
  type RateLimitKey,
  requesterOf,
  requireLimitOptions,
} from "./limited-request.ts";

/** The binding that Cloudflare gives a Worker for an entry of `ratelimits` in its configuration. */
export interface CloudflareRateLimiter {
  limit(request: { key: string }): Promise<{ success: boolean }>;
}

/** The options of {@link cloudflareRateLimit}. */
export interface CloudflareRateLimitOptions {
  /** Finds the binding in a Worker's environment: `(env) => env.LIMITER`. */
  // biome-ignore lint/suspicious/noExplicitAny: each application has its own environment.
  binding: (env: any) => CloudflareRateLimiter | undefined;
  /** `limit` of the binding's configuration. The binding itself does not tell it. */
  limit: number;
  /** `period` of the binding's configuration, in seconds: 10 or 60. Cloudflare has no others. */
  period: 10 | 60;
  /** As in `rateLimit`. Default: the client's address. */
  key?: RateLimitKey;
  /** What happens if the binding fails. `refuse`, the default: 503. `accept`: the request is served without a limit. */
  onUnavailable?: OnUnavailable;
}

/**
 * Answers 429 to a client that Cloudflare's rate-limiting binding refuses, without a request to the database.
 *
 * Cloudflare counts in each of its locations by itself, and approximately. So it takes the weight of a flood in front of a limit
 * and does not replace one: put `rateLimit` behind it, or Sallyport's own routes. Cloudflare receives a keyed digest.
 *
 * @throws {TypeError} If an option is wrong, such as another period.
 */
export function cloudflareRateLimit(
  source: AuthSource<WithRealm>,
  options: CloudflareRateLimitOptions,
): MiddlewareHandler {
  const { binding, limit, period, key, onUnavailable = "refuse" } = options;
  requireLimitOptions(options);
  requireOption(typeof binding === "function", binding, "a function from the environment to the binding", "binding");
  const isLimit = Number.isInteger(limit) && limit >= 1 && limit <= 1_000_000;
  requireOption(isLimit, limit, "a whole number from 1 to 1000000, as in the binding's configuration", "limit");
  requireOption(
    period === 10 || period === 60,
    period,
    "10 or 60 seconds, as in the binding's configuration",
    "period",
  );
  const policy = policyOf("cloudflare", { attempts: limit, windowSeconds: period });
  return limitedRequest(source, async (c, realm) => {
    const limiter = limiterOf(binding, c);
    const requester = await requesterName(realm.core, await requesterOf(c, realm, key));
    let success: boolean;
    try {
      ({ success } = await inTime(limiter.limit({ key: requester }), realm.core.patience.milliseconds));
    } catch (error) {
      const failure = new AuthError("unavailable.busy", { cause: error, retryAfterSeconds: 1 });
      if (onUnavailable === "refuse") throw failure;
      realm.report(failure);
      return undefined;
    }
    // The binding tells of a client that is past the limit, and not how much is left to the others.
    return success === true ? undefined : { limit: policy, remaining: 0, isOver: true, resetSeconds: period };
  });
}

/** @throws {ConfigurationError} */
function limiterOf(binding: CloudflareRateLimitOptions["binding"], c: Context): CloudflareRateLimiter {
  const limiter = binding(c.env ?? {});
  if (typeof limiter?.limit === "function") return limiter;
  const fault = new OptionError("the environment has no such binding; add it to `ratelimits` of wrangler.toml.");
  throw new ConfigurationError("binding", fault);
}
