/**
 * Operations as values, so that an application can put its own writes into the same transaction.
 *
 * @module
 */
import type { Statement } from "../store/sql.ts";
import type { Core } from "./core.ts";
import { answerOf, execute, executeAll, type Work } from "./execute.ts";

/** An operation that has not run yet. Made by `.plan(…)`, run once by `auth.batch([…])`. */
export class Plan<Result, Known extends object = object> {
  /** Identifiers that are known before the plan runs, for use in the application's own SQL. Never a secret. */
  readonly known: Known;
  readonly #work: Work<Result>;
  #hasRun = false;

  constructor(work: Work<Result>, known: Known) {
    this.#work = work;
    this.known = known;
  }

  /** Returns the work, once: a plan that ran twice would make the same rows again. */
  take(): Work<Result> {
    if (this.#hasRun) throw new TypeError("A plan runs once.");
    this.#hasRun = true;
    return this.#work;
  }
}

/** An {@link Operation} that is also available as a plan. */
export interface PlannableOperation<Input, Result, Known extends object = object> {
  (input: Input): Promise<Result>;
  plan(input: Input): Promise<Plan<Result, Known>>;
}

/**
 * An operation without a plan. It cannot be part of `auth.batch`.
 *
 * Each operation names the refusals of its own. Any operation with an `actor` may also throw the refusals of its guard.
 *
 * @throws {AuthError} The guard's `unauthorized.session_expired`, `unauthorized.mfa_required`,
 *   `unauthorized.reauthentication_required`, `forbidden` and `not_found`; `unavailable.database` if the database fails.
 */
export type Operation<Input, Result> = (input: Input) => Promise<Result>;

/** Makes an operation from a function that prepares it. The function may hash and create identifiers, but changes nothing. */
export function plannable<Input, Result, Known extends object>(
  core: Core,
  prepare: (input: Input) => Promise<{ work: Work<Result>; known: Known }>,
): PlannableOperation<Input, Result, Known> {
  const run = async (input: Input): Promise<Result> => execute(core, (await prepare(input)).work);
  return Object.assign(run, {
    plan: async (input: Input): Promise<Plan<Result, Known>> => {
      const { work, known } = await prepare(input);
      return new Plan(work, known);
    },
  });
}

/** The same for a change, which has no identifiers to know before it runs. */
export function plannableChange<Input, Result>(
  core: Core,
  prepare: (input: Input) => Work<Result>,
): PlannableOperation<Input, Result> {
  return plannable(core, async (input) => ({ work: prepare(input), known: {} }));
}

/** The results of a batch: for each plan its result, for each statement its rows. */
export type BatchResults<Items extends readonly unknown[]> = {
  -readonly [Index in keyof Items]: Items[Index] extends Plan<infer Result, object>
    ? Result
    : Items[Index] extends Statement<infer Row>
      ? Row[]
      : never;
};

/** Runs plans and statements in one transaction, locks first: everything takes effect, or nothing does. */
export async function batch<const Items extends readonly (Plan<unknown> | Statement<unknown>)[]>(
  core: Core,
  items: Items,
): Promise<BatchResults<Items>> {
  const prepared = items.map((item) => (item instanceof Plan ? item.take() : item));
  const results = await executeAll(core, prepared);
  const decoded = await Promise.all(
    prepared.map((item, index) => ("decode" in item ? answerOf(item, results[index]!) : results[index])),
  );
  return decoded as BatchResults<Items>;
}
