/**
 * A live mailed link of a password, and the attempts with it.
 *
 * @module
 */
import { resetPassword } from "../domain/acts/mailed-link.ts";
import { verifyIdentifier } from "../domain/acts/verification.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { type AuditEvent, insertAuditEvent } from "./audit.ts";
import { type Admission, admissionColumns, type Counter, countAttempts, credentialCounter } from "./counters.ts";
import type { Lock } from "./locks.ts";
import { isAdministrator } from "./relations.ts";
import { type Statement, sql } from "./sql.ts";

/** The lock for spending a link: its user. An unknown link locks no one. */
export function userOfLink(tokenHash: string): Statement<{ id: string }> {
  return sql`select usr_id as id from verification_token where token_hash = decode(${tokenHash}, 'hex')`;
}

/** The name of the counter of wrong codes for an address, as SQL. */
export function codeCounter(mailbox: Statement): Statement {
  return sql`'code:' || ${mailbox}`;
}

/** The name of the counter of wrong codes from known devices of a password, as SQL. */
function deviceCounter(credential: Statement): Statement {
  return sql`'code-device:' || ${credential}::text`;
}

/**
 * Locks the counters of wrong codes that spending a link clears. An attempt with a code locks the counter before the link; the other
 * order could deadlock.
 */
export function lockOfCodes(tokenHash: string): Lock {
  const statement = sql`
    select bucket from attempt where bucket in (
      select unnest(array[${codeCounter(sql`mailbox`)}, ${deviceCounter(sql`cred_id`)}]) from verification_token
      where token_hash = decode(${tokenHash}, 'hex'))
    order by bucket for update`;
  return { on: "counter", name: `codes of ${tokenHash}`, statement };
}

/**
 * The CTE body that clears the counter of wrong codes for the address whose link was spent. A stranger can close that counter; the
 * link shows that the spender reads the mailbox, and opens it again (S22).
 *
 * @param spent A CTE with the column `mailbox`, empty if no link was spent.
 * @param credential SQL for the password that goes on after the link, whose known devices have a counter too. Default: none does.
 */
export function clearCodes(spent: Statement, credential: Statement = sql`null`): Statement {
  return sql`update attempt set count = 0, streak = 0 from ${spent}
      where attempt.bucket in (${codeCounter(sql`${spent}.mailbox`)}, ${deviceCounter(credential)})`;
}

/** What a link is for: the proof of an address, or a new password for it. */
export type LinkPurpose = "verify_identifier" | "reset_password";

/** What {@link linkOf} finds: also a new address for the password. */
type FoundPurpose = LinkPurpose | "change_identifier";

/** The act of each purpose. */
const actOf = { verify_identifier: verifyIdentifier, reset_password: resetPassword } as const;

/**
 * The password and the user of a live link, as the row `link`.
 *
 * - `wanted`: the new address, if the link is for one.
 * - `mailbox`: the keyed digest of the address that the link was mailed to, if it has a code.
 * - `is_verified`: the address is verified.
 * - `is_later`: the account has another verified address.
 * - `needs_session`: the mailbox is no proof of the account, because the account has another verified address (S40) or is an
 *   administrator's.
 *
 * @param link.spends True if the password is changed: then it is locked, since another SDK that ends it locks no user. Default false.
 */
export function linkOf({
  tokenHash,
  purpose,
  spends = false,
}: {
  tokenHash: string;
  purpose: FoundPurpose;
  spends?: boolean;
}): Statement {
  return sql`
      select cred.id, cred.usr_id, cred.identifier, cred.password_hash, cred.needs_factor, t.identifier as wanted, t.mailbox, later.is_later, verified.so as is_verified,
        not verified.so and (later.is_later or ${isAdministrator(sql`cred.usr_id`)}) as needs_session
      from verification_token t
      join cred on cred.id = t.cred_id and cred.status = 'active'
      join usr on usr.id = t.usr_id and usr.status = 'active'
      cross join lateral (select cred.identifier_verified_at is not null as so) verified
      cross join lateral (select exists (
        select from cred other where other.usr_id = cred.usr_id and other.id <> cred.id and other.status <> 'revoked'
          and other.identifier_verified_at is not null) as is_later) later
      where t.token_hash = decode(${tokenHash}, 'hex') and t.purpose = ${purpose} and t.expires_at > sallyport_now()
        and (not verified.so or ${purpose}::text <> 'verify_identifier')
      ${spends ? sql`for no key update of cred` : sql``}`;
}

