/**
 * A user's own part of the audit log.
 *
 * @module
 */
import type { activityEvent, ShownEvent } from "../domain/activity.ts";
import { listActivity } from "../domain/acts/activity.ts";
import type { RowOf } from "../domain/record.ts";
import type { AskedOfUser } from "./audit.ts";
import { type Guarded, guardRead, ofUser } from "./guarded.ts";
import { type Statement, sql } from "./sql.ts";

/** A row of the page; a page without events is one row whose `id` is null. */
export type ActivityRow = Guarded<Omit<RowOf<typeof activityEvent>, "id">> & {
  readonly id: string | null;
  /** The last event that was read, if there may be others after it. */
  readonly readTo: string | null;
};

/** How many events a page reads at most, shown or not. The next page goes on after them. */
export const mostEventsRead = 1000;

/**
 * The events of an account that are shown, newest first. One additional row shows that others follow. A range of one index is
 * read, and no more of it than `mostEventsRead`, whatever the account has done and however long the log is.
 */
export function selectActivity(
  asked: AskedOfUser & { shown: readonly ShownEvent[]; before: string | undefined; limit: number },
): Statement<ActivityRow> {
  const { shown, before = null, limit } = asked;
  const isOwn = sql`event.actor_usr_id = event.subject_usr_id`;
  // What is told of a request: nothing, if another person with a session of their own sent it (S41).
  const context = (member: string): Statement =>
    sql`case when ${isOwn} or (event.actor_usr_id is null and event.auth is null) then event.context ->> ${member} end`;
  return sql`
    with ${guardRead(ofUser(listActivity, asked))},
    event as materialized (
      select * from aud
      where subject_usr_id = (select id from verdict where refusal is null) and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${mostEventsRead}::int),
    page as (
      select event.id, event.occurred_at as at, shown.type, ${context("ip")} as address, ${context("user_agent")} as user_agent,
        case when ${isOwn} then 'user' when event.actor_usr_id is not null then 'administrator'
          when event.auth is not null then 'application' else 'unknown' end as by
      from event join unnest(${shown.map(({ action }) => action)}::text[], ${shown.map(({ outcome }) => outcome)}::text[],
        ${shown.map(({ detail = "" }) => detail)}::text[], ${shown.map(({ type }) => type)}::text[])
        as shown(action, outcome, detail, type)
        on shown.action = event.action and shown.outcome = event.outcome and shown.detail in ('',
          case when event.metadata ? 'session' then 'session' else coalesce(event.metadata ->> 'type', 'none') end)
      order by event.id desc limit ${limit}::int + 1)
    select verdict.refusal, page.id, page.at, page.type, page.by, page.address, page.user_agent as "userAgent",
      (select id from event order by id desc offset ${mostEventsRead - 1}::int limit 1) as "readTo"
    from verdict left join page on true order by page.id desc`;
}
