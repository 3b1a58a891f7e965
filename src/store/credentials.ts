import { type AccessRule, accessRules } from "../domain/access-rules.ts";
import type { Actor } from "../domain/actor.ts";
import { type CredentialType, credential } from "../domain/credential.ts";
import type { RowOf } from "../domain/record.ts";
import type { Status } from "../domain/user.ts";
import { acting, demandsSecondFactor, raiseRefusal, readsAnothersData, refusalUnless } from "./access.ts";
import { committed, insertAuditEvent } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { hasUsedUpDenials, refundAttempt } from "./counters.ts";
import { clearFactorCounter, isCleared } from "./factor-proofs.ts";
import { type GuardedRow, guardedChange, guardRead, ofUser } from "./guarded.ts";
import { hasSuspendedCredential } from "./identifiers.ts";
import {
  isOwnersLastFactor,
  isOwnersLastWayIn,
  isOwnersSuspendedPassword,
  isUnprovedPassword,
} from "./own-credential.ts";
import { type CurrentPassword, lacksPasswordProof } from "./password-proof.ts";
import { type Statement, sql } from "./sql.ts";

export type CredentialRow = RowOf<typeof credential>;

/** The columns of a {@link CredentialRow}, of whatever row is called `cred`. */
const columns = () => columnsOf("cred", credential);

interface CredentialAct {
  readonly actor: Actor;
  readonly auditId: string;
  readonly credentialId: string;
}

/** What an owner does to a password, or beside one. */
interface ProvedAct extends CredentialAct {
  readonly proof: CurrentPassword | undefined;
}

/**
 * A new password, `needsFactor` if it is short enough to need a second factor beside it. A user who was told too often that an
 * identifier is taken is told nothing for a while (S39).
 */
export function insertPasswordCredential(
  act: ProvedAct & { userId: string; identifier: string; passwordHash: string; needsFactor: boolean },
): Statement<CredentialRow> {
  return sql`
    with acting as materialized (${acting(act.actor)}),
    owner as materialized (select id, status from usr where id = ${act.userId}::uuid for share),
    verdict as materialized (
      select owner.id as usr_id, coalesce(
        ${refusalUnless(accessRules.createCredential, sql`owner.id`)},
        case when owner.id is null then 'not_found' end,
        case when owner.status <> 'active' then 'precondition.user_not_active' end,
        case when ${lacksPasswordProof(sql`owner.id`, act.proof)} then 'unauthorized.invalid_credential' end,
        case when ${act.needsFactor}::boolean and not ${demandsSecondFactor(sql`owner.id`)}
          then 'invalid_format.password' end,
        case when ${hasUsedUpDenials(act.actor.userId)} then 'too_many_requests' end) as refusal
      from (select 1) one left join owner on true left join acting on true),
    cred as (
      insert into cred (id, usr_id, type, identifier, password_hash, needs_factor)
      select ${act.credentialId}::uuid, usr_id, 'password', ${act.identifier}, ${act.passwordHash},
        ${act.needsFactor}::boolean
      from verdict where refusal is null and not ${hasSuspendedCredential(act.identifier)}
      on conflict (type, identifier) where status = 'active' do nothing
      returning *),
    refunded as (${refundAttempt(act.proof?.bucket ?? "", sql`exists (select from cred)`)}),
    audit as (${insertAuditEvent(credentialEvent(act, "create"), sql`cred`)})
    select ${columns()} from verdict left join cred on true
    where case
      when verdict.refusal is not null then sallyport_refuse(verdict.refusal)
      when cred.id is null then sallyport_refuse('conflict.duplicate_credential')
      else true end`;
}

/** One row with `refusal` or the credential; a read by an administrator leaves an event. */
export function selectCredential(act: CredentialAct): Statement<CredentialRow & { refusal: string | null }> {
  return sql`
    with ${guardRead(guarded(act, "read", accessRules.getCredential))}
    select verdict.refusal, ${columns()} from verdict left join cred on cred.id = verdict.id`;
}

/** All credentials of a user in the order of their making, with one row that holds the refusal where there are none. */
export function selectCredentialsOfUser(
  act: Omit<CredentialAct, "credentialId"> & { userId: string },
): Statement<CredentialRow & { refusal: string | null }> {
  return sql`
    with ${guardRead(ofUser(act, "identity.credential.list", accessRules.listCredentials))}
    select verdict.refusal, ${columns()}
    from verdict left join cred on cred.usr_id = verdict.id and verdict.refusal is null
    order by cred.id`;
}

