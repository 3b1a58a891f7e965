/**
 * Limits for an application's own routes.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { requireOption } from "../domain/option-error.ts";
import { parseRate } from "../domain/rate.ts";
import { policyOf } from "../domain/rate-limit-headers.ts";
import type { WithRealm } from "../engine/realm.ts";
import { countRequestOf } from "../operations/rate-limits.ts";
import type { AuthSource } from "./auth-source.ts";
import {
  isUnavailable,
  limitedRequest,
  type OnUnavailable,
  type RateLimitKey,
  requesterOf,
  requireLimitOptions,
} from "./limited-request.ts";

export type { Captcha, CaptchaWidget } from "../domain/captcha.ts";
export type { AuthSource } from "./auth-source.ts";
export {
  type CloudflareRateLimiter,
  type CloudflareRateLimitOptions,
  cloudflareRateLimit,
} from "./cloudflare-rate-limit.ts";
export type { OnUnavailable, RateLimitKey } from "./limited-request.ts";
export {
  type CaptchaOptions,
  type FormCaptcha,
  type FormCaptchaOptions,
  formCaptcha,
  requireCaptcha,
} from "./require-captcha.ts";

/** The options of {@link rateLimit}. */
export interface RateLimitOptions {
  /**
   * Names the user or client that is counted, such as a user's id. It is stored as a keyed digest only. Default, also where it
   * returns nothing: the client's address, as the option `clientAddress` of `createAuth` finds it.
   */
  key?: RateLimitKey;
  /** How many seconds a client waits at least once it is past the limit, 0 to 86,400. Default 60. */
  block?: number;
  /** Separates the counters of this limit. Default: the rate and the path of the route, as in `5/minute /api/*`. */
  name?: string;
  /**
   * What happens while the database cannot count. `refuse`, the default: 503. `accept`: the request is served without a limit.
   */
  onUnavailable?: OnUnavailable;
}

/**
 * Serves at most so many requests of one client in a window, such as `"5/minute"`, and answers 429 to the others, with
 * `Retry-After`. Every request counts, whatever its answer is, and is counted before it is served: a thousand at once count as a
 * thousand. One request to the database.
 *
 * A window begins with its first request. The first request past the limit blocks the client for `block` seconds, or until the
 * window ends if that is later. Each response has the headers `RateLimit` and `RateLimit-Policy`.
 *
 * @throws {TypeError} If the rate is malformed or an option is wrong.
 */
export function rateLimit(
  source: AuthSource<WithRealm>,
  rate: string,
  options: RateLimitOptions = {},
): MiddlewareHandler {
  const limit = parseRate(rate);
  const { key, block = 60, name, onUnavailable = "refuse" } = options;
  requireLimitOptions(options);
  const isBlock = Number.isInteger(block) && block >= 0 && block <= 86_400;
  requireOption(isBlock, block, "a whole number of seconds from 0 to 86400", "block");
  return limitedRequest(source, async (c, realm) => {
    const requester = await requesterOf(c, realm, key);
    const asked = { name: name ?? `${rate} ${c.req.routePath}`, rate: limit, blockSeconds: block };
    try {
      const { count, resetSeconds } = await countRequestOf(realm.core, asked, requester);
      const left = limit.attempts - count;
      return { limit: policyOf(rate, limit), remaining: Math.max(left, 0), isOver: left < 0, resetSeconds };
    } catch (error) {
      // `execute` has reported it.
      if (onUnavailable === "accept" && isUnavailable(error)) return undefined;
      throw error;
    }
  });
}
