import { DriverError } from "../driver-error.ts";

/** What a driver knows of a request that got no answer. */
export interface Unanswered {
  /** What the error's code means, for an operator. */
  readonly meaning?: string | undefined;
  /** Default false. */
  readonly isUnsent?: boolean;
  /** Default false. */
  readonly isLasting?: boolean;
  /** Default false. */
  readonly isLate?: boolean;
}

/**
 * There was no answer: no connection, no reply in time, or a reply that is not an answer. Unless `isUnsent` is true, it is
 * unknown whether the request took effect.
 *
 * It has no `code`, which distinguishes a lost reply from a refusal (`security.md` F01). The message says only what happened: a
 * client's own errors contain the connection string, so they are dropped rather than kept as `cause`.
 */
export class DatabaseUnreachableError extends DriverError {
  override readonly name = "DatabaseUnreachableError";
  /** True if the request certainly did not run, because there was no connection to send it on. */
  readonly isUnsent: boolean;
  /** True if asking again is of no use, as with a wrong password. */
  readonly isLasting: boolean;
  /** True if the deadline passed. The database may be slow, so do not ask it again at once. */
  readonly isLate: boolean;

  constructor(reason: string, { meaning, isUnsent = false, isLasting = false, isLate = false }: Unanswered = {}) {
    super(`The database did not answer: ${reason}.`, meaning);
    this.isUnsent = isUnsent;
    this.isLasting = isLasting;
    this.isLate = isLate;
  }
}

/** The error of a deadline that passed, with the same wording for every driver. */
export function pastDeadline(milliseconds: number, isUnsent = false): DatabaseUnreachableError {
  return new DatabaseUnreachableError(`no reply within ${Math.round(milliseconds)} ms`, { isUnsent, isLate: true });
}
