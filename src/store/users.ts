import { type AccessRule, accessRules } from "../domain/access-rules.ts";
import type { Actor } from "../domain/actor.ts";
import type { RowOf } from "../domain/record.ts";
import { type Status, user } from "../domain/user.ts";
import { acting, isAdministrator, raiseRefusal, refusalUnless } from "./access.ts";
import { committed, insertAuditEvent } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { refundAttempt } from "./counters.ts";
import { guardedChange, guardRead, ofUser } from "./guarded.ts";
import { claimedTarget, type IdempotencyClaim } from "./idempotency.ts";
import { type CurrentPassword, lacksPasswordProof } from "./password-proof.ts";
import { type Statement, sql } from "./sql.ts";

export type UserRow = RowOf<typeof user>;

/** The columns of a {@link UserRow}, of whatever row is called `usr`. */
const columns = () => columnsOf("usr", user);

/** What every statement about one user takes: who asks, the event that it leaves, and the user. */
interface UserAct {
  readonly actor: Actor;
  readonly auditId: string;
  readonly userId: string;
}

/** A new user; or, for a key that has made one, that one. The batch has claimed the key. */
export function insertUser(
  act: UserAct & { displayName: string | null; claim: IdempotencyClaim | undefined },
): Statement<UserRow> {
  return sql`
    with acting as materialized (${acting(act.actor)}),
    verdict as materialized (
      select ${refusalUnless(accessRules.createUser, undefined)} as refusal, ${claimedTarget(act.claim)} as claimed
      from (select 1) one left join acting on true),
    made as (
      insert into usr (id, display_name) select ${act.userId}::uuid, ${act.displayName}::text
      from verdict where refusal is null and coalesce(claimed, ${act.userId}::uuid) = ${act.userId}::uuid
        and (claimed is null or not exists (select from usr where id = claimed))
      returning *),
    audit as (${insertAuditEvent(
      {
        id: act.auditId,
        action: "identity.user.create",
        outcome: "success",
        actor: act.actor,
        context: act.actor.context,
        targetKind: "usr",
        targetId: sql`made.id`,
      },
      sql`made`,
    )})
    select ${columns()}
    from verdict left join (select * from made union all select * from usr
      where id = coalesce((select claimed from verdict), ${act.userId}::uuid) and not exists (select from made)) usr on true
    where ${raiseRefusal()}`;
}

/** One row with `refusal` or the user; a read by an administrator leaves an event. */
export function selectUser(act: UserAct): Statement<UserRow & { refusal: string | null }> {
  return sql`
    with ${guardRead(ofUser(act, "identity.user.read", accessRules.getUser))}
    select verdict.refusal, ${columns()} from verdict left join usr on usr.id = verdict.id`;
}

/** `displayName: undefined` leaves the name as it is, null clears it. */
export function updateUser(act: UserAct & { displayName: string | null | undefined }): Statement<UserRow> {
  return changeUser(act, {
    verb: "update",
    rule: accessRules.updateUser,
    refusal: sql`case when target.status = 'revoked' then 'conflict.already_terminal' end`,
    set: sql`display_name = ${act.displayName ?? null}::text`,
    when: sql`${act.displayName !== undefined}::boolean`,
    cascade: sql``,
  });
}

/** Ends every session and ticket; the credentials stay for a later {@link reinstateUser}. */
export function suspendUser(act: UserAct): Statement<UserRow> {
  return changeUser(act, {
    verb: "suspend",
    rule: accessRules.suspendUser,
    refusal: sql`case
      when target.status = 'revoked' then 'conflict.already_terminal'
      when target.status = 'active' and ${isLastAdministrator()} then 'conflict.last_administrator' end`,
    set: sql`status = 'suspended'`,
    when: sql`target.status = 'active'`,
    cascade: endSessions(),
  });
}

export function reinstateUser(act: UserAct): Statement<UserRow> {
  return changeUser(act, {
    verb: "reinstate",
    rule: accessRules.reinstateUser,
    refusal: sql`case when target.status <> 'suspended' then 'precondition.invalid_transition' end`,
    set: sql`status = 'active'`,
    when: sql`true`,
    cascade: sql``,
  });
}

