/**
 * The audit event of a statement: inserted by the statement itself, so that neither exists without the other (ADR 0019).
 *
 * @module
 */
import type { Audited } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import { uuidFor } from "../domain/id.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { type Statement, sql } from "./sql.ts";

export type AuditOutcome = "success" | "failure" | "denied";

/** An event, and how the rows of the surrounding statement name its target. */
export interface AuditEvent {
  /** Made once for each operation. After a lost reply, it also shows whether the operation committed. */
  readonly id: string;
  /** The row that names the act and the kind of its object. */
  readonly act: Audited;
  /** The outcome, or SQL for it if only the statement knows. */
  readonly outcome: AuditOutcome | Statement;
  /** The actor. Absent for an event before authentication. */
  readonly actor?: Actor | undefined;
  readonly context: RequestContext;
  /** The kind of the target, if it is not the row's: one of those, or the type of an application's object. */
  readonly targetKind?: string | undefined;
  /** SQL for the target's UUID, or for text if the kind has none; never an identifier that was typed. */
  readonly targetId: Statement;
  /** SQL for the acting user's UUID if only the statement knows it, as at sign-up. */
  readonly actingUser?: Statement;
  /** Set for an act that may run twice, such as a read: the second run adds no event. */
  readonly repeatable?: boolean;
  /** SQL for the UUID of the session that the act makes, or null: its wire form is the metadata's `session` (S61). */
  readonly session?: Statement;
  /** SQL for a JSON object. */
  readonly metadata?: Statement;
}

/** The actor of an act, and the event that it leaves. */
export interface Asked {
  readonly actor: Actor;
  readonly auditId: string;
  /** Limits the act to the actor's own account: administrators cannot reach another user's with it. Default false. */
  readonly onlyOwn?: boolean | undefined;
}

/** An act on a user as a whole. */
export interface AskedOfUser extends Asked {
  readonly userId: string;
}

/** The event of an act that succeeds. */
export function successOf(act: Audited, { actor, auditId }: Asked, targetId: Statement): AuditEvent {
  return { id: auditId, act, outcome: "success", actor, context: actor.context, targetId };
}

/** `insert into aud …`, one event for each row of `from`, for use as a CTE. */
export function insertAuditEvent(event: AuditEvent, from: Statement): Statement {
  const { actor, act } = event;
  const subject = actor?.subject;
  const auth =
    subject &&
    ("system" in subject
      ? { kind: "system", system_id: subject.system }
      : { kind: "session", session_id: subject.sessionId });
  const { address, userAgent, requestId, clientRequestId } = event.context;
  const context = { ip: address, user_agent: userAgent, request_id: requestId, client_request_id: clientRequestId };
  const targetKind = event.targetKind ?? act.target;
  const session = event.session
    ? sql` || jsonb_strip_nulls(jsonb_build_object('session', ${wireIdOf("ses", event.session)}))`
    : sql``;

  return sql`
    insert into aud (id, occurred_at, actor_usr_id, auth, action, target_kind, target_id, outcome, metadata, context)
    select ${event.id}::uuid, sallyport_now(),
      ${event.actingUser ?? sql`${actor?.userId ? uuidFor("usr", actor.userId) : null}::uuid`},
      ${auth ? JSON.stringify(auth) : null}::jsonb, ${act.action}, ${targetKind},
      ${wireIdOf(targetKind, event.targetId)}, ${event.outcome},
      ${event.metadata ?? sql`'{}'::jsonb`}${session}, ${JSON.stringify(context)}::jsonb
    from ${from}
    ${event.repeatable ? sql`on conflict (id) do nothing` : sql``}`;
}

/** True if a statement inserts an event. */
export function leavesEvent({ text }: Statement): boolean {
  return / into aud \(/.test(text);
}

/** SQL for an identifier in wire form. The type may be SQL too. */
export function wireIdOf(type: string | Statement, uuid: Statement): Statement<unknown> {
  const prefix = typeof type === "string" ? `${type}_` : sql`${type} || '_'`;
  return sql`${prefix} || replace((${uuid})::text, '-', '')`;
}

/** True if the operation that made this event's id has committed. */
export function committed(auditId: string): Statement {
  return sql`exists (select from aud where aud.id = ${auditId}::uuid)`;
}
