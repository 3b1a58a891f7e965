/**
 * Invitations to an organization, as its owners and admins see them.
 *
 * @module
 */
import type { GuardedAct } from "../domain/act.ts";
import * as acts from "../domain/acts/organization-invitation.ts";
import { atLeast, type Role, roles } from "../domain/membership.ts";
import {
  longestOrganizationInvitationSeconds,
  type OrganizationInvitation,
  organizationInvitation,
  organizationInvitationSeconds,
  type PreTupleBody,
} from "../domain/organization-invitation.ts";
import type { RowOf } from "../domain/record.ts";
import { withheldObjectTypes } from "../domain/tuple.ts";
import { acting, refusalUnless } from "./access.ts";
import { type Asked, committed, insertAuditEvent, successOf, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { type Admission, type Counter, countAttempts, waitColumns } from "./counters.ts";
import { handle } from "./cte.ts";
import { type Guarded, type GuardedRow, guardedChange, guardedList, guardedRead } from "./guarded.ts";
import { type IdempotencyClaim, onlyOnce } from "./idempotency.ts";
import type { Lock } from "./locks.ts";
import type { OwedMessage } from "./mail.ts";
import { mayGrant, strongestRelation } from "./relations.ts";
import { type Statement, sql } from "./sql.ts";

export type InvitationRow = RowOf<typeof organizationInvitation> & {
  readonly invitedUserId: string | null;
  readonly preTuples: readonly PreTupleBody[];
};

/** SQL for the state of the row called `inv`. */
const status = () =>
  sql`case when inv.status = 'pending' and inv.expires_at <= sallyport_now() then 'expired' else inv.status end`;

/** The columns of an {@link InvitationRow}, read from the row called `inv`. */
export const invitationColumns = (): Statement =>
  sql`${columnsOf("inv", organizationInvitation, { status: status() })}, inv.invited_user_id as "invitedUserId",
    inv.pre_tuples as "preTuples"`;

/** SQL for whether an invitation `inv` is open, apart from its inviter's rights. */
export const isOpen = (): Statement => sql`(inv.status = 'pending' and inv.expires_at > sallyport_now())`;

/**
 * SQL for whether the inviter of an invitation `inv` may still make it. The rights are those of now, in the statement that reads
 * them. An invitation of the application does not depend on them, but no invitation opens what is withheld from everyone.
 */
export const isUpheld = (): Statement => sql`(not ${hasWithheld(sql`inv.pre_tuples`)} and (inv.is_trusted or (
      exists (select from usr where usr.id = inv.invited_by and usr.status = 'active')
      and coalesce(${strongestRelation(atLeast("admin"), sql`inv.invited_by`, sql`inv.org_id`)}
        <= ${weakestInviter(sql`inv.role`)}, false)
      and ${mayGrantAll(sql`inv.invited_by`, sql`inv.pre_tuples`)})))`;

/** SQL for the rank, from 1, of the weakest role that may invite to a role. */
export function weakestInviter(role: Statement): Statement {
  return sql`least(${roles.indexOf("admin") + 1}::int, array_position(${roles}::text[], ${role}))`;
}

/**
 * SQL for whether pre-tuples would make an administrator, or a member of an organization. Sallyport refuses to store such ones, but
 * another SDK checks none of its own.
 */
export function hasWithheld(preTuples: Statement): Statement {
  return sql`exists (
      select from jsonb_to_recordset(${preTuples}) as withheld(object_type text)
      where withheld.object_type = any(${withheldObjectTypes}::text[]))`;
}

/** SQL for whether a user may give each of some pre-tuples. */
function mayGrantAll(userId: Statement, preTuples: Statement): Statement {
  return sql`not exists (
      select from jsonb_to_recordset(${preTuples}) as asked(relation text, object_type text, object_id uuid)
      where not ${mayGrant(userId, sql`asked`)})`;
}

export interface OfInvitation extends Asked {
  readonly invitationId: string;
  /** If given, an invitation to another organization is absent. */
  readonly organizationId: string | undefined;
}

function ofInvitation(act: GuardedAct, asked: OfInvitation): GuardedRow {
  const { actor, auditId, invitationId: id, organizationId } = asked;
  const within = organizationId === undefined ? sql`true` : sql`org_id = ${organizationId}::uuid`;
  // It belongs to no user: whom it invites shows the secret.
  const owner = sql`null::uuid`;
  return { act, actor, auditId, table: sql`inv`, id, within, owner, object: sql`target.org_id` };
}

/** A new invitation: its digests, and the message with the secret for the mailbox, if one is owed. */
export interface NewInvitation extends Asked {
  readonly organizationId: string;
  readonly invitationId: string;
  readonly identifier: string;
  readonly role: Role;
  /** Default: those of the invitation that is renewed, or none. */
  readonly preTuples: readonly PreTupleBody[] | undefined;
  /** The inviter whom the application names. */
  readonly invitedBy: string | undefined;
  /** When it ends. Default: after a week. */
  readonly expiresAt: Date | undefined;
  /** Whether the newest open invitation of the identifier is renewed, if there is one. */
  readonly renews: boolean;
  readonly copiedHash: string;
  readonly link: { readonly message: OwedMessage; readonly tokenHash: string } | undefined;
  /** None for an application that owes no message: it is not limited. */
  readonly counters: readonly Counter[];
  /** The caller's key, which makes or renews an invitation once. */
  readonly claim: IdempotencyClaim | undefined;
}

/** The invitation, if there is no refusal and the attempt was admitted. */
export type MadeRow = Omit<InvitationRow, "id"> &
  Admission & { readonly refusal: string | null; readonly id: string | null };

/**
 * Makes an invitation, or gives an open one new secrets, another role and a new end; what was owed with the old secret is not sent
 * any more. Refusals are values, so that the attempt stays counted. The batch has locked the inviter and the organization.
 */
export function createInvitation(asked: NewInvitation): Statement<MadeRow> {
  const { identifier, role, copiedHash, link, counters, auditId } = asked;
  const actor = acting(asked.actor);
  const once = onlyOnce(asked.claim, handle(sql`holder`));
  const isAdmitted = counters.length === 0 ? sql`true` : sql`reserved.allowed`;
  const expiry = sql`coalesce(${asked.expiresAt?.toISOString() ?? null}::timestamptz,
        sallyport_now() + make_interval(secs => ${organizationInvitationSeconds}::int))`;
  const messageId = sql`${link?.message.id ?? null}::uuid`;
  const preTuples = sql`coalesce(${asked.preTuples ? JSON.stringify(asked.preTuples) : null}::jsonb, (select old.pre_tuples from old), '[]')`;
  return sql`
    with ${actor.define},
    old as materialized (
      select inv.* from inv
      where ${asked.renews}::boolean and inv.org_id = ${asked.organizationId}::uuid and inv.identifier = ${identifier} and ${isOpen()}
      order by inv.id desc limit 1 for no key update),
    verdict as materialized (
      select inviter.id as usr_id, coalesce(org.name, org.slug) as name, coalesce(
        ${refusalUnless(acts.createInvitation, actor.name, {
          object: sql`${asked.organizationId}::uuid`,
          relations: sql`array[${role}::text, (select old.role from old)]`,
        })},
        case when org.id is null or inviter.id is null or inviter.status <> 'active' then 'not_found'
          when org.status <> 'active' then 'precondition.org_not_active'
          when ${hasWithheld(preTuples)} or (not acting.trusted and not ${mayGrantAll(sql`acting.usr_id`, preTuples)})
            then 'forbidden'
          when ${expiry} not between sallyport_now() + interval '1 microsecond'
            and sallyport_now() + make_interval(secs => ${longestOrganizationInvitationSeconds}::int)
            then 'precondition.past_expiration' end) as refusal
      from (select 1) one left join acting on true left join org on org.id = ${asked.organizationId}::uuid
      left join usr inviter on inviter.id = coalesce(acting.usr_id, ${asked.invitedBy ?? null}::uuid)),
    ${countAttempts({ id: auditId, counters, condition: sql`(select refusal is null from verdict)` })},
    holder as materialized (
      select case when verdict.refusal is null and not ${isAdmitted} then 'too_many_requests' else verdict.refusal end as refusal,
        verdict.usr_id, verdict.name
      from verdict cross join reserved),${once.define}
    renewed as (
      update inv set role = ${role}, pre_tuples = ${preTuples}, invited_by = holder.usr_id, is_trusted = acting.trusted,
        copied_hash = decode(${copiedHash}, 'hex'), mailed_hash = decode(${link?.tokenHash ?? null}::text, 'hex'),
        message_id = ${messageId}, expires_at = ${expiry}
      from old cross join holder cross join acting where inv.id = old.id and holder.refusal is null
      returning inv.*),
    made as (
      insert into inv (id, org_id, identifier, role, pre_tuples, invited_by, is_trusted, copied_hash, mailed_hash, message_id,
        created_at, expires_at)
      select ${asked.invitationId}::uuid, ${asked.organizationId}::uuid, ${identifier}, ${role}, ${preTuples}, holder.usr_id,
        acting.trusted, decode(${copiedHash}, 'hex'), decode(${link?.tokenHash ?? null}::text, 'hex'), ${messageId},
        sallyport_now(), ${expiry}
      from holder cross join acting where holder.refusal is null and not exists (select from old)
      returning *),
    inv as (select * from renewed union all select * from made),
    message as (
      insert into mail_message (id, kind, recipient, content, expires_at)
      select inv.message_id, ${link?.message.kind ?? null}::text, inv.identifier,
        jsonb_strip_nulls(${link ? JSON.stringify(link.message.content) : null}::jsonb || jsonb_build_object('organization', holder.name)),
        inv.expires_at
      from inv cross join holder where inv.message_id is not null),
    audit as (${insertAuditEvent(
      {
        ...successOf(acts.createInvitation, asked, sql`coalesce(inv.id, ${asked.invitationId}::uuid)`),
        outcome: sql`case when inv.id is null then 'denied' else 'success' end`,
        repeatable: true,
        metadata: sql`jsonb_build_object('org', ${wireIdOf("org", sql`${asked.organizationId}::uuid`)}, 'role', ${role}::text,
          'pre_tuples', ${preTuples}, 'again', old.id is not null, 'mailed', ${link !== undefined}::boolean)`,
      },
      sql`reserved left join inv on true left join old on true where inv.id is not null or reserved.just_limited`,
    )})
    select verdict.refusal, ${isAdmitted} as allowed, ${waitColumns()}, ${invitationColumns()}
    from verdict cross join reserved cross join holder left join inv on true where ${once.isFirst}`;
}

/** The outcome of a creation whose reply was lost. */
export function recallCreated(copiedHash: string, auditId: string): Statement<MadeRow> {
  return sql`
    select null::text as refusal, aud.outcome = 'success' as allowed, null::int as "retryAfterSeconds", null::text as "limit", ${invitationColumns()}
    from aud left join inv on inv.copied_hash = decode(${copiedHash}, 'hex')
    where aud.id = ${auditId}::uuid`;
}

/** One row with `refusal` or the invitation. */
export function selectInvitation(asked: OfInvitation): Statement<Guarded<InvitationRow>> {
  return guardedRead({ ...ofInvitation(acts.getInvitation, asked), columns: invitationColumns() });
}

/** A page of an organization's invitations, in order of their ids. */
export function selectInvitations(
  asked: Asked & {
    organizationId: string;
    after: string | undefined;
    limit: number;
    status: OrganizationInvitation["status"] | undefined;
  },
): Statement<Guarded<InvitationRow>> {
  const { actor, auditId, organizationId: id, status: wanted } = asked;
  const owner = sql`null::uuid`;
  return guardedList({
    ...{ act: acts.listInvitations, actor, auditId, table: sql`org`, id, owner, object: sql`target.id` },
    of: sql`inv`,
    by: sql`org_id`,
    where: wanted === undefined ? sql`true` : sql`${status()} = ${wanted}`,
    page: asked,
    columns: invitationColumns(),
  });
}

/** Ends an invitation. Its message is not sent if it is still owed. The batch has locked the organization. */
export function revokeInvitation(asked: OfInvitation): Statement<InvitationRow> {
  return guardedChange({
    ...ofInvitation(acts.revokeInvitation, asked),
    relations: sql`array[target.role]`,
    refusal: ({ target }) => sql`case when ${target}.status <> 'pending' or ${target}.expires_at <= sallyport_now()
      then 'conflict.invitation_not_pending' end`,
    set: sql`status = 'revoked', terminal_at = greatest(sallyport_now(), inv.created_at), terminal_by = (select usr_id from acting)`,
    columns: invitationColumns(),
  });
}

/** The invitation as it is now, if the operation that made the event committed. */
export function recallInvitation(invitationId: string, auditId: string): Statement<InvitationRow> {
  return sql`select ${invitationColumns()} from inv where inv.id = ${invitationId}::uuid and ${committed(auditId)}`;
}

/** Locks the organization of an invitation. */
export function lockOrganizationOf(invitation: Statement): Lock {
  return { on: "organization", key: sql`select inv.org_id as id from inv where ${invitation}` };
}
