/**
 * Runs work on the database so that it happens once or never, whatever the network does with the reply.
 *
 * @module
 */
import { AuthError, type ErrorCode } from "../domain/error.ts";
import { type Lock, lockStatements } from "../store/locks.ts";
import { isReplyLost, markPlace, placeOf, refusalOf } from "../store/refusals.ts";
import type { Statement } from "../store/sql.ts";
import type { Executor } from "./core.ts";
import { recordDenial } from "./denial.ts";

/** One statement, ready to run: its locks, and what to do about a lost reply. */
export interface Run<Row> {
  readonly locks?: readonly Lock[];
  readonly body: Statement<Row>;
  /**
   * What to do if the reply is lost. A statement returns the answer's rows if the operation has committed, and none if it has
   * not; then the operation runs again. `repeat`: it can run twice. `refuse`: it counts, so only the caller may repeat it.
   */
  readonly onLostReply: Statement<NoInfer<Row>> | "repeat" | "refuse";
  /**
   * Set if it counts or consumes something, so no caller's transaction may undo it (S03). Work with `refuse` never runs in such
   * a transaction anyway.
   */
  readonly mustCommit?: true;
  /**
   * The event of a refusal. It is recorded in a separate request, because the refusal undid everything (S03). See {@link
   * denialOf}.
   */
  readonly denial?: ((code: ErrorCode) => Statement) | undefined;
}

/** One operation: the statement that it runs, and how to read the answer. */
export interface Work<Result, Row = unknown> extends Run<Row> {
  /**
   * Reads the answer. A method, so that work on rows of any type is {@link Work}.
   *
   * @param row The first row, for a statement that always returns one.
   * @param rows All rows, for any other statement.
   */
  decode(row: NoInfer<Row>, rows: readonly NoInfer<Row>[]): Result | Promise<Result>;
}

/** Infers the type of an operation's rows from its statement, and checks the recall and the decoding against it. */
export function work<Result, Row>(typed: Work<Result, Row>): Work<Result> {
  return typed;
}

/** A part of one transaction. */
type Item = Work<unknown> | Statement<unknown>;

/** After this long without an answer, no time is left for another full try within the five seconds that a client waits. */
const lastRepeatMilliseconds = 2_500;

/**
 * Runs one operation. Returns the decoded answer, or the first row if the operation has no `decode`.
 *
 * @param beside Statements that run after it in the same transaction. Default: none.
 * @throws {AuthError} The operation's refusal, or `unavailable.database`.
 */
export async function execute<Result, Row>(
  core: Executor,
  work: Work<Result, Row>,
  beside?: readonly Statement[],
): Promise<Result>;
export async function execute<Row>(core: Executor, run: Run<Row>, beside?: readonly Statement[]): Promise<Row>;
export async function execute(
  core: Executor,
  run: Run<unknown> | Work<unknown>,
  beside: readonly Statement[] = [],
): Promise<unknown> {
  const work: Work<unknown> = { decode: (row) => row, ...run };
  const [rows] = await executeAll(core, [work, ...beside]);
  return await answerOf(work, rows!);
}

/** Decodes the rows of an operation. */
export function answerOf<Result>(work: Work<Result>, rows: readonly unknown[]): Result | Promise<Result> {
  return work.decode(rows[0], rows);
}

/** Runs operations and plain statements in one transaction: all of them or none. Returns the rows of each. */
export async function executeAll(core: Executor, items: readonly Item[]): Promise<(readonly unknown[])[]> {
  if (
    core.database.isNested?.() &&
    items.some((item) => isWork(item) && (item.mustCommit || item.onLostReply === "refuse"))
  ) {
    throw new TypeError("This cannot run inside a transaction.");
  }
  const startedAt = performance.now();
  try {
    return await send(core, items);
  } catch (error) {
    try {
      if (!isReplyLost(error)) throw error;
      return await recover(core, items, error, startedAt);
    } catch (final) {
      const refusal = isReplyLost(final) ? unavailable(final) : refusalOf(final);
      // An operator must learn of a database that does not answer, even if the application handles the error (S81).
      if (refusal instanceof AuthError && refusal.status === 503) core.onError(refusal);
      // With several operations, only the refused one is recorded. A constraint does not say which one that was.
      const place = isMarked(items) ? placeOf(final) : undefined;
      for (const [index, item] of items.entries()) {
        if (isWork(item) && (place ?? index) === index) await recordDenial(core, item.denial, refusal);
      }
      throw refusal;
    }
  }
}

