/**
 * Locks that a batch takes before anything else, in one order for everybody: identifiers, then users by id, then the
 * administrators, then keys.
 *
 * In READ COMMITTED a statement's snapshot is older than the lock that it waited for, so whoever acts on a set (a user's
 * sessions) locks its parent in an earlier statement.
 *
 * @module
 */
import { type Statement, sql } from "./sql.ts";

/**
 * What to lock: the users that a query names in a column `id`, or what a statement of its own locks, under a name that begins
 * with its place in the order. The statement comes with the lock, so that who needs only users carries no other.
 */
export type Lock =
  | { readonly on: "usr"; readonly key: Statement }
  | { readonly on: `0 identifier ${string}` | "2 administrators" | `3 key ${string}`; readonly statement: Statement };

/** The statements that take the locks, in order: one for all users, one for each other name. */
export function lockStatements(locks: readonly Lock[]): Statement[] {
  let users: Statement | undefined;
  const named = new Map<string, Statement>();
  for (const lock of locks) {
    if (lock.on === "usr") users = users ? sql`${users} union ${lock.key}` : lock.key;
    else if (!named.has(lock.on)) named.set(lock.on, lock.statement);
  }
  // `for no key update`, since foreign-key checks take `key share` and would queue behind `for update`.
  if (users) named.set("1 usr", sql`select id from usr where id in (${users}) order by id for no key update`);
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, statement]) => statement);
}
