/** The isolate's clock: how long an answer is kept, and how long work has taken. @module */

/** Milliseconds of a clock that never goes back. In a Worker it stands still between requests to others. */
export function elapsedMilliseconds(): number {
  return performance.now();
}
