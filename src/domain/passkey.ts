import type { ValueOf } from "./record.ts";

/** A credential of an authenticator that signs its holder in without another proof, once unlocked (W3C WebAuthn Level 3). */
export const passkey = {
  id: "cred id",
  userId: "usr id",
  status: ["active", "suspended", "revoked"],
  /** What its owner calls it. */
  name: "text?",
  /** How the authenticator is reached, a hint. */
  transports: "texts",
  /** The authenticator's model, where attestation is trusted. */
  aaguid: "text?",
  /** Whether it may be kept in more than one place. */
  backupEligible: "flag",
  /** Whether it is kept in more than one place. */
  backedUp: "flag",
  createdAt: "time",
  lastUsedAt: "time?",
} as const;

/** A credential of an authenticator that signs its holder in without another proof, once unlocked (W3C WebAuthn Level 3). */
export interface Passkey extends ValueOf<typeof passkey> {}
