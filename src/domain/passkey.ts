import type { CredentialId, UserId } from "./id.ts";
import type { Status } from "./user.ts";

/** A credential of an authenticator that signs in by itself: whoever holds it and unlocks it (W3C WebAuthn Level 3). */
export interface Passkey {
  readonly id: CredentialId;
  readonly userId: UserId;
  readonly status: Status;
  /** What its owner calls it. */
  readonly name: string | null;
  /** How the authenticator is reached, a hint. */
  readonly transports: readonly string[];
  /** The authenticator's model, where attestation is trusted. */
  readonly aaguid: string | null;
  /** Whether it may be, and is, kept in more than one place. */
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}
