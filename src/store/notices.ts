/**
 * Messages about what has happened to an account. A trigger on the audit log owes them, in the transaction of the change.
 *
 * @module
 */
import { revokeCredential, suspendCredential } from "../domain/acts/credential.ts";
import { disownNotice } from "../domain/acts/notice.ts";
import type { NoticeKind } from "../domain/notices.ts";
import { unusableHash } from "../domain/password-state.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { insertAuditEvent, leavesEvent, wireIdOf } from "./audit.ts";
import { handle } from "./cte.ts";
import { endings, loginsOf } from "./endings.ts";
import { type OwedMessage, oweMessage } from "./mail.ts";
import { type Database, type Statement, sql } from "./sql.ts";

/**
 * The same database, in which each change owes the notices of its event. A change is a batch that begins with a lock.
 *
 * @param kinds The kind of the notice by the action.
 */
export function withNotices(database: Database, kinds: ReadonlyMap<string, NoticeKind>): Database {
  const setting = JSON.stringify(Object.fromEntries(kinds));
  return {
    run: (statement, limit) => database.run(statement, limit),
    async batch(statements, limit) {
      const [first, ...others] = statements;
      // An attempt that is only counted is no change, even if a purge goes with it.
      if (!first || leavesEvent(first) || !others.some(leavesEvent)) return await database.batch(statements, limit);
      // `local`: it ends with the transaction, since a pooler forgets the settings of a connection.
      const set = sql`select set_config('sallyport.notices', ${setting}, true)`;
      const rows = await database.batch([set, ...statements], limit);
      return rows.slice(1);
    },
    ...(database.isNested && { isNested: () => database.isNested!() }),
  };
}

/** The lock for “this was not me”: the user. */
export function userOfNotice(id: string): Statement<{ id: string }> {
  return sql`select usr_id as id from mail_message where id = ${id}::uuid and event_id is not null`;
}

/** How long a notice's link works, in days. */
const noticeDays = 7;

export interface DisownedRow {
  /** Null if the notice is unknown, too old or was used. Then nothing has changed. */
  readonly identifier: string | null;
}

/**
 * Takes the account away from the person whom the notice is about: passwords no longer open it, what was added goes, and sessions,
 * tickets, links and tokens end. A link for a new password is owed to the address that got the notice, whatever password has it
 * now. The batch has locked the user, so of two uses of a notice the later one finds it used.
 *
 * Other addresses that have come since go too: their mailboxes could ask for a new password. A factor stays if an older one has
 * ended since, or in the days before: the mailbox alone must not be a way around the older one (S40).
 */
