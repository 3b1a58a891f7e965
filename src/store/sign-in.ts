/**
 * Password sign-in in two statements: *reserve* counts the attempt and returns the material; *spend* acts on the proof, and
 * reads again everything that may have changed in the meantime (S02, S21).
 *
 * @module
 */
import type { Audited } from "../domain/act.ts";
import { signIn as act, signInLimited } from "../domain/acts/sign-in.ts";
import type { FactorType } from "../domain/factor.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { administratorFreshSeconds, freshSeconds, ticketSeconds } from "../domain/session.ts";
import { type AuditEvent, insertAuditEvent } from "./audit.ts";
import {
  type Admission,
  admissionColumns,
  type Counter,
  countAttempts,
  credentialCounter,
  refund,
} from "./counters.ts";
import { activeFactorTypes, demandsSecondFactor, mayEnroll } from "./held-factors.ts";
import { passwordNamed } from "./identifiers.ts";
import {
  endPresentedFamily,
  insertSession,
  type NewSession,
  type SessionUserRow,
  sessionUserColumns,
} from "./sessions.ts";
import { type AllOrNull, type Statement, sql } from "./sql.ts";

export type ReservedRow = Admission &
  AllOrNull<{ readonly credentialId: string; readonly userId: string; readonly passwordHash: string }> & {
    /** The counter of the account or device that was counted. */
    readonly counter: string;
  };

/** The data of an attempt that both statements of a password check need. */
interface Attempt {
  readonly auditId: string;
  readonly context: RequestContext;
  /** Keyed digest of the identifier's normal form. It is the event's target, whether or not a user has the identifier. */
  readonly identifierDigest: string;
}

/**
 * Always one row, and the same work whether or not the identifier is known; no material past the limit. A user who may not sign
 * in gets no material either, so that their right password looks like a wrong one.
 */
export function reservePasswordCheck(
  attempt: Attempt & {
    /** The texts to look for; the first one that a password has counts. */
    identifiers: readonly string[];
    counters: readonly Counter[];
    /** The credential that a known-device cookie was made for. */
    deviceCredentialId: string | undefined;
  },
): Statement<ReservedRow> {
  return sql`
    with found as materialized (
      select cred.id, cred.usr_id, cred.password_hash
      from ${passwordNamed(attempt.identifiers)} cred join usr on usr.id = cred.usr_id and usr.status = 'active'),
    device as materialized (
      select exists (select from found where id = ${attempt.deviceCredentialId ?? null}::uuid) as known),
    ${countAttempts({
      id: attempt.auditId,
      counters: attempt.counters,
      account: credentialCounter(sql`(select id from found)`),
      knownDevice: sql`(select known from device)`,
    })},
    audit as (${insertAuditEvent(
      { ...loginEvent(attempt, signInLimited), outcome: "denied", repeatable: true },
      sql`reserved where just_limited`,
    )})
    select ${admissionColumns()}, found.id as "credentialId", found.usr_id as "userId",
      found.password_hash as "passwordHash", reserved.counter
    from reserved left join found on reserved.allowed`;
}

/** The result of a proved password: a session, or a ticket if a second factor is required or only a ticket was asked for. */
export type SignedInRow = SessionUserRow & {
  /** False if the credential or user has changed since it was read. Then nothing was made. */
  readonly live: boolean;
  /**
   * The next step after the password. `session`: none, the session was made. `factor`: a second factor, with a ticket.
   * `enroll`: enrolling a factor, with a ticket. `closed`: enrollment is required but not permitted, so there is no ticket.
   * `again`: the first factor was proved too long ago to enroll another.
   */
  readonly next: "session" | "factor" | "enroll" | "closed" | "again";
  /** The types of factors that the user has. */
  readonly factors: readonly FactorType[];
};

/**
 * Spends a proved password in one statement. It changes rows that it locks, and adds rows that depend on them (S16). If it also
 * writes the credential, it takes more than a share lock on it; otherwise two such statements would wait for each other.
 */
export function spendPassword(
  proof: Attempt &
    NewLogin & {
      credentialId: string;
      refund: string;
      passwordHash: string;
      rehashed: string | undefined;
    },
): Statement<SignedInRow> {
  return sql`
    with ${openLogin(proof, {
      method: "pwd",
      which: sql`c.id = ${proof.credentialId}::uuid`,
      lock: proof.rehashed === undefined ? sql`for share of u, c` : sql`for share of u for no key update of c`,
    })},
    outcome as materialized (select exists (select from live) as ok),
    refunded as (${refund(proof.refund, sql`(select ok from outcome)`)}),
    rehashed as (
      update cred set password_hash = ${proof.rehashed ?? null}::text from live
      where cred.id = live.cred_id and cred.password_hash = ${proof.passwordHash}
        and ${proof.rehashed ?? null}::text is not null),
    audit as (${insertAuditEvent(
      {
        ...loginEvent(proof, act),
        outcome: sql`case when outcome.ok then 'success' else 'failure' end`,
        actingUser: sql`live.usr_id`,
        metadata: sql`jsonb_strip_nulls(jsonb_build_object('method', 'password', 'next', live.next,
          'factors', live.kinds))`,
        session: sql`ses.id`,
      },
      sql`outcome left join live on true left join opened ses on true`,
    )})
    select outcome.ok as live, live.next, live.kinds as factors, ${sessionUserColumns()}
    from outcome left join live on true left join opened ses on true left join usr on usr.id = live.usr_id`;
}

