/**
 * Runs work on the database so that it happens once or never, whatever the network does with the reply.
 *
 * @module
 */
import { AuthError, type ErrorCode } from "../domain/error.ts";
import { type Lock, lockStatements } from "../store/locks.ts";
import { isAlreadyCommitted, isReplyLost, refusalOf } from "../store/refusals.ts";
import type { Statement } from "../store/sql.ts";
import type { Executor } from "./core.ts";

/** One operation, ready to run: its locks, its one statement, and how to read the answer. */
export interface Work<Result> {
  readonly locks?: readonly Lock[];
  readonly body: Statement<unknown>;
  /**
   * What to do when the reply is lost. A statement gives the answer's rows if the operation has committed, and none if it
   * has not, in which case it runs again. `repeat`: it can run twice. `refuse`: it counts, so only the caller may repeat it.
   */
  readonly onLostReply: Statement<unknown> | "repeat" | "refuse";
  readonly decode: (rows: readonly unknown[]) => Result | Promise<Result>;
  /** The event of a refusal: it is recorded apart, since the refusal undid everything (S03). See {@link denialOf}. */
  readonly denial?: ((code: ErrorCode) => Statement) | undefined;
}

/** After this long without an answer there is no time for another full try within the five seconds that a client waits. */
const lastRepeatMilliseconds = 2_500;

/** Runs one operation. @throws {AuthError} Its refusal, or `unavailable.database`. */
export async function execute<Result>(core: Executor, work: Work<Result>): Promise<Result> {
  const [rows] = await executeAll(core, [work]);
  return await work.decode(rows!);
}

/** Runs operations and plain statements in one transaction: all of them or none. Gives each its own rows. */
export async function executeAll(
  core: Executor,
  items: readonly (Work<unknown> | Statement<unknown>)[],
): Promise<(readonly unknown[])[]> {
  const works = items.filter(isWork);
  try {
    return await executeOnce(core, items, works);
  } catch (error) {
    const refusal = isReplyLost(error) ? unavailable(error) : refusalOf(error);
    if (refusal instanceof AuthError) await recordDenials(core, refusal, works);
    throw refusal;
  }
}

async function executeOnce(
  core: Executor,
  items: readonly (Work<unknown> | Statement<unknown>)[],
  works: readonly Work<unknown>[],
): Promise<(readonly unknown[])[]> {
  const startedAt = performance.now();
  try {
    return await send(core, items);
  } catch (error) {
    if (!isReplyLost(error)) throw error;
    if (works.length === 0 || works.some((work) => work.onLostReply === "refuse")) throw error;
    try {
      const answer = await recall(core, items);
      if (answer) return answer;
      if (performance.now() - startedAt > lastRepeatMilliseconds) throw error;
      return await send(core, items);
    } catch (second) {
      if (isAlreadyCommitted(second)) {
        const answer = await recall(core, items);
        if (answer) return answer;
      }
      throw second;
    }
  }
}

function unavailable(cause: unknown): AuthError {
  return new AuthError("unavailable.database", { cause, retryAfterSeconds: 1 });
}

/** One request: the locks of all, deduplicated and in order, then the bodies. */
async function send(
  core: Executor,
  items: readonly (Work<unknown> | Statement<unknown>)[],
): Promise<(readonly unknown[])[]> {
  const locks = lockStatements(items.flatMap((item) => (isWork(item) ? (item.locks ?? []) : [])));
  const bodies = items.map((item) => (isWork(item) ? item.body : item));
  if (locks.length === 0 && bodies.length === 1) return [await core.database.run(bodies[0]!)];
  const results = await core.database.batch([...locks, ...bodies]);
  return results.slice(locks.length);
}

/** The answers of operations that have committed, or `undefined` if they have not (or may simply run again). */
async function recall(
  core: Executor,
  items: readonly (Work<unknown> | Statement<unknown>)[],
): Promise<(readonly unknown[])[] | undefined> {
  const recalls = items.map((item) => (isWork(item) ? item.onLostReply : undefined));
  const statements = recalls.filter((one) => typeof one === "object");
  if (statements.length === 0) return undefined;
  const found =
    statements.length === 1 ? [await core.database.run(statements[0]!)] : await core.database.batch(statements);
  if (found.every((rows) => rows.length === 0)) return undefined;
  if (statements.length < items.length) {
    // It has committed, but the rows of the caller's own statements are gone with the reply.
    throw new AuthError("unavailable.reply_lost");
  }
  return found;
}

async function recordDenials(core: Executor, { code }: AuthError, works: readonly Work<unknown>[]): Promise<void> {
  for (const { denial } of works) {
    if (!denial || !/^(forbidden|not_found|unauthorized\.reauthentication_required)/.test(code)) continue;
    try {
      await core.database.run(denial(code));
    } catch (error) {
      core.onError(error);
    }
  }
}

function isWork(item: Work<unknown> | Statement<unknown>): item is Work<unknown> {
  return "decode" in item;
}
