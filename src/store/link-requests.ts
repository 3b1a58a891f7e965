/**
 * Asking for a mailed link without a session, and exchanging the code that stands beside the link.
 *
 * @module
 */
import type { Audited } from "../domain/act.ts";
import type { SessionActor } from "../domain/actor.ts";
import {
  requestSignUp as requestAccount,
  requestPasswordReset,
  requestSignInLink as requestSignIn,
} from "../domain/acts/mailed-link.ts";
import { requestIdentifierChange as requestChange } from "../domain/acts/verification.ts";
import { uuidFor } from "../domain/id.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { acting, refusalUnless } from "./access.ts";
import { insertAuditEvent } from "./audit.ts";
import { type Admission, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { isWithheld, passwordNamed } from "./identifiers.ts";
import { codeCounter } from "./links.ts";
import { isOneMailbox, type OwedMessage } from "./mail.ts";
import { isAdministrator } from "./relations.ts";
import { type Statement, sql } from "./sql.ts";

/** A request for a link, with everything that the isolate draws for it. */
export interface LinkRequest {
  readonly act: Audited;
  readonly purpose: string;
  readonly tokenHash: string;
  readonly message: OwedMessage;
  readonly browserHash: string;
  readonly codeMac: string;
  readonly codeSeconds: number;
  /** Keyed digest of the address. */
  readonly mailbox: string;
  readonly counters: readonly Counter[];
  /** The credential of a known device. If it is none of the address's account, nothing is counted and allowed. */
  readonly deviceCredentialId?: string | undefined;
  readonly context: RequestContext;
  readonly auditId: string;
  readonly identifierDigest: string;
}

/** The outcome of a request. With a refusal, nothing was counted. */
export interface RefusableAdmission extends Admission {
  readonly refusal: string | null;
}

/** SQL for whether the mailbox of a password `cred` may choose a new one: it is proved, or would be the account's first (S11). */
const mayReset = (): Statement => sql`(cred.identifier_verified_at is not null or not (
  ${isAdministrator(sql`cred.usr_id`)} or exists (
    select from cred other where other.usr_id = cred.usr_id and other.status <> 'revoked'
      and other.identifier_verified_at is not null)))`;

/** Owes a link that resets the password, if an account has the identifier. The work is the same if none has it. */
export function requestReset(asked: LinkRequest & { identifiers: readonly string[] }): Statement<RefusableAdmission> {
  return request(asked, holderOf(asked.identifiers, mayReset()));
}

/** Owes a link that signs in, if an account has the identifier as a verified address. The work is the same if none has it. */
export function requestSignInLink(
  asked: LinkRequest & { identifiers: readonly string[] },
): Statement<RefusableAdmission> {
  return request(asked, holderOf(asked.identifiers, sql`cred.identifier_verified_at is not null`));
}

/**
 * Owes a link that makes an account, or a message to the owner of the account that has the identifier. Both are one message to
 * the same address.
 *
 * @param asked.takenKind The kind of that message. Its link has no secret.
 */
export function requestSignUp(
  asked: LinkRequest & { identifier: string; takenKind: string },
): Statement<RefusableAdmission> {
  const { identifier, message, takenKind } = asked;
  return request(
    asked,
    sql`
      select null::uuid as id, null::uuid as usr_id, ${identifier}::text as recipient,
        case when not taken.so then ${identifier}::text end as identifier,
        case when taken.so then ${takenKind}::text else ${message.kind} end as kind
      from (select ${isTaken(identifier)} as so) taken`,
    { oneFor: sql`(mailbox) where purpose = 'sign_up'` },
  );
}

/**
 * Owes a link that gives one of the user's passwords a new address, or a message to the owner of the account that has the address.
 * Both are one message to the same address. Refusals are values, so that the request stays counted.
 *
 * @param asked.from The old identifier: the texts to look for. Default: the password of the session, or else the user's oldest.
 */
export function requestIdentifierChange(
  asked: LinkRequest & {
    actor: SessionActor;
    identifier: string;
    from: readonly string[] | undefined;
    takenKind: string;
  },
): Statement<RefusableAdmission> {
  const { actor, identifier, from, message, takenKind } = asked;
  const rights = acting(actor);
  return request(
    asked,
    sql`
      select own.id, own.usr_id, ${identifier}::text as recipient,
        case when not taken.so then ${identifier}::text end as identifier,
        case when taken.so then ${takenKind}::text else ${message.kind} end as kind,
        coalesce(
          ${refusalUnless(requestChange, rights.name, { owner: sql`acting.usr_id` })},
          case when own.id is null then 'not_found'
            when own.identifier = ${identifier} then 'precondition.invalid_transition' end) as refusal
      from (select ${isTaken(identifier, sql`(select usr_id from acting)`)} as so) taken left join acting on true
      left join lateral (
        select cred.* from cred where cred.usr_id = acting.usr_id and cred.type = 'password' and cred.status = 'active'
          and (${from === undefined}::boolean or cred.identifier = any(${from ?? []}::text[]))
        order by cred.id <> (select cred_id from ses where ses.id = ${uuidFor("ses", actor.sessionId)}::uuid), cred.id
        limit 1) own on true`,
    { rights: rights.define, actor },
  );
}

/** SQL for whether no account, or not the owner's, may take the identifier, a normal form. */
function isTaken(identifier: string, owner?: Statement): Statement {
  return sql`(exists (select from ${passwordNamed([identifier])} cred) or ${isWithheld(identifier, owner)})`;
}

/** The account that has the first of some identifiers: one row, empty if none has it or if `condition` is not met. */
function holderOf(identifiers: readonly string[], condition: Statement): Statement {
  return sql`
      select found.id, found.usr_id, found.identifier as recipient, null::text as identifier, null::text as kind
      from (select 1) one left join (
        select cred.id, cred.usr_id, cred.identifier
        from ${passwordNamed(identifiers)} cred join usr on usr.id = cred.usr_id and usr.status = 'active'
        where ${isOneMailbox(sql`cred.identifier`)} and ${condition}) found on true`;
}

/**
 * Counts the request, and inserts a link, a message and an event. Without a recipient the message is over at once, and the link
 * opens nothing.
 *
 * @param options.oneFor The conflict target of a link, if its mailbox has one link of this purpose, the newest. Default: its
 * password has.
 * @param options.rights The definition of `acting`, if only a user may ask. Then `target` has the column `refusal`.
 */
function request(
  asked: LinkRequest,
  target: Statement,
  { oneFor, rights, actor }: { oneFor?: Statement; rights?: Statement; actor?: SessionActor } = {},
): Statement<RefusableAdmission> {
  const { purpose, tokenHash, message, browserHash, codeMac, codeSeconds, mailbox, auditId, context } = asked;
  const after = (seconds: number): Statement => sql`sallyport_now() + make_interval(secs => ${seconds}::int)`;
  const wanted = sql`target cross join reserved where reserved.allowed`;
  const isKnown = sql`exists (
    select from target join cred on cred.usr_id = target.usr_id and cred.status = 'active'
    where cred.id = ${asked.deviceCredentialId ?? null}::uuid)`;
  return sql`
    with ${rights ? sql`${rights},` : sql``}
    target as materialized (${target}),
    ${countAttempts({
      id: auditId,
      counters: asked.counters,
      condition: sql`${rights ? sql`(select refusal is null from target)` : sql`true`}
        and ${asked.deviceCredentialId === undefined ? sql`true` : isKnown}`,
    })},
    link as (
      insert into verification_token (token_hash, purpose, usr_id, cred_id, identifier, mailbox, browser_hash, code_mac,
        created_at, expires_at, code_expires_at)
      select decode(${tokenHash}, 'hex'), ${purpose}, target.usr_id, target.id, target.identifier,
        ${mailbox}::text,
        decode(${browserHash}, 'hex'), decode(${codeMac}, 'hex'), sallyport_now(), ${after(message.lifetimeSeconds)},
        ${after(codeSeconds)}
      from ${wanted}
      on conflict ${oneFor ?? sql`(cred_id, purpose)`} do update set token_hash = excluded.token_hash, identifier = excluded.identifier,
        mailbox = excluded.mailbox,
        browser_hash = excluded.browser_hash, code_mac = excluded.code_mac, created_at = excluded.created_at,
        expires_at = excluded.expires_at, code_expires_at = excluded.code_expires_at, attempts = 0),
    message as (
      insert into mail_message (id, kind, usr_id, recipient, content, status, ended_at, expires_at)
      select ${message.id}::uuid, coalesce(target.kind, ${message.kind}), target.usr_id, target.recipient,
        case when target.kind is distinct from ${message.kind} and target.kind is not null
            then jsonb_build_object('language', ${String(message.content.language)}::text)
          when target.recipient is not null then ${JSON.stringify(message.content)}::jsonb end,
        case when target.recipient is null then 'expired' else 'owed' end,
        case when target.recipient is null then sallyport_now() end, ${after(message.lifetimeSeconds)}
      from ${wanted}),
    audit as (${insertAuditEvent(
      {
        id: auditId,
        act: asked.act,
        actor,
        outcome: sql`case when reserved.allowed then 'success' else 'denied' end`,
        context,
        targetId: sql`${asked.identifierDigest}::text`,
      },
      sql`reserved where reserved.allowed or reserved.just_limited`,
    )})
    select ${rights ? sql`target.refusal` : sql`null::text as refusal`}, ${admissionColumns()} from reserved cross join target`;
}

/** The outcome of a request whose reply was lost. */
export function recallLinkRequest(auditId: string): Statement<RefusableAdmission> {
  return sql`
    select null::text as refusal, aud.outcome = 'success' as allowed, null::int as "retryAfterSeconds", null::text as "limit" from aud where aud.id = ${auditId}::uuid`;
}

const requestActions = [requestPasswordReset, requestSignIn, requestAccount, requestChange].map(({ action }) => action);

/** A code is tried this often, however right the last one is (R020). */
const codeAttempts = 5;

export interface ExchangedRow extends Admission {
  /** The purpose of the link that the code stood beside, or null if the code is wrong or too old. */
  readonly purpose: string | null;
}

/**
 * Tries a code. A right one gives its link a new secret, known to the browser that asked alone; the mailed link then no longer
 * works. Wrong codes are counted for the address, over all its links, whether or not an account has it (R013). The event of the
 * request names the address: the link may be gone, and that would show that an account had it.
 *
 * A browser that the account of the link knows counts for itself, together with the account's other known devices: a stranger's
 * wrong codes do not keep the owner out (S22), and many known devices give no more attempts than one.
 */
export function exchangeCode(attempt: {
  act: Audited;
  browserHash: string;
  /** The id of the request's event. */
  requestId: string | undefined;
  /** The MAC of the code under every key that is listed. */
  codeMacs: readonly string[];
  newTokenHash: string;
  codeSeconds: number;
  counters: readonly Counter[];
  /** The credential that a known-device cookie was made for. */
  deviceCredentialId: string | undefined;
  context: RequestContext;
  auditId: string;
}): Statement<ExchangedRow> {
  const { auditId, browserHash, deviceCredentialId } = attempt;
  const matches = sql`encode(t.code_mac, 'hex') = any(${attempt.codeMacs}::text[])`;
  return sql`
    with asked as materialized (
      select split_part(target_id, '_', 2) as mailbox from aud
      where id = ${attempt.requestId ?? null}::uuid and action = any(${requestActions}::text[]) and outcome = 'success'
        and occurred_at > sallyport_now() - make_interval(secs => ${attempt.codeSeconds}::int)),
    ${countAttempts({
      id: auditId,
      counters: attempt.counters,
      account: sql`(select ${codeCounter(sql`mailbox`)} from asked)`,
      knownDevice: sql`exists (
        select from verification_token own join cred on cred.usr_id = own.usr_id and cred.status = 'active'
        where own.browser_hash = decode(${browserHash}, 'hex') and cred.id = ${deviceCredentialId ?? null}::uuid)`,
    })},
    tried as (
      update verification_token t set attempts = t.attempts + 1,
        token_hash = case when ${matches} then decode(${attempt.newTokenHash}, 'hex') else t.token_hash end,
        -- Null, not the time: a statement that waited for this one has an older clock.
        code_expires_at = case when not ${matches} then t.code_expires_at end
      from reserved
      where t.browser_hash = decode(${browserHash}, 'hex') and t.code_expires_at > sallyport_now() and reserved.allowed
        and t.attempts < ${codeAttempts}::int
      returning t.purpose, ${matches} as matches),
    audit as (${insertAuditEvent(
      {
        id: auditId,
        act: attempt.act,
        outcome: sql`case when not reserved.allowed then 'denied' when tried.matches then 'success' else 'failure' end`,
        context: attempt.context,
        targetId: sql`coalesce(asked.mailbox, 'unknown')`,
        metadata: sql`jsonb_strip_nulls(jsonb_build_object('purpose', case when tried.matches then tried.purpose end))`,
      },
      sql`reserved left join tried on true left join asked on true where reserved.allowed or reserved.just_limited`,
    )})
    select ${admissionColumns()}, case when tried.matches then tried.purpose end as purpose
    from reserved left join tried on true`;
}

/** Refunds the attempt of a right code, to the counter that it was counted on: the address's or the known device's. It runs after the attempt, in the same transaction: one statement changes a row once. */
export function refundExchange(auditId: string, device: string | undefined): Statement {
  return sql`
    update attempt set count = greatest(count - 1, 0), streak = 0 from aud
    where aud.id = ${auditId}::uuid and aud.outcome = 'success' and ${auditId}::uuid = any(attempt.recent)
      and attempt.bucket in (${codeCounter(sql`split_part(aud.target_id, '_', 2)`)}, ${device ?? null}::text)
    returning 1 as refunded`;
}

/** A row if the exchange has committed. */
export function recallRefund(auditId: string): Statement {
  return sql`select 1 as refunded from aud where aud.id = ${auditId}::uuid`;
}

/** The outcome of a code whose reply was lost. */
export function recallExchange(auditId: string): Statement<ExchangedRow> {
  return sql`
    select aud.outcome <> 'denied' as allowed, null::int as "retryAfterSeconds", null::text as "limit", aud.metadata ->> 'purpose' as purpose
    from aud where aud.id = ${auditId}::uuid`;
}
