/**
 * Sessions at providers, and what ends here when a provider says that one of them, or the user's account there, has ended.
 *
 * @module
 */
import * as acts from "../domain/acts/provider.ts";
import type { ProviderNotice } from "../domain/identity-provider.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { insertAuditEvent } from "./audit.ts";
import { endings } from "./endings.ts";
import type { Lock } from "./locks.ts";
import type { NewSession } from "./sessions.ts";
import { type SpentChallenge, spendChallenge } from "./spent-challenges.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * Notes the session at the provider, if it has a name, with which a sign-in began.
 *
 * @param from SQL for the sign-in, with `cred_id`: one row or none.
 */
export function noteProviderSession(
  { sid, session }: { sid: string | undefined; session: NewSession },
  from: Statement,
): Statement {
  const { level1, level2 } = session.lifetimes;
  const longest = Math.max(level1.absoluteSeconds, level2.absoluteSeconds);
  return sql`
      insert into provider_session (family_id, cred_id, sid, expires_at)
      select ${session.sessionId}::uuid, begun.cred_id, ${sid ?? null}::text,
        sallyport_now() + make_interval(secs => ${longest}::int)
      from ${from} begun where ${sid ?? null}::text is not null`;
}

/**
 * The session at the provider has another name after a step-up there. A session that began with another identity keeps its own.
 *
 * @param from SQL for the step-up, with `family_id` and `cred_id`: one row or none.
 */
export function renameProviderSession(sid: string | undefined, from: Statement): Statement {
  return sql`
      update provider_session begun set sid = ${sid ?? null}::text from ${from} proved
      where begun.family_id = proved.family_id and begun.cred_id = proved.cred_id and ${sid ?? null}::text is not null`;
}

/** Whether two sessions here go back to one sign-in, by refreshes and step-ups. */
export function isOneFamily(first: string, second: string): Statement<{ readonly isSame: boolean }> {
  return sql`
    select exists (
      select from ses a join ses b on b.usr_id = a.usr_id and coalesce(b.family_id, b.id) = coalesce(a.family_id, a.id)
      where a.id = ${first}::uuid and b.id = ${second}::uuid) as "isSame"`;
}

/** What a provider's message is about. */
export interface Notice extends Pick<ProviderNotice, "issuer" | "subject" | "sid"> {
  readonly ends: "sessions" | "identity";
  readonly provider: string;
  /** Nothing that is newer ends. */
  readonly issuedAt: Date;
  readonly spent: SpentChallenge;
  /** The session at the provider that has ended: a sign-in with it that is on its way comes too late. */
  readonly over: SpentChallenge | undefined;
  readonly auditId: string;
  readonly context: RequestContext;
}

/** The credentials that a message is about. */
function named({ issuer, subject, sid }: Notice): Statement {
  const ofIssuer = sql`cred.type = 'oidc' and cred.oidc_issuer = ${issuer}`;
  return subject === undefined
    ? sql`
      select distinct cred.id, cred.usr_id, cred.status from provider_session p join cred on cred.id = p.cred_id
      where p.sid = ${sid ?? null}::text and ${ofIssuer}`
    : sql`
      select cred.id, cred.usr_id, cred.status from cred where ${ofIssuer} and cred.oidc_subject = ${subject}`;
}

/** The lock for {@link endByProvider}: the users. */
export function lockNamed(notice: Notice): Lock {
  return { on: "user", key: sql`select distinct named.usr_id as id from (${named(notice)}) named` };
}

/**
 * Ends what a message of a provider ends, once. Sessions whose own session at the provider is not known end with each of its
 * user's. The batch has locked the users.
 *
 * @returns `isNew` is false if the message was used before, or has expired.
 */
export function endByProvider(notice: Notice): Statement<{ readonly isNew: boolean }> {
  const { ends, sid, issuedAt, spent, over, auditId } = notice;
  const session = sid ?? null;
  const family = sql`coalesce(ses.family_id, ses.id)`;
  // A refresh and a step-up make a new session: its family is as old as its first.
  const begunAt = sql`coalesce((select b.created_at from ses b where b.id = ${family}), '-infinity')`;
  const isOlder = (createdAt: Statement) => sql`${createdAt} <= ${issuedAt}::timestamptz`;
  const isIdentity = sql`${ends === "identity"}::boolean`;
  // A merge of two users gives a credential another id: it is as old as the first of them.
  const linkedAt = sql`(
          with recursive chain as (
            select cred.replaces, cred.created_at
            union all
            select old.replaces, old.created_at from chain join cred old on old.id = chain.replaces)
          select min(chain.created_at) from chain)`;
  return sql`
    with unspent as (${spendChallenge(spent, sql`(select 1) one where ${spent.expiresAt}::timestamptz > sallyport_now()`)}),
    ${over ? sql`over as (${spendChallenge(over, sql`unspent`)}),` : sql``}
    named as materialized (select named.* from (${named(notice)}) named cross join unspent)${endings(
      sql`named`,
      auditId,
      {
        credentials: sql`${isIdentity} and cred.id = named.id and ${isOlder(linkedAt)}`,
        sessions: sql`ses.cred_id = named.id and ${isOlder(begunAt)} and (
          ${session}::text is null or ${isIdentity}
          or exists (select from provider_session p where p.family_id = ${family} and p.sid = ${session}::text)
          or not exists (select from provider_session p where p.family_id = ${family}))`,
        tickets: sql`login_ticket.cred_id = named.id and ${isOlder(sql`login_ticket.created_at`)}`,
      },
    )},
    audit as (${insertAuditEvent(
      {
        id: auditId,
        act: ends === "identity" ? acts.endIdentity : acts.endProviderSessions,
        outcome: "success",
        context: notice.context,
        targetId: sql`told.id`,
        metadata: sql`jsonb_build_object('provider', ${notice.provider}::text, 'ends', ${ends}::text)`,
      },
      sql`(select id from named order by status, id limit 1) told`,
    )})
    select exists (select from unspent) as "isNew"`;
}

/** The answer of a message whose reply was lost. */
export function recallNotice({ digest }: SpentChallenge): Statement<{ readonly isNew: boolean }> {
  return sql`select true as "isNew" from spent_challenge where digest = decode(${digest}, 'hex')`;
}
