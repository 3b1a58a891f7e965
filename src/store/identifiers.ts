/**
 * Who has an identifier, and the locks for taking one.
 *
 * @module
 */
import type { Lock } from "./locks.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * SQL for whether a suspended password holds the identifier. The specification leaves it free then; but its owner would undo an
 * administrator's suspension with a new password, and a stranger would take the name.
 */
export function hasSuspendedCredential(identifier: string): Statement {
  return sql`exists (
    select from cred held where held.type = 'password' and held.identifier = ${identifier} and held.status = 'suspended')`;
}

/**
 * The locks for taking an identifier. Who takes it at the same time waits for the outcome, and so does who suspends the password
 * that has it: a unique index alone lets one in who waited for a password that was suspended meanwhile.
 */
export function lockIdentifier(identifier: string): Lock[] {
  const statement = sql`select pg_advisory_xact_lock(hashtextextended('sallyport identifier ' || ${identifier}::text, 0))`;
  return [
    { on: "identifier", name: identifier, statement },
    { on: "user", key: userOfIdentifier(identifier) },
  ];
}

/** Whose password has it. */
export function userOfIdentifier(identifier: string): Statement<{ id: string }> {
  // Two halves, since each status has an index of its own.
  return sql`select usr_id as id from cred where type = 'password' and identifier = ${identifier} and status = 'active'
    union select usr_id from cred where type = 'password' and identifier = ${identifier} and status = 'suspended'`;
}
