/**
 * Exchanges a proved second factor: for a session, from a login ticket; for a better ticket; or for a fresh session in place of
 * the caller's (S14, S20). The batch has locked the user.
 *
 * @module
 */
import type { CredentialId, FactorId } from "../domain/id.ts";
import { ticketSeconds } from "../domain/session.ts";
import { insertAuditEvent, wireIdOf } from "./audit.ts";
import type { Handle } from "./cte.ts";
import { endSessions } from "./endings.ts";
import { type FactorAttempt, factorEvent, holderOf } from "./factor-holder.ts";
import {
  type CheckedProof,
  consumeFactor,
  provedAt,
  provesSecondFactor,
  refundFactor,
  withMethods,
} from "./factor-spending.ts";
import {
  endPresentedFamily,
  insertSession,
  type NewSession,
  recalled,
  type SessionUserRow,
  sessionUserColumns,
} from "./sessions.ts";
import { type Statement, sql } from "./sql.ts";

/** The outcome of a proof. A `refusal` is a value: the attempt and its event stay (S03). */
export interface SpentFactorRow {
  /** Set if the ticket or the session has lost its right in the meantime. */
  readonly refusal: string | null;
  /** False if another request has used the same code, or the factor has ended. */
  readonly consumed: boolean;
}

export interface UpgradedTicketRow extends SpentFactorRow {
  /** In wire form. */
  readonly factorId: FactorId | CredentialId;
  readonly verifiedAt: Date;
}

interface Spend extends FactorAttempt {
  readonly checked: CheckedProof;
  /** The counter that a success refunds, if the attempt was counted. */
  readonly refund: string | undefined;
}

/**
 * Makes a session for a login ticket whose second factor is proved. A session that stepped up is replaced by a session in the
 * same family, with a new random token and no later end. The old token then gets a plain 401.
 */
export function spendFactorOnSession(
  spend: Spend & { session: NewSession; presentedTokenHash: string | undefined },
): Statement<SessionUserRow & SpentFactorRow> {
  const { checked, session, holder } = spend;
  const whose = holderOf(spend, { isStepUp: true, makesSession: true });
  const factor = consumeFactor(whose.name, checked);
  return sql`
    with ${whose.define},
    ${factor.define},
    taken as (${
      "passkeyId" in holder
        ? sql`select holder.usr_id from holder cross join factor`
        : "ticketHash" in holder
          ? sql`delete from login_ticket t using factor where t.token_hash = decode(${holder.ticketHash}, 'hex')
            returning t.usr_id`
          : sql`${endSessions(sql`factor`, sql`ses.id = ${holder.sessionId}::uuid`, spend.auditId)} returning ses.usr_id`
    }),
    opened as (${insertSession(
      session,
      sql`(select holder.usr_id, holder.cred_id, holder.remember, holder.family_id, holder.family_expires_at,
          ${withMethods(sql`holder.amr`, checked)} as amr, ${provedAt(checked)} as auth_time,
          case when ${provesSecondFactor(checked)} then sallyport_now() end as mfa_verified_at
        from holder join taken on taken.usr_id = holder.usr_id)`,
      // A passkey that signs in by itself goes on from nothing.
      sql`coalesce(proof.remember, ${session.remember}::boolean)`,
      { id: sql`proof.family_id`, endsAt: sql`proof.family_expires_at` },
    )}),
    replaced as (${endPresentedFamily(
      { tokenHash: spend.presentedTokenHash, transport: session.transport, auditId: spend.auditId },
      sql`exists (select from factor)`,
    )}),
    ${refundFactor(factor.name, spend.refund)},
    audit as (${spentEvent(spend, whose.name, factor.name, sql`opened`)})
    select holder.refusal, factor.id is not null as consumed, ${sessionUserColumns()}
    from holder left join factor on true left join opened ses on true left join usr on usr.id = ses.usr_id`;
}

/**
 * Replaces a login ticket with a new one that includes the second factor (S20). The new ticket lives as long as the first.
 * However often tickets are exchanged, they live at most twice that long in all (R040).
 */
export function spendFactorOnTicket(
  spend: Spend & { ticketHash: string; newTicketHash: string },
): Statement<UpgradedTicketRow> {
  const whose = holderOf(spend);
  const factor = consumeFactor(whose.name, spend.checked);
  return sql`
    with ${whose.define},
    ${factor.define},
    upgraded as (
      update login_ticket t set token_hash = decode(${spend.newTicketHash}, 'hex'),
        factors = ${withMethods(sql`t.factors`, spend.checked)}, attempts = 0,
        expires_at = least(sallyport_now(), t.created_at + make_interval(secs => ${ticketSeconds}::int))
          + make_interval(secs => ${ticketSeconds}::int)
      from factor where t.token_hash = decode(${spend.ticketHash}, 'hex')
      returning t.usr_id),
    ${refundFactor(factor.name, spend.refund)},
    audit as (${spentEvent(spend, whose.name, factor.name)})
    select holder.refusal, factor.id is not null as consumed,
      ${wireIdOf(sql`factor.kind`, sql`factor.id`)} as "factorId", sallyport_now() as "verifiedAt"
    from holder left join factor on true`;
}

/** The outcome of a proof whose reply was lost. The row's session columns are null if no session was made. */
export function recallSpentFactor(sessionId: string, auditId: string): Statement<SessionUserRow & SpentFactorRow> {
  return sql`
    select aud.metadata ->> 'refusal' as refusal, aud.outcome = 'success' as consumed, ${sessionUserColumns()}
    ${recalled({ auditId, sessionId })}`;
}

/** The same for a ticket. */
export function recallUpgradedTicket(auditId: string): Statement<UpgradedTicketRow> {
  return sql`
    select metadata ->> 'refusal' as refusal, outcome = 'success' as consumed, metadata ->> 'factor' as "factorId",
      occurred_at as "verifiedAt"
    from aud where id = ${auditId}::uuid`;
}

/** @param made SQL for the CTE of the session that the proof makes. Default: none. */
function spentEvent(spend: Spend, holder: Handle<"holder">, factor: Handle<"factor">, made?: Statement): Statement {
  return insertAuditEvent(
    {
      ...factorEvent(spend, holder),
      outcome: sql`case when ${factor}.id is null then 'failure' else 'success' end`,
      actingUser: sql`case when ${factor}.id is not null then ${holder}.usr_id end`,
      metadata: sql`jsonb_strip_nulls(jsonb_build_object('type', ${spend.checked.type}::text, 'factor', ${wireIdOf(sql`${factor}.kind`, sql`${factor}.id`)},
        'refusal', ${holder}.refusal, 'reason', case when ${factor}.id is null and ${holder}.refusal is null then 'used' end))`,
      ...(made && { session: sql`${made}.id` }),
    },
    sql`${holder} left join ${factor} on true ${made ? sql`left join ${made} on true` : sql``} where ${holder}.usr_id is not null`,
  );
}
