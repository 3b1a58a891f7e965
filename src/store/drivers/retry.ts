import { isPassing } from "../sqlstate.ts";
import { DatabaseError } from "./database-error.ts";
import { machineTime } from "./patience.ts";
import { DatabaseUnreachableError } from "./unreachable.ts";

/** Serialization failure and deadlock: the database rolled everything back, so running it again is safe. */
const conflicts: ReadonlySet<string> = new Set(["40001", "40P01"]);

const mostConflicts = 3;

/** Upper bound of the first wait; it doubles with each repeat. */
const firstWaitMilliseconds = 20;
const longestWaitMilliseconds = 300;
/** A command may wait for a minute, but a wrong address is reported sooner. */
const mostMilliseconds = 7_000;

/**
 * Runs a request again if it certainly did not run: up to three times if it lost to a concurrent one, and until the deadline,
 * but at most for seven seconds, if it was never sent or the server cannot serve for the moment.
 *
 * A random wait comes first, so that requests that met do not meet again. A request inside a caller's transaction is never
 * repeated: the earlier work of that transaction is gone as well, and only its owner can repeat it.
 *
 * @param endsAt When the deadline passes, by {@link machineTime}.
 * @param isTied True if every repeat meets the same connection, so that only conflicts are worth one.
 */
export async function withRetries<Result>(
  request: () => Promise<Result>,
  endsAt: number,
  isTied = false,
): Promise<Result> {
  const lastAt = Math.min(endsAt, machineTime() + mostMilliseconds);
  for (let repeats = 0, met = 0; ; repeats++) {
    try {
      return await request();
    } catch (error) {
      const isConflict = error instanceof DatabaseError && conflicts.has(error.code);
      if (isConflict ? met++ === mostConflicts : isTied || !mayPass(error)) throw error;
      const share = crypto.getRandomValues(new Uint8Array(1))[0]! / 256;
      const wait = share * Math.min(firstWaitMilliseconds * 2 ** repeats, longestWaitMilliseconds);
      if (machineTime() + wait >= lastAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

/** True if the request certainly did not run, for a reason that may pass in a moment. */
function mayPass(error: unknown): boolean {
  if (error instanceof DatabaseError) return isPassing(error.code);
  return error instanceof DatabaseUnreachableError && error.isUnsent && !error.isLasting && !error.isLate;
}
