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
function hasSuspendedCredential(identifier: string | Statement): Statement {
  return sql`exists (
    select from cred held where held.type = 'password' and held.identifier = ${identifier} and held.status = 'suspended')`;
}

/**
 * SQL for whether another SDK has stored a password under a text that people would take for the identifier, a normal form (S38).
 */
export function hasLookalike(identifier: string | Statement): Statement {
  return sql`exists (
    select from cred alike where alike.type = 'password' and alike.status <> 'revoked'
      and alike.identifier <> sallyport_folded(alike.identifier)
      and sallyport_folded(alike.identifier) = ${identifier})`;
}

/**
 * SQL for the identities at providers that have the identifier as their verified address.
 *
 * @returns Rows with `id` and `usr_id`.
 */
function identitiesAt(identifier: string | Statement): Statement {
  return sql`
    select cred.id, cred.usr_id, cred.status, cred.oidc_issuer from linked_identity l join cred on cred.id = l.cred_id
    where l.email = ${identifier} and cred.status <> 'revoked'`;
}

/**
 * SQL for whether no account may take the identifier, a normal form, although no active password has it: a suspended one has it,
 * an identity at a provider has it, or another SDK has stored a password under a text that people would take for it (S38).
 *
 * @param owner SQL for the user who wants it, whose own identities do not count. Default: a stranger.
 */
export function isWithheld(identifier: string | Statement, owner: Statement = sql`null::uuid`): Statement {
  return sql`(${hasSuspendedCredential(identifier)} or ${hasLookalike(identifier)} or exists (
    select from (${identitiesAt(identifier)}) held where held.usr_id is distinct from ${owner}))`;
}

/**
 * SQL for the account that has one of some identifiers, by a password or by an identity at a provider: `usr_id`, and `is_verified`.
 * One row or none. It locks the credential, because another SDK, which locks no user, may end it at this moment: then it does not
 * count as verified.
 *
 * @param identifiers As `identifiersFor` returns them.
 */
export function accountAt(identifiers: readonly string[]): Statement {
  return sql`
      select cred.usr_id, seen.is_verified and cred.status = 'active' as is_verified, seen.issuer from (
        select id, identifier_verified_at is not null as is_verified, null::text as issuer from ${passwordNamed(identifiers)} named
        union all
        select held.id, held.status = 'active', held.oidc_issuer from unnest(${identifiers}::text[]) as wanted(identifier)
        cross join lateral (${identitiesAt(sql`wanted.identifier`)}) held
        order by is_verified desc, issuer nulls first limit 1) seen join cred on cred.id = seen.id
      for share of cred`;
}

/**
 * SQL for the active password that has the first of some identifiers that any has: one row or none.
 *
 * @param identifiers As `identifiersFor` returns them.
 */
export function passwordNamed(identifiers: readonly string[]): Statement {
  return sql`(
      select * from cred where type = 'password' and identifier = any(${identifiers}::text[]) and status = 'active'
      order by array_position(${identifiers}::text[], identifier) limit 1)`;
}

/**
 * The locks for taking an identifier. A concurrent request for the identifier waits for the outcome, and so does a suspension
 * of the password that holds it. A unique index alone would admit a request that waited while that password was suspended.
 */
export function lockIdentifier(identifier: string): Lock[] {
  return lockIdentifierOf(identifier, sql`(select ${identifier}::text as identifier)`);
}

/**
 * The same locks for an identifier that only the database knows.
 *
 * @param name Another name for each identifier.
 * @param from SQL for rows with the column `identifier`: one or none.
 */
export function lockIdentifierOf(name: string, from: Statement): Lock[] {
  const statement = sql`
    select pg_advisory_xact_lock(hashtextextended('sallyport identifier ' || wanted.identifier, 0)) from ${from} wanted`;
  return [
    { on: "identifier", name, statement },
    { on: "user", key: userOfIdentifier(sql`(select wanted.identifier from ${from} wanted)`) },
  ];
}

/** The users whose passwords and identities hold it. */
export function userOfIdentifier(identifier: string | Statement): Statement<{ id: string }> {
  // Two halves, because each status has its own index.
  return sql`select usr_id as id from cred where type = 'password' and identifier = ${identifier} and status = 'active'
    union select usr_id from cred where type = 'password' and identifier = ${identifier} and status = 'suspended'
    union select usr_id from (${identitiesAt(identifier)}) held`;
}
