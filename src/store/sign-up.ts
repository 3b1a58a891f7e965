import { signUp as signUpAct } from "../domain/acts/sign-in.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { type AuditEvent, insertAuditEvent } from "./audit.ts";
import { type Admission, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { isWithheld } from "./identifiers.ts";
import {
  endPresentedFamily,
  insertSession,
  type NewSession,
  recalled,
  type SessionUserRow,
  sessionUserColumns,
} from "./sessions.ts";
import { type Statement, sql } from "./sql.ts";

export type SignedUpRow = SessionUserRow &
  Admission & {
    /** True if the account was created. If not, the limit was reached, or the identifier has an active credential. */
    readonly created: boolean;
  };

/** A future account. */
export interface NewAccount {
  readonly userId: string;
  readonly credentialId: string;
  readonly identifier: string;
  readonly passwordHash: string;
  readonly displayName: string | null;
  readonly session: NewSession;
  readonly presentedTokenHash: string | undefined;
  readonly auditId: string;
  readonly context: RequestContext;
  readonly identifierDigest: string;
  /** Whether the identifier is proved, or SQL for it. Default false. */
  readonly isVerified?: boolean | Statement;
}

/** The counters of a sign-up attempt, and its name in events. */
type Attempt = Pick<NewAccount, "auditId" | "context" | "identifierDigest"> & { counters: readonly Counter[] };

/**
 * The CTEs `proof`, `person`, `login` and `replaced`: a user with a password and a session, or none of them.
 *
 * The credential comes first and the rest reads from it, so the loser of a race for an identifier creates nothing. Foreign keys
 * are checked at the end of the statement.
 *
 * @param from SQL that returns one row if the account may be made.
 */
export function makeAccount(account: NewAccount, from: Statement): Statement {
  return sql`proof as (
      insert into cred (id, usr_id, type, identifier, password_hash, identifier_verified_at)
      select ${account.credentialId}::uuid, ${account.userId}::uuid, 'password', ${account.identifier},
        ${account.passwordHash}, case when ${account.isVerified ?? false}::boolean then sallyport_now() end
      from ${from} and not ${isWithheld(account.identifier)}
      on conflict (type, identifier) where status = 'active' do nothing
      returning id as cred_id, usr_id, sallyport_now() as auth_time, array['pwd'] as amr, null::timestamptz as mfa_verified_at),
    person as (
      insert into usr (id, display_name) select usr_id, ${account.displayName}::text from proof
      returning *),
    login as (${insertSession(account.session, sql`proof`)}),
    replaced as (${endPresentedFamily(
      { tokenHash: account.presentedTokenHash, transport: account.session.transport, auditId: account.auditId },
      sql`exists (select from proof)`,
    )})`;
}

/** The event of an attempt. */
export function signUpEvent(
  { auditId: id, context, identifierDigest }: Omit<Attempt, "counters">,
  outcome: Statement,
): AuditEvent {
  return { id, act: signUpAct, outcome, context, targetId: sql`${identifierDigest}::text` };
}

/**
 * Counts an attempt and makes the account, in one statement. Refusals are values, so the attempt stays counted.
 */
export function signUp(account: NewAccount & Attempt): Statement<SignedUpRow> {
  const outcome = sql`case
      when proof.usr_id is not null then 'success' when reserved.allowed then 'failure' else 'denied' end`;
  return sql`
    with ${countAttempts({ id: account.auditId, counters: account.counters })},
    ${makeAccount(account, sql`reserved where reserved.allowed`)},
    audit as (${insertAuditEvent(
      { ...signUpEvent(account, outcome), actingUser: sql`proof.usr_id`, session: sql`login.id` },
      sql`reserved left join proof on true left join login on true where reserved.allowed or reserved.just_limited`,
    )})
    select ${admissionColumns()}, usr.id is not null as created,
      ${sessionUserColumns()}
    from reserved left join person usr on true left join login ses on true`;
}

/**
 * Counts an attempt in a statement of its own, before any work is done for it. The first refusal of a window leaves an event.
 */
export function admitSignUp(attempt: Attempt): Statement<Admission> {
  return sql`
    with ${countAttempts({ id: attempt.auditId, counters: attempt.counters })},
    audit as (${insertAuditEvent(
      { ...signUpEvent(attempt, sql`'denied'`), repeatable: true },
      sql`reserved where reserved.just_limited`,
    )})
    select ${admissionColumns()} from reserved`;
}

/** The event of an admitted attempt at an identifier that is taken. The refusal undid the attempt's own event. */
export function recordTakenIdentifier(attempt: Omit<Attempt, "counters">): Statement {
  return insertAuditEvent(signUpEvent(attempt, sql`'failure'`), sql`(select 1) one`);
}

/** Makes the account of an attempt that was already admitted. Raises if the identifier is taken, which undoes the batch. */
export function createAccount(account: NewAccount): Statement<SessionUserRow> {
  return sql`
    with ${makeAccount(account, sql`(select 1) one where true`)},
    audit as (${insertAuditEvent({ ...signUpEvent(account, sql`'success'`), actingUser: sql`proof.usr_id`, session: sql`login.id` }, sql`proof cross join login`)})
    select ${sessionUserColumns()}
    from (select 1) one left join person usr on true left join login ses on true
    where case when usr.id is not null then true else sallyport_refuse('conflict.duplicate_credential') end`;
}

/** Finds the outcome of a sign-up whose reply was lost. */
export function recallSignUp(sessionId: string, auditId: string): Statement<SignedUpRow> {
  return sql`
    select aud.outcome <> 'denied' as allowed, null::int as "retryAfterSeconds", null::text as "limit", aud.outcome = 'success' as created,
      ${sessionUserColumns()}
    ${recalled({ auditId, sessionId })}`;
}