export function disown(asked: {
  noticeId: string;
  message: OwedMessage;
  tokenHash: string;
  newCredentialId: string;
  context: RequestContext;
  auditId: string;
}): Statement<DisownedRow> {
  const { noticeId, message, tokenHash, newCredentialId, context, auditId } = asked;
  const user = sql`notice.usr_id`;
  const isPredecessor = (row: Statement): Statement =>
    sql`${row}.status = 'revoked' and ${row}.created_at < notice.since
            and ${row}.updated_at >= notice.since - make_interval(days => ${noticeDays}::int)`;
  return sql`
    with notice as materialized (
      update mail_message m set used_at = sallyport_now() from aud, usr, cred told
      where m.id = ${noticeId}::uuid and m.used_at is null and aud.id = m.event_id and told.id = m.cred_id
        and usr.id = m.usr_id and usr.status = 'active'
        and m.created_at > sallyport_now() - make_interval(days => ${noticeDays}::int)
      returning m.usr_id, m.kind, told.identifier, aud.occurred_at as since,
        case when m.kind in ('passkey_added', 'factor_added', 'password_added') then right(aud.target_id, 32)::uuid end as added),
    -- The password of the address, if it was ended from a session of the user. The mailbox alone is no way around a passkey.
    lost as materialized (
      select cred.* from notice join cred on cred.usr_id = ${user} and cred.type = 'password'
        and cred.identifier = notice.identifier
      where ${isEndedByUser(sql`cred`)} and not exists (
        select from cred key where key.usr_id = ${user} and key.type = 'passkey' and key.status = 'active'
          and key.id is distinct from notice.added)
      order by cred.created_at desc, cred.id desc limit 1)${endings(handle(sql`notice`), auditId, {
        ...loginsOf(user),
        tokens: sql`pat.usr_id = ${user}`,
        factors: sql`mfa.usr_id = ${user} and mfa.id = notice.added
            and not exists (select from mfa other where other.usr_id = ${user} and other.type <> 'recovery' and ${isPredecessor(sql`other`)})
            and not exists (select from cred other where other.usr_id = ${user} and other.type = 'passkey' and ${isPredecessor(sql`other`)})`,
        registrations: sql`mfa_registration.usr_id = ${user}`,
        grants: sql`mfa_enrollment_grant.usr_id = ${user}`,
      })},
    closed as (
      update cred set status = 'revoked' from notice
      where cred.usr_id = ${user} and cred.status = 'active' and (cred.type = 'password' or cred.id = notice.added)
      returning cred.*),
    -- New rows, so that a sign-in that has read the old hash just before is refused.
    unusable as (
      insert into cred (id, usr_id, type, identifier, identifier_verified_at, password_hash, replaces, created_at)
      select case when old.identifier = notice.identifier then ${newCredentialId}::uuid else gen_random_uuid() end, old.usr_id,
        old.type, old.identifier,
        coalesce(old.identifier_verified_at, case when old.identifier = notice.identifier then sallyport_now() end),
        ${unusableHash}, old.id,
        greatest(sallyport_now(), old.created_at + interval '1 microsecond')
      from notice cross join lateral (
        select * from closed where closed.type = 'password' and (closed.identifier = notice.identifier
          or (closed.id is distinct from notice.added and exists (
            select from cred earlier where earlier.usr_id = closed.usr_id and earlier.type = 'password'
              and earlier.identifier = closed.identifier and earlier.created_at < notice.since)))
        union all select * from lost) old
      on conflict (type, identifier) where status = 'active' do nothing
      returning *),
    way_back as (
      select unusable.id, unusable.usr_id, unusable.identifier as recipient
      from unusable join notice on notice.identifier = unusable.identifier),
    link as (
      insert into verification_token (token_hash, purpose, usr_id, cred_id, created_at, expires_at)
      select decode(${tokenHash}, 'hex'), ${message.kind}, usr_id, id, sallyport_now(),
        sallyport_now() + make_interval(secs => ${message.lifetimeSeconds}::int)
      from way_back),
    message as (${oweMessage(message, sql`way_back`)}),
    audit as (${insertAuditEvent(
      {
        id: auditId,
        act: disownNotice,
        outcome: "success",
        context,
        targetId: user,
        metadata: sql`jsonb_build_object('notice', notice.kind)`,
      },
      sql`notice`,
    )})
    select notice.identifier from (select 1) one left join notice on true`;
}

/**
 * SQL for whether a password is the last of its identifier, and ended by its user alone. A thief of the user's password can do
 * that; what an administrator has ended stays so.
 */
function isEndedByUser(cred: Statement): Statement {
  return sql`(${cred}.status <> 'active' and ${cred}.identifier_verified_at is not null
    and not exists (select from cred successor where successor.replaces = ${cred}.id)
    and not exists (
      select from cred held where held.type = 'password' and held.identifier = ${cred}.identifier
        and held.id <> ${cred}.id and held.status <> 'revoked')
    and exists (select from aud where ${isEnding(cred)} and aud.occurred_at >= notice.since)
    and not exists (select from aud where ${isEnding(cred)} and aud.actor_usr_id is distinct from ${cred}.usr_id))`;
}

/** SQL for whether an event of `aud` ended a credential. */
function isEnding(cred: Statement): Statement {
  return sql`aud.target_kind = 'cred' and aud.target_id = ${wireIdOf("cred", sql`${cred}.id`)} and aud.outcome = 'success'
    and aud.action = any(${[suspendCredential.action, revokeCredential.action]}::text[])`;
}

/** The outcome of a use whose reply was lost. */
export function recallDisowned(noticeId: string, auditId: string): Statement<DisownedRow> {
  return sql`
    select cred.identifier from aud join mail_message m on m.id = ${noticeId}::uuid join cred on cred.id = m.cred_id
    where aud.id = ${auditId}::uuid`;
}
