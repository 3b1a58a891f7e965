import pg from "pg";
import type { Statement } from "../../src/store/sql.ts";

/** Locks that another connection holds, so that a test decides which requests wait, in which order, and until when. */
export interface HeldLock {
  /** Resolves once `count` others wait for any lock of this database. */
  waiting(count: number): Promise<void>;
  /** Releases the locks, and undoes the statement. */
  release(): Promise<void>;
  /** Releases the locks, and commits the statement. */
  commit(): Promise<void>;
}

/** Takes the locks of a statement, such as `select … for update` or `lock table …`, on its own connection. */
export async function holdLock(connectionString: string, { text, params }: Statement<unknown>): Promise<HeldLock> {
  const holder = new pg.Client({ connectionString });
  const watcher = new pg.Client({ connectionString });
  await Promise.all([holder.connect(), watcher.connect()]);
  await holder.query("begin");
  await holder.query(text, [...params]);
  const end = async (how: "commit" | "rollback"): Promise<void> => {
    await holder.query(how);
    await Promise.all([holder.end(), watcher.end()]);
  };
  return {
    async waiting(count) {
      for (;;) {
        const { rows } = await watcher.query<{ waiting: number }>(
          "select count(*)::int as waiting from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
        );
        if (rows[0]!.waiting >= count) return;
      }
    },
    release: () => end("rollback"),
    commit: () => end("commit"),
  };
}
