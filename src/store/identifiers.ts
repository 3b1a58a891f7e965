/**
 * The holder of an identifier, and the locks for taking one.
 *
 * @module
 */
import type { Lock } from "./locks.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * SQL for whether a suspended password holds the identifier. The specification leaves the identifier free then. But the owner
 * could undo an administrator's suspension with a new password, and a stranger could take the name.
 */
export function hasSuspendedCredential(identifier: string): Statement {
  return sql`exists (
    select from cred held where held.type = 'password' and held.identifier = ${identifier} and held.status = 'suspended')`;
}

/**
 * The locks for taking an identifier. A concurrent request for the identifier waits for the outcome, and so does a suspension
 * of the password that holds it. A unique index alone would admit a request that waited while that password was suspended.
 */
export function lockIdentifier(identifier: string): Lock[] {
  const statement = sql`select pg_advisory_xact_lock(hashtextextended('sallyport identifier ' || ${identifier}::text, 0))`;
  return [
    { on: "identifier", name: identifier, statement },
    { on: "user", key: userOfIdentifier(identifier) },
  ];
}

/** The user whose password holds it. */
export function userOfIdentifier(identifier: string): Statement<{ id: string }> {
  // Two halves, because each status has its own index.
  return sql`select usr_id as id from cred where type = 'password' and identifier = ${identifier} and status = 'active'
    union select usr_id from cred where type = 'password' and identifier = ${identifier} and status = 'suspended'`;
}
