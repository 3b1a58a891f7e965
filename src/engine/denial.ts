import type { Audited, TargetKind } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import { AuthError, type ErrorCode } from "../domain/error.ts";
import { newAuditId } from "../domain/id.ts";
import { insertAuditEvent } from "../store/audit.ts";
import { countDenial } from "../store/denials.ts";
import { type Statement, sql } from "../store/sql.ts";
import type { Executor } from "./core.ts";

/**
 * The event of an act that a user was refused, in their own part of the log: for a user only, since the application is
 * refused nothing. An absent object and a foreign one leave the same, so that neither the trip nor the log tells them apart.
 * Past twenty in a quarter of an hour one event stands for the rest: nobody fills the log by being refused (S41).
 *
 * @param target The object's UUID.
 * @param targetKind What kind of object that is, if not the one that the row says.
 */
export function denialOf(
  actor: Actor,
  act: Audited,
  target: string,
  targetKind: TargetKind = act.target,
): ((code: ErrorCode) => Statement) | undefined {
  const { userId } = actor;
  if (!userId) return undefined;
  return (code) => sql`
    with ${countDenial(userId)}
    ${insertAuditEvent(
      {
        id: newAuditId(),
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

/** Whether a refusal is of the right to do something, and not of its time or form. */
export function isDenial(code: ErrorCode): boolean {
  return /^(forbidden|not_found|unauthorized\.(reauthentication_required|invalid_credential)|conflict\.duplicate_credential)/.test(
    code,
  );
}

/** Writes a refusal down, apart from what it undid; that it could not be written never changes the refusal (S03). */
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
