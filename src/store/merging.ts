/**
 * Merging two accounts of one person: what moves, and what ends.
 *
 * @module
 */
import { mergeUsers as act, beginMerge, keepInMerge } from "../domain/acts/merging.ts";
import { roles } from "../domain/membership.ts";
import { user } from "../domain/user.ts";
import { rightsOf } from "./access.ts";
import { type AskedOfUser, insertAuditEvent, successOf, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { type Handle, handle } from "./cte.ts";
import { endings, everythingOf } from "./endings.ts";
import { type Guarded, guardedChange, guardedRead, ofUser } from "./guarded.ts";
import { demandsSecondFactor, hasStrongProof, mustKeepFactor, setPolicies } from "./held-factors.ts";
import { restorableSeconds } from "./identifier-change.ts";
import { deleteCompanions, insertCompanions, isSoleOwner } from "./memberships.ts";
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
    also: ({ changed }) => sql`,
    ${moving(changed)}${endings(changed, asked.auditId, {
      ...everythingOf(sql`${changed}.id`),
      // A statement cannot lock a row that it has changed, so the locks come first.
      credentials: sql`cred.usr_id = ${changed}.id and (select count(*) from moving) >= 0`,
    })},
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
        > ${mostCredentials}::int then 'precondition.limit_reached'
      -- A suspension from an organization stays, so its last owner cannot become this member.
      when exists (
        select from mem old join mem held on held.org_id = old.org_id and held.usr_id = keeping.usr_id and held.status = 'suspended'
        where old.usr_id = ${id} and ${isSoleOwner(sql`old`)}) then 'conflict.sole_owner' end
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

/** The CTE of the credentials that move. It locks them, because another SDK, which locks no user, may suspend one at this moment. */
function moving(changed: Handle<"changed">): Statement {
  return sql`moving as materialized (
      select cred.* from ${changed} join cred on cred.usr_id = ${changed}.id and cred.status = 'active' for no key update of cred)`;
}

/** The CTEs of what the kept user gets from the one that `changed`. */
function moved(changed: Handle<"changed">, into: Statement): Statement {
  return sql`moved as (
      insert into cred (id, usr_id, type, identifier, identifier_verified_at, replaces, created_at, password_hash, needs_factor,
        passkey_public_key, passkey_sign_count, passkey_rp_id, oidc_issuer, oidc_subject)
      select gen_random_uuid(), ${into}, old.type, old.identifier, old.identifier_verified_at, old.id,
        greatest(sallyport_now(), old.created_at + interval '1 microsecond'), old.password_hash, old.needs_factor,
        old.passkey_public_key, old.passkey_sign_count, old.passkey_rp_id, old.oidc_issuer, old.oidc_subject
      -- The end of the old row comes first: an identifier is unique among active rows.
      from ended_credentials ended join moving old on old.id = ended.id
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
        -- These come with their memberships.
        and not (t.object_type = 'org' and t.relation = any(${roles}::text[]))
      on conflict (object_type, object_id, relation, subject_type, subject_id) do nothing),
    member_of as materialized (
      select old.id, old.org_id, old.role, old.invited_by, held.id as held_id,
        held.id is null or held.status = 'active'
          and array_position(${roles}::text[], old.role) < array_position(${roles}::text[], held.role) as moves
      -- Another SDK, which locks no user, may suspend one of them at this moment.
      from (select mem.* from ${changed} join mem on mem.usr_id = ${changed}.id and mem.status = 'active' for no key update of mem) old
      left join (select * from mem where usr_id = ${into} and status <> 'revoked' for no key update) held
        on held.org_id = old.org_id),
    outranked as (
      update mem set status = 'revoked' from member_of where mem.id = member_of.held_id and member_of.moves returning mem.*),
    parted as (${deleteCompanions(sql`outranked`)}),
    moved_memberships as (
      insert into mem (id, usr_id, org_id, role, replaces, invited_by)
      select gen_random_uuid(), ${into}, org_id, role, coalesce(held_id, id), invited_by
      from member_of where moves and (select count(*) from outranked) >= 0
      returning *),
    companions as (${insertCompanions(sql`moved_memberships`, sql`gen_random_uuid()`, handle(sql`acting`))}),
    moved_break_glass as (
      update org_security_policy p set break_glass = array_replace(p.break_glass, ${changed}.id, ${into}) from ${changed}
      where ${changed}.id = any(p.break_glass) and p.org_id in (select mem.org_id from mem where mem.usr_id = ${changed}.id)),
    moved_invitations as (
      update inv set invited_by = ${into} from ${changed} where inv.invited_by = ${changed}.id and inv.status = 'pending'),
    moved_policy as (
      insert into usr_mfa_policy as p (usr_id, required)
      select ${into}, true from ${changed} join ${setPolicies()} policy on policy.usr_id = ${changed}.id and policy.required
      on conflict (usr_id) do update set required = true, by_factor = false, grace_until = null, waived_grace_until = null,
        own_changes = p.own_changes + 1)`;
}
