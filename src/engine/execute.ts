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
import { TimeLeft } from "./patience.ts";

/** One statement, ready to run: its locks, and what to do about a lost reply. */
export interface Run<Row> {
  readonly locks?: readonly Lock[];
  readonly body: Statement<Row>;
  /**
   * What to do if the reply is lost. A statement returns the answer's rows if the operation has committed, and none if it has
   * not; then the operation runs again. `repeat`: it can run twice, and what it counts is counted once. False: the
   * same, and its answer is not read.
   */
  readonly onLostReply: Statement<NoInfer<Row>> | "repeat" | false;
  /** The time that is left to the operation, if this is not its first request. Default: all of it. */
  readonly time?: TimeLeft | undefined;
  /**
   * Set if it counts or consumes something. No caller's transaction may undo it (S03), and after a lost reply the answer is that of
   * the try that committed.
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

/** The waits before the repeats of a request whose reply was lost. */
const repeatWaits = [0, 100];
/** With less time than this, nothing more is sent. */
const shortestTryMilliseconds = 300;

/**
 * Runs one operation. Returns the decoded answer, or the first row if the operation has no `decode`.
 *
 * @param beside Work that runs after it in the same transaction, and whose answers are not read. Default: none.
 * @throws {AuthError} The operation's refusal, or `unavailable.database`.
 */
export async function execute<Result, Row>(
  core: Executor,
  work: Work<Result, Row>,
  beside?: readonly Work<unknown>[],
): Promise<Result>;
export async function execute<Row>(core: Executor, run: Run<Row>, beside?: readonly Work<unknown>[]): Promise<Row>;
export async function execute(
  core: Executor,
  run: Run<unknown> | Work<unknown>,
  beside: readonly Work<unknown>[] = [],
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
  if (core.database.isNested?.() && items.some((item) => isWork(item) && item.mustCommit)) {
    throw new TypeError("This cannot run inside a transaction.");
  }
  const time = items.filter(isWork).find((work) => work.time)?.time ?? new TimeLeft(core.patience);
  try {
    const rows = await send(core, items, time);
    core.patience?.noteAnswer();
    return rows;
  } catch (error) {
    try {
      if (!isReplyLost(error)) throw error;
      return await recover(core, items, error, time);
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
  time: TimeLeft,
): Promise<(readonly unknown[])[]> {
  const works = items.filter(isWork);
  // A slow database gets no second request for the same: it would be slower still (S82), and the caller waits no longer.
  if (works.length === 0 || isLate(lost)) throw lost;
  let last = lost;
  for (const wait of repeatWaits) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    let isSent = false;
    try {
      const answer = await recall(core, items, time);
      if (answer) return answer;
      // A plan that found nothing to do leaves no event, so the other items may have been done.
      if (works.length < items.length || time.left < shortestTryMilliseconds) throw last;
      isSent = true;
      return await first(core, works, await send(core, items, time), time);
    } catch (error) {
      if (error === last || isLate(error)) throw error;
      last = error;
      if (isReplyLost(error)) continue;
      // Perhaps the first try was only slow and committed after all, so that the second try met its changes.
      const late = isSent ? await recall(core, items, time) : undefined;
      if (late) return late;
      throw error;
    }
  }
  throw last;
}

/**
 * The answer of the first try, if it was only slow and the second one met the ticket that it spent. An operation that consumes
 * something may refuse by a value, without an error.
 */
async function first(
  core: Executor,
  works: readonly Work<unknown>[],
  rows: (readonly unknown[])[],
  time: TimeLeft,
): Promise<(readonly unknown[])[]> {
  if (!works.some((work) => work.mustCommit)) return rows;
  // If it is unknown which try committed, the answer is unknown too (S56).
  return (await recall(core, works, time)) ?? rows;
}

/** True if the deadline passed: the database may be slow. */
function isLate(error: unknown): boolean {
  return (error as { isLate?: unknown } | undefined)?.isLate === true;
}

function unavailable(cause: unknown): AuthError {
  return new AuthError("unavailable.database", { cause, retryAfterSeconds: 1 });
}

/**
 * Sends one request: the locks of all, deduplicated and in order, then the bodies. With several operations, a mark of its place
 * precedes each body.
 */
async function send(core: Executor, items: readonly Item[], time: TimeLeft): Promise<(readonly unknown[])[]> {
  const [first] = items;
  if (first && items.length === 1 && (!isWork(first) || !first.locks?.length)) {
    return [await core.database.run(isWork(first) ? first.body : first, time.left)];
  }
  const locks = lockStatements(items.flatMap((item) => (isWork(item) ? (item.locks ?? []) : [])));
  const marks = isMarked(items) ? items.map((_item, place) => markPlace(place)) : [];
  const bodies = items.flatMap((item, place) => [...marks.slice(place, place + 1), isWork(item) ? item.body : item]);
  const results = await core.database.batch([...locks, ...bodies], time.left);
  return results.slice(locks.length).filter((_rows, index) => marks.length === 0 || index % 2 === 1);
}

/** True if a refusal must say which operation it is from, so that the right one records it. */
function isMarked(items: readonly Item[]): boolean {
  const works = items.filter(isWork);
  return works.length > 1 && works.some(({ denial }) => denial);
}

/** The answers of operations that have committed, or `undefined` if they have not (or may simply run again). */
async function recall(
  core: Executor,
  items: readonly Item[],
  time: TimeLeft,
): Promise<(readonly unknown[])[] | undefined> {
  const recalls = items.map((item) => (isWork(item) ? item.onLostReply : undefined)).filter((one) => one !== false);
  const statements = recalls.filter((one) => typeof one === "object");
  if (statements.length === 0) return undefined;
  const found =
    statements.length === 1
      ? [await core.database.run(statements[0]!, time.left)]
      : await core.database.batch(statements, time.left);
  if (found.every((rows) => rows.length === 0)) return undefined;
  if (statements.length < recalls.length || found.some((rows) => rows.length === 0)) {
    // It has committed, but the rows of the caller's own statements, and of plans that found nothing to change, are gone.
    throw new AuthError("unavailable.reply_lost");
  }
  return found;
}

function isWork(item: Item): item is Work<unknown> {
  return "decode" in item;
}
