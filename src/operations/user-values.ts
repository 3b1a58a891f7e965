import { generateAuditId, uuidFor, wireId } from "../domain/id.ts";
import type { User } from "../domain/user.ts";
import type { UserRow } from "../store/users.ts";

export function toUser(row: UserRow): User {
  const { id, status, displayName, createdAt, updatedAt } = row;
  return { id: wireId("usr", id), status, displayName, createdAt, updatedAt };
}

/** The UUID of a new audit event. */
export function newAuditId(): string {
  return uuidFor("aud", generateAuditId());
}
