/**
 * Messages about what has happened to an account. A trigger on the audit log owes them, in the transaction of the change.
 *
 * @module
 */
import { disownNotice } from "../domain/acts/notice.ts";
import type { NoticeKind } from "../domain/notices.ts";
import { unusableHash } from "../domain/password-state.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { insertAuditEvent, leavesEvent } from "./audit.ts";
import { handle } from "./cte.ts";
import { endings, loginsOf } from "./endings.ts";
import { type OwedMessage, oweMessage } from "./mail.ts";
import { type Database, type Statement, sql } from "./sql.ts";

/**
 * The same database, in which each change owes the notices of its event. A change is a batch, because it locks something first.
 *
 * @param kinds The kind of the notice by the action.
 */
export function withNotices(database: Database, kinds: ReadonlyMap<string, NoticeKind>): Database {
  const setting = JSON.stringify(Object.fromEntries(kinds));
  return {
    run: (statement, limit) => database.run(statement, limit),
    async batch(statements, limit) {
      if (!statements.some(leavesEvent)) return await database.batch(statements, limit);
      // `local`: it ends with the transaction, since a pooler forgets the settings of a connection.
      const set = sql`select set_config('sallyport.notices', ${setting}, true)`;
      const rows = await database.batch([set, ...statements], limit);
      return rows.slice(1);
    },
    ...(database.isNested && { isNested: () => database.isNested!() }),
  };
}

/** The lock for saying that it was somebody else: the user. */
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
 * Takes the account away from whoever the notice is about: passwords no longer open it, what was added goes, and sessions,
 * tickets, links and tokens end. A link for a new password is owed to the address that got the notice. The batch has locked the
 * user, so of two uses of a notice the later one finds it used.
 */
export function disown(asked: {
  noticeId: string;
  message: OwedMessage;
  tokenHash: string;
  context: RequestContext;
  auditId: string;
}): Statement<DisownedRow> {
  const { noticeId, message, tokenHash, context, auditId } = asked;
  const user = sql`notice.usr_id`;
  return sql`
    with notice as materialized (
      update mail_message m set used_at = sallyport_now() from aud, usr
      where m.id = ${noticeId}::uuid and m.used_at is null and aud.id = m.event_id
        and usr.id = m.usr_id and usr.status = 'active'
        and m.created_at > sallyport_now() - make_interval(days => ${noticeDays}::int)
      returning m.usr_id, m.cred_id, m.kind,
        case when m.kind in ('passkey_added', 'factor_added') then right(aud.target_id, 32)::uuid end as added)${endings(
          handle(sql`notice`),
          auditId,
          {
            ...loginsOf(user),
            tokens: sql`pat.usr_id = ${user}`,
            factors: sql`mfa.usr_id = ${user} and mfa.id = notice.added`,
            registrations: sql`mfa_registration.usr_id = ${user}`,
            grants: sql`mfa_enrollment_grant.usr_id = ${user}`,
          },
        )},
    closed as (
      update cred set password_hash = case when cred.type = 'password' then ${unusableHash} end,
        status = case when cred.type = 'passkey' then 'revoked' else cred.status end
      from notice
      where cred.usr_id = ${user} and cred.status = 'active' and (cred.type = 'password' or cred.id = notice.added)
      returning cred.id, cred.usr_id, cred.identifier),
    way_back as (select closed.id, closed.usr_id, closed.identifier as recipient from closed join notice on notice.cred_id = closed.id),
    link as (
      insert into verification_token (token_hash, purpose, usr_id, cred_id, created_at, expires_at)
      select decode(${tokenHash}, 'hex'), 'reset_password', usr_id, id, sallyport_now(),
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
    select cred.identifier from (select 1) one left join notice on true left join cred on cred.id = notice.cred_id`;
}

/** The outcome of a use whose reply was lost. */
export function recallDisowned(noticeId: string, auditId: string): Statement<DisownedRow> {
  return sql`
    select cred.identifier from aud join mail_message m on m.id = ${noticeId}::uuid join cred on cred.id = m.cred_id
    where aud.id = ${auditId}::uuid`;
}
