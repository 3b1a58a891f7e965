/**
 * Accepting and declining invitations to an organization.
 *
 * @module
 */
import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/organization-invitation.ts";
import { membership } from "../domain/membership.ts";
import type { Prefixed } from "../domain/record.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { type Asked, insertAuditEvent, successOf, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { type Admission, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { type Handle, handle } from "./cte.ts";
import { insertCompanions, livingOf, type Made, type MembershipRow } from "./memberships.ts";
import { hasWithheld, type InvitationRow, invitationColumns, isOpen, isUpheld } from "./organization-invitations.ts";
import { type SessionUserRow, sessionUserColumns } from "./sessions.ts";
import { makeAccount, type NewAccount } from "./sign-up.ts";
import { type Statement, sql } from "./sql.ts";

/** SQL for whether a secret is one of the two of an invitation `inv`. */
export function isOf(tokenHash: string): Statement {
  return sql`(inv.copied_hash = decode(${tokenHash}, 'hex') or inv.mailed_hash = decode(${tokenHash}, 'hex'))`;
}

/** SQL for the inviter of an invitation, whose rights must not end meanwhile. */
export function inviterOf(invitation: Statement): Statement<{ id: string }> {
  return sql`select inv.invited_by as id from inv where ${invitation}`;
}

/** SQL for whether a secret is the mailed one. */
const isMailed = (tokenHash: string): Statement =>
  sql`(inv.mailed_hash is not distinct from decode(${tokenHash}, 'hex'))`;

/** SQL for whether more than a user's word stands for the identifier: the secret was mailed to it, or the application invited it. */
const isVouched = (tokenHash: string): Statement => sql`(inv.is_trusted or ${isMailed(tokenHash)})`;

/** What the holder of a secret may know of its invitation: null if the invitation does not count. */
export interface OpenInvitationRow {
  readonly identifier: string | null;
  readonly role: InvitationRow["role"];
  readonly expiresAt: Date;
  readonly name: string | null;
  readonly slug: string | null;
  /** True if the secret was mailed, or the application made the invitation. */
  readonly isVouched: boolean;
}

/** SQL for the open invitation of a secret, with its organization: `inv` and `org`. */
const openOf = (tokenHash: string): Statement =>
  sql`inv join org on org.id = inv.org_id and org.status = 'active' where ${isOf(tokenHash)} and ${isOpen()} and ${isUpheld()}`;

/** The open invitation of a secret. Always one row. */
export function selectOpenInvitation(tokenHash: string): Statement<OpenInvitationRow> {
  return sql`
    select open.identifier, open.role, open.expires_at as "expiresAt", open.name, open.slug, open.vouched as "isVouched"
    from (select 1) one left join (
      select inv.identifier, inv.role, inv.expires_at, org.name, org.slug, ${isVouched(tokenHash)} as vouched
      from ${openOf(tokenHash)}) open on true`;
}

/** An acceptance by a signed-in user, who presents a secret; or by the application, for a user who has the invited identifier. */
export interface Acceptance extends Asked {
  readonly made: Made;
  readonly by:
    | { readonly tokenHash: string; readonly invitationId: string | undefined }
    | { readonly invitationId: string; readonly userId: string; readonly identifiers: readonly string[] };
}

export type AcceptedRow = InvitationRow & Prefixed<MembershipRow, "membership">;

const acceptedColumns = () => sql`${invitationColumns()}, ${columnsOf("mem", membership, {}, "membership.")}`;

/** SQL for whether an invitation `inv` is the one of the acceptance. */
export function isAsked({ by }: Pick<Acceptance, "by">): Statement {
  if (!("tokenHash" in by)) return sql`inv.id = ${by.invitationId}::uuid`;
  const named = by.invitationId === undefined ? sql`true` : sql`inv.id = ${by.invitationId}::uuid`;
  return sql`(${isOf(by.tokenHash)} and ${named})`;
}

