/**
 * Giving an account to a new address, when every way in is lost: an administrator names the address, the old ones can stop it for
 * a time, and then the new one chooses a password.
 *
 * @module
 */
import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/recovery.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { acting, refusalUnless } from "./access.ts";
import { insertAuditEvent, successOf } from "./audit.ts";
import { type Admission, admissionColumns, type Counter, countAttempts, waitColumns } from "./counters.ts";
import { handle } from "./cte.ts";
import { endings, everythingOf } from "./endings.ts";
import { clearFactorCounter, isCleared } from "./factor-proofs.ts";
import { grantLeave } from "./factors.ts";
import { hasStrongProof } from "./held-factors.ts";
import { isWithheld, lockIdentifierOf } from "./identifiers.ts";
import { userOfLink } from "./links.ts";
import type { Lock } from "./locks.ts";
import { isOneMailbox, type OwedMessage, oweMessage, oweNotice } from "./mail.ts";
import { isAdministrator } from "./relations.ts";
import { type Statement, sql } from "./sql.ts";

const purpose = "recover_account";

/** SQL for whether only the command line gives an account away: that of an administrator, or of an organization's last owner. */
const isOutOfReach = (userId: Statement): Statement =>
  sql`(${isAdministrator(userId)} or sallyport_owns_alone(${userId}))`;

/** How long the new address has to choose a password, in seconds. */
export const recoverySeconds: number = 3 * 86_400;

export interface StartedRecoveryRow extends Admission {
  /** Set if nothing was started; then nothing was counted. */
  readonly refusal: string | null;
}

/**
 * Owes a link to a new address of a user, after a delay, and at once a notice to every identifier that the user has. It replaces a
 * recovery that was started before. If the link is mailed, at least one identifier must be able to stop it; otherwise, none can:
 * the command line is the last resort. Refusals are values, so that the request stays counted. The batch has locked the user.
 *
 * @param start.mailbox Keyed digest of the new address. Null if the link is not mailed: then its use does not prove the address,
 *   and the account may be one that is out of an administrator's reach.
 */
export function startRecovery(start: {
  actor: Actor;
  userId: string;
  identifier: string;
  mailbox: string | null;
  tokenHash: string;
  message: OwedMessage | undefined;
  delaySeconds: number;
  lifetimeSeconds: number;
  counters: readonly Counter[];
  auditId: string;
}): Statement<StartedRecoveryRow> {
  const { actor, identifier, message, delaySeconds, auditId } = start;
  const rights = acting(actor);
  const isMailed = sql`${start.mailbox !== null}::boolean`;
  const after = (seconds: number): Statement => sql`sallyport_now() + make_interval(secs => ${seconds}::int)`;
  return sql`
    with ${rights.define},
    asked as (select ${start.userId}::uuid as usr_id),
    verdict as materialized (
      select target.id as usr_id, ${identifier}::text as recipient, coalesce(
        ${refusalUnless(acts.startRecovery, rights.name, { owner: sql`target.id` })},
        case when target.id is null then 'not_found'
          when acting.usr_id = target.id or (${isMailed} and ${isOutOfReach(sql`target.id`)}) then 'forbidden'
          when ${isMailed} and not exists (
            select from ${identifiersOf(sql`asked`, false)} told where ${isOneMailbox(sql`told.identifier`)}) then 'forbidden'
          when target.status = 'revoked' then 'conflict.already_terminal'
          when target.status <> 'active' then 'precondition.user_not_active'
          when ${isTaken(sql`${identifier}::text`, sql`target.id`)} then 'conflict.duplicate_credential' end) as refusal
      from (select 1) one left join usr target on target.id = ${start.userId}::uuid left join acting on true),
    ${countAttempts({ id: auditId, counters: start.counters, condition: sql`(select refusal is null from verdict)` })},
    started as materialized (
      select verdict.usr_id, verdict.recipient from verdict cross join reserved
      where verdict.refusal is null and ${start.counters.length === 0 ? sql`true` : sql`reserved.allowed`}),
    ${stop(sql`started`)},
    link as (
      insert into verification_token (token_hash, purpose, usr_id, identifier, mailbox, created_at, expires_at)
      select decode(${start.tokenHash}, 'hex'), ${purpose}, usr_id, recipient, ${start.mailbox}::text,
        ${after(delaySeconds)}, ${after(delaySeconds + start.lifetimeSeconds)}
      from started),
    ${message ? sql`message as (${oweMessage({ ...message, delaySeconds }, sql`started`)}),` : sql``}
    notices as (${oweNotice(
      {
        kind: "recovery_started",
        eventId: auditId,
        // An administrator's address and device are their own.
        context: {},
        lifetimeSeconds: delaySeconds + start.lifetimeSeconds,
      },
      identifiersOf(sql`started`, start.mailbox === null),
    )}),
    audit as (${insertAuditEvent(
      {
        ...successOf(acts.startRecovery, start, sql`verdict.usr_id`),
        outcome: sql`case when exists (select from started) then 'success' else 'denied' end`,
        repeatable: true,
      },
      sql`verdict cross join reserved
        where verdict.refusal is null and (reserved.just_limited or exists (select from started))`,
    )})
    select verdict.refusal, exists (select from started) as allowed, ${waitColumns()}
    from verdict cross join reserved`;
}