export interface ReservedLinkRow extends Admission {
  /** Null if the link is not valid. Then nothing was counted. */
  readonly credentialId: string | null;
  readonly identifier: string | null;
  readonly userId: string | null;
  readonly passwordHash: string | null;
  /** True if only a session of the account can spend the link. */
  readonly needsSession: boolean | null;
  readonly counter: string | null;
}

/** Counts an attempt with a link, before a password is hashed for it. Always one row. */
export function reserveLink(attempt: {
  tokenHash: string;
  purpose: LinkPurpose;
  counters: readonly Counter[];
  /** The credential that a known-device cookie was made for, if there is a counter for the device. */
  deviceCredentialId?: string | undefined;
  context: RequestContext;
  auditId: string;
}): Statement<ReservedLinkRow> {
  return sql`
    with link as materialized (${linkOf(attempt)}),
    ${countAttempts({
      id: attempt.auditId,
      counters: attempt.counters,
      account: credentialCounter(sql`(select id from link)`),
      knownDevice: sql`exists (select from link where link.id = ${attempt.deviceCredentialId ?? null}::uuid)`,
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
    select ${admissionColumns()}, link.id as "credentialId", link.identifier, link.usr_id as "userId", link.password_hash as "passwordHash",
      link.needs_session as "needsSession", reserved.counter
    from reserved left join link on true`;
}

/** The event of an attempt. */
export const linkEvent = (
  spend: { auditId: string; purpose: LinkPurpose; context: RequestContext },
  credentialId: Statement,
): Omit<AuditEvent, "outcome"> => ({
  id: spend.auditId,
  act: actOf[spend.purpose],
  context: spend.context,
  targetId: credentialId,
});

/** The event of a wrong password beside a right link. */
export function recordWrongLinkPassword(attempt: {
  credentialId: string;
  purpose: LinkPurpose;
  context: RequestContext;
  auditId: string;
}): Statement {
  return insertAuditEvent(
    { ...linkEvent(attempt, sql`${attempt.credentialId}::uuid`), outcome: "failure", repeatable: true },
    sql`(select 1) one`,
  );
}

/** What a mailed link is for, and the address that it was mailed to. */
export interface LookedLinkRow {
  /** Null if the link is not valid. */
  readonly purpose: "verify_identifier" | "reset_password" | "sign_in" | "sign_up" | "change_identifier" | null;
  readonly identifier: string | null;
}

/** Reads a live link. A link of a sign-up or of a change has its own address, any other one that of its account. Always one row. */
export function selectLink(tokenHash: string): Statement<LookedLinkRow> {
  return sql`
    select t.purpose, coalesce(t.identifier, cred.identifier) as identifier
    from (select 1) one left join (
      verification_token t
      left join cred on cred.id = t.cred_id and cred.status = 'active'
      left join usr on usr.id = cred.usr_id and usr.status = 'active')
      on t.token_hash = decode(${tokenHash}, 'hex') and t.expires_at > sallyport_now()
        and t.purpose in ('verify_identifier', 'reset_password', 'sign_in', 'sign_up', 'change_identifier')
        and (usr.id is not null or (t.purpose = 'sign_up' and t.identifier is not null))
        and (t.purpose <> 'verify_identifier' or cred.identifier_verified_at is null)
        and (t.purpose <> 'sign_in' or cred.identifier_verified_at is not null)`;
}
