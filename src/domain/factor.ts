import { AuthError } from "./error.ts";
import { type Prefixed, type RecordTable, type RowOf, toValue, type ValueOf } from "./record.ts";

/** The members of every factor (Flametrench `docs/identity.md`, ADR 0008). */
export const anyFactor = {
  id: "mfa id",
  status: ["pending", "active", "suspended", "revoked"],
  /** The factor that this one replaced. */
  replaces: "mfa id?",
  createdAt: "time",
  updatedAt: "time",
} as const;

/** The additional members of each type. */
export const factorTypes = {
  totp: {
    type: ["totp"],
    /** The user's name for the authenticator app. */
    identifier: "text",
  },
  webauthn: {
    type: ["webauthn"],
    /** The WebAuthn credential id; empty until the factor is confirmed. */
    identifier: "text",
    rpId: "text",
    signCount: "count",
    aaguid: "text?",
    transports: "texts?",
  },
  recovery: {
    type: ["recovery"],
    /** The number of unused codes. */
    remaining: "integer",
  },
} as const;

/** `totp`: an authenticator app; `webauthn`: a security key; `recovery`: recovery codes. */
export type FactorType = keyof typeof factorTypes;
/** The state of a factor. A pending factor awaits its confirmation and proves nothing yet. */
export type FactorStatus = ValueOf<typeof anyFactor>["status"];

/** An authenticator app. */
export interface TotpFactor extends ValueOf<typeof anyFactor & typeof factorTypes.totp> {}
/** A security key. */
export interface WebauthnFactor extends ValueOf<typeof anyFactor & typeof factorTypes.webauthn> {}
/** Recovery codes. */
export interface RecoveryFactor extends ValueOf<typeof anyFactor & typeof factorTypes.recovery> {}

/** A proof on file that a user gives besides the credential (Flametrench `docs/identity.md`, ADR 0008). */
export type Factor = TotpFactor | WebauthnFactor | RecoveryFactor;

/** A factor as a statement returns it. The members of other types are present too, and null. */
export type FactorRow = { [Type in FactorType]: RowOf<typeof anyFactor & (typeof factorTypes)[Type]> }[FactorType];

/** Whether a user must have a second factor, and from when. */
export const mfaPolicy = {
  userId: "usr id",
  required: "flag",
  /** Until then a session without a second factor counts; null if the factor is required at once. */
  graceUntil: "time?",
  /** When it was last set, or when the user was created if it never was. */
  updatedAt: "time",
} as const;

/** Whether a user must have a second factor, and from when. */
export interface MfaPolicy extends ValueOf<typeof mfaPolicy> {}

/** How long an enrollment waits for its confirmation, in seconds (Flametrench ADR 0008). */
export const enrollmentSeconds = 600;
/** How many wrong factors end a login ticket (S20). */
export const ticketAttempts = 5;

/**
 * The end of a grace period, if its year is 1 to 9999, so that the database and a response can hold it.
 *
 * @throws {AuthError} `invalid_format.body`.
 */
export function acceptGrace(graceUntil: Date | null): Date | null {
  const year = graceUntil?.getUTCFullYear() ?? 1;
  // Written so that it also refuses an invalid date.
  if (!(year >= 1 && year <= 9999)) throw new AuthError("invalid_format.body", { details: { member: "grace_until" } });
  return graceUntil;
}

/** The factor that a row holds. */
export function toFactor(row: FactorRow): Factor {
  const own: RecordTable = factorTypes[row.type];
  return { ...toValue(anyFactor, row), ...toValue(own, row) } as Factor;
}

/** The factor in a row that also holds something else. */
export function factorOf(row: Prefixed<FactorRow, "factor">): Factor {
  const own: RecordTable = factorTypes[row["factor.type"]];
  return { ...toValue(anyFactor, row, "factor."), ...toValue(own, row, "factor.") } as Factor;
}