/** Finds out whether a request whose reply was lost has committed, and runs it again if not. */
async function recover(
  core: Executor,
  items: readonly Item[],
  lost: unknown,
  startedAt: number,
): Promise<(readonly unknown[])[]> {
  const works = items.filter(isWork);
  if (works.length === 0 || works.some((work) => work.onLostReply === "refuse")) throw lost;
  const answer = await recall(core, items);
  if (answer) return answer;
  // A plan that found nothing to do leaves no event, so the other items may have been done.
  if (works.length < items.length) throw lost;
  if (performance.now() - startedAt > lastRepeatMilliseconds) throw lost;
  let rows: (readonly unknown[])[];
  try {
    rows = await send(core, items);
  } catch (error) {
    // Perhaps the first try was only slow and committed after all, so that the second try met its changes.
    const late = isReplyLost(error) ? undefined : await recall(core, items);
    if (late) return late;
    throw error;
  }
  if (!works.some((work) => work.mustCommit)) return rows;
  // The same can happen without an error: an operation that refuses by a value has met the ticket that the first try spent.
  // If nobody can tell which try it was, the answer is unknown too (S56).
  return (await recall(core, items)) ?? rows;
}

function unavailable(cause: unknown): AuthError {
  return new AuthError("unavailable.database", { cause, retryAfterSeconds: 1 });
}

/**
 * Sends one request: the locks of all, deduplicated and in order, then the bodies. With several operations, a mark of its place
 * precedes each body.
 */
async function send(core: Executor, items: readonly Item[]): Promise<(readonly unknown[])[]> {
  const [first] = items;
  if (first && items.length === 1 && (!isWork(first) || !first.locks?.length)) {
    return [await core.database.run(isWork(first) ? first.body : first)];
  }
  const locks = lockStatements(items.flatMap((item) => (isWork(item) ? (item.locks ?? []) : [])));
  const marks = isMarked(items) ? items.map((_item, place) => markPlace(place)) : [];
  const bodies = items.flatMap((item, place) => [...marks.slice(place, place + 1), isWork(item) ? item.body : item]);
  const results = await core.database.batch([...locks, ...bodies]);
  return results.slice(locks.length).filter((_rows, index) => marks.length === 0 || index % 2 === 1);
}

/** True if a refusal must say which operation it is from. */
function isMarked(items: readonly Item[]): boolean {
  return items.filter(isWork).length > 1;
}

/** The answers of operations that have committed, or `undefined` if they have not (or may simply run again). */
async function recall(core: Executor, items: readonly Item[]): Promise<(readonly unknown[])[] | undefined> {
  const recalls = items.map((item) => (isWork(item) ? item.onLostReply : undefined));
  const statements = recalls.filter((one) => typeof one === "object");
  if (statements.length === 0) return undefined;
  const found =
    statements.length === 1 ? [await core.database.run(statements[0]!)] : await core.database.batch(statements);
  if (found.every((rows) => rows.length === 0)) return undefined;
  if (statements.length < items.length || found.some((rows) => rows.length === 0)) {
    // It has committed, but the rows of the caller's own statements, and of plans that found nothing to change, are gone.
    throw new AuthError("unavailable.reply_lost");
  }
  return found;
}

function isWork(item: Item): item is Work<unknown> {
  return "decode" in item;
}
