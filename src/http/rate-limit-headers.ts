/**
 * The headers `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10). Partition keys are left out: they
 * would name the counter of a client.
 *
 * @module
 */
import type { Rate } from "../domain/rate.ts";

/** A policy, and how much of it is left to the client. */
export interface RateLimitState {
  /** Visible ASCII without quotes and backslashes. */
  readonly policy: string;
  readonly rate: Rate;
  readonly remaining: number;
  /** True if the request is past the limit. */
  readonly isOver: boolean;
  readonly resetSeconds: number;
}

/** The values of the two headers. Both are lists, so the limits of several middleware stand beside each other. */
export function rateLimitHeaders(state: RateLimitState): readonly (readonly [name: string, value: string])[] {
  const { policy, rate, remaining, resetSeconds } = state;
  return [
    ["RateLimit-Policy", `"${policy}";q=${rate.attempts};w=${rate.windowSeconds}`],
    ["RateLimit", `"${policy}";r=${remaining};t=${resetSeconds}`],
  ];
}
