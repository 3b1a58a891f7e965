import { DriverError } from "../driver-error.ts";

/**
 * Nobody knows whether the request took effect: no connection, no reply in time, or a reply that is not an answer.
 *
 * It has no `code`, which is how a lost reply is told from a refusal (`security.md` F01). The message says what happened
 * and nothing else: a client's own errors carry the connection string, so they are dropped rather than kept as `cause`.
 */
export class DatabaseUnreachableError extends DriverError {
  override readonly name = "DatabaseUnreachableError";

  constructor(reason: string, meaning?: string) {
    super(`The database did not answer: ${reason}.`, meaning);
  }
}

/** The reason for a deadline that passed; one wording for every driver. */
export function timeoutReason(timeoutMilliseconds: number): string {
  return `no reply within ${timeoutMilliseconds} ms`;
}
