import { generateAuditId, uuidFor } from "../domain/id.ts";

/** The UUID of a new audit event. */
export function newAuditId(): string {
  return uuidFor("aud", generateAuditId());
}
