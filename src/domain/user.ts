import type { UserId } from "./id.ts";

export type Status = "active" | "suspended" | "revoked";

/** A person or service with an account. Identifiers live on credentials. */
export interface User {
  readonly id: UserId;
  readonly status: Status;
  readonly displayName: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
