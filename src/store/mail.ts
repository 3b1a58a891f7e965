/**
 * Messages that are owed. They are inserted with the change that they are about, and sent after it has committed.
 *
 * @module
 */
import { oneMailbox } from "../domain/mail.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { type Statement, sql } from "./sql.ts";

/** A message as a statement owes it. */
export interface OwedMessage {
  /** A UUID: the message's identity at every attempt to send it. */
  readonly id: string;
  /** A row of the table of messages. */
  readonly kind: string;
  /** What the message is made of when it is sent. It holds no secret. */
  readonly content: Readonly<Record<string, string | number | boolean>>;
  readonly lifetimeSeconds: number;
  /** How long it waits before it is sent. Default 0. */
  readonly delaySeconds?: number;
}

/** `insert into mail_message …`, for each row of `from`: it has the columns `usr_id` and `recipient`. */
export function oweMessage(
  { id, kind, content, lifetimeSeconds, delaySeconds = 0 }: OwedMessage,
  from: Statement,
): Statement {
  const due = sql`sallyport_now() + make_interval(secs => ${delaySeconds}::int)`;
  return sql`
      insert into mail_message (id, kind, usr_id, recipient, content, created_at, due_at, expires_at)
      select ${id}::uuid, ${kind}, usr_id, recipient, ${JSON.stringify(content)}::jsonb, ${due}, ${due},
        sallyport_now() + make_interval(secs => ${delaySeconds + lifetimeSeconds}::int)
      from ${from}`;
}

/**
 * `insert into mail_message …`: a notice that a statement itself owes, for each row of `from`. It has the columns `id`, `usr_id`,
 * `cred_id`, `identifier` and `used_at`; a notice that was used from the start has no power.
 *
 * @param notice.eventId The event that the notice is about.
 */
export function oweNotice(
  notice: { kind: string; eventId: string; context: RequestContext; lifetimeSeconds: number },
  from: Statement,
): Statement {
  const { kind, eventId, context, lifetimeSeconds } = notice;
  return sql`
      insert into mail_message (id, kind, usr_id, cred_id, event_id, used_at, recipient, content, expires_at)
      select told.id, ${kind}, told.usr_id, told.cred_id, ${eventId}::uuid, told.used_at, told.identifier,
        jsonb_strip_nulls(jsonb_build_object('at', sallyport_now(), 'ip', ${context.address ?? null}::text,
          'user_agent', ${context.userAgent ?? null}::text, 'linkless', told.used_at is not null)),
        sallyport_now() + make_interval(secs => ${lifetimeSeconds}::int)
      from ${from} told where ${isOneMailbox(sql`told.identifier`)}`;
}

/** SQL for whether a text is the address of one mailbox. */
export function isOneMailbox(text: Statement): Statement {
  return sql`${text} ~ ${oneMailbox}`;
}

/** A message that one worker may send now. */
export interface LeasedMessage {
  readonly id: string;
  readonly kind: string;
  readonly recipient: string;
  readonly content: OwedMessage["content"];
  /** The number of this attempt, from 1. Only this attempt may record its outcome. */
  readonly attempt: number;
}

/** A message that is due. Without a recipient it was given up. */
export type DueMessage = LeasedMessage | { readonly [Key in keyof LeasedMessage]: null };

/**
 * Leases messages that are due, the most overdue first. Until the lease ends, no other worker sends them; each lease of a
 * message lasts twice as long as the last, so that a worker that is always ended too early does not send it for ever.
 *
 * A message is given up if it has expired, or if its link has been spent, replaced or revoked. A code that is too old is left out.
 */
export function leaseMessages(limit: number, leaseSeconds: number): Statement<DueMessage> {
  return sql`
    with due as materialized (
      select id, expires_at > sallyport_now() as is_timely, decode(content ->> 'link', 'hex') as link from mail_message
      where status = 'owed' and due_at <= sallyport_now()
      order by due_at limit ${limit}::int for update skip locked),
    judged as materialized (
      select id, is_timely and (link is null
          or exists (select from verification_token where token_hash = link)
          or exists (select from deployment_invitation where mailed_hash = link and status = 'pending')
          or exists (select from inv where mailed_hash = link and status = 'pending')) as is_wanted,
        exists (select from verification_token where token_hash = link and code_expires_at <= sallyport_now()) as is_code_late
      from due),
    expired as (
      update mail_message m set status = 'expired', recipient = null, content = null, ended_at = sallyport_now()
      from judged where m.id = judged.id and not judged.is_wanted),
    leased as (
      update mail_message m set attempts = m.attempts + 1,
        due_at = sallyport_now() + make_interval(secs => ${leaseSeconds}::int * power(2, least(m.attempts, 6)))
      from judged where m.id = judged.id and judged.is_wanted
      returning m.id, m.kind, m.recipient, m.attempts as attempt,
        case when judged.is_code_late then m.content - 'withCode' else m.content end as content)
    select leased.* from judged left join leased on leased.id = judged.id`;
}

/** The outcome of an attempt. */
export type MailOutcome = "sent" | "refused" | "failed";

/**
 * Records the outcomes of attempts. A failed message is due again after a wait that doubles with each attempt. An attempt whose
 * lease another worker has taken over records nothing.
 */
export function settleMessages(
  outcomes: readonly { readonly message: LeasedMessage; readonly outcome: MailOutcome }[],
  wait: { readonly firstSeconds: number; readonly longestSeconds: number },
): Statement<{ id: string }> {
  return sql`
    update mail_message m set
      status = case settled.outcome when 'failed' then 'owed' else settled.outcome end,
      recipient = case settled.outcome when 'failed' then m.recipient end,
      content = case settled.outcome when 'failed' then m.content end,
      ended_at = case settled.outcome when 'failed' then null else sallyport_now() end,
      due_at = sallyport_now() + case settled.outcome when 'failed' then make_interval(secs =>
        least(${wait.firstSeconds}::int * power(2, least(m.attempts - 1, 30)), ${wait.longestSeconds}::int)) else '0' end
    from unnest(${outcomes.map(({ message }) => message.id)}::uuid[],
      ${outcomes.map(({ message }) => String(message.attempt))}::int[],
      ${outcomes.map(({ outcome }) => outcome)}::text[]) as settled(id, attempt, outcome)
    where m.id = settled.id and m.status = 'owed' and m.attempts = settled.attempt
    returning m.id`;
}

/** The messages that an operator should know of. */
export interface Backlog {
  readonly owed: number;
  /** How long the oldest of them has been due. */
  readonly overdueMinutes: number;
  /** Refused for good by the provider. */
  readonly refused: number;
  /** Not sent while they were of use. */
  readonly late: number;
}

/** Counts the messages of the last 30 days: older traces are removed. */
export function selectBacklog(): Statement<Backlog> {
  return sql`
    select count(*) filter (where status = 'owed')::int as owed,
      coalesce(floor(extract(epoch from sallyport_now() - min(created_at)
        filter (where status = 'owed' and created_at <= sallyport_now())) / 60), 0)::int as "overdueMinutes",
      count(*) filter (where status = 'refused')::int as refused,
      -- Other messages end before they expire: without a recipient at once, and with an ended link when they are due.
      count(*) filter (where status = 'expired' and ended_at >= expires_at)::int as late
    from mail_message`;
}