/**
 * Makes the user of an invitation a member, with its pre-tuples. Raises if the invitation does not count, which undoes the batch. The
 * batch has locked both users and the organization.
 */
export function acceptInvitation(asked: Acceptance): Statement<AcceptedRow> {
  const { by, made } = asked;
  const actor = acting(asked.actor);
  const act = "tokenHash" in by ? acts.acceptInvitation : acts.acceptInvitationFor;
  const absent = "tokenHash" in by ? "unauthorized.invalid_link" : "not_found";
  const userId = "tokenHash" in by ? sql`acting.usr_id` : sql`${by.userId}::uuid`;
  return sql`
    with ${actor.define},
    target as materialized (select inv.* from inv where ${isAsked(asked)} for no key update),
    verdict as materialized (
      select inv.id, usr.id as usr_id, coalesce(
        ${refusalUnless(act, actor.name, "tokenHash" in by ? { owner: sql`acting.usr_id` } : {})},
        case when inv.id is null then ${absent}
          when usr.id is null then 'not_found'
          when inv.status <> 'pending' then 'conflict.invitation_not_pending'
          when inv.expires_at <= sallyport_now() then 'conflict.invitation_expired'
          when org.status <> 'active' then 'precondition.org_not_active' end,
        ${"tokenHash" in by ? refusalOfHolder(by.tokenHash) : refusalOfNamed(by.identifiers)},
        case when usr.status <> 'active' then 'precondition.user_not_active'
          when exists (${livingOf(sql`inv.org_id`, sql`usr.id`)}) then 'conflict.duplicate_membership' end) as refusal
      from (select 1) one left join acting on true left join target inv on true left join org on org.id = inv.org_id
      left join usr on usr.id = ${userId}),
    inv as (
      update inv set status = 'accepted', terminal_at = greatest(sallyport_now(), inv.created_at), terminal_by = verdict.usr_id,
        invited_user_id = verdict.usr_id
      from verdict where inv.id = verdict.id and verdict.refusal is null
      returning inv.*),
    ${join(made, actor.name)},
    audit as (${insertAuditEvent(
      {
        ...successOf(act, asked, sql`inv.id`),
        metadata: metadataOf("tokenHash" in by ? isMailed(by.tokenHash) : sql`false`),
      },
      sql`inv`,
    )})
    select ${acceptedColumns()} from verdict left join inv on true left join mem on true
    where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** SQL for the refusal of a user who holds a secret of an invitation `inv`. The mailed one proves the address that the user has. */
function refusalOfHolder(tokenHash: string): Statement {
  return sql`case
          when not ${isUpheld()} then 'conflict.invitation_not_pending'
          else (
            select case when count(*) = 0 then 'precondition.identifier_mismatch'
              when not ${isMailed(tokenHash)} and not bool_or(own.is_verified) then 'precondition.identifier_unverified' end
            from (
              select cred.identifier_verified_at is not null as is_verified from cred
              where cred.type = 'password' and cred.identifier = inv.identifier and cred.status = 'active' and cred.usr_id = usr.id
              union all
              select true from linked_identity l join cred on cred.id = l.cred_id
              where l.email = inv.identifier and cred.status = 'active' and cred.usr_id = usr.id) own) end`;
}

/**
 * SQL for the refusal of a user of whom the application says which identifiers they have. Another SDK checks no pre-tuple: one of its
 * invitations could make an administrator.
 */
function refusalOfNamed(identifiers: readonly string[]): Statement {
  return sql`case when inv.identifier <> all(${identifiers}::text[]) then 'precondition.identifier_mismatch'
          when ${hasWithheld(sql`inv.pre_tuples`)} then 'forbidden' end`;
}

/**
 * The CTEs `mem`, `companion`, `granted` and `others`: what an accepted invitation `inv` brings. Other open invitations of
 * the identifier end, so that a member who is removed later has no way back.
 */
function join(made: Made, actor: Handle<"acting">): Statement {
  return sql`mem as (
      insert into mem (id, usr_id, org_id, role, invited_by)
      select ${made.id}::uuid, inv.invited_user_id, inv.org_id, inv.role, inv.invited_by from inv
      returning *),
    companion as (${insertCompanions(sql`mem`, sql`${made.tupleId}::uuid`, actor)}),
    granted as (
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id, created_by)
      select gen_random_uuid(), 'usr', inv.invited_user_id, asked.relation, asked.object_type, asked.object_id, inv.invited_by
      from inv cross join jsonb_to_recordset(inv.pre_tuples) as asked(relation text, object_type text, object_id uuid)
      on conflict do nothing),
    others as (
      update inv other set status = 'revoked', terminal_at = greatest(sallyport_now(), other.created_at), terminal_by = inv.invited_user_id
      from inv where other.org_id = inv.org_id and other.identifier = inv.identifier and other.status = 'pending' and other.id <> inv.id)`;
}

/** SQL for the metadata of an acceptance. */
function metadataOf(mailed: Statement): Statement {
  return sql`jsonb_build_object('org', ${wireIdOf("org", sql`inv.org_id`)}, 'usr', ${wireIdOf("usr", sql`inv.invited_user_id`)},
      'role', inv.role, 'mailed', ${mailed})`;
}

/** The invitation and the membership as they are now, if the operation that made the event committed. */
export function recallAcceptance({ made, auditId }: Pick<Acceptance, "made" | "auditId">): Statement<AcceptedRow> {
  return sql`
    select ${acceptedColumns()}
    from ${ofEvent(auditId)} join mem on mem.id = ${made.id}::uuid`;
}

/** The invitation as it is now, if the operation that made the event committed. */
export function recallDeclined(auditId: string): Statement<InvitationRow> {
  return sql`select ${invitationColumns()} from ${ofEvent(auditId)}`;
}

/** SQL for the invitation `inv` of an event. */
function ofEvent(auditId: string): Statement {
  return sql`(
      select inv.* from aud join inv on inv.id = right(aud.target_id, 32)::uuid where aud.id = ${auditId}::uuid) inv`;
}

/** Counts an attempt with a secret, before a password is hashed for it. Always one row; if the secret opens nothing, nothing is counted. */
export function reserveAcceptance(attempt: {
  tokenHash: string;
  /** Whether only a vouched secret makes an account. */
  needsVouching: boolean;
  counters: readonly Counter[];
  context: RequestContext;
  auditId: string;
}): Statement<{ identifier: string | null } & Admission> {
  return sql`
    with open as materialized (
      select inv.id, inv.identifier from ${openOf(attempt.tokenHash)} and (not ${attempt.needsVouching}::boolean or ${isVouched(attempt.tokenHash)})),
    ${countAttempts({ id: attempt.auditId, counters: attempt.counters, condition: sql`exists (select from open)` })},
    audit as (${insertAuditEvent(
      {
        id: attempt.auditId,
        act: acts.acceptInvitationAsNewUser,
        context: attempt.context,
        targetId: sql`open.id`,
        outcome: "denied",
        repeatable: true,
        metadata: sql`jsonb_build_object('reason', 'too_many_requests')`,
      },
      sql`reserved cross join open where reserved.just_limited`,
    )})
    select ${admissionColumns()}, open.identifier from reserved left join open on true`;
}

/**
 * Makes the account of an invitation's identifier, which is proved if the secret is the mailed one, and its membership. Raises if the
 * invitation does not count or the identifier is taken, which undoes the batch. The batch has locked the identifier, the inviter and
 * the organization.
 */
export function createAccountWithInvitation(
  account: NewAccount & { tokenHash: string; made: Made; needsVouching: boolean },
): Statement<SessionUserRow> {
  const { tokenHash, userId, identifier, made, needsVouching } = account;
  return sql`
    with open as materialized (
      select inv.id from ${openOf(tokenHash)} and (not ${needsVouching}::boolean or ${isVouched(tokenHash)}) for no key update of inv),
    inv as (
      update inv set status = 'accepted', terminal_at = greatest(sallyport_now(), inv.created_at), terminal_by = ${userId}::uuid,
        invited_user_id = ${userId}::uuid
      from open where inv.id = open.id
      returning inv.*),
    acting as (select invited_user_id as usr_id from inv),
    ${makeAccount({ ...account, isVerified: isMailed(tokenHash) }, sql`inv where inv.identifier = ${identifier}`)},
    ${join(made, handle(sql`acting`))},
    audit as (${insertAuditEvent(
      {
        id: account.auditId,
        act: acts.acceptInvitationAsNewUser,
        outcome: "success",
        context: account.context,
        targetId: sql`inv.id`,
        actingUser: sql`proof.usr_id`,
        session: sql`login.id`,
        metadata: metadataOf(isMailed(tokenHash)),
      },
      sql`inv cross join proof cross join login`,
    )})
    select ${sessionUserColumns()}
    from (select 1) one left join person usr on true left join login ses on true
    where case when usr.id is not null then true
      when exists (select from inv) then sallyport_refuse('conflict.duplicate_credential')
      else sallyport_refuse('unauthorized.invalid_link') end`;
}

/** Declines an invitation, with a secret. The batch has locked the organization. */
export function declineInvitation(decline: {
  tokenHash: string;
  invitationId: string | undefined;
  context: RequestContext;
  auditId: string;
}): Statement<InvitationRow> {
  return decliningOf(
    isAsked({ by: decline }),
    sql`null::uuid`,
    sql`case when target.id is null then 'unauthorized.invalid_link' end`,
    { ...decline, act: acts.declineInvitation },
  );
}

/** Declines an invitation for a user, or for a person who has no account. The batch has locked the organization. */
export function declineInvitationFor(
  asked: Asked & { invitationId: string; userId: string | undefined },
): Statement<InvitationRow> {
  const { actor, auditId } = asked;
  const rights = acting(actor);
  const refusal = sql`coalesce(${refusalUnless(acts.declineInvitationFor, rights.name, {})},
        case when target.id is null then 'not_found'
          when ${asked.userId ?? null}::uuid is not null and not exists (select from usr where usr.id = ${asked.userId ?? null}::uuid)
          then 'not_found' end)`;
  return decliningOf(
    sql`inv.id = ${asked.invitationId}::uuid`,
    sql`${asked.userId ?? null}::uuid`,
    refusal,
    { act: acts.declineInvitationFor, auditId, actor, context: actor.context },
    rights.define,
  );
}

function decliningOf(
  which: Statement,
  userId: Statement,
  refusal: Statement,
  event: { act: typeof acts.declineInvitation; auditId: string; actor?: Actor; context: RequestContext },
  rights: Statement = sql`acting as (select 1)`,
): Statement<InvitationRow> {
  const { auditId: id, act, actor, context } = event;
  return sql`
    with ${rights},
    target as materialized (select inv.* from inv where ${which} for no key update),
    verdict as materialized (
      select target.id, coalesce(${refusal},
        case when target.status <> 'pending' or target.expires_at <= sallyport_now() then 'conflict.invitation_not_pending' end)
        as refusal
      from (select 1) one left join acting on true left join target on true),
    inv as (
      update inv set status = 'declined', terminal_at = greatest(sallyport_now(), inv.created_at), terminal_by = ${userId}
      from verdict where inv.id = verdict.id and verdict.refusal is null
      returning inv.*),
    audit as (${insertAuditEvent({ id, act, actor, context, outcome: "success", targetId: sql`inv.id` }, sql`inv`)})
    select ${invitationColumns()} from verdict left join inv on true where ${raiseRefusal(handle(sql`verdict`))}`;
}