/** SQL for whether an identifier, a normal form, has an account that is not the owner's, or must not have one. */
function isTaken(identifier: Statement, owner: Statement): Statement {
  return sql`(${isWithheld(identifier, owner)} or exists (
          select from cred held where held.type = 'password' and held.identifier = ${identifier} and held.status = 'active'))`;
}

/** The CTE that ends a recovery of the users of `of`: its link, and with it a message that is not sent yet. */
function stop(of: Statement): Statement {
  return sql`stopped as (
      delete from verification_token t using ${of} where t.usr_id = ${of}.usr_id and t.purpose = ${purpose} returning t.usr_id)`;
}

/**
 * The identifiers that the users of `of` have, verified or not: the readers of their mail should know. Those that have ended in
 * the last month too, or an administrator could end them first, and no message would be sent.
 */
function identifiersOf(of: Statement, powerless: boolean): Statement {
  return sql`(
        select gen_random_uuid() as id, old.usr_id, old.id as cred_id, old.identifier,
          case when ${powerless}::boolean then sallyport_now() end as used_at
        from ${of} join cred old on old.usr_id = ${of}.usr_id and old.type = 'password'
          and (old.status <> 'revoked' or (old.updated_at > sallyport_now() - interval '30 days'
            and not exists (select from cred successor where successor.replaces = old.id)
            and not exists (
              select from cred other where other.usr_id = old.usr_id and other.type = 'password'
                and other.identifier = old.identifier
                and (other.status <> 'revoked' or (other.created_at, other.id) > (old.created_at, old.id))))))`;
}

/** The outcome of a start whose reply was lost. */
export function recallStartedRecovery(auditId: string): Statement<StartedRecoveryRow> {
  return sql`
    select null::text as refusal, aud.outcome = 'success' as allowed, null::int as "retryAfterSeconds", null::text as "limit"
    from aud where aud.id = ${auditId}::uuid`;
}

/** Stops a recovery with the link of its notice. No row if there is none to stop. */
export function cancelRecovery(cancel: {
  noticeId: string;
  context: RequestContext;
  auditId: string;
}): Statement<{ stopped: boolean }> {
  return sql`
    with notice as (
      update mail_message m set used_at = sallyport_now()
      where m.id = ${cancel.noticeId}::uuid and m.kind = 'recovery_started' and m.used_at is null and exists (
        select from verification_token t
        where t.usr_id = m.usr_id and t.purpose = ${purpose} and t.expires_at > sallyport_now())
      returning m.usr_id),
    ${stop(sql`notice`)},
    audit as (${insertAuditEvent(
      {
        id: cancel.auditId,
        act: acts.cancelRecovery,
        outcome: "success",
        context: cancel.context,
        targetId: sql`notice.usr_id`,
      },
      sql`notice`,
    )})
    select true as stopped from notice`;
}

/** A row if the cancellation has committed. */
export function recallCancelled(auditId: string): Statement<{ stopped: boolean }> {
  return sql`select true as stopped from aud where aud.id = ${auditId}::uuid`;
}

/** The lock for stopping: the user of the notice. */
export function userOfRecovery(noticeId: string): Statement<{ id: string }> {
  return sql`select usr_id as id from mail_message where id = ${noticeId}::uuid and kind = 'recovery_started'`;
}

/** A link that works now. The links of the command line are not mailed. */
function liveLink(tokenHash: string): Statement {
  return sql`
      select t.usr_id, t.identifier, t.mailbox is not null as is_mailed
      from verification_token t join usr on usr.id = t.usr_id and usr.status = 'active'
      where t.token_hash = decode(${tokenHash}, 'hex') and t.purpose = ${purpose}
        and t.created_at <= sallyport_now() and t.expires_at > sallyport_now()
        and (t.mailbox is null or not ${isOutOfReach(sql`t.usr_id`)})`;
}

