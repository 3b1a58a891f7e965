/** The isolate's clock: the end of a foreign issuer's token, and how long an answer is kept. @module */

/** Seconds since the Unix epoch, as tokens count (RFC 7519 §2, NumericDate). */
export function epochSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** For measuring how long something took. In a Worker it stands still between requests to others. */
export function elapsedMilliseconds(): number {
  return performance.now();
}