/** The active credential with an identifier, for whoever may read any: no row if there is none. */
export function selectCredentialByIdentifier(
  act: Omit<CredentialAct, "credentialId"> & { type: CredentialType; identifier: string },
): Statement<CredentialRow & { refusal: string | null }> {
  return sql`
    with acting as materialized (${acting(act.actor)}),
    verdict as materialized (
      select ${refusalUnless(accessRules.findCredential, undefined)} as refusal
      from (select 1) one left join acting on true),
    found as (
      select * from cred
      where cred.type = ${act.type} and cred.identifier = ${act.identifier} and cred.status = 'active'),
    audit as (${insertAuditEvent(
      { ...credentialEvent(act, "find"), repeatable: true, targetId: sql`found.id` },
      sql`verdict cross join acting cross join found where ${readsAnothersData(sql`found.usr_id`)}`,
    )})
    select verdict.refusal, ${columns()}
    from verdict left join found cred on verdict.refusal is null`;
}

/**
 * Puts a new password in the place of an active one: same user, same identifier, a new row that `replaces` the old.
 * Ends every session and ticket of the user (S47). The batch has locked the user.
 */
export function rotatePasswordCredential(
  act: ProvedAct & { newCredentialId: string; passwordHash: string; needsFactor: boolean },
): Statement<CredentialRow> {
  return sql`
    with acting as materialized (${acting(act.actor)}),
    target as (select * from cred where id = ${act.credentialId}::uuid),
    verdict as materialized (
      select target.id, target.usr_id, coalesce(
        ${refusalUnless(accessRules.rotateCredential, sql`target.usr_id`)},
        case
          when target.id is null then 'not_found'
          when target.status <> 'active' then 'conflict.credential_not_active'
          when target.type <> 'password' then 'conflict.credential_type_mismatch'
          when usr.status <> 'active' then 'precondition.user_not_active'
          when ${isUnprovedPassword(act)} then 'unauthorized.invalid_credential'
          when ${act.needsFactor}::boolean and not ${demandsSecondFactor(sql`target.usr_id`)}
            then 'invalid_format.password'
        end) as refusal
      from (select 1) one left join target on true left join usr on usr.id = target.usr_id left join acting on true),
    ${replacePassword({ ...act, refusal: sql`verdict.refusal is null` })},
    ended_sessions as (
      update ses set revoked_at = greatest(sallyport_now(), ses.created_at) from replaced
      where ses.usr_id = replaced.usr_id and ses.revoked_at is null),
    ended_tickets as (
      delete from login_ticket using replaced where login_ticket.usr_id = replaced.usr_id and ${isCleared()}),
    audit as (${insertAuditEvent(credentialEvent(act, "rotate"), sql`cred`)})
    select ${columns()} from verdict left join cred on true where ${raiseRefusal()}`;
}

/**
 * The CTEs `replaced` and `cred`, for a statement whose `verdict` holds the credential's `id`. The new row reads from the
 * old one's update, so that the old one has left the partial unique index first.
 */
export function replacePassword(change: {
  newCredentialId: string;
  passwordHash: string;
  needsFactor: boolean;
  refusal: Statement;
}): Statement {
  return sql`replaced as (
      update cred set status = 'revoked' from verdict
      where cred.id = verdict.id and ${change.refusal}
      returning cred.*),
    cred as (
      insert into cred (id, usr_id, type, identifier, identifier_verified_at, password_hash, needs_factor, replaces,
        created_at)
      select ${change.newCredentialId}::uuid, usr_id, type, identifier, identifier_verified_at, ${change.passwordHash},
        ${change.needsFactor}::boolean, id,
        greatest(sallyport_now(), created_at + interval '1 microsecond')
      from replaced
      returning *),
    ${clearFactorCounter(sql`replaced`)}`;
}

export function suspendCredential(act: ProvedAct): Statement<CredentialRow> {
  return changeCredential(act, {
    verb: "suspend",
    rule: accessRules.suspendCredential,
    refusal: sql`case when target.status = 'revoked' then 'conflict.already_terminal'
      when ${isOwnersLastWayIn()} then 'conflict.last_way_in'
      when ${isUnprovedPassword(act)} then 'unauthorized.invalid_credential'
      when ${isOwnersLastFactor()} then 'conflict.last_factor' end`,
    to: "suspended",
    when: sql`target.status = 'active'`,
  });
}

