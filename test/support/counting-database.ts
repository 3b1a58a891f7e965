import type { Database, Statement } from "../../src/store/sql.ts";

/** A database that counts each `run` and each `batch` as one. */
export interface CountingDatabase extends Database {
  /** Requests since the start or the last {@link CountingDatabase.reset}. */
  readonly requests: number;
  /** The text of every statement, in order. */
  readonly statements: readonly string[];
  /** Resets the count, and sets a new budget (or none). */
  reset(budget?: number): void;
}

/**
 * Counts the requests to `database`, and refuses those beyond the budget before they reach it.
 *
 * @param budget The largest number of requests. Default: no limit.
 */
export function countingDatabase(database: Database, budget: number = Number.POSITIVE_INFINITY): CountingDatabase {
  let limit = budget;
  let requests = 0;
  let statements: string[] = [];
  const count = (sent: readonly Statement<unknown>[]): void => {
    if (requests + 1 > limit) {
      const texts = [...statements, ...sent.map(({ text }) => text)].map((text) => text.trim().slice(0, 200));
      throw new Error(`Request ${requests + 1} exceeds the declared budget of ${limit}:\n${texts.join("\n---\n")}`);
    }
    requests += 1;
    statements.push(...sent.map(({ text }) => text));
  };

  return {
    get requests() {
      return requests;
    },
    get statements() {
      return statements;
    },
    reset(newBudget = Number.POSITIVE_INFINITY) {
      limit = newBudget;
      requests = 0;
      statements = [];
    },
    async run(statement, limit) {
      count([statement]);
      return await database.run(statement, limit);
    },
    async batch(list, limit) {
      count(list);
      return await database.batch(list, limit);
    },
  };
}
