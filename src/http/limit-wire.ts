/**
 * Limits as JSON.
 *
 * @module
 */
import { type Limit, limit } from "../domain/limit.ts";
import { toBody, type WireOf } from "../domain/record.ts";

/** The counter of a limit in a response. */
export interface LimitBody extends WireOf<typeof limit> {}

export function limitBody(value: Limit): LimitBody {
  return toBody(limit, value);
}