/** Only an administrator: what one has suspended, its owner must not bring back. */
export function reinstateCredential(act: CredentialAct): Statement<CredentialRow> {
  return changeCredential(act, {
    verb: "reinstate",
    rule: accessRules.reinstateCredential,
    refusal: sql`case
      when target.status <> 'suspended' then 'precondition.invalid_transition'
      when exists (select from usr where usr.id = target.usr_id and usr.status = 'revoked')
        then 'precondition.user_not_active'
      when exists (
        select from cred held
        where held.type = target.type and held.identifier = target.identifier and held.status = 'active')
        then 'conflict.duplicate_credential' end`,
    to: "active",
    when: sql`true`,
  });
}

export function revokeCredential(act: ProvedAct & { onlyOwnPasskey?: boolean }): Statement<CredentialRow> {
  const { onlyOwnPasskey = false } = act;
  return changeCredential(act, {
    verb: "revoke",
    rule: onlyOwnPasskey ? accessRules.revokeOwnPasskey : accessRules.revokeCredential,
    refusal: sql`case when ${onlyOwnPasskey}::boolean and target.type <> 'passkey' then 'not_found'
      when target.status = 'revoked' then 'conflict.already_terminal'
      when ${isOwnersSuspendedPassword()} then 'forbidden'
      when ${isOwnersLastWayIn()} then 'conflict.last_way_in'
      when ${isUnprovedPassword(act)} then 'unauthorized.invalid_credential'
      when ${isOwnersLastFactor()} then 'conflict.last_factor' end`,
    to: "revoked",
    when: sql`true`,
  });
}

/** The credential as it is now, if the operation that made the event committed. */
export function recallCredential(credentialId: string, auditId: string): Statement<CredentialRow> {
  return sql`select ${columns()} from cred where cred.id = ${credentialId}::uuid and ${committed(auditId)}`;
}

/** The key of the lock for a change of one credential: its user. */
export function userOfCredential(credentialId: string): Statement<{ id: string }> {
  return sql`select usr_id as id from cred where id = ${credentialId}::uuid`;
}

/** A change of status, with the sessions and tickets that it ends. */
function changeCredential(
  act: CredentialAct & { proof?: CurrentPassword | undefined },
  change: { verb: string; rule: AccessRule; refusal: Statement; to: Status; when: Statement },
): Statement<CredentialRow> {
  return guardedChange({
    ...guarded(act, change.verb, change.rule),
    refusal: change.refusal,
    set: sql`status = ${change.to}`,
    when: change.when,
    // A passkey may have been the second factor of any of the user's sessions (R041), so an administrator who ends one ends the
    // tokens too, as with a factor (S32).
    cascade: sql`,
      ended_sessions as (
        update ses set revoked_at = greatest(sallyport_now(), ses.created_at) from changed
        where ses.revoked_at is null and changed.status <> 'active' and (ses.cred_id = changed.id
          or (changed.type = 'passkey' and ses.usr_id = changed.usr_id
            and ses.id is distinct from ${act.actor.sessionId?.slice(4) ?? null}::uuid))),
      ended_tickets as (
        delete from login_ticket using changed
        where changed.status <> 'active' and (login_ticket.cred_id = changed.id
          or (changed.type = 'passkey' and login_ticket.usr_id = changed.usr_id))),
      ended_tokens as (
        update pat set revoked_at = greatest(sallyport_now(), pat.created_at) from changed
        where pat.usr_id = changed.usr_id and pat.revoked_at is null and changed.type = 'passkey'
          and changed.status <> 'active' and (select usr_id from acting) is distinct from changed.usr_id),
      refunded as (${refundAttempt(act.proof?.bucket ?? "", sql`exists (select from changed)`)}),
      used_leave as (
        delete from mfa_enrollment_grant leave using changed
        where leave.usr_id = changed.usr_id and changed.type = 'passkey' and changed.status = 'active')`,
    columns: columns(),
  });
}

function guarded(act: CredentialAct, verb: string, rule: AccessRule): GuardedRow {
  const { actor, auditId, credentialId: id } = act;
  const action = `identity.credential.${verb}`;
  return { actor, auditId, rule, table: sql`cred`, id, owner: sql`target.usr_id`, action, targetKind: "cred" };
}

function credentialEvent(act: { actor: Actor; auditId: string }, verb: string): Parameters<typeof insertAuditEvent>[0] {
  return {
    id: act.auditId,
    action: `identity.credential.${verb}`,
    outcome: "success",
    actor: act.actor,
    context: act.actor.context,
    targetKind: "cred",
    targetId: sql`cred.id`,
  };
}
