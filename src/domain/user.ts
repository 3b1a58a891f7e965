import type { ValueOf } from "./record.ts";

/** A person or service with an account. Identifiers live on credentials. */
export const user = {
  id: "usr id",
  status: ["active", "suspended", "revoked"],
  displayName: "text?",
  createdAt: "time",
  updatedAt: "time",
} as const;

/** A person or service with an account. Identifiers live on credentials. */
export interface User extends ValueOf<typeof user> {}

export type Status = User["status"];
