import type { GuardedAct } from "../domain/act.ts";
import type { Asked } from "../store/audit.ts";
import { denialOf } from "./denial.ts";
import { type Work, work } from "./execute.ts";
import { locksOf } from "./locks.ts";

/**
 * The work of a guarded act: it takes the locks that the act's row names, and a denial leaves an event.
 *
 * @param target The UUID of the object.
 * @param targetKind The kind of the object of a denial, if it is not the row's.
 */
export function guardedWork<Result, Row>(
  act: GuardedAct,
  { actor }: Pick<Asked, "actor">,
  target: string,
  { locks = [], ...change }: Work<Result, Row>,
  targetKind?: string,
): Work<Result> {
  return work({ ...change, locks: locksOf(act, ...locks), denial: denialOf(actor, act, target, targetKind) });
}
