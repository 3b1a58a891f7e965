/**
 * Signing up with a mailed link, which proves the address of the new account.
 *
 * @module
 */
import type { RequestContext } from "../domain/request-context.ts";
import { insertAuditEvent } from "./audit.ts";
import { type Admission, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { clearCodes } from "./links.ts";
import { type SessionUserRow, sessionUserColumns } from "./sessions.ts";
import { makeAccount, type NewAccount, signUpEvent } from "./sign-up.ts";
import { type Statement, sql } from "./sql.ts";

function liveLink(tokenHash: string): Statement {
  return sql`verification_token
      where token_hash = decode(${tokenHash}, 'hex') and purpose = 'sign_up' and identifier is not null
        and expires_at > sallyport_now()`;
}

export interface ReservedSignUpRow extends Admission {
  /** The address of the link, or null if the link is not valid. Then nothing was counted. */
  readonly identifier: string | null;
}

/** Counts an attempt with a link, before a password is hashed for it. Always one row. */
export function reserveSignUp(attempt: {
  tokenHash: string;
  counters: readonly Counter[];
  context: RequestContext;
  auditId: string;
  identifierDigest: string;
}): Statement<ReservedSignUpRow> {
  return sql`
    with link as materialized (select identifier from ${liveLink(attempt.tokenHash)}),
    ${countAttempts({ id: attempt.auditId, counters: attempt.counters, condition: sql`exists (select from link)` })},
    audit as (${insertAuditEvent(
      { ...signUpEvent(attempt, sql`'denied'`), repeatable: true },
      sql`reserved where reserved.just_limited`,
    )})
    select ${admissionColumns()}, link.identifier from reserved left join link on true`;
}

/**
 * Spends a link, and makes the account of its address. Raises if the link is not valid or the identifier is taken, which undoes
 * the batch.
 */
export function createAccountWithLink(account: NewAccount & { tokenHash: string }): Statement<SessionUserRow> {
  return sql`
    with link as (delete from ${liveLink(account.tokenHash)} returning identifier, mailbox),
    reopened as (${clearCodes(sql`link`)}),
    ${makeAccount({ ...account, isVerified: true }, sql`link where link.identifier = ${account.identifier}`)},
    audit as (${insertAuditEvent(
      { ...signUpEvent(account, sql`'success'`), actingUser: sql`proof.usr_id`, session: sql`login.id` },
      sql`proof cross join login`,
    )})
    select ${sessionUserColumns()}
    from (select 1) one left join person usr on true left join login ses on true
    where case when usr.id is not null then true
      when exists (select from link) then sallyport_refuse('conflict.duplicate_credential')
      else sallyport_refuse('unauthorized.invalid_link') end`;
}
