/**
 * Messages about what has happened to an account. A trigger on the audit log owes them, in the transaction of the change.
 *
 * @module
 */
import type { NoticeKind } from "../domain/notices.ts";
import { leavesEvent } from "./audit.ts";
import { type Database, sql } from "./sql.ts";

/**
 * The same database, in which each change owes the notices of its event. A change is a batch that begins with a lock.
 *
 * @param kinds The kind of the notice by the action.
 */
export function withNotices(database: Database, kinds: ReadonlyMap<string, NoticeKind>): Database {
  const setting = JSON.stringify(Object.fromEntries(kinds));
  let isOwed = false;
  return {
    run: (statement, limit) => database.run(statement, limit),
    async batch(statements, limit) {
      const [first, ...others] = statements;
      // An attempt that is only counted is no change, even if a purge goes with it.
      if (!first || leavesEvent(first) || !others.some(leavesEvent)) return await database.batch(statements, limit);
      // `local`: it ends with the transaction, since a pooler forgets the settings of a connection. A change touches few rows, but a
      // planner that expects many of the largest statement would compile it, for a second.
      const set = sql`select set_config('sallyport.notices', ${setting}, true), set_config('jit', 'off', true)`;
      try {
        const rows = await database.batch([set, ...statements], limit);
        return rows.slice(1);
      } finally {
        // Also without a reply: the change may have happened.
        isOwed = true;
      }
    },
    takeOwed() {
      const was = isOwed;
      isOwed = false;
      return was;
    },
    ...(database.isNested && { isNested: () => database.isNested!() }),
  };
}
