/**
 * Merging two accounts of one person: what moves, and what ends.
 *
 * @module
 */
import { mergeUsers as act, beginMerge, keepInMerge } from "../domain/acts/merging.ts";
import { user } from "../domain/user.ts";
import { rightsOf } from "./access.ts";
import { type AskedOfUser, insertAuditEvent, successOf, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import type { Handle } from "./cte.ts";
import { endings, everythingOf } from "./endings.ts";
import { type Guarded, guardedChange, guardedRead, ofUser } from "./guarded.ts";
import { demandsSecondFactor, hasStrongProof, mustKeepFactor, setPolicies } from "./held-factors.ts";
import { restorableSeconds } from "./identifier-change.ts";
import { isAdministrator } from "./relations.ts";
import { type Statement, sql } from "./sql.ts";
import type { UserRow } from "./users.ts";

/** How many credentials an account may have after a merge. */
const mostCredentials = 100;

/** The user that is to be kept. An administrator's account takes no part. */
export function selectKept(asked: AskedOfUser): Statement<Guarded<UserRow & { isAdministrator: boolean }>> {
  return guardedRead({
    ...ofUser(beginMerge, asked),
    columns: sql`${columnsOf("usr", user)}, ${isAdministrator(sql`usr.id`)} as "isAdministrator"`,
  });
}

/**
 * Ends the user of `asked`, whose credentials become those of the user of `kept`. They are new rows, so that everything that compares
 * a credential's age with an event's takes them for added by the merge. The batch has locked both users.
 */
export function mergeUsers(asked: AskedOfUser, kept: AskedOfUser): Statement<UserRow> {
  const into = sql`${kept.userId}::uuid`;
  const otherUser = (id: Statement, name: string) => sql`jsonb_build_object(${name}::text, ${wireIdOf("usr", id)})`;
  return guardedChange({
    ...ofUser(act, asked),
    refusal: ({ acting, target }) => refusalOf(acting, target, kept),
    set: sql`status = 'revoked'`,
    also: ({ changed }) => sql`${endings(changed, asked.auditId, everythingOf(sql`${changed}.id`))},
    ${moved(changed, into)},
    kept_audit as (${insertAuditEvent(
      { ...successOf(keepInMerge, kept, into), metadata: otherUser(sql`${changed}.id`, "merged") },
      changed,
    )})`,
    metadata: otherUser(into, "into"),
    columns: columnsOf("kept", user),
    join: sql`left join usr kept on kept.id = ${into}`,
  });
}

function refusalOf(acting: Handle<"acting">, target: Handle<"target">, { actor }: AskedOfUser): Statement {
  const id = sql`${target}.id`;
  return sql`(select case
      when keeping.usr_id = ${id} then 'conflict.same_user'
      when keeping.usr_id is null or not keeping.fresh then 'unauthorized.session_expired'
      when ${acting}.administrator or keeping.administrator or exists (
        select from cred held where held.usr_id = ${id} and held.type in ('password', 'oidc') and held.status = 'suspended')
        then 'forbidden'
      -- The credentials of the one must not be a way around the second factor of the other.
      when (${demandsSecondFactor(id)} or ${mustKeepFactor(id)}) and not ${demandsSecondFactor(sql`keeping.usr_id`)}
        then 'precondition.factor_needed_first'
      when ${isComingBack(id)} then 'precondition.invalid_transition'
      when (select count(*) from cred held where held.usr_id in (${id}, keeping.usr_id) and held.status = 'active')
        > ${mostCredentials}::int then 'precondition.limit_reached' end
    from (select 1) one left join (${rightsOf(actor)}) keeping on true)`;
}

/**
 * True if an owner may still take the account back with the link of a notice of the last three days, or an administrator recovers it:
 * a merge would end that. Otherwise, an attacker with the password could merge the account into their own before its owner reads the notice.
 */
function isComingBack(userId: Statement): Statement {
  return sql`(exists (
        select from mail_message m where m.usr_id = ${userId} and m.event_id is not null and m.used_at is null
          and m.kind <> 'recovery_started'
          -- An attacker with the password alone has proved no factor.
          and not (m.kind = 'new_device' and ${hasStrongProof(userId)})
          and m.created_at > sallyport_now() - make_interval(secs => ${restorableSeconds}::int))
      or exists (
        select from verification_token t where t.usr_id = ${userId} and t.purpose = 'recover_account'
          and t.expires_at > sallyport_now()))`;
}

/** The CTEs of what the kept user gets from the one that `changed`. */
function moved(changed: Handle<"changed">, into: Statement): Statement {
  return sql`moved as (
      insert into cred (id, usr_id, type, identifier, identifier_verified_at, replaces, created_at, password_hash, needs_factor,
        passkey_public_key, passkey_sign_count, passkey_rp_id, oidc_issuer, oidc_subject)
      select gen_random_uuid(), ${into}, old.type, old.identifier, old.identifier_verified_at, old.id,
        greatest(sallyport_now(), old.created_at + interval '1 microsecond'), old.password_hash, old.needs_factor,
        old.passkey_public_key, old.passkey_sign_count, old.passkey_rp_id, old.oidc_issuer, old.oidc_subject
      -- The end of the old row comes first: an identifier is unique among active rows. The snapshot has the row as it was.
      from ended_credentials ended join cred old on old.id = ended.id and old.status = 'active'
      returning *),
    moved_identities as (
      insert into linked_identity (cred_id, provider, email, label, last_used_at)
      select moved.id, l.provider, l.email, l.label, l.last_used_at from moved join linked_identity l on l.cred_id = moved.replaces),
    moved_tokens as (
      insert into provider_token (cred_id, provider, access_token, refresh_token, expires_at, scope, lease_id, lease_until)
      select moved.id, t.provider, t.access_token, t.refresh_token, t.expires_at, t.scope, t.lease_id, t.lease_until
      from moved join provider_token t on t.cred_id = moved.replaces),
    -- Authenticators keep the user handle with which a passkey was made.
    moved_passkeys as (
      update webauthn_credential w set usr_id = ${into}, handle = coalesce(w.handle, own.handle)
      from moved, ${changed} left join webauthn_user own on own.usr_id = ${changed}.id
      where moved.type = 'passkey' and w.credential_id = moved.identifier),
    moved_tuples as (
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id, created_at, created_by)
      select gen_random_uuid(), 'usr', ${into}, t.relation, t.object_type, t.object_id, t.created_at, t.created_by
      from ${changed} join tup t on t.subject_type = 'usr' and t.subject_id = ${changed}.id
      on conflict (object_type, object_id, relation, subject_type, subject_id) do nothing),
    moved_policy as (
      insert into usr_mfa_policy as p (usr_id, required)
      select ${into}, true from ${changed} join ${setPolicies()} policy on policy.usr_id = ${changed}.id and policy.required
      on conflict (usr_id) do update set required = true, by_factor = false, grace_until = null, waived_grace_until = null,
        own_changes = p.own_changes + 1)`;
}
