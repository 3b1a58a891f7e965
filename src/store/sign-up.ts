import { signUp as signUpAct } from "../domain/acts/sign-in.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { insertAuditEvent } from "./audit.ts";
import { type Counter, countAttempts, withoutDevice } from "./counters.ts";
import { hasSuspendedCredential } from "./identifiers.ts";
import {
  endPresentedFamily,
  insertSession,
  type NewSession,
  type SessionUserRow,
  sessionUserColumns,
} from "./sessions.ts";
import { type Statement, sql } from "./sql.ts";

export type SignedUpRow = SessionUserRow & {
  readonly allowed: boolean;
  readonly retryAfterSeconds: number | null;
  /** Whether the account was made: otherwise the limit was reached, or the identifier has an active credential. */
  readonly created: boolean;
};

/**
 * A user with a password and a session, or none of them. The refusals are values, so that the attempt stays counted.
 *
 * The credential comes first and the rest reads from it: the loser of a race for an identifier makes nothing at all.
 * Foreign keys are checked at the end of the statement.
 */
export function signUp(account: {
  userId: string;
  credentialId: string;
  identifier: string;
  passwordHash: string;
  displayName: string | null;
  session: NewSession;
  presentedTokenHash: string | undefined;
  counters: readonly Counter[];
  auditId: string;
  context: RequestContext;
  identifierDigest: string;
}): Statement<SignedUpRow> {
  return sql`
    with ${countAttempts({ counters: account.counters, ...withoutDevice() })},
    proof as (
      insert into cred (id, usr_id, type, identifier, password_hash)
      select ${account.credentialId}::uuid, ${account.userId}::uuid, 'password', ${account.identifier},
        ${account.passwordHash}
      from quota where quota.allowed and not ${hasSuspendedCredential(account.identifier)}
      on conflict (type, identifier) where status = 'active' do nothing
      returning id as cred_id, usr_id, sallyport_now() as auth_time, array['pwd'] as amr, false as mfa_proved),
    person as (
      insert into usr (id, display_name) select usr_id, ${account.displayName}::text from proof
      returning *),
    login as (${insertSession(account.session, sql`proof`)}),
    replaced as (${endPresentedFamily(
      { tokenHash: account.presentedTokenHash, transport: account.session.transport },
      sql`exists (select from proof)`,
    )}),
    audit as (${insertAuditEvent(
      {
        id: account.auditId,
        act: signUpAct,
        outcome: sql`case when proof.usr_id is not null then 'success' when quota.allowed then 'failure' else 'denied' end`,
        context: account.context,
        targetId: sql`${account.identifierDigest}::text`,
        actingUser: sql`proof.usr_id`,
      },
      sql`quota left join proof on true where quota.allowed or quota.just_limited`,
    )})
    select quota.allowed, quota.retry_after as "retryAfterSeconds", usr.id is not null as created,
      ${sessionUserColumns()}
    from quota left join person usr on true left join login ses on true`;
}

/** What became of a sign-up whose reply was lost. */
export function recallSignUp(sessionId: string, auditId: string): Statement<SignedUpRow> {
  return sql`
    select aud.outcome <> 'denied' as allowed, null::int as "retryAfterSeconds", aud.outcome = 'success' as created,
      ${sessionUserColumns()}
    from aud left join ses on ses.id = ${sessionId}::uuid left join usr on usr.id = ses.usr_id
    where aud.id = ${auditId}::uuid`;
}
