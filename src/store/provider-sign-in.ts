/**
 * Signing in with an identity at a provider.
 *
 * @module
 */
import type { Audited } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/provider.ts";
import type { FactorType } from "../domain/factor.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { insertAuditEvent } from "./audit.ts";
import { type Admission, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { hasPassword } from "./held-factors.ts";
import { accountAt, isWithheld } from "./identifiers.ts";
import { addressKind, identitiesOf, identityHeld, type NewIdentity, rememberIdentity } from "./linked-identities.ts";
import { noteProviderSession } from "./provider-sessions.ts";
import { type SessionUserRow, sessionUserColumns } from "./sessions.ts";
import { type NewLogin, openProved } from "./sign-in.ts";
import { type SpentChallenge, spendChallenge } from "./spent-challenges.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * What an identity came to. `sign_in`: it was linked already. `attach`: it was linked to the account that has the address.
 * `create`: it made an account. The others made nothing. `used`: the attempt was used before, or has ended. `blocked`: the
 * credential or its user is not active. `ask`: an account has the address, and its owner must sign in to link. `taken`: an account
 * has the address without having proved it. `closed`: strangers may not sign up. `full`: the account has as many identities as it may.
 */
export type IdentityOutcome =
  | "sign_in"
  | "attach"
  | "create"
  | "used"
  | "blocked"
  | "ask"
  | "taken"
  | "closed"
  | "full";

export type ProviderSignInRow = Admission &
  SessionUserRow & {
    readonly outcome: IdentityOutcome;
    /** The database's time. */
    readonly now: Date;
    readonly next: "session" | "factor" | "enroll" | "closed" | "again" | null;
    readonly factors: readonly FactorType[] | null;
  };

/** A proved identity that signs in. */
export interface IdentitySignIn extends Omit<NewLogin, "onlyTicket"> {
  readonly identity: NewIdentity;
  /** The texts under which an account may have the identity's verified address. None if it has no such address. */
  readonly identifiers: readonly string[];
  /** The account that a stranger gets. */
  readonly userId: string;
  readonly displayName: string | null;
  readonly maySignUp: boolean;
  /** True if the owner of an account with the identity's address may link it. */
  readonly asksToLink: boolean;
  /** The issuers whose word for an address links without asking, on both sides. */
  readonly trusted: readonly string[];
  /** The name of the session at the provider. */
  readonly sid: string | undefined;
  /** The digest under which the end of that session is noted. */
  readonly overDigest: string | undefined;
  /** When the user proved to the provider that it is them, if it says so. */
  readonly authTime: Date | undefined;
  /** True if the provider can ask its user for a new proof. */
  readonly provesAgain: boolean;
  /** What is proved of a second factor at the provider, as `amr`. */
  readonly amr: readonly string[];
  readonly attempt: SpentChallenge;
  /** How many identities an account may have. */
  readonly mostIdentities: number;
  readonly counters: readonly Counter[];
  readonly context: RequestContext;
  /** Names the identity in an event without a credential. */
  readonly identityDigest: string;
  readonly linkAuditId: string;
  /** Keeps the provider's tokens, for the one row with `cred_id` or none. Default: they are not kept. */
  readonly keepTokens: ((from: Statement) => Statement) | undefined;
}

/**
 * Decides what an identity comes to, and does it, in one statement. Refusals are values, so that the attempt stays counted and
 * spent. The batch has locked the identity, the address and their users.
 */
export function signInWithIdentity(login: IdentitySignIn): Statement<ProviderSignInRow> {
  const { identity, identifiers, context, auditId } = login;
  const event = {
    id: auditId,
    context,
    metadata: sql`jsonb_strip_nulls(jsonb_build_object('method', 'oidc', 'provider', ${identity.provider}::text,
      'outcome', verdict.outcome, 'next', live.next, 'factors', live.kinds, ${addressKind(identity)}))`,
  };
  const authTime = login.authTime ?? null;
  const outcome = (...outcomes: IdentityOutcome[]) => sql`verdict.outcome = any(${outcomes}::text[])`;
  return sql`
    with ${countAttempts({ id: auditId, counters: login.counters })},
    unspent as (${spendChallenge(
      login.attempt,
      sql`reserved where reserved.allowed and ${login.attempt.expiresAt}::timestamptz > sallyport_now()`,
    )}),
    held as materialized (
      -- Another SDK locks no user. This waits for an SDK that ends the identity, or that SDK waits and then ends the new session.
      select cred.id as cred_id, cred.usr_id, cred.status = 'active' and usr.status = 'active' as is_active
      from (${identityHeld(identity)}) seen join cred on cred.id = seen.cred_id join usr on usr.id = cred.usr_id
      for share of cred),
    holder as materialized (select * from (${accountAt(identifiers)}) found where not exists (select from held)),
    verdict as materialized (
      select case
        when not exists (select from unspent) or exists (
          select from spent_challenge over
            where over.digest = decode(${login.overDigest ?? null}::text, 'hex') and over.expires_at > sallyport_now()) then 'used'
        when held.cred_id is not null then case when held.is_active then 'sign_in' else 'blocked' end
        when holder.is_verified and not exists (select from usr where id = holder.usr_id and status = 'active') then 'blocked'
        when holder.is_verified and ${identity.issuer} = any(${login.trusted}::text[])
          and (holder.issuer is null or holder.issuer = any(${login.trusted}::text[]))
          -- What was unlinked does not come back by itself.
          and not exists (select from cred old where old.usr_id = holder.usr_id and old.status = 'revoked'
            and old.oidc_issuer = ${identity.issuer} and old.oidc_subject = ${identity.subject})
          then case when ${identitiesOf(sql`holder.usr_id`)} < ${login.mostIdentities}::int then 'attach' else 'full' end
        when holder.is_verified and ${login.asksToLink}::boolean then 'ask'
        when holder.usr_id is not null or exists (
          select from unnest(${identifiers}::text[]) as named(identifier) where ${isWithheld(sql`named.identifier`)}) then 'taken'
        when not ${login.maySignUp}::boolean then 'closed'
        else 'create' end as outcome, held.cred_id as held_id, held.usr_id as held_usr_id, holder.usr_id as holder_id
      from (select 1) one left join held on true left join holder on true),
    linked as (
      insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject)
      select ${identity.credentialId}::uuid, case outcome when 'create' then ${login.userId}::uuid else holder_id end, 'oidc',
        ${identity.identifier}, ${identity.issuer}, ${identity.subject}
      from verdict where ${outcome("create", "attach")}
      returning id, usr_id),
    person as (
      insert into usr (id, display_name) select linked.usr_id, ${login.displayName}::text from linked cross join verdict
      where ${outcome("create")}
      returning *),
    first as (
      select cred_id, usr_id, false as needs_factor, stated.at as factor_time, case
          when verdict.outcome = 'create' and (stated.at is null or not 'mfa' = any(${login.amr}::text[])) then sallyport_now()
          when stated.at is not null then stated.at
          -- A provider may answer for a user whom it has not asked. It counts as a new proof if there is no better one.
          when not ${login.provesAgain}::boolean and not ${hasPassword(sql`own.usr_id`)} then sallyport_now() end as auth_time
      from verdict cross join (
        select case when ${authTime}::timestamptz is not null then least(${authTime}::timestamptz, sallyport_now()) end as at) stated
      cross join (
        select held_id as cred_id, held_usr_id as usr_id from verdict where ${outcome("sign_in")}
        union all select id, usr_id from linked) own),
    remembered as (${rememberIdentity(identity, sql`first`)}),${
      login.keepTokens
        ? sql`
    tokens as (${login.keepTokens(sql`first`)}),`
        : sql``
    }
    ${openProved({ ...login, onlyTicket: false, beginsFamily: login.sid !== undefined }, sql`first`, sql`${login.amr}::text[]`)},
    noted as (${noteProviderSession(login, sql`live`)}),
    signed_in as (${insertAuditEvent(
      {
        ...event,
        act: acts.signInWithProvider,
        outcome: "success",
        targetId: sql`live.cred_id`,
        actingUser: sql`live.usr_id`,
        session: sql`ses.id`,
      },
      sql`live cross join verdict left join opened ses on true where ${outcome("sign_in", "attach")}`,
    )}),
    signed_up as (${insertAuditEvent(
      {
        ...event,
        act: acts.signUpWithProvider,
        outcome: "success",
        targetId: sql`live.cred_id`,
        actingUser: sql`live.usr_id`,
        session: sql`ses.id`,
      },
      sql`live cross join verdict left join opened ses on true where ${outcome("create")}`,
    )}),
    attached as (${insertAuditEvent(
      {
        id: login.linkAuditId,
        context,
        act: acts.linkIdentity,
        outcome: "success",
        targetId: sql`live.cred_id`,
        actingUser: sql`live.usr_id`,
        metadata: sql`jsonb_build_object('provider', ${identity.provider}::text, 'by', 'address')`,
      },
      sql`live cross join verdict where ${outcome("attach")}`,
    )}),
    refused as (${insertAuditEvent(
      {
        ...event,
        act: acts.failedProviderSignIn,
        outcome: sql`case when reserved.allowed then 'failure' else 'denied' end`,
        targetId: sql`${login.identityDigest}::text`,
      },
      sql`verdict cross join reserved left join live on true
        where live.cred_id is null and (reserved.allowed or reserved.just_limited)`,
    )})
    select ${admissionColumns()}, verdict.outcome, sallyport_now() as now, live.next, live.kinds as factors, ${sessionUserColumns()}
    from reserved cross join verdict left join live on true left join opened ses on true
      left join (select * from usr where id = (select usr_id from first) union all select * from person) usr on true`;
}

/** The outcome of a sign-in whose reply was lost: its event holds it. */
export function recallIdentitySignIn(sessionId: string, auditId: string): Statement<ProviderSignInRow> {
  return sql`
    select aud.outcome <> 'denied' as allowed, null::int as "retryAfterSeconds", null::text as "limit", aud.metadata ->> 'outcome' as outcome, aud.occurred_at as now,
      aud.metadata ->> 'next' as next, array(select jsonb_array_elements_text(aud.metadata -> 'factors')) as factors,
      ${sessionUserColumns()}
    from aud left join ses on ses.id = ${sessionId}::uuid left join usr on usr.id = aud.actor_usr_id
    where aud.id = ${auditId}::uuid`;
}

/** A provider's answer that was refused. */
export interface RefusedProof {
  readonly auditId: string;
  readonly act: Audited;
  /** The session that links or steps up. */
  readonly actor: Actor | undefined;
  readonly context: RequestContext;
  readonly counters: readonly Counter[];
  readonly attemptDigest: string;
  readonly provider: string;
  /** A code, such as `invalid_signature`. */
  readonly reason: string;
}

/** Counts a refused answer, and inserts its event if the counters allow it. */
export function insertRefusedProof(refused: RefusedProof): Statement<Admission> {
  const { auditId, act, actor, context, counters, attemptDigest, provider, reason } = refused;
  return sql`
    with ${countAttempts({ id: auditId, counters })},
    event as (${insertAuditEvent(
      {
        id: auditId,
        repeatable: true,
        act,
        actor,
        context,
        outcome: sql`case when reserved.allowed then 'failure' else 'denied' end`,
        targetKind: "login",
        targetId: sql`${attemptDigest}::text`,
        metadata: sql`jsonb_build_object('method', 'oidc', 'provider', ${provider}::text, 'reason', ${reason}::text)`,
      },
      sql`reserved where reserved.allowed or reserved.just_limited`,
    )})
    select ${admissionColumns()} from reserved`;
}
