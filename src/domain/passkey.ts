import type { ValueOf } from "./record.ts";

/** A credential whose authenticator, once unlocked, signs its holder in without another proof (W3C WebAuthn Level 3). */
export const passkey = {
  id: "cred id",
  userId: "usr id",
  status: ["active", "suspended", "revoked"],
  /** The owner's name for it. */
  name: "text?",
  /** Hints for the browser about how to reach the authenticator. */
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

/** A credential whose authenticator, once unlocked, signs its holder in without another proof (W3C WebAuthn Level 3). */
export interface Passkey extends ValueOf<typeof passkey> {}
