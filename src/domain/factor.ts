import { AuthError } from "./error.ts";
import type { FactorId, UserId } from "./id.ts";

export type FactorType = "totp" | "webauthn" | "recovery";
export type FactorStatus = "pending" | "active" | "suspended" | "revoked";

/** Something besides the credential that a user proves to be themself with (Flametrench `docs/identity.md`, ADR 0008). */
export interface Factor {
  readonly id: FactorId;
  readonly type: FactorType;
  readonly status: FactorStatus;
  /** The user's own name for an authenticator app, or a WebAuthn credential id; null for recovery codes. */
  readonly identifier: string | null;
  /** The factor that this one took the place of. */
  readonly replaces: FactorId | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Recovery codes that are left; null for other factors. */
  readonly remaining: number | null;
  readonly rpId: string | null;
  readonly signCount: number | null;
  readonly aaguid: string | null;
  readonly transports: readonly string[] | null;
}

/** Whether a user must have a second factor, and from when. */
export interface MfaPolicy {
  readonly userId: UserId;
  readonly required: boolean;
  /** Until then a session without one counts; null for at once. */
  readonly graceUntil: Date | null;
  /** When it was last set; the user's beginning where it never was. */
  readonly updatedAt: Date;
}

/** How long an enrolment waits for its confirmation, in seconds (Flametrench ADR 0008). */
export const enrollmentSeconds = 600;
/** How many wrong factors end a login ticket (S20). */
export const ticketAttempts = 5;

/**
 * The end of a grace, if it is a time of the years 1 to 9999, which a database and an answer can hold.
 *
 * @throws {AuthError} `invalid_format.body`.
 */
export function acceptGrace(graceUntil: Date | null): Date | null {
  const year = graceUntil?.getUTCFullYear() ?? 1;
  // Written so that an invalid date is refused as well.
  if (!(year >= 1 && year <= 9999)) throw new AuthError("invalid_format.body", { details: { member: "grace_until" } });
  return graceUntil;
}
