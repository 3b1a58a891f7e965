import type { Audited } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import { AuthError, type ErrorCode } from "../domain/error.ts";
import { newAuditId } from "../domain/id.ts";
import { insertAuditEvent } from "../store/audit.ts";
import { countDenial } from "../store/denials.ts";
import { type Statement, sql } from "../store/sql.ts";
import type { Executor } from "./core.ts";

/**
 * The event of an act that was refused to a user, in their own part of the log. The application is never refused, so it has
 * none. An absent object and another user's object leave the same event, so that neither the response time nor the log
 * distinguishes them. Past twenty in a quarter of an hour, one event stands for the rest, so that no user can fill the log with
 * refusals (S41).
 *
 * @param target The object's UUID.
 * @param targetKind The kind of the object, if it is not the row's.
 */
export function denialOf(
  actor: Actor,
  act: Audited,
  target: string,
  targetKind: string = act.target,
): ((code: ErrorCode) => Statement) | undefined {
  const { userId } = actor;
  if (!userId) return undefined;
  const auditId = newAuditId();
  return (code) => sql`
    with ${countDenial(auditId, userId)}
    ${insertAuditEvent(
      {
        id: auditId,
        repeatable: true,
        act,
        outcome: "denied",
        actor,
        context: actor.context,
        targetKind,
        targetId: sql`${target}::text`,
        metadata: sql`jsonb_build_object('reason', ${code}::text, 'and_more', recorded.last)`,
      },
      sql`recorded`,
    )}`;
}

/** True if a refusal concerns the right to do something, and not its time or form. */
export function isDenial(code: ErrorCode): boolean {
  return /^(forbidden|not_found|unauthorized\.(reauthentication_required|invalid_credential)|conflict\.duplicate_credential)/.test(
    code,
  );
}

/** Records a refusal, apart from what the refusal undid. A failure to record it never changes the refusal (S03). */
export async function recordDenial(
  core: Executor,
  denial: ((code: ErrorCode) => Statement) | undefined,
  refusal: unknown,
): Promise<void> {
  if (!denial || !(refusal instanceof AuthError) || !isDenial(refusal.code)) return;
  try {
    await core.database.run(denial(refusal.code));
  } catch (error) {
    core.onError(error);
  }
}
