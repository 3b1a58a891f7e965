import type { GuardedAct } from "../domain/act.ts";
import * as acts from "../domain/acts/credential.ts";
import { type CredentialType, credential } from "../domain/credential.ts";
import { uuidFor } from "../domain/id.ts";
import type { RowOf } from "../domain/record.ts";
import type { Status } from "../domain/user.ts";
import { acting, raiseRefusal, readsAnothersData, refusalUnless } from "./access.ts";
import { type Asked, type AskedOfUser, committed, insertAuditEvent, successOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { refund } from "./counters.ts";
import { type Handle, handle } from "./cte.ts";
import { hasUsedUpDenials } from "./denials.ts";
import { endings, loginsOf } from "./endings.ts";
import { clearFactorCounter, isCleared } from "./factor-proofs.ts";
import {
  type ChangeHandles,
  type Guarded,
  guardedChange,
  guardedInsert,
  guardedList,
  guardedRead,
  ofOwned,
  ofUser,
} from "./guarded.ts";
import { demandsSecondFactor } from "./held-factors.ts";
import { isWithheld } from "./identifiers.ts";
import { type Ending, isSuspendedFromOwner, isUnprovedPassword, refusalsOfEnding } from "./own-credential.ts";
import { type CurrentPassword, lacksPasswordProof } from "./password-proof.ts";
import { type Statement, sql } from "./sql.ts";

export type CredentialRow = RowOf<typeof credential>;

/** The columns of a {@link CredentialRow}, read from the row called `cred`. */
const columns = () => columnsOf("cred", credential);

interface OfCredential extends Asked {
  readonly credentialId: string;
}

/** An act on a password, or an act for which a password must be proved. */
interface Proved extends OfCredential {
  readonly proof: CurrentPassword | undefined;
}

/** The data of a new password. */
interface NewPassword {
  readonly newCredentialId: string;
  readonly passwordHash: string;
  /** True if it is so short that it needs a second factor as well. */
  readonly needsFactor: boolean;
}

/** A new password. After too many refusals a user is refused for a while, and no longer learns which identifiers are taken. */
export function insertPasswordCredential(
  asked: Asked & NewPassword & { proof: CurrentPassword | undefined; userId: string; identifier: string },
): Statement<CredentialRow> {
  const { needsFactor, proof } = asked;
  return guardedInsert({
    ...asked,
    act: acts.createCredential,
    table: sql`cred`,
    refusal: ({ acting, owner }) => sql`case
        when ${lacksPasswordProof(acting, sql`${owner}.id`, proof)} then 'unauthorized.invalid_credential'
        when ${needsFactor}::boolean and not ${demandsSecondFactor(sql`${owner}.id`)} then 'invalid_format.password'
        when ${hasUsedUpDenials(asked.actor.userId)} then 'too_many_requests' end`,
    into: sql`
      insert into cred (id, usr_id, type, identifier, password_hash, needs_factor)
      select ${asked.newCredentialId}::uuid, usr_id, 'password', ${asked.identifier}, ${asked.passwordHash},
        ${needsFactor}::boolean
      from verdict where refusal is null and not ${isWithheld(asked.identifier, sql`verdict.usr_id`)}
      on conflict (type, identifier) where status = 'active' do nothing
      returning *`,
    also: sql`,
    refunded as (${refund(proof?.counter ?? "", sql`exists (select from cred)`)})`,
    otherwise: "conflict.duplicate_credential",
    columns: columns(),
  });
}

/** One row with `refusal` or the credential; a read by an administrator leaves an event. */
export function selectCredential(asked: OfCredential): Statement<Guarded<CredentialRow>> {
  return guardedRead({ ...ofCredential(acts.getCredential, asked), columns: columns() });
}

/** All credentials of a user, oldest first. If there are none, one row holds the refusal. */
export function selectCredentialsOfUser(asked: AskedOfUser): Statement<Guarded<CredentialRow>> {
  return guardedList({ ...ofUser(acts.listCredentials, asked), of: sql`cred`, columns: columns() });
}

/** The active credential with the first of some identifiers that any has, for actors who may read every credential. `id` is null if there is none. */
export function selectCredentialByIdentifier(
  asked: Asked & { type: CredentialType; identifiers: readonly string[] },
): Statement<Guarded<CredentialRow>> {
  const actor = acting(asked.actor);
  const isAnothers = readsAnothersData(handle(sql`verdict`), actor.name, sql`found.usr_id`);
  return sql`
    with ${actor.define},
    verdict as materialized (
      select ${refusalUnless(acts.findCredential, actor.name, {})} as refusal
      from (select 1) one left join acting on true),
    found as (
      select * from cred
      where cred.type = ${asked.type} and cred.identifier = any(${asked.identifiers}::text[]) and cred.status = 'active'
      order by array_position(${asked.identifiers}::text[], cred.identifier) limit 1),
    audit as (${insertAuditEvent(
      { ...successOf(acts.findCredential, asked, sql`found.id`), repeatable: true },
      sql`verdict cross join acting cross join found where ${isAnothers}`,
    )})
    select verdict.refusal, ${columns()}
    from verdict left join found cred on verdict.refusal is null`;
}

/**
 * Replaces an active password with a new one: same user, same identifier, and a new row that `replaces` the old. Ends every
 * session and ticket of the user. The batch has locked the user.
 */
export function rotatePasswordCredential(asked: Proved & NewPassword): Statement<CredentialRow> {
  const actor = acting(asked.actor);
  const target = handle<"target">(sql`target`);
  const verdict = handle<"verdict">(sql`verdict`);
  return sql`
    with ${actor.define},
    target as materialized (select * from cred where id = ${asked.credentialId}::uuid for no key update),
    verdict as materialized (
      select target.id, target.usr_id, coalesce(
        ${refusalUnless(acts.rotateCredential, actor.name, { owner: sql`target.usr_id` })},
        case
          when target.id is null then 'not_found'
          when target.status <> 'active' then 'conflict.credential_not_active'
          when target.type <> 'password' then 'conflict.credential_type_mismatch'
          when usr.status <> 'active' then 'precondition.user_not_active'
          when ${isUnprovedPassword({ acting: actor.name, target }, asked.proof)} then 'unauthorized.invalid_credential'
          when ${asked.needsFactor}::boolean and not ${demandsSecondFactor(sql`target.usr_id`)}
            then 'invalid_format.password'
        end) as refusal
      from (select 1) one left join target on true left join usr on usr.id = target.usr_id left join acting on true),
    ${replacePassword(asked, verdict)},
    audit as (${insertAuditEvent(successOf(acts.rotateCredential, asked, sql`cred.id`), sql`cred`)})
    select ${columns()} from verdict left join cred on true where ${raiseRefusal(verdict)}`;
}

/**
 * The CTEs `replaced` and `cred`, the new password, and the CTEs that end the user's sessions, tickets and links. The new row
 * reads from the update of the old one, so that the old one has left the partial unique index first.
 *
 * @param verdict Holds the old credential's `id`, and the `refusal`. It has locked the old credential, so that one that another SDK
 *   has ended is not replaced.
 * @param isVerified True if the identifier was proved together with the new password. Default: as the old password's.
 */
export function replacePassword(
  password: NewPassword & { auditId: string },
  verdict: Handle<"verdict">,
  isVerified = false,
): Statement {
  const cleared = clearFactorCounter(sql`replaced`);
  const logins = loginsOf(sql`replaced.usr_id`);
  return sql`replaced as (
      update cred set status = 'revoked' from ${verdict}
      where cred.id = ${verdict}.id and ${verdict}.refusal is null
      returning cred.*),
    cred as (
      insert into cred (id, usr_id, type, identifier, identifier_verified_at, password_hash, needs_factor, replaces,
        created_at)
      select ${password.newCredentialId}::uuid, usr_id, type, identifier,
        case when ${isVerified}::boolean then sallyport_now() else identifier_verified_at end, ${password.passwordHash},
        ${password.needsFactor}::boolean, id,
        greatest(sallyport_now(), created_at + interval '1 microsecond')
      from replaced
      returning *),
    ${cleared.define}${endings(sql`replaced`, password.auditId, { ...logins, tickets: sql`${logins.tickets} and ${isCleared(cleared.name)}` })}`;
}

export function suspendCredential(asked: Proved & Ending): Statement<CredentialRow> {
  return changeCredential(
    acts.suspendCredential,
    asked,
    "suspended",
    (handles) => sql`case
      when target.status = 'revoked' then 'conflict.already_terminal' ${refusalsOfEnding(handles, asked)} end`,
  );
}

/** Only for administrators: an owner must not reinstate a credential that an administrator suspended. */
export function reinstateCredential(asked: Proved): Statement<CredentialRow> {
  return changeCredential(
    acts.reinstateCredential,
    asked,
    "active",
    () => sql`case
      when target.status <> 'suspended' then 'precondition.invalid_transition'
      when exists (select from usr where usr.id = target.usr_id and usr.status = 'revoked')
        then 'precondition.user_not_active'
      when exists (
        select from cred held
        where held.type = target.type and held.identifier = target.identifier and held.status = 'active')
        then 'conflict.duplicate_credential' end`,
  );
}

/** @param asked.onlyType If given, only a credential of this type is found. */
export function revokeCredential(
  asked: Proved & Ending & { onlyType?: CredentialType | undefined },
): Statement<CredentialRow> {
  const onlyType = asked.onlyType ?? null;
  return changeCredential(
    acts.revokeCredential,
    asked,
    "revoked",
    (handles) => sql`case
      when target.type <> ${onlyType}::text then 'not_found'
      when target.status = 'revoked' then 'conflict.already_terminal'
      when ${isSuspendedFromOwner(handles)} then 'forbidden' ${refusalsOfEnding(handles, asked)} end`,
  );
}

/** The credential as it is now, if the operation that made the event committed. */
export function recallCredential(credentialId: string, auditId: string): Statement<CredentialRow> {
  return sql`select ${columns()} from cred where cred.id = ${credentialId}::uuid and ${committed(auditId)}`;
}

/** The lock for a change of one credential: its user. */
export function userOfCredential(credentialId: string): Statement<{ id: string }> {
  return sql`select usr_id as id from cred where id = ${credentialId}::uuid`;
}

/**
 * Changes the status. Ends the sessions and tickets that started with the credential. A passkey may have been the second factor
 * of any session of the user, so its end ends all sessions. An administrator who ends a passkey also ends the user's tokens, as
 * with a factor.
 */
function changeCredential(
  act: GuardedAct,
  asked: Proved,
  to: Status,
  refusal: (handles: ChangeHandles) => Statement,
): Statement<CredentialRow> {
  const { sessionId } = asked.actor;
  const kept = sql`${sessionId === undefined ? null : uuidFor("ses", sessionId)}::uuid`;
  const logins = loginsOf(sql`changed.usr_id`);
  return guardedChange({
    ...ofCredential(act, asked),
    refusal,
    set: sql`status = ${to}`,
    // Suspending twice changes nothing; the other two changes refuse to repeat.
    when: to === "suspended" ? sql`target.status = 'active'` : sql`true`,
    also: ({ acting, changed }) => sql`${endings(changed, asked.auditId, {
      sessions: sql`changed.status <> 'active' and (ses.cred_id = changed.id
          or (changed.type = 'passkey' and ${logins.sessions} and ses.id is distinct from ${kept}))`,
      tickets: sql`changed.status <> 'active' and (login_ticket.cred_id = changed.id
          or (changed.type = 'passkey' and ${logins.tickets}))`,
      links: sql`changed.status <> 'active' and verification_token.cred_id = changed.id`,
      tokens: sql`pat.usr_id = changed.usr_id and changed.type = 'passkey' and changed.status <> 'active'
          and (select usr_id from ${acting}) is distinct from changed.usr_id`,
    })},
      refunded as (${refund(asked.proof?.counter ?? "", sql`exists (select from ${changed})`)})${endings(
        changed,
        asked.auditId,
        {
          grants: sql`mfa_enrollment_grant.usr_id = changed.usr_id and changed.type = 'passkey' and changed.status = 'active'`,
        },
      )}`,
    columns: columns(),
  });
}

function ofCredential(act: GuardedAct, asked: OfCredential) {
  return ofOwned(act, asked, sql`cred`, asked.credentialId);
}
