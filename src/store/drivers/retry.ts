import type { Database } from "../sql.ts";

/** Serialization failure and deadlock: the database rolled everything back, so running it again is safe. */
const conflicts: ReadonlySet<unknown> = new Set(["40001", "40P01"]);

const maxRetries = 3;

/** Upper bound of the first wait; it doubles with each retry. */
const firstWaitMilliseconds = 20;

/**
 * Runs a request again if it lost to a concurrent one, up to three times.
 *
 * A random wait comes first, so that two requests that met do not meet again. A request inside a caller's transaction is never
 * retried: the earlier work of that transaction is gone as well, and only its owner can repeat it.
 */
export function retryConflicts(database: Database): Database {
  return {
    run: (statement) => withRetries(() => database.run(statement)),
    batch: (statements) => withRetries(() => database.batch(statements)),
  };
}

async function withRetries<Result>(request: () => Promise<Result>): Promise<Result> {
  for (let retries = 0; ; retries++) {
    try {
      return await request();
    } catch (error) {
      if (retries === maxRetries || !conflicts.has((error as { code?: unknown }).code)) throw error;
      const share = crypto.getRandomValues(new Uint8Array(1))[0]! / 256;
      const wait = share * firstWaitMilliseconds * 2 ** retries;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
