/**
 * The proof of an address: the statements that count an attempt with a mailed link, and that spend the link.
 *
 * @module
 */
import type { SessionActor } from "../domain/actor.ts";
import * as acts from "../domain/acts/verification.ts";
import type { IdType } from "../domain/id.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { acting } from "./access.ts";
import { insertAuditEvent } from "./audit.ts";
import {
  type Admission,
  admissionColumns,
  type Counter,
  countAttempts,
  credentialCounter,
  refund,
} from "./counters.ts";
import { replacePassword } from "./credentials.ts";
import { type Handle, handle } from "./cte.ts";
import { endings, loginsOf } from "./endings.ts";
import { clearFactorCounter, isCleared } from "./factor-proofs.ts";
import { grantLeave } from "./factors.ts";
import { hasStrongProof } from "./held-factors.ts";
import { isAdministrator } from "./relations.ts";
import { isOwn, ownOf } from "./session-belongings.ts";
import { type Statement, sql } from "./sql.ts";
import { purpose } from "./verification-requests.ts";

/** The lock for spending a link: its user. An unknown link locks no one. */
export function userOfLink(tokenHash: string): Statement<{ id: string }> {
  return sql`select usr_id as id from verification_token where token_hash = decode(${tokenHash}, 'hex')`;
}

/**
 * The password and the user of a live link, as the row `link`. `needs_session`: the mailbox is no proof of the account, because
 * the account has another verified address (S40) or is an administrator's.
 */
function linkOf(tokenHash: string): Statement {
  return sql`
      select cred.id, cred.usr_id, cred.identifier, cred.password_hash, cred.needs_factor, later.is_later,
        later.is_later or ${isAdministrator(sql`cred.usr_id`)} as needs_session
      from verification_token t
      join cred on cred.id = t.cred_id and cred.status = 'active' and cred.identifier_verified_at is null
      join usr on usr.id = t.usr_id and usr.status = 'active'
      cross join lateral (select exists (
        select from cred other where other.usr_id = cred.usr_id and other.status <> 'revoked'
          and other.identifier_verified_at is not null) as is_later) later
      where t.token_hash = decode(${tokenHash}, 'hex') and t.purpose = ${purpose} and t.expires_at > sallyport_now()`;
}

export interface ReservedLinkRow extends Admission {
  /** Null if the link is not valid. Then nothing was counted. */
  readonly credentialId: string | null;
  readonly identifier: string | null;
  readonly passwordHash: string | null;
  /** True if only a session of the account can spend the link. */
  readonly needsSession: boolean | null;
  readonly counter: string | null;
}

/** Counts an attempt with a link, before a password is hashed for it. Always one row. */
export function reserveLink(attempt: {
  tokenHash: string;
  counters: readonly Counter[];
  context: RequestContext;
  auditId: string;
}): Statement<ReservedLinkRow> {
  return sql`
    with link as materialized (${linkOf(attempt.tokenHash)}),
    ${countAttempts({
      id: attempt.auditId,
      counters: attempt.counters,
      account: credentialCounter(sql`(select id from link)`),
      condition: sql`exists (select from link)`,
    })},
    audit as (${insertAuditEvent(
      {
        ...linkEvent(attempt, sql`link.id`),
        outcome: "denied",
        repeatable: true,
        metadata: sql`jsonb_build_object('reason', 'too_many_requests')`,
      },
      sql`reserved cross join link where reserved.just_limited`,
    )})
    select ${admissionColumns()}, link.id as "credentialId", link.identifier, link.password_hash as "passwordHash",
      link.needs_session as "needsSession", reserved.counter
    from reserved left join link on true`;
}

const linkEvent = (spend: { auditId: string; context: RequestContext }, credentialId: Statement) => ({
  id: spend.auditId,
  act: acts.verifyIdentifier,
  context: spend.context,
  targetId: credentialId,
});

/** The event of a wrong password beside a right link. */
export function recordWrongLinkPassword(attempt: {
  credentialId: string;
  context: RequestContext;
  auditId: string;
}): Statement {
  return insertAuditEvent(
    { ...linkEvent(attempt, sql`${attempt.credentialId}::uuid`), outcome: "failure", repeatable: true },
    sql`(select 1) one`,
  );
}

/** The proof of the account that comes with a link, or the new way in to it. */
export type LinkProof =
  | { readonly by: "session"; readonly actor: SessionActor }
  | { readonly by: "password"; readonly passwordHash: string; readonly counter: string }
  | { readonly by: "new_password"; readonly newCredentialId: string; readonly passwordHash: string };

export interface SpentLinkRow {
  /** Set if nothing was changed. */
  readonly refusal: string | null;
  readonly credentialId: string;
  readonly identifier: string;
}

/**
 * Spends a link: the address is verified from now on. If it is the account's first, whatever could let somebody in before ends
 * (S11). What remains is what the proof shows to be the owner's: a proved password, or the acting session with its password and
 * with everything that it has enrolled or proved. The batch has locked the user.
 */
