/**
 * Proofs of an address: a link that is mailed to it, and the statement that spends the link.
 *
 * @module
 */
import type { SessionActor } from "../domain/actor.ts";
import { createCredential, rotateCredential } from "../domain/acts/credential.ts";
import { confirmFactor, enrollFactor } from "../domain/acts/factor.ts";
import { registerPasskey } from "../domain/acts/passkey.ts";
import { createPat } from "../domain/acts/personal-access-token.ts";
import * as acts from "../domain/acts/verification.ts";
import { type IdType, uuidFor } from "../domain/id.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { acting, refusalUnless } from "./access.ts";
import { insertAuditEvent, successOf, wireIdOf } from "./audit.ts";
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
import { passwordNamed } from "./identifiers.ts";
import { type OwedMessage, oweMessage } from "./mail.ts";
import { isAdministrator } from "./relations.ts";
import { type Statement, sql } from "./sql.ts";

const purpose = "verify_identifier";

/** A text that no mail program reads as more than one address: nothing that RFC 5322 §3.2.3 gives a meaning stands in it. */
const oneMailbox = String.raw`^[^\s@<>()\[\]:;,"\\]+@[^\s@<>()\[\]:;,"\\]+$`;

export interface RequestedRow extends Admission {
  /** Set if no link is sent; then nothing was counted. */
  readonly refusal: string | null;
}

/**
 * Owes a link to the address of one of the user's own passwords. It replaces the last link for it. Refusals are values, so that
 * the request stays counted. The batch has locked the user: otherwise a request that waited for the address to be verified would
 * make another link.
 *
 * @param asked.identifiers The texts to look for; the first one that a password has counts.
 */
export function requestVerification(asked: {
  actor: SessionActor;
  identifiers: readonly string[];
  counters: readonly Counter[];
  tokenHash: string;
  message: OwedMessage;
  auditId: string;
}): Statement<RequestedRow> {
  const { actor, message, tokenHash, auditId } = asked;
  const rights = acting(actor);
  return sql`
    with ${rights.define},
    target as materialized (select cred.* from ${passwordNamed(asked.identifiers)} cred),
    verdict as materialized (
      select target.id, target.usr_id, target.identifier as recipient, coalesce(
        ${refusalUnless(acts.requestVerification, rights.name, { owner: sql`acting.usr_id` })},
        case when target.id is null or target.usr_id <> acting.usr_id then 'not_found'
          when target.identifier_verified_at is not null then 'precondition.invalid_transition'
          when target.identifier !~ ${oneMailbox} then 'invalid_format.identifier' end) as refusal
      from (select 1) one left join acting on true left join target on true),
    ${countAttempts({ id: auditId, counters: asked.counters, condition: sql`(select refusal is null from verdict)` })},
    link as (
      insert into verification_token (token_hash, purpose, usr_id, cred_id, created_at, expires_at)
      select decode(${tokenHash}, 'hex'), ${purpose}, verdict.usr_id, verdict.id, sallyport_now(),
        sallyport_now() + make_interval(secs => ${message.lifetimeSeconds}::int)
      from verdict cross join reserved where verdict.refusal is null and reserved.allowed
      on conflict (cred_id, purpose) do update set token_hash = excluded.token_hash, created_at = excluded.created_at,
        expires_at = excluded.expires_at
      returning cred_id),
    message as (${oweMessage(message, sql`verdict join link on link.cred_id = verdict.id`)}),
    audit as (${insertAuditEvent(
      {
        ...successOf(acts.requestVerification, { actor, auditId }, sql`verdict.id`),
        outcome: sql`case when reserved.allowed then 'success' else 'denied' end`,
        repeatable: true,
      },
      sql`verdict cross join reserved where verdict.refusal is null and (reserved.allowed or reserved.just_limited)`,
    )})
    select verdict.refusal, ${admissionColumns()} from verdict cross join reserved`;
}

/** The outcome of a request whose reply was lost. */
export function recallRequest(auditId: string): Statement<RequestedRow> {
  return sql`
    select null::text as refusal, aud.outcome = 'success' as allowed, null::int as "retryAfterSeconds"
    from aud where aud.id = ${auditId}::uuid`;
}

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

/** Counts an attempt of somebody who has a link, before a password is hashed for it. Always one row. */
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

/** How whoever spends a link proves the account, or makes a new way in to it. */
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
        -- Somebody else may have set the password of the address, and it would stay.
        when not link.is_later and not ${isOwn("cred", sql`link.id`)} then 'unauthorized.invalid_credential'`;
  }
  const session = sql`when link.needs_session then 'unauthorized.reauthentication_required'`;
  if (proof.by === "new_password") return session;
  // A short password stands only with the factor that ends here.
  return sql`${session}
        when link.password_hash is distinct from ${proof.passwordHash} or link.needs_factor
          then 'unauthorized.invalid_credential'`;
}

/** The acts that give an account a way in or a factor. */
const enrollingActs = [createCredential, rotateCredential, registerPasskey, enrollFactor, confirmFactor, createPat];

/**
 * The CTEs `own`, the acting session's family, and `own_things`: the ids in wire form of the credentials that its sessions were
 * opened with, and of what they have enrolled or proved.
 */
function ownOf(actor: SessionActor): Statement {
  const actions = enrollingActs.map(({ action }) => action);
  return sql`own as materialized (
      select presented.usr_id, coalesce(presented.family_id, presented.id) as family,
        array_agg(${wireIdOf("ses", sql`member.id`)}) as sessions, array_agg(${wireIdOf("cred", sql`member.cred_id`)}) as creds
      from ses presented join ses member on member.usr_id = presented.usr_id
        and coalesce(member.family_id, member.id) = coalesce(presented.family_id, presented.id)
      where presented.id = ${uuidFor("ses", actor.sessionId)}::uuid
      group by 1, 2),
    own_things as materialized (
      select unnest(creds) as id from own
      union
      select case when e.action = any(${actions}::text[]) then e.target_id else e.metadata ->> 'factor' end
      from own join aud e on e.actor_usr_id = own.usr_id and e.outcome = 'success'
        and (e.action = any(${actions}::text[]) or e.metadata ->> 'factor' is not null)
        and (e.auth ->> 'session_id' = any(own.sessions) or e.metadata ->> 'session' = any(own.sessions)))`;
}

/** SQL for whether something is among {@link ownOf}. */
function isOwn(type: IdType, id: Statement): Statement {
  return sql`${wireIdOf(type, id)} in (select own_things.id from own_things)`;
}

/** The outcome of a spent link whose reply was lost. The event names the password that has the address now. */
export function recallSpentLink(auditId: string): Statement<SpentLinkRow> {
  return sql`
    select aud.metadata ->> 'reason' as refusal, cred.id as "credentialId", cred.identifier
    from aud left join cred on aud.outcome = 'success' and cred.id = right(aud.target_id, 32)::uuid
    where aud.id = ${auditId}::uuid`;
}
