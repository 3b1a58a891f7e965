import { expect } from "vitest";

/**
 * The headers of a 429 of Sallyport's: one limit, of which nothing is left, and one time to wait. They have room for numbers alone.
 *
 * @returns The limit, such as `q=10;w=900`.
 */
export function expectLimitHeaders(headers: Headers): string {
  const [, wait] = /^([1-9]\d*)$/.exec(headers.get("retry-after") ?? "") ?? [];
  expect(headers.get("ratelimit")).toBe(`"sallyport";r=0;t=${wait}`);
  const [, limit] = /^"sallyport";(q=[1-9]\d*;w=[1-9]\d*)$/.exec(headers.get("ratelimit-policy") ?? "") ?? [];
  expect(limit, headers.get("ratelimit-policy") ?? "no policy").toBeDefined();
  return limit!;
}
