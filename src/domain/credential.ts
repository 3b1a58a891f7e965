import type { ValueOf } from "./record.ts";

/** A proof kept on file. Its secret is never part of it. */
export const credential = {
  id: "cred id",
  userId: "usr id",
  type: ["password", "passkey", "oidc"],
  identifier: "text",
  status: ["active", "suspended", "revoked"],
  /** The credential that this one replaced. */
  replaces: "cred id?",
  passkeyRpId: "text?",
  oidcIssuer: "text?",
  oidcSubject: "text?",
  createdAt: "time",
  updatedAt: "time",
} as const;

/** A proof kept on file. Its secret is never part of it. */
export interface Credential extends ValueOf<typeof credential> {}

/** The kind of a credential. */
export type CredentialType = Credential["type"];
