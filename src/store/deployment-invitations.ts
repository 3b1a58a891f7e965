/**
 * Invitations to the deployment, as administrators see them.
 *
 * @module
 */
import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/deployment-invitation.ts";
import { deploymentInvitation } from "../domain/deployment-invitation.ts";
import type { RowOf } from "../domain/record.ts";
import { acting, refusalUnless } from "./access.ts";
import { type Asked, committed, insertAuditEvent, successOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { type Admission, type Counter, countAttempts, waitColumns } from "./counters.ts";
import { handle } from "./cte.ts";
import { type Guarded, guardedChange, isAfter } from "./guarded.ts";
import { type IdempotencyClaim, onlyOnce } from "./idempotency.ts";
import { isWithheld, passwordNamed } from "./identifiers.ts";
import type { Lock } from "./locks.ts";
import type { OwedMessage } from "./mail.ts";
import { isAdministrator } from "./relations.ts";
import { type Statement, sql } from "./sql.ts";

export type InvitationRow = RowOf<typeof deploymentInvitation>;

/** SQL for the state of the row called `inv`. */
const status = () =>
  sql`case when inv.status = 'pending' and inv.expires_at <= sallyport_now() then 'expired' else inv.status end`;

/** The columns of an {@link InvitationRow}, read from the row called `inv`. */
const columns = () =>
  columnsOf("inv", deploymentInvitation, { status: status(), mailed: sql`inv.mailed_hash is not null` });

/**
 * SQL for whether an invitation `inv` counts: it is open, and its inviter still has the right. An administrator who has lost the right,
 * or is not active, invites no one any more. The rights are those of now, in the statement that reads them.
 */
export const isOpen = (): Statement =>
  sql`(inv.status = 'pending' and inv.expires_at > sallyport_now() and ${isUpheld()})`;

const isUpheld = (): Statement => sql`(inv.invited_by is null or exists (
      select from usr inviter where inviter.id = inv.invited_by and inviter.status = 'active'
        and ${isAdministrator(sql`inviter.id`)}))`;

/** A new invitation: its digests, and the message with the secret for the mailbox, if one is owed. */
export interface NewInvitation extends Asked {
  readonly invitationId: string;
  readonly identifier: string;
  readonly displayName: string | null;
  readonly lifetimeSeconds: number;
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
 * Makes an invitation, or gives the open one of the same address new secrets and a new end; what was owed with the old secret is
 * not sent any more. Refusals are values, so that the attempt stays counted. The batch has locked the identifier.
 */
export function createInvitation(asked: NewInvitation): Statement<MadeRow> {
  const { identifier, copiedHash, link, counters, auditId, lifetimeSeconds } = asked;
  const actor = acting(asked.actor);
  const once = onlyOnce(asked.claim, handle(sql`holder`));
  const isAdmitted = counters.length === 0 ? sql`true` : sql`reserved.allowed`;
  const expiry = sql`sallyport_now() + make_interval(secs => ${lifetimeSeconds}::int)`;
  return sql`
    with ${actor.define},
    verdict as materialized (
      select coalesce(${refusalUnless(acts.createInvitation, actor.name, {})},
        case when exists (select from ${passwordNamed([identifier])} cred) or ${isWithheld(identifier)}
          then 'conflict.duplicate_credential' end) as refusal, acting.usr_id
      from (select 1) one left join acting on true),
    ${countAttempts({ id: auditId, counters, condition: sql`(select refusal is null from verdict)` })},
    holder as materialized (
      select case when verdict.refusal is null and not ${isAdmitted} then 'too_many_requests' else verdict.refusal end as refusal,
        verdict.usr_id
      from verdict cross join reserved),${once.define}
    old as materialized (
      select id from deployment_invitation where identifier = ${identifier} and status = 'pending'),
    inv as (
      insert into deployment_invitation as inv (id, identifier, display_name, invited_by, copied_hash, mailed_hash, message_id,
        created_at, expires_at)
      select ${asked.invitationId}::uuid, ${identifier}, ${asked.displayName}::text, holder.usr_id, decode(${copiedHash}, 'hex'),
        decode(${link?.tokenHash ?? null}::text, 'hex'), ${link?.message.id ?? null}::uuid, sallyport_now(), ${expiry}
      from holder where holder.refusal is null
      on conflict (identifier) where status = 'pending' do update set display_name = excluded.display_name,
        invited_by = excluded.invited_by, copied_hash = excluded.copied_hash, mailed_hash = excluded.mailed_hash,
        message_id = excluded.message_id, expires_at = excluded.expires_at
      returning inv.*),
    message as (
      insert into mail_message (id, kind, recipient, content, expires_at)
      select inv.message_id, ${link?.message.kind ?? null}::text, inv.identifier,
        ${link ? JSON.stringify(link.message.content) : null}::jsonb, inv.expires_at
      from inv where inv.message_id is not null),
    audit as (${insertAuditEvent(
      {
        ...successOf(acts.createInvitation, asked, sql`coalesce(inv.id, ${asked.invitationId}::uuid)`),
        outcome: sql`case when inv.id is null then 'denied' else 'success' end`,
        repeatable: true,
        metadata: sql`jsonb_build_object('again', old.id is not null, 'mailed', inv.message_id is not null)`,
      },
      sql`reserved left join inv on true left join old on true where inv.id is not null or reserved.just_limited`,
    )})
    select verdict.refusal, ${isAdmitted} as allowed, ${waitColumns()}, ${columns()}
    from verdict cross join reserved cross join holder left join inv on true where ${once.isFirst}`;
}

/** The outcome of a creation whose reply was lost. */
export function recallCreated(copiedHash: string, auditId: string): Statement<MadeRow> {
  return sql`
    select null::text as refusal, aud.outcome = 'success' as allowed, null::int as "retryAfterSeconds", null::text as "limit", ${columns()}
    from aud left join deployment_invitation inv on inv.copied_hash = decode(${copiedHash}, 'hex')
    where aud.id = ${auditId}::uuid`;
}

/**
 * A page of the invitations that are open or have expired, in order of their ids. One additional row shows that others follow.
 * There is always at least one row: if there is no invitation or the actor may not ask, it holds the refusal.
 */
export function selectInvitations(
  asked: Asked & { after: string | undefined; limit: number },
): Statement<Guarded<InvitationRow>> {
  const actor = acting(asked.actor);
  const { after, limit } = asked;
  return sql`
    with ${actor.define},
    verdict as materialized (
      select ${refusalUnless(acts.listInvitations, actor.name, {})} as refusal from (select 1) one left join acting on true),
    audit as (${insertAuditEvent(
      { ...successOf(acts.listInvitations, asked, sql`'invitations'`), repeatable: true },
      sql`verdict cross join acting where verdict.refusal is null and not acting.trusted`,
    )}),
    page as (
      select inv.* from deployment_invitation inv, verdict
      where verdict.refusal is null and inv.status = 'pending' and ${isAfter(sql`inv.id`, after)}
      order by inv.id limit ${limit}::int + 1)
    select verdict.refusal, ${columns()} from verdict left join page inv on true order by inv.id`;
}

/** Whether an actor may invite, apart from the time of their second factor. Not audited: it says nothing of anybody else. */
export function selectMayInvite(actor: Actor): Statement<{ mayInvite: boolean }> {
  const rights = acting(actor);
  return sql`
    with ${rights.define}
    select coalesce(bool_or(acting.administrator), false) as "mayInvite" from acting`;
}

/** Ends an invitation. One that was accepted or revoked stays as it is. The batch has locked its identifier. */
export function revokeInvitation(asked: Asked & { invitationId: string }): Statement<InvitationRow> {
  return guardedChange({
    act: acts.revokeInvitation,
    actor: asked.actor,
    auditId: asked.auditId,
    table: sql`deployment_invitation`,
    id: asked.invitationId,
    // It belongs to no user: to anyone but an administrator it does not exist.
    owner: sql`null::uuid`,
    refusal: () => sql`null::text`,
    set: sql`status = 'revoked', ended_at = sallyport_now()`,
    when: sql`deployment_invitation.status = 'pending'`,
    columns: columns(),
    join: sql`cross join lateral (select deployment_invitation.*) inv`,
  });
}

/** The invitation as it is now, if the operation that made the event committed. */
export function recallInvitation(invitationId: string, auditId: string): Statement<InvitationRow> {
  return sql`
    select ${columns()} from deployment_invitation inv
    where inv.id = ${invitationId}::uuid and ${committed(auditId)}`;
}

/** The lock for a change of one invitation: its identifier, as for taking it. */
export function lockInvitation(invitationId: string): Lock {
  const statement = sql`
    select pg_advisory_xact_lock(hashtextextended('sallyport identifier ' || identifier, 0))
    from deployment_invitation where id = ${invitationId}::uuid`;
  return { on: "identifier", name: invitationId, statement };
}

/** How many open invitations no longer count, because the administrator who made them is none any more. */
export function countForsaken(): Statement<{ forsaken: number }> {
  return sql`
    select count(*)::int as forsaken from deployment_invitation inv
    where inv.status = 'pending' and inv.expires_at > sallyport_now() and not ${isUpheld()}`;
}
