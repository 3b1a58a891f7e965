import type { Actor } from "../domain/actor.ts";
import type { ErrorCode } from "../domain/error.ts";
import { recordAuditEvent } from "../store/audit.ts";
import { type Statement, sql } from "../store/sql.ts";
import { newAuditId } from "./user-values.ts";

/**
 * The event of an act that a user was refused, in their own part of the log: for a user only, since the application is
 * refused nothing. An absent object and a foreign one leave the same, so that neither the trip nor the log tells them apart.
 */
export function denialOf(
  actor: Actor,
  action: string,
  targetKind: string,
  target: string,
): ((code: ErrorCode) => Statement) | undefined {
  if (!actor.userId) return undefined;
  return (code) =>
    recordAuditEvent({
      id: newAuditId(),
      action,
      outcome: "denied",
      actor,
      context: actor.context,
      targetKind,
      targetId: sql`${target}::text`,
      metadata: sql`jsonb_build_object('reason', ${code}::text)`,
    });
}
