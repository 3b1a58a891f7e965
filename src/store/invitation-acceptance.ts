/**
 * Accepting an invitation to the deployment: one of its two secrets makes the account.
 *
 * @module
 */
import { acceptInvitation } from "../domain/acts/deployment-invitation.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { insertAuditEvent } from "./audit.ts";
import { type Admission, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { isOpen } from "./deployment-invitations.ts";
import { type SessionUserRow, sessionUserColumns } from "./sessions.ts";
import { makeAccount, type NewAccount } from "./sign-up.ts";
import { type Statement, sql } from "./sql.ts";

/** SQL for whether a secret is one of the two of an invitation `inv`. */
function isOf(tokenHash: string): Statement {
  return sql`(inv.copied_hash = decode(${tokenHash}, 'hex') or inv.mailed_hash = decode(${tokenHash}, 'hex'))`;
}

/** The lock for accepting an invitation: the administrator who made it, whose rights must not end meanwhile. */
export function inviterOf(tokenHash: string): Statement<{ id: string }> {
  return sql`select invited_by as id from deployment_invitation inv where ${isOf(tokenHash)}`;
}

/** What the holder of a secret may know of its invitation: null if the invitation does not count. */
export interface OpenInvitationRow {
  readonly identifier: string | null;
  readonly displayName: string | null;
}

/** The open invitation of a secret. Always one row. */
export function selectOpenInvitation(tokenHash: string): Statement<OpenInvitationRow> {
  return sql`
    select inv.identifier, inv.display_name as "displayName"
    from (select 1) one left join deployment_invitation inv on ${isOf(tokenHash)} and ${isOpen()}`;
}

/** Counts an attempt with a secret, before a password is hashed for it. Always one row; if the secret opens nothing, nothing is counted. */
export function reserveAcceptance(attempt: {
  tokenHash: string;
  counters: readonly Counter[];
  context: RequestContext;
  auditId: string;
}): Statement<OpenInvitationRow & Admission> {
  return sql`
    with inv as materialized (
      select id, identifier, display_name from deployment_invitation inv where ${isOf(attempt.tokenHash)} and ${isOpen()}),
    ${countAttempts({ id: attempt.auditId, counters: attempt.counters, condition: sql`exists (select from inv)` })},
    audit as (${insertAuditEvent(
      {
        id: attempt.auditId,
        act: acceptInvitation,
        context: attempt.context,
        targetId: sql`inv.id`,
        outcome: "denied",
        repeatable: true,
        metadata: sql`jsonb_build_object('reason', 'too_many_requests')`,
      },
      sql`reserved cross join inv where reserved.just_limited`,
    )})
    select ${admissionColumns()}, inv.identifier, inv.display_name as "displayName" from reserved left join inv on true`;
}

/**
 * Spends an invitation, and makes the account of its identifier, which is proved if the secret is the mailed one. Raises if the
 * invitation does not count or the identifier is taken, which undoes the batch. The batch has locked the identifier and the
 * inviter.
 */
export function createAccountWithInvitation(account: NewAccount & { tokenHash: string }): Statement<SessionUserRow> {
  const { tokenHash, userId, identifier } = account;
  return sql`
    with inv as (
      update deployment_invitation inv set status = 'accepted', usr_id = ${userId}::uuid, ended_at = sallyport_now()
      where ${isOf(tokenHash)} and ${isOpen()}
      returning inv.id, inv.identifier,
        inv.mailed_hash is not distinct from decode(${tokenHash}, 'hex') as is_mailed),
    ${makeAccount({ ...account, isVerified: sql`inv.is_mailed` }, sql`inv where inv.identifier = ${identifier}`)},
    audit as (${insertAuditEvent(
      {
        id: account.auditId,
        act: acceptInvitation,
        outcome: "success",
        context: account.context,
        targetId: sql`inv.id`,
        actingUser: sql`proof.usr_id`,
        session: sql`login.id`,
        metadata: sql`jsonb_build_object('mailed', inv.is_mailed)`,
      },
      sql`inv cross join proof cross join login`,
    )})
    select ${sessionUserColumns()}
    from (select 1) one left join person usr on true left join login ses on true
    where case when usr.id is not null then true
      when exists (select from inv) then sallyport_refuse('conflict.duplicate_credential')
      else sallyport_refuse('unauthorized.invalid_link') end`;
}