export function spendLink(spend: {
  tokenHash: string;
  proof: LinkProof;
  context: RequestContext;
  auditId: string;
}): Statement<SpentLinkRow> {
  const { proof, auditId } = spend;
  const actor = proof.by === "session" ? proof.actor : undefined;
  const rights = actor && acting(actor);
  const verdict = handle<"verdict">(sql`verdict`);
  const ends = (which: Statement): Statement => sql`verdict.refusal is null and not verdict.is_later and ${which}`;
  const others = (type: IdType, id: Statement): Statement => (actor ? sql`not ${isOwn(type, id)}` : sql`true`);
  const passkeys = sql`cred.type = 'passkey' and cred.status = 'active'`;
  return sql`
    with ${rights ? sql`${rights.define}, ${ownOf(actor!)},` : sql``}
    link as materialized (${linkOf(spend.tokenHash)}),
    verdict as materialized (
      select link.id, link.usr_id, link.is_later,
        ${hasStrongProof(sql`link.usr_id`)} and not exists (
          select from mfa where mfa.usr_id = link.usr_id and mfa.status = 'active' and not ${others("mfa", sql`mfa.id`)})
        and not exists (
          select from cred where cred.usr_id = link.usr_id and ${passkeys} and not ${others("cred", sql`cred.id`)})
          as loses_factors,
        case when link.id is null then 'unauthorized.invalid_link' ${refusalOfProof(proof)} end as refusal
      from (select 1) one left join link on true ${rights ? sql`left join acting on true` : sql``})${endings(
        verdict,
        auditId,
        {
          // Before the CTE that has the table's name. A suspended one stays, so that its name stays taken.
          credentials: ends(
            sql`cred.usr_id = verdict.usr_id and cred.id <> verdict.id and cred.status = 'active' and ${others("cred", sql`cred.id`)}`,
          ),
          factors: ends(sql`mfa.usr_id = verdict.usr_id and ${others("mfa", sql`mfa.id`)}`),
          registrations: ends(
            sql`mfa_registration.usr_id = verdict.usr_id and ${others("mfa", sql`mfa_registration.id`)}`,
          ),
          tokens: ends(sql`pat.usr_id = verdict.usr_id and ${others("pat", sql`pat.id`)}`),
        },
      )},
    ${
      proof.by === "new_password"
        ? replacePassword({ ...proof, needsFactor: false, auditId }, verdict, true)
        : keepPassword(verdict, auditId, actor !== undefined)
    },
    leave as (${grantLeave(
      sql`null::uuid`,
      sql`verdict where verdict.refusal is null and not verdict.is_later and verdict.loses_factors`,
    )}),
    refunded as (${refund(proof.by === "password" ? proof.counter : "", sql`exists (select from cred)`)}),
    audit as (${insertAuditEvent(
      {
        ...linkEvent(spend, sql`coalesce(cred.id, verdict.id)`),
        outcome: sql`case when verdict.refusal is null then 'success' else 'denied' end`,
        ...(actor ? { actor } : { actingUser: sql`cred.usr_id` }),
        metadata: sql`jsonb_strip_nulls(jsonb_build_object('proof', ${proof.by}::text, 'reason', verdict.refusal))`,
      },
      // Another user's link is none of the actor's business, and leaves no trace in either log (S41).
      sql`verdict left join cred on true where verdict.id is not null and verdict.refusal is distinct from 'unauthorized.invalid_link'`,
    )})
    select verdict.refusal, cred.id as "credentialId", cred.identifier from verdict left join cred on true`;
}

/**
 * The CTE `cred`, the password as it is from now on, and the CTEs that end the other sessions, the tickets and the links.
 *
 * @param inSession True if the acting session's family stays.
 */
function keepPassword(verdict: Handle<"verdict">, auditId: string, inSession: boolean): Statement {
  const cleared = clearFactorCounter(sql`first`);
  const { sessions, tickets, links } = loginsOf(sql`first.usr_id`);
  return sql`cred as (
      update cred set identifier_verified_at = sallyport_now() from ${verdict}
      where cred.id = ${verdict}.id and ${verdict}.refusal is null returning cred.*),
    first as (select cred.usr_id from cred cross join ${verdict} where not ${verdict}.is_later),
    ${cleared.define}${endings(sql`first`, auditId, {
      sessions: inSession ? sql`${sessions} and coalesce(ses.family_id, ses.id) <> (select family from own)` : sessions,
      tickets: sql`${tickets} and ${isCleared(cleared.name)}`,
      links,
    })},
    spent as (
      delete from verification_token using ${verdict}
      where verification_token.cred_id = ${verdict}.id and ${verdict}.is_later and ${verdict}.refusal is null)`;
}

/** The branches of a `case` for a live link. */
function refusalOfProof(proof: LinkProof): Statement {
  if (proof.by === "session") {
    return sql`
        when acting.usr_id is null then 'unauthorized.invalid_token'
        when acting.usr_id <> link.usr_id then 'unauthorized.invalid_link'
        when not acting.fresh then 'unauthorized.reauthentication_required'
        -- The password of the address may be another person's, and it would stay.
        when not link.is_later and not ${isOwn("cred", sql`link.id`)} then 'unauthorized.invalid_credential'`;
  }
  const session = sql`when link.needs_session then 'unauthorized.reauthentication_required'`;
  if (proof.by === "new_password") return session;
  // A short password stands only with the factor that ends here.
  return sql`${session}
        when link.password_hash is distinct from ${proof.passwordHash} or link.needs_factor
          then 'unauthorized.invalid_credential'`;
}

/** The outcome of a spent link whose reply was lost. The event names the password that has the address now. */
export function recallSpentLink(auditId: string): Statement<SpentLinkRow> {
  return sql`
    select aud.metadata ->> 'reason' as refusal, cred.id as "credentialId", cred.identifier
    from aud left join cred on aud.outcome = 'success' and cred.id = right(aud.target_id, 32)::uuid
    where aud.id = ${auditId}::uuid`;
}
