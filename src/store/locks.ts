/**
 * Locks that a batch takes before anything else, always in the same order: that of `lockOrder`, users by id and others by name.
 *
 * In READ COMMITTED a statement's snapshot is older than the lock that it waited for. So a batch that changes a set (a user's
 * sessions) locks the set's parent in an earlier statement.
 *
 * @module
 */
import { type LockKind, lockOrder } from "../domain/act.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * The object of a lock: the users or organizations that a query returns in a column `id`, or whatever a given statement locks,
 * under a name. The statement comes with the lock, so that a bundle that locks only users contains no other.
 */
export type Lock =
  | { readonly on: "user" | "organization"; readonly key: Statement }
  | { readonly on: Exclude<LockKind, "user" | "organization">; readonly name: string; readonly statement: Statement };

/** Locks one user. */
export function lockUser(userId: string): Lock {
  return { on: "user", key: sql`select ${userId}::uuid as id` };
}

/** The statements that take the locks, in order: one for all users, one for all organizations, one for each other name. */
export function lockStatements(locks: readonly Lock[]): Statement[] {
  return lockOrder.flatMap((kind) => {
    const named = new Map<string, Statement>();
    let ids: Statement | undefined;
    for (const lock of locks) {
      if (lock.on !== kind) continue;
      if ("name" in lock) named.set(lock.name, lock.statement);
      else ids = ids ? sql`${ids} union ${lock.key}` : lock.key;
    }
    // `for no key update`, because foreign-key checks take `key share` and would queue behind `for update`.
    if (ids) {
      const table = kind === "user" ? sql`usr` : sql`org`;
      return sql`select id from ${table} where id in (${ids}) order by id for no key update`;
    }
    // By name. No two names are the same.
    return [...named].sort().map(([, statement]) => statement);
  });
}
