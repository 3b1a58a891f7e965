import { DriverError } from "../driver-error.ts";
import { isPassing } from "../sqlstate.ts";
import { DatabaseUnreachableError } from "./unreachable.ts";

/** The meaning of system error codes and SQLSTATEs (PostgreSQL 15, Appendix A) for an operator. */
const meanings: readonly (readonly [pattern: RegExp, text: string])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, "the database's host name was not found (DNS)"],
  [/^ECONNREFUSED$/, "the database's host refused the connection"],
  [/^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/, "the database did not answer in time"],
  [/^(ECONNRESET|EPIPE)$/, "the connection to the database broke"],
  [/^(CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/, "the database's TLS certificate was not accepted"],
  [/^28(P01|000)$/, "the database refused the user or the password"],
  [/^3D000$/, "there is no such database"],
  [/^42(P01|703|883)$/, "a table, column or function is missing: run `sallyport migrate`"],
  [/^42501$/, "the database user lacks a privilege"],
  [/^53/, "the database is out of connections, memory or disk"],
  [/^57P0[123]$/, "the database is starting or shutting down"],
];

function meaningOf(code: string): string | undefined {
  return meanings.find(([pattern]) => pattern.test(code))?.[1];
}

/**
 * The fields that are copied from a database's error. `detail`, `where`, `hint` and `message` may contain row data and are not
 * copied.
 */
export interface DatabaseErrorFields {
  /** SQLSTATE. */
  code: string;
  table?: string | undefined;
  /** The constraint's name or, for `SP001`, the code of the refusal. */
  constraint?: string | undefined;
  severity?: string | undefined;
  routine?: string | undefined;
}

/** The database refused the request, and nothing of it took effect. */
export class DatabaseError extends DriverError implements DatabaseErrorFields {
  override readonly name = "DatabaseError";
  readonly code: string;
  readonly table: string | undefined;
  readonly constraint: string | undefined;
  readonly severity: string | undefined;
  readonly routine: string | undefined;

  /** @param explanation Shown after the code. It must never contain values. */
  constructor(fields: DatabaseErrorFields, explanation?: string) {
    const names = [fields.code, fields.table, fields.constraint].filter(Boolean).join(", ");
    super(
      `The database refused the statement (${names})${explanation ? `: ${explanation}` : "."}`,
      meaningOf(fields.code),
    );
    this.code = fields.code;
    this.table = fields.table;
    this.constraint = fields.constraint;
    this.severity = fields.severity;
    this.routine = fields.routine;
  }
}

/**
 * The error to throw for anything that a database client threw.
 *
 * With a SQLSTATE it is a {@link DatabaseError}, unless the code means that the connection ended during the statement. Then,
 * and for any other error, the outcome is unknown.
 *
 * @param reason The text to show if the error did not come from the database.
 */
export function databaseError(thrown: unknown, reason: string): DatabaseError | DatabaseUnreachableError {
  if (thrown instanceof DatabaseError || thrown instanceof DatabaseUnreachableError) return thrown;
  const { fields, code, severity, isSqlstate } = codesOf(thrown);
  if (!isSqlstate) return new DatabaseUnreachableError(withCode(reason, code), { meaning: code && meaningOf(code) });
  if (severity === "FATAL" || severity === "PANIC" || outcomeUnknown.test(code!)) {
    return new DatabaseUnreachableError(`the connection ended with SQLSTATE ${code}`, { meaning: meaningOf(code!) });
  }
  return new DatabaseError(
    {
      code: code!,
      table: text(fields.table),
      constraint: text(fields.constraint),
      severity,
      routine: text(fields.routine),
    },
    explanation(code!, thrown),
  );
}

/** The error to throw if there is no connection: whatever the client threw, nothing was sent. */
export function unsentError(thrown: unknown, reason: string): DatabaseUnreachableError {
  if (thrown instanceof DatabaseUnreachableError && thrown.isUnsent) return thrown;
  const { code, isSqlstate } = codesOf(thrown);
  const known = { meaning: code && meaningOf(code), isUnsent: true };
  if (isSqlstate) {
    const isLasting = !isPassing(code!);
    return new DatabaseUnreachableError(`the connection was refused with SQLSTATE ${code}`, { ...known, isLasting });
  }
  const isLasting = code !== undefined && !/^(E(CONN[A-Z]+|PIPE|TIMEDOUT|AI_AGAIN)|UND_ERR_.+)$/.test(code);
  return new DatabaseUnreachableError(withCode(reason, code), { ...known, isLasting });
}

/** A system error's code, such as ECONNREFUSED, contains no values and saves an hour. */
function withCode(reason: string, code: string | undefined): string {
  return code && /^E[A-Z_]+$/.test(code) ? `${reason} (${code})` : reason;
}

function codesOf(thrown: unknown) {
  const fields: Readonly<Record<string, unknown>> = typeof thrown === "object" && thrown !== null ? { ...thrown } : {};
  const code = text(fields.code);
  const severity = text(fields.severity);
  return { fields, code, severity, isSqlstate: code !== undefined && isSqlstate(code, severity) };
}

/**
 * A SQLSTATE has five characters, but so has EPIPE. A system error has no severity, and every SQLSTATE of Postgres has a digit.
 */
function isSqlstate(code: string, severity: string | undefined): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && (severity !== undefined || /\d/.test(code));
}

/** Connection exceptions, statement completion unknown, shutdowns and crashes (Postgres 15, Appendix A). */
const outcomeUnknown = /^(08...|40003|57P0[1-5])$/;

/** Class 42 concerns the statement's own text, which never holds a value: the message should name a missing table. */
function explanation(code: string, thrown: unknown): string | undefined {
  return code.startsWith("42") && thrown instanceof Error ? thrown.message : undefined;
}

/** Clients omit absent fields, or set them to null or undefined. */
function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
