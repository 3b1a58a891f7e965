/**
 * The one table of the meanings of database errors, by SQLSTATE, table and constraint. Message text is never read.
 *
 * @module
 */
import { AuthError, type ErrorCode, isErrorCode } from "../domain/error.ts";
import { denialPolicy } from "./denials.ts";
import { type Statement, sql } from "./sql.ts";
import { isUnavailable } from "./sqlstate.ts";

interface DatabaseFailure {
  readonly code?: unknown;
  readonly table?: unknown;
  readonly constraint?: unknown;
}

const constraints: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ["23505 cred cred_unique_active_identifier", "conflict.duplicate_credential"],
  ["23505 cred cred_unique_active_oidc_subject", "conflict.duplicate_credential"],
  ["23505 mfa mfa_webauthn_credential_id_idx", "conflict.duplicate_credential"],
  ["23505 tup tup_natural_key", "conflict.duplicate_tuple"],
  ["23505 org org_slug_unique", "conflict.org_slug"],
  ["23505 org_domain org_domain_proved", "conflict.domain_proved_elsewhere"],
  ["23505 mem mem_unique_active", "conflict.duplicate_membership"],
  ["23503 cred cred_usr_id_fkey", "not_found"],
]);

/** True if it is unknown whether the statement took effect: the error is not the database's own. */
export function isReplyLost(error: unknown): boolean {
  const { code } = asFailure(error);
  // Excludes `EPIPE` and similar codes, which have five letters too.
  return !(error instanceof AuthError) && !(typeof code === "string" && /^(?!E[A-Z]{4})[0-9A-Z]{5}$/.test(code));
}

/** The refusal that a database's error means. Any other error is returned as it is: it is a bug or an outage. */
export function refusalOf(error: unknown): unknown {
  const { code, table, constraint } = asFailure(error);
  if (error instanceof AuthError || typeof code !== "string") return error;
  if (code === "SP001" && isErrorCode(constraint)) {
    return new AuthError(constraint, {
      cause: error,
      limit: constraint === "too_many_requests" ? denialPolicy : undefined,
    });
  }

  const known = constraints.get(`${code} ${String(table)} ${String(constraint)}`);
  if (known) return new AuthError(known, { cause: error });
  // Characters that the database's encoding lacks, among them NUL: Postgres 15, Appendix A.
  if (code === "22021" || code === "22P05") return new AuthError("invalid_format.text", { cause: error });
  if (isUnavailable(code)) {
    return new AuthError("unavailable.database", { cause: error, retryAfterSeconds: 1 });
  }
  return error;
}

/** Names the operation of the following statements of a batch, for {@link placeOf}, until the transaction ends. */
export function markPlace(place: number): Statement {
  return sql`select set_config('sallyport.place', ${String(place)}, true)`;
}

/** Which operation of a batch has refused; `undefined` if there was no mark, or the error was not an operation's own refusal. */
export function placeOf(error: unknown): number | undefined {
  const { code, table } = asFailure(error);
  return code === "SP001" && /^\d+$/.test(String(table)) ? Number(table) : undefined;
}

function asFailure(error: unknown): DatabaseFailure {
  return typeof error === "object" && error !== null ? error : {};
}
