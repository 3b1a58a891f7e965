/**
 * Locks that a batch takes before anything else, in one order for everybody: users by id, then the administrators, then keys.
 *
 * In READ COMMITTED a statement's snapshot is older than the lock that it waited for, so whoever acts on a set (a user's
 * sessions) locks its parent in an earlier statement.
 *
 * @module
 */
import { type Statement, sql } from "./sql.ts";

/**
 * What to lock: the users that a query names in a column `id`, or rows that a statement of their own locks. It comes with the
 * lock, so that who needs only users carries no other.
 */
export type Lock =
  | { readonly on: "usr"; readonly key: Statement }
  | { readonly on: "administrators" | `key ${string}`; readonly statement: Statement };

/** The statements that take the locks: one for all users, one for the administrators, one for each key in order. */
export function lockStatements(locks: readonly Lock[]): Statement[] {
  let users: Statement | undefined;
  const others = new Map<string, Statement>();
  for (const lock of locks) {
    if (lock.on === "usr") users = users ? sql`${users} union ${lock.key}` : lock.key;
    else if (!others.has(lock.on)) others.set(lock.on, lock.statement);
  }
  // By name, which puts the administrators before every key.
  const inOrder = [...others].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, statement]) => statement);
  // `for no key update`, since foreign-key checks take `key share` and would queue behind `for update`.
  return users ? [sql`select id from usr where id in (${users}) order by id for no key update`, ...inOrder] : inOrder;
}
