import { type ActivityEvent, activityEvent, shownEvents } from "../domain/activity.ts";
import type { Actor } from "../domain/actor.ts";
import { newAuditId, type UserId, uuidFor, wireId } from "../domain/id.ts";
import { toValue } from "../domain/record.ts";
import type { Core } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { type Page, pageOf } from "../engine/page.ts";
import type { Operation } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import { type ActivityRow, selectActivity } from "../store/activity.ts";

/** What has happened to an account, from the audit log. */
export interface ActivityOperations {
  /**
   * A page of an account's events, newest first: sign-ins that succeeded and failed, changes of the account, and what
   * administrators and the application did to it. Allowed for its user, the application and administrators. A page reads at
   * most 1,000 events of the log, so it may hold fewer than `limit` although others follow: `nextCursor` says so.
   *
   * @throws {AuthError} `invalid_format.cursor`.
   */
  list: Operation<
    { actor: Actor; userId: UserId; cursor?: string | undefined; limit?: number | undefined },
    Page<ActivityEvent>
  >;
}

/** The operations that the feature `activity` adds to `auth`. */
export interface ActivityAuth {
  readonly activity: ActivityOperations;
}

/** The operations on activity. */
export function activityParts(core: Core): FeatureParts<ActivityAuth> {
  const activity: ActivityOperations = {
    async list({ actor, userId, ...input }) {
      const { after: before, limit } = pageOf("aud", input);
      const asked = {
        actor,
        auditId: newAuditId(),
        userId: uuidFor("usr", userId),
        shown: shownEvents(),
        before,
        limit,
      };
      const decode = (_row: ActivityRow, rows: readonly ActivityRow[]) => toActivity(rows, limit);
      return await execute(core, { body: selectActivity(asked), onLostReply: "repeat", decode });
    },
  };
  return { operations: { activity } };
}

/** The page in a statement's rows. It goes on after its last event, or after the last one that was read. */
function toActivity(rows: readonly ActivityRow[], limit: number): Page<ActivityEvent> {
  const { refusal, readTo } = rows[0]!;
  refuse(refusal);
  const data = rows
    .filter(isEvent)
    .slice(0, limit)
    .map((row) => toValue(activityEvent, row));
  const rest = readTo === null ? null : wireId("aud", readTo);
  return { data, nextCursor: rows.length > limit ? data.at(-1)!.id : rest };
}

function isEvent(row: ActivityRow): row is ActivityRow & { readonly id: string } {
  return row.id !== null;
}