export interface ReservedRecoveryRow extends Admission {
  /** Null if the link is not valid. Then nothing was counted. */
  readonly userId: string | null;
  readonly identifier: string | null;
}

/** Counts an attempt with a link, before a password is hashed for it. Always one row. */
export function reserveRecovery(attempt: {
  tokenHash: string;
  counters: readonly Counter[];
  context: RequestContext;
  auditId: string;
}): Statement<ReservedRecoveryRow> {
  return sql`
    with link as materialized (${liveLink(attempt.tokenHash)}),
    ${countAttempts({ id: attempt.auditId, counters: attempt.counters, condition: sql`exists (select from link)` })},
    audit as (${insertAuditEvent(
      {
        id: attempt.auditId,
        act: acts.finishRecovery,
        outcome: "denied",
        repeatable: true,
        context: attempt.context,
        targetId: sql`link.usr_id`,
        metadata: sql`jsonb_build_object('reason', 'too_many_requests')`,
      },
      sql`reserved cross join link where reserved.just_limited`,
    )})
    select ${admissionColumns()}, link.usr_id as "userId", link.identifier from reserved left join link on true`;
}

/** The locks for finishing: the new address, its holder and the user. */
export function lockRecovery(tokenHash: string): Lock[] {
  const wanted = sql`(select identifier from verification_token
      where token_hash = decode(${tokenHash}, 'hex') and purpose = ${purpose})`;
  return [...lockIdentifierOf(tokenHash, wanted), { on: "user", key: userOfLink(tokenHash) }];
}

export interface FinishedRecoveryRow {
  /** Set if nothing was changed. */
  readonly refusal: string | null;
  readonly credentialId: string | null;
  readonly identifier: string;
}

/**
 * Spends a link: the new address gets a password, and everything else of the user that could open the account ends. What the user
 * may do stays. A user who loses a second factor may set one up once. The batch has locked the user and the address.
 */
export function finishRecovery(finish: {
  tokenHash: string;
  newCredentialId: string;
  passwordHash: string;
  context: RequestContext;
  auditId: string;
}): Statement<FinishedRecoveryRow> {
  const { context, auditId } = finish;
  const cleared = clearFactorCounter(sql`finished`);
  const { tuples: _kept, ...everything } = everythingOf(sql`finished.usr_id`);
  return sql`
    with verdict as materialized (
      select link.*, case when link.usr_id is null then 'unauthorized.invalid_link'
          when ${isTaken(sql`link.identifier`, sql`link.usr_id`)} then 'conflict.duplicate_credential' end as refusal
      from (select 1) one left join (${liveLink(finish.tokenHash)}) link on true),
    finished as materialized (
      select verdict.*, ${hasStrongProof(sql`verdict.usr_id`)} as loses_factors from verdict where verdict.refusal is null),
    ${cleared.define}${endings(handle(sql`finished`), auditId, {
      ...everything,
      tickets: sql`${everything.tickets!} and ${isCleared(cleared.name)}`,
    })},
    told as (
      update mail_message m set used_at = sallyport_now() from finished
      where m.usr_id = finished.usr_id and m.event_id is not null and m.used_at is null),
    notices as (${oweNotice(
      { kind: "recovery_finished", eventId: auditId, context, lifetimeSeconds: recoverySeconds },
      identifiersOf(sql`finished`, true),
    )}),
    made as (
      insert into cred (id, usr_id, type, identifier, identifier_verified_at, password_hash)
      select ${finish.newCredentialId}::uuid, usr_id, 'password', identifier,
        case when is_mailed then sallyport_now() end, ${finish.passwordHash}
      from finished
      on conflict (type, identifier) where status = 'active' do nothing
      returning *),
    leave as (${grantLeave(sql`null::uuid`, sql`finished where finished.loses_factors`)}),
    audit as (${insertAuditEvent(
      {
        id: auditId,
        act: acts.finishRecovery,
        outcome: "success",
        actingUser: sql`made.usr_id`,
        context,
        targetId: sql`made.usr_id`,
      },
      sql`made`,
    )})
    select verdict.refusal, made.id as "credentialId", verdict.identifier from verdict left join made on true
    where case when verdict.refusal is null and made.id is null then sallyport_refuse('conflict.duplicate_credential') else true end`;
}

/** The outcome of a finish whose reply was lost. */
export function recallFinishedRecovery(credentialId: string, auditId: string): Statement<FinishedRecoveryRow> {
  return sql`
    select null::text as refusal, cred.id as "credentialId", cred.identifier
    from aud join cred on cred.id = ${credentialId}::uuid where aud.id = ${auditId}::uuid`;
}