/** What a sign-in makes: a session, or a ticket if something must follow. */
export interface NewLogin {
  readonly session: NewSession;
  readonly ticketHash: string;
  /** Make no session, whatever is required. */
  readonly onlyTicket: boolean;
  /** True if something is known of the family of sessions that it begins, also after a second factor. Default false. */
  readonly beginsFamily?: boolean;
  /** The session that the client presented. It ends, because the new session replaces it (S47). */
  readonly presentedTokenHash: string | undefined;
  readonly auditId: string;
}

/**
 * The CTEs `live`, `opened`, `ticket` and `replaced`: the credential of a proved first factor, and the session or ticket that it
 * gives. All are empty if the credential or its user is not active.
 *
 * @param first.which SQL for the credential, called `c`.
 * @param first.lock The locks on the credential `c` and its user `u`.
 */
export function openLogin(login: NewLogin, first: { method: string; which: Statement; lock: Statement }): Statement {
  const from = sql`(
      select c.id as cred_id, c.usr_id, c.needs_factor, sallyport_now() as auth_time, null::timestamptz as factor_time from cred c join usr u on u.id = c.usr_id
      where ${first.which} and c.status = 'active' and u.status = 'active'
      ${first.lock})`;
  return openProved(login, from, sql`array[${first.method}::text]`);
}

/**
 * The same for first factors that a statement has proved itself.
 *
 * @param from SQL for rows with `cred_id`, `usr_id`, `needs_factor`, `auth_time` (when it was proved, null if that is not known)
 * and `factor_time` (the same for a second factor among the methods), of active credentials of active users: one or none.
 * @param amr SQL for the methods that were proved. With `mfa` among them, no second factor is asked for.
 */
export function openProved(login: NewLogin, from: Statement, amr: Statement): Statement {
  const { session, ticketHash, onlyTicket, presentedTokenHash: tokenHash, auditId } = login;
  const { transport } = session;
  return sql`live as materialized (
      select c.cred_id, c.usr_id, ${activeFactorTypes(sql`c.usr_id`)} as kinds,
        case when p.proves_factor or not (c.needs_factor or ${demandsSecondFactor(sql`c.usr_id`)}) then 'session'
          when ${activeFactorTypes(sql`c.usr_id`)} <> '{}' then 'factor'
          -- Who enrolls the first factor of an account takes it over.
          when not ${mayEnroll(sql`c.usr_id`)} then 'closed'
          when c.auth_time > sallyport_now() - make_interval(secs => ${freshSeconds}::int) then 'enroll' else 'again' end as next,
        c.auth_time, p.amr, case
          -- Within the time that an administrator's factor counts for: a session says only what was proved in it. The column is never
          -- before the session's creation, so the factor is as old as auth_time.
          when p.proves_factor and c.factor_time > sallyport_now() - make_interval(secs => ${administratorFreshSeconds}::int)
            then sallyport_now() end as mfa_verified_at
      from ${from} c cross join (select ${amr} as amr, 'mfa' = any(${amr}) as proves_factor) p),
    opened as (${insertSession(session, sql`(select * from live where next = 'session' and not ${onlyTicket}::boolean)`)}),
    ticket as (
      insert into login_ticket (token_hash, usr_id, cred_id, factors, mfa_required, transport, remember, family_id, purpose, created_at, expires_at)
      select decode(${ticketHash}, 'hex'), usr_id, cred_id, amr, next <> 'session', ${transport}, ${session.remember}::boolean,
        ${login.beginsFamily ? session.sessionId : null}::uuid,
        case next when 'enroll' then 'enroll' else 'sign_in' end, sallyport_now(),
        sallyport_now() + make_interval(secs => ${ticketSeconds}::int)
      from live where next in ('factor', 'enroll') or (next = 'session' and ${onlyTicket}::boolean)),
    replaced as (${endPresentedFamily(
      { tokenHash, transport, auditId },
      sql`exists (select from live where next = 'session')`,
    )})`;
}

/** The event of a failed check. It is also written for unknown identifiers; otherwise the response time would reveal them. */
export function recordFailedSignIn(attempt: Attempt & { userId: string | null }): Statement {
  const metadata = sql`jsonb_strip_nulls(jsonb_build_object('user', ${attempt.userId}::text))`;
  return insertAuditEvent(
    { ...loginEvent(attempt, act), outcome: "failure", repeatable: true, metadata },
    sql`(select 1) one`,
  );
}

/** The target is the login that was tried, by its digest. */
function loginEvent({ auditId, context, identifierDigest }: Attempt, row: Audited): Omit<AuditEvent, "outcome"> {
  return { id: auditId, act: row, context, targetId: sql`${identifierDigest}::text` };
}

/** The outcome of a spent password whose reply was lost: the event holds it, with the session if one was made. */
export function recallSpentPassword(sessionId: string, auditId: string): Statement<SignedInRow> {
  return sql`
    select aud.outcome = 'success' as live, aud.metadata ->> 'next' as next,
      array(select jsonb_array_elements_text(aud.metadata -> 'factors')) as factors, ${sessionUserColumns()}
    from aud left join ses on ses.id = ${sessionId}::uuid left join usr on usr.id = aud.actor_usr_id
    where aud.id = ${auditId}::uuid`;
}
