/**
 * Relational tuples as JSON: the specification's schemas, without additional members.
 *
 * @module
 */
import { toBody, type WireOf } from "../domain/record.ts";
import { type Tuple, tuple } from "../domain/tuple.ts";
import type { CheckResult } from "../operations/tuple-checks.ts";

/** A tuple in a response. Subject and object are UUIDs. */
export interface TupleBody extends WireOf<typeof tuple> {}

/** The answer of a check, with the tuple that allowed it. */
export interface CheckBody {
  allowed: boolean;
  matched_tuple_id: string | null;
}

export function tupleBody(value: Tuple): TupleBody {
  return toBody(tuple, value);
}

export function checkBody({ allowed, matchedTupleId }: CheckResult): CheckBody {
  return { allowed, matched_tuple_id: matchedTupleId };
}
