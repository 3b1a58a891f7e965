import type { Act } from "../domain/act.ts";
import type { Lock } from "../store/locks.ts";
import { userOfToken } from "../store/refresh.ts";
import { type Statement, sql } from "../store/sql.ts";

/**
 * The locks that an act's row names, and the additional locks of this call.
 *
 * @throws {TypeError} If a lock that the row names is not given.
 */
export function locksOf({ name, locks = [] }: Act, ...given: readonly Lock[]): readonly Lock[] {
  if (!locks.every((kind) => given.some(({ on }) => on === kind))) throw new TypeError(name);
  return given;
}

/** Locks the users that a query names in a column `id`. */
export function lockUsersOf(key: Statement): Lock {
  return { on: "user", key };
}

/** Locks the user of a session token that the request also presents, so that its family can end. */
export function lockOfToken(tokenHash: string | undefined): readonly Lock[] {
  return tokenHash === undefined ? [] : [lockUsersOf(userOfToken(tokenHash))];
}

/**
 * Locks a counter, so that an attempt can be refunded. Counters are locked before tickets, as in the statement that reserves;
 * otherwise two attempts with one ticket could deadlock.
 */
export function lockOfCounter(counter: string | undefined): readonly Lock[] {
  if (!counter) return [];
  const statement = sql`select bucket from attempt where bucket = ${counter} for update`;
  return [{ on: "counter", name: counter, statement }];
}
