import { tupleReads, tupleWrites } from "../writes/tuple-writes.ts";
import type { Budget } from "./budget.ts";

/** Each operation is one request. */
export const tupleBudgets: readonly Budget[] = [...tupleWrites, ...tupleReads].map(({ name, ...one }) => ({
  operation: name,
  requests: 1,
  ...one,
}));
