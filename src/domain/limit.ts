import type { ValueOf } from "./record.ts";

/** The counter of a limit. */
export const limit = {
  /** Its kind, and a keyed digest or an id: `credential:…`, `address:…`. */
  name: "text",
  count: "integer",
  maximum: "integer",
  /** Failures in a row, of a counter that backs off. A hundred close it. */
  failures: "integer",
  /** True if it refuses the next attempt. */
  usedUp: "flag",
  /** True if it refuses attempts until it is lifted. */
  closed: "flag",
  /** When its window ends. */
  resetsAt: "time",
} as const;

/** The counter of a limit. */
export interface Limit extends ValueOf<typeof limit> {}
