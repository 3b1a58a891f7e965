import type { ValueOf } from "./record.ts";

/** A person or service with an account. Identifiers live on credentials. */
export const user = {
  id: "usr id",
  status: ["active", "suspended", "revoked"],
  displayName: "text?",
  /** The version of the terms that they accepted last; null if they have accepted none. */
  termsVersion: "text?",
  termsAcceptedAt: "time?",
  createdAt: "time",
  updatedAt: "time",
} as const;

/** A person or service with an account. Identifiers live on credentials. */
export interface User extends ValueOf<typeof user> {}

/** The user of a session, with the identifier that they signed in with. */
export interface SignedInUser extends User {
  /** The identifier of the session's password; null for a session that a passkey opened, and for a token. */
  readonly identifier: string | null;
  /** True once the user has proved that the identifier is theirs. */
  readonly identifierVerified: boolean;
}

/** The state of a user or a credential. After a suspension it can be reinstated, after a revocation never. */
export type Status = User["status"];
