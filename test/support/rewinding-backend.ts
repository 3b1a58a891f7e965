import type { PGlite } from "@electric-sql/pglite";
import {
  type NeonBackend,
  type NeonQuery,
  type NeonResult,
  pgliteBackend,
} from "../../worker/development/neon-backend.node.ts";

/** A backend whose changes can be undone, so that several acts start from one prepared state. */
export interface RewindingBackend extends NeonBackend {
  /**
   * Runs work, and then undoes what it did to the database. It runs alone: no other work is rewound at the same time.
   *
   * Each request of the work is still all or nothing, keeps no setting for the next one, and has its own time.
   */
  rewind<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** {@link pgliteBackend} with a way back. While it rewinds, a request is a savepoint of one transaction. */
export function rewindingBackend(instance: PGlite): RewindingBackend {
  const plain = pgliteBackend(instance);
  let isRewinding = false;
  /** The end of the last request. Savepoints of two requests must not cross. */
  let last: Promise<unknown> = Promise.resolve();

  const inSavepoint = async <Result>(request: () => Promise<Result>): Promise<Result> => {
    await instance.exec("savepoint request; reset all");
    try {
      return await request();
    } catch (error) {
      await instance.exec("rollback to savepoint request");
      throw error;
    } finally {
      await instance.exec("release savepoint request");
    }
  };
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
  const send = <Result>(request: () => Promise<Result>): Promise<Result> =>
    inTurn(() => (isRewinding ? inSavepoint(request) : request()));
  const each = async (queries: readonly NeonQuery[]): Promise<NeonResult[]> => {
    const results: NeonResult[] = [];
    for (const query of queries) results.push(await plain.run(query));
    return results;
  };

  return {
    run: (query) => send(() => plain.run(query)),
    transaction: (begin, queries) => send(() => (isRewinding ? each(queries) : plain.transaction(begin, queries))),
    async rewind(work) {
      await inTurn(async () => {
        if (isRewinding) throw new Error("Other work is rewound.");
        await instance.exec("begin");
        isRewinding = true;
      });
      try {
        return await work();
      } finally {
        await inTurn(async () => {
          isRewinding = false;
          await instance.exec("rollback");
        });
      }
    },
  };
}
