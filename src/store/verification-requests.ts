/**
 * Asking for the link that proves an address.
 *
 * @module
 */
import type { SessionActor } from "../domain/actor.ts";
import * as acts from "../domain/acts/verification.ts";
import { acting, refusalUnless } from "./access.ts";
import { insertAuditEvent, successOf } from "./audit.ts";
import { type Admission, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { passwordNamed } from "./identifiers.ts";
import { isOneMailbox, type OwedMessage, oweMessage } from "./mail.ts";
import { type Statement, sql } from "./sql.ts";

const purpose = "verify_identifier";

export interface RequestedRow extends Admission {
  /** Set if no link is sent; then nothing was counted. */
  readonly refusal: string | null;
}

/**
 * Owes a link to the address of one of the user's own passwords. It replaces the last link for it. Refusals are values, so that
 * the request stays counted. The batch has locked the user: otherwise a request that waited for the address to be verified would
 * make another link.
 *
 * @param asked.identifiers The texts to look for; the first one that a password has counts.
 */
export function requestVerification(asked: {
  actor: SessionActor;
  identifiers: readonly string[];
  counters: readonly Counter[];
  tokenHash: string;
  message: OwedMessage;
  auditId: string;
}): Statement<RequestedRow> {
  const { actor, message, tokenHash, auditId } = asked;
  const rights = acting(actor);
  return sql`
    with ${rights.define},
    target as materialized (select cred.* from ${passwordNamed(asked.identifiers)} cred),
    verdict as materialized (
      select target.id, target.usr_id, target.identifier as recipient, coalesce(
        ${refusalUnless(acts.requestVerification, rights.name, { owner: sql`acting.usr_id` })},
        case when target.id is null or target.usr_id <> acting.usr_id then 'not_found'
          when target.identifier_verified_at is not null then 'precondition.invalid_transition'
          when not ${isOneMailbox(sql`target.identifier`)} then 'invalid_format.identifier' end) as refusal
      from (select 1) one left join acting on true left join target on true),
    ${countAttempts({ id: auditId, counters: asked.counters, condition: sql`(select refusal is null from verdict)` })},
    link as (
      insert into verification_token (token_hash, purpose, usr_id, cred_id, created_at, expires_at)
      select decode(${tokenHash}, 'hex'), ${purpose}, verdict.usr_id, verdict.id, sallyport_now(),
        sallyport_now() + make_interval(secs => ${message.lifetimeSeconds}::int)
      from verdict cross join reserved where verdict.refusal is null and reserved.allowed
      on conflict (cred_id, purpose) do update set token_hash = excluded.token_hash, created_at = excluded.created_at,
        expires_at = excluded.expires_at
      returning cred_id),
    message as (${oweMessage(message, sql`verdict join link on link.cred_id = verdict.id`)}),
    audit as (${insertAuditEvent(
      {
        ...successOf(acts.requestVerification, { actor, auditId }, sql`verdict.id`),
        outcome: sql`case when reserved.allowed then 'success' else 'denied' end`,
        repeatable: true,
      },
      sql`verdict cross join reserved where verdict.refusal is null and (reserved.allowed or reserved.just_limited)`,
    )})
    select verdict.refusal, ${admissionColumns()} from verdict cross join reserved`;
}

/** The outcome of a request whose reply was lost. */
export function recallRequest(auditId: string): Statement<RequestedRow> {
  return sql`
    select null::text as refusal, aud.outcome = 'success' as allowed, null::int as "retryAfterSeconds", null::text as "limit"
    from aud where aud.id = ${auditId}::uuid`;
}
