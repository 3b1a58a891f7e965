/**
 * The headers `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10). Partition keys are left out: they
 * would name the counter of a client.
 *
 * @module
 */
import type { Rate } from "./rate.ts";

/**
 * A limit as `RateLimit-Policy` writes it: `"5/minute";q=5;w=60`.
 *
 * @param name Visible ASCII without quotes and backslashes.
 */
export function policyOf(name: string, { attempts, windowSeconds }: Rate): string {
  return `"${name}";q=${attempts};w=${windowSeconds}`;
}

/**
 * The two headers. Both are lists, so the limits of several middleware stand beside each other.
 *
 * @param remaining How many requests are left to the client.
 * @param resetSeconds Seconds until the client may send more.
 */
export function rateLimitHeaders(policy: string, remaining: number, resetSeconds: number): Record<string, string> {
  return { "RateLimit-Policy": policy, RateLimit: `${policy.split(";")[0]};r=${remaining};t=${resetSeconds}` };
}
