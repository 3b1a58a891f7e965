import { DriverError } from "../driver-error.ts";

/**
 * It is unknown whether the request took effect: no connection, no reply in time, or a reply that is not an answer.
 *
 * It has no `code`, which distinguishes a lost reply from a refusal (`security.md` F01). The message says only what happened: a
 * client's own errors contain the connection string, so they are dropped rather than kept as `cause`.
 */
export class DatabaseUnreachableError extends DriverError {
  override readonly name = "DatabaseUnreachableError";

  constructor(reason: string, meaning?: string) {
    super(`The database did not answer: ${reason}.`, meaning);
  }
}

/** The reason for a deadline that passed, with the same wording for every driver. */
export function timeoutReason(timeoutMilliseconds: number): string {
  return `no reply within ${timeoutMilliseconds} ms`;
}
