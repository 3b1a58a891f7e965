/**
 * Locks that a batch takes before anything else, in one order for everybody: users by id, then the administrators, then keys.
 *
 * In READ COMMITTED a statement's snapshot is older than the lock that it waited for, so whoever acts on a set (a user's
 * sessions) locks its parent in an earlier statement.
 *
 * @module
 */
import { claimKey, type IdempotencyClaim } from "./idempotency.ts";
import { type Statement, sql } from "./sql.ts";
import { lockAdministrators } from "./tuples.ts";

/** What to lock: the users that a query names in a column `id`, every administrator's tuple, or a caller's key. */
export type Lock =
  | { readonly on: "usr"; readonly key: Statement }
  | { readonly on: "administrators" }
  | { readonly on: "key"; readonly claim: IdempotencyClaim };

/** The statements that take the locks: one for all users, one for the administrators, one for each key in order. */
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
  const claims = locks.filter((lock) => lock.on === "key").map((lock) => lock.claim);
  for (const claim of claims.sort((a, b) => (a.digest < b.digest ? -1 : 1))) statements.push(claimKey(claim));
  return statements;
}