/** Terminal. Ends all that the specification's chapters name between them: see `docs/decisions.md`. */
export function revokeUser(act: UserAct & { proof: CurrentPassword | undefined }): Statement<UserRow> {
  return changeUser(act, {
    verb: "revoke",
    rule: accessRules.revokeUser,
    refusal: sql`case
      when target.status = 'revoked' then 'conflict.already_terminal'
      when ${isLastAdministrator()} then 'conflict.last_administrator'
      when acting.usr_id = target.id and exists (
        select from cred held where held.usr_id = target.id and held.type = 'password' and held.status = 'suspended')
        then 'forbidden'
      when ${lacksPasswordProof(sql`target.id`, act.proof)} then 'unauthorized.invalid_credential' end`,
    set: sql`status = 'revoked'`,
    when: sql`true`,
    cascade: sql`${endSessions()},
      refunded as (${refundAttempt(act.proof?.bucket ?? "", sql`exists (select from changed)`)}),
      ended_credentials as (
        update cred set status = 'revoked' from changed
        where cred.usr_id = changed.id and cred.status <> 'revoked'),
      ended_factors as (
        update mfa set status = 'revoked', pending_expires_at = null from changed
        where mfa.usr_id = changed.id and mfa.status <> 'revoked'),
      ended_tokens as (
        update pat set revoked_at = greatest(sallyport_now(), pat.created_at) from changed
        where pat.usr_id = changed.id and pat.revoked_at is null),
      ended_tuples as (
        delete from tup using changed where tup.subject_type = 'usr' and tup.subject_id = changed.id)`,
  });
}

/** The user as it is now, if the operation that made the event committed. */
export function recallUser(userId: string, auditId: string): Statement<UserRow> {
  return sql`select ${columns()} from usr where usr.id = ${userId}::uuid and ${committed(auditId)}`;
}

/**
 * A page of users in order of their ids; one row more than asked for tells that there are others. Always one row at least:
 * where nobody matches or the actor may not ask, it holds the refusal and no user.
 */
export function selectUsers(
  act: Omit<UserAct, "userId"> & {
    after: string | undefined;
    limit: number;
    query: string | undefined;
    status: Status | undefined;
  },
): Statement<UserRow & { refusal: string | null }> {
  const pattern = act.query === undefined ? null : `%${act.query.replace(/[\\%_]/g, "\\$&")}%`;
  return sql`
    with acting as materialized (${acting(act.actor)}),
    verdict as materialized (
      select ${refusalUnless(accessRules.listUsers, undefined)} as refusal from (select 1) one left join acting on true),
    audit as (${insertAuditEvent(
      {
        id: act.auditId,
        action: "identity.user.list",
        outcome: "success",
        actor: act.actor,
        context: act.actor.context,
        targetKind: "sys",
        targetId: sql`'users'`,
        repeatable: true,
      },
      sql`verdict cross join acting where verdict.refusal is null and not acting.trusted`,
    )}),
    page as (
      select usr.* from usr, verdict
      where verdict.refusal is null
        and (${act.after ?? null}::uuid is null or usr.id > ${act.after ?? null}::uuid)
        and (${act.status ?? null}::text is null or usr.status = ${act.status ?? null}::text)
        and (${pattern}::text is null or exists (
          select from cred
          where cred.usr_id = usr.id and cred.status = 'active' and cred.identifier ilike ${pattern}::text escape '\\'))
      order by usr.id
      limit ${act.limit}::int + 1)
    select verdict.refusal, ${columns()} from verdict left join page usr on true order by usr.id`;
}

function changeUser(
  act: UserAct,
  change: {
    verb: string;
    rule: AccessRule;
    refusal: Statement;
    set: Statement;
    when: Statement;
    cascade: Statement;
  },
): Statement<UserRow> {
  return guardedChange({ ...ofUser(act, `identity.user.${change.verb}`, change.rule), ...change, columns: columns() });
}

/** The CTEs that end what a user can present: sessions and login tickets. */
function endSessions(): Statement {
  return sql`,
      ended_sessions as (
        update ses set revoked_at = greatest(sallyport_now(), ses.created_at) from changed
        where ses.usr_id = changed.id and ses.revoked_at is null),
      ended_tickets as (delete from login_ticket using changed where login_ticket.usr_id = changed.id)`;
}

/** Whether no other active user is an administrator; the batch has locked all administrators' tuples. */
function isLastAdministrator(): Statement {
  return sql`(${isAdministrator(sql`target.id`)} and not exists (
    select from usr other where other.status = 'active' and other.id <> target.id and ${isAdministrator(sql`other.id`)}))`;
}
