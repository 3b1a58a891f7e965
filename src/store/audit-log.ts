/**
 * Reading the audit log.
 *
 * @module
 */
import { wireIdOf } from "./audit.ts";
import { type Statement, sql } from "./sql.ts";

/** An event, without the network address and the browser of its request. */
export interface EventRow {
  readonly id: string;
  readonly at: Date;
  readonly action: string;
  readonly outcome: string;
  /** The user who acted in wire form, or the name of the system. Null for one who is not known. */
  readonly actor: string | null;
  readonly target: string;
  readonly reason: string | null;
}

/**
 * Events, newest first.
 *
 * @param asked.userId Only what this user has done, and what was done to the user as a whole.
 * @param asked.before The id of the last event of the page before.
 */
export function selectEvents(asked: {
  userId: string | undefined;
  action: string | undefined;
  before: string | undefined;
  limit: number;
}): Statement<EventRow> {
  const { userId = null, action = null, before = null, limit } = asked;
  return sql`
    select aud.id, aud.occurred_at as at, aud.action, aud.outcome,
      coalesce(${wireIdOf("usr", sql`aud.actor_usr_id`)}, aud.auth ->> 'system_id') as actor, aud.target_id as target,
      aud.metadata ->> 'reason' as reason
    from aud
    where (${userId}::uuid is null or aud.actor_usr_id = ${userId}::uuid
        or (aud.target_kind = 'usr' and aud.target_id = ${wireIdOf("usr", sql`${userId}::uuid`)}))
      and (${action}::text is null or aud.action = ${action}::text)
      and (${before}::uuid is null or aud.id < ${before}::uuid)
    order by aud.id desc limit ${limit}::int`;
}
