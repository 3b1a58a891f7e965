/**
 * Locks that a batch takes before anything else, in one order for everybody: users by id, then the administrators.
 *
 * In READ COMMITTED a statement's snapshot is older than the lock that it waited for, so whoever acts on a set (a user's
 * sessions) locks its parent in an earlier statement.
 *
 * @module
 */
import { type Statement, sql } from "./sql.ts";
import { lockAdministrators } from "./tuples.ts";

/** What to lock: the users that a query names in a column `id`, or every administrator's tuple. */
export type Lock = { readonly on: "usr"; readonly key: Statement<{ id: string }> } | { readonly on: "administrators" };

/** The statements that take the locks: none, one or two, whatever the number of locks. */
export function lockStatements(locks: readonly Lock[]): Statement[] {
  const users = locks.filter((lock) => lock.on === "usr").map((lock) => lock.key);
  const statements: Statement[] = [];
  const [first, ...rest] = users;
  if (first) {
    const keys = rest.reduce<Statement>((union, key) => sql`${union} union ${key}`, first);
    // `for no key update`, since foreign-key checks take `key share` and would queue behind `for update`.
    statements.push(sql`select id from usr where id in (${keys}) order by id for no key update`);
  }
  if (locks.some((lock) => lock.on === "administrators")) statements.push(lockAdministrators());
  return statements;
}
