import { createSession } from "../domain/acts/session.ts";
import { ticketAttempts } from "../domain/factor.ts";
import { insertAuditEvent } from "./audit.ts";
import { demandsSecondFactor } from "./held-factors.ts";
import { isUnlisted } from "./issuers.ts";
import { insertSession, type NewSession, type SessionUserRow, sessionUserColumns } from "./sessions.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * Makes a session for a complete ticket, and spends the ticket. Refuses, and undoes the batch, if there is no such ticket, if
 * it is for another user, credential or transport, or if a factor is missing. All of these get the same refusal.
 */
export function createSessionFromTicket(grant: {
  ticketHash: string;
  userId: string;
  credentialId: string;
  session: NewSession;
  auditId: string;
  /** The issuers whose identities are ways to sign in. Undefined if no feature has a list of them. */
  issuers: readonly string[] | undefined;
}): Statement<SessionUserRow> {
  const { context } = grant.session;
  return sql`
    with parent as materialized (
      select c.id as cred_id, c.usr_id, ${demandsSecondFactor(sql`c.usr_id`)} as second
      from login_ticket t join cred c on c.id = t.cred_id join usr u on u.id = t.usr_id
      where t.token_hash = decode(${grant.ticketHash}, 'hex') and c.status = 'active' and u.status = 'active'
        and not ${isUnlisted(sql`c`, grant.issuers)}
        and t.usr_id = ${grant.userId}::uuid and t.cred_id = ${grant.credentialId}::uuid
      for share of u, c),
    ticket as (
      delete from login_ticket t using parent
      where t.token_hash = decode(${grant.ticketHash}, 'hex') and t.expires_at > sallyport_now()
        and t.transport = ${grant.session.transport} and t.purpose = 'sign_in'
        and t.attempts < ${ticketAttempts}::int and (not (t.mfa_required or parent.second) or 'mfa' = any(t.factors))
      returning t.usr_id, t.cred_id, t.created_at as auth_time, t.factors as amr,
        case when 'mfa' = any(t.factors) then sallyport_now() end as mfa_verified_at, t.remember),
    ses as (${insertSession(grant.session, sql`ticket`, sql`proof.remember`)}),
    audit as (${insertAuditEvent(
      {
        id: grant.auditId,
        act: createSession,
        outcome: "success",
        context,
        targetId: sql`ses.id`,
        actingUser: sql`ses.usr_id`,
      },
      sql`ses`,
    )})
    select ${sessionUserColumns()}
    from (select 1) one left join ses on true left join usr on usr.id = ses.usr_id
    where case when ses.id is not null then true else sallyport_refuse('unauthorized.invalid_ticket') end`;
}

/** The lock for spending a ticket: its user. An unknown ticket locks no one. */
export function userOfTicket(ticketHash: string): Statement<{ id: string }> {
  return sql`select usr_id as id from login_ticket where token_hash = decode(${ticketHash}, 'hex')`;
}
