/**
 * Every way in which Sallyport refuses, in one closed table.
 *
 * A code is public and never renamed; its category (before the dot) fixes the status, its message is fixed text. `name` is
 * the class name that the Flametrench specification pins. Only what is in `details` leaves the process besides.
 *
 * @module
 */

interface Refusal {
  readonly name: string;
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 415 | 429 | 503;
  readonly message: string;
}

const refusals = {
  "invalid_format.id": { name: "InvalidIdError", status: 400, message: "The identifier is malformed." },
  "invalid_format.id_separator": { name: "InvalidIdError", status: 400, message: "The identifier has no separator." },
  "invalid_format.id_type": { name: "InvalidTypeError", status: 400, message: "The identifier's prefix is unknown." },
  "invalid_format.json": { name: "InvalidFormatError", status: 400, message: "The body is not valid JSON." },
  "invalid_format.body": {
    name: "InvalidFormatError",
    status: 400,
    message: "The body does not have the expected form.",
  },
  "invalid_format.query": {
    name: "InvalidFormatError",
    status: 400,
    message: "A query parameter does not have the expected form.",
  },
  "invalid_format.cursor": { name: "InvalidFormatError", status: 400, message: "The cursor is malformed." },
  "invalid_format.identifier": {
    name: "InvalidFormatError",
    status: 400,
    message: "The identifier must be 1 to 254 characters of ASCII without spaces or control characters.",
  },
  "invalid_format.password": { name: "InvalidFormatError", status: 400, message: "The password is not acceptable." },
  "invalid_format.text": {
    name: "InvalidFormatError",
    status: 400,
    message: "A text holds characters that cannot be stored.",
  },
  "invalid_format.relation": { name: "InvalidFormatError", status: 400, message: "The relation is malformed." },
  "invalid_format.relations": {
    name: "EmptyRelationSetError",
    status: 400,
    message: "At least one relation is needed.",
  },
  "invalid_format.object_type": { name: "InvalidFormatError", status: 400, message: "The object type is malformed." },
  "invalid_format.object_id": {
    name: "InvalidFormatError",
    status: 400,
    message: "The object identifier is malformed.",
  },
  "invalid_format.subject_type": { name: "InvalidFormatError", status: 400, message: "The subject type is malformed." },
  "invalid_format.subject_id": {
    name: "InvalidFormatError",
    status: 400,
    message: "The subject identifier is malformed.",
  },
  "unauthorized.invalid_credential": {
    name: "InvalidCredentialError",
    status: 401,
    message: "The identifier or the password is wrong.",
  },
  "unauthorized.invalid_token": { name: "InvalidTokenError", status: 401, message: "A valid session is needed." },
  "unauthorized.session_expired": { name: "SessionExpiredError", status: 401, message: "The session has ended." },
  "unauthorized.invalid_ticket": { name: "InvalidTokenError", status: 401, message: "A valid login ticket is needed." },
  "unauthorized.mfa_required": { name: "MfaRequiredError", status: 401, message: "A second factor is needed." },
  "unauthorized.reauthentication_required": {
    name: "ReauthenticationRequiredError",
    status: 401,
    message: "Sign in again to do this.",
  },
  "auth.token_format_unrecognized": {
    name: "TokenFormatUnrecognizedError",
    status: 401,
    message: "This kind of token is not accepted here.",
  },
  forbidden: { name: "ForbiddenError", status: 403, message: "You may not do this." },
  "forbidden.cross_origin": {
    name: "ForbiddenError",
    status: 403,
    message: "The request did not come from this site.",
  },
  "forbidden.sign_up_closed": { name: "ForbiddenError", status: 403, message: "Sign-up is not open." },
  not_found: { name: "NotFoundError", status: 404, message: "There is no such object." },
  "conflict.duplicate_credential": {
    name: "DuplicateCredentialError",
    status: 409,
    message: "An active credential with this identifier exists.",
  },
  "conflict.duplicate_tuple": { name: "DuplicateTupleError", status: 409, message: "The tuple exists." },
  "conflict.credential_not_active": {
    name: "CredentialNotActiveError",
    status: 409,
    message: "The credential is not active.",
  },
  "conflict.credential_type_mismatch": {
    name: "CredentialTypeMismatchError",
    status: 409,
    message: "The credential is of another type.",
  },
  "conflict.already_terminal": {
    name: "AlreadyTerminalError",
    status: 409,
    message: "The object is revoked for good.",
  },
  "conflict.last_administrator": {
    name: "PreconditionError",
    status: 409,
    message: "The last administrator cannot be removed.",
  },
  "precondition.user_not_active": { name: "PreconditionError", status: 409, message: "The user is not active." },
  "precondition.invalid_transition": {
    name: "PreconditionError",
    status: 409,
    message: "The object is not in the state that this needs.",
  },
  "precondition.cred_user_mismatch": {
    name: "PreconditionError",
    status: 409,
    message: "The credential belongs to another user.",
  },
  "precondition.ttl_too_short": {
    name: "PreconditionError",
    status: 409,
    message: "A session lasts at least 60 seconds.",
  },
  payload_too_large: { name: "PayloadTooLargeError", status: 413, message: "The body is larger than 64 KiB." },
  unsupported_media_type: {
    name: "UnsupportedMediaTypeError",
    status: 415,
    message: "The body must be application/json.",
  },
  too_many_requests: { name: "TooManyRequestsError", status: 429, message: "Too many attempts. Try again later." },
  "unavailable.busy": { name: "UnavailableError", status: 503, message: "The service is busy. Try again shortly." },
  "unavailable.database": { name: "UnavailableError", status: 503, message: "The service cannot answer now." },
  "unavailable.reply_lost": {
    name: "UnavailableError",
    status: 503,
    message: "The change was made, but its answer was lost.",
  },
  "unavailable.configuration": { name: "UnavailableError", status: 503, message: "The service is not configured." },
} as const;

/** A code of the closed table; the part before the dot is its category. */
export type ErrorCode = keyof typeof refusals;

const table: Readonly<Record<ErrorCode, Refusal>> = refusals;

/** A refused operation. `cause` holds the particulars and never leaves the process; `details` does. */
export class AuthError extends Error {
  readonly code: ErrorCode;
  readonly status: Refusal["status"];
  /** Seconds after which the same request may succeed, for 429 and 503. */
  readonly retryAfterSeconds: number | undefined;
  /** What a client may be told besides, by code; never an identifier or a secret. */
  readonly details: Readonly<Record<string, string | number | readonly string[]>> | undefined;

  constructor(
    code: ErrorCode,
    options: {
      cause?: unknown;
      retryAfterSeconds?: number | undefined;
      details?: Readonly<Record<string, string | number | readonly string[]>> | undefined;
    } = {},
  ) {
    const { name, status, message } = table[code];
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = name;
    this.code = code;
    this.status = status;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.details = options.details;
  }
}

/** Whether a text, such as the one that the database refuses with, is a code of the table. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(refusals, code);
}

/** The body of every error response. */
export interface ErrorBody {
  code: ErrorCode | "internal_error";
  message: string;
  details?: Readonly<Record<string, string | number | readonly string[]>>;
}

/** What a client is told of a refusal. */
export function errorBody({ code, message, details }: AuthError): ErrorBody {
  return { code, message, ...(details && { details }) };
}
