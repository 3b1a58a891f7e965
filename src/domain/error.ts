/**
 * Every way in which Sallyport refuses, in one closed table of two parts: what every application may answer, and what only
 * features do (`feature-refusals.ts`).
 *
 * A code is public and never renamed; its category (before the dot) fixes the status, its message is fixed text. `name` is
 * the class name that the Flametrench specification pins. Only what is in `details` leaves the process besides.
 *
 * @module
 */
import type { featureRefusals } from "./feature-refusals.ts";

/** The status of each category, which is the part of a code before the dot; a code may be an exception to its category. */
const statuses = {
  invalid_format: 400,
  unauthorized: 401,
  auth: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  precondition: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  too_many_requests: 429,
  unavailable: 503,
  pat: 401,
  // The specification's own code for an argument, in the category of what a token is refused with.
  "pat.expires_in_past": 400,
} as const;

export type ErrorStatus = (typeof statuses)[keyof typeof statuses];

/** Code, pinned name, message: of what every application may answer. */
export const commonRefusals = {
  "invalid_format.id": ["InvalidIdError", "The identifier is malformed."],
  "invalid_format.id_separator": ["InvalidIdError", "The identifier has no separator."],
  "invalid_format.id_type": ["InvalidTypeError", "The identifier's prefix is unknown."],
  "invalid_format.json": ["InvalidFormatError", "The body is not valid JSON."],
  "invalid_format.body": ["InvalidFormatError", "The body does not have the expected form."],
  "invalid_format.query": ["InvalidFormatError", "A query parameter does not have the expected form."],
  "invalid_format.identifier": [
    "InvalidFormatError",
    "The identifier must be 1 to 254 characters of ASCII without spaces or control characters.",
  ],
  "invalid_format.password": ["InvalidFormatError", "The password is not acceptable."],
  "invalid_format.text": ["InvalidFormatError", "The text contains characters that cannot be stored."],
  "unauthorized.invalid_credential": ["InvalidCredentialError", "The identifier or the password is wrong."],
  "unauthorized.invalid_token": ["InvalidTokenError", "A valid session is required."],
  "unauthorized.session_expired": ["SessionExpiredError", "The session has ended."],
  "unauthorized.mfa_required": ["MfaRequiredError", "A second factor is required."],
  "unauthorized.enrollment_required": ["MfaRequiredError", "A second factor must be set up first."],
  "unauthorized.reauthentication_required": ["ReauthenticationRequiredError", "Confirm that it's you to do this."],
  "auth.token_format_unrecognized": ["TokenFormatUnrecognizedError", "This kind of token is not accepted here."],
  forbidden: ["ForbiddenError", "You are not allowed to do this."],
  "forbidden.cross_origin": ["ForbiddenError", "The request did not come from this site."],
  "forbidden.sign_up_closed": ["ForbiddenError", "Sign-up is not open."],
  "forbidden.enrollment_not_granted": ["ForbiddenError", "An administrator must allow a second factor to be set up."],
  not_found: ["NotFoundError", "Not found."],
  method_not_allowed: ["MethodNotAllowedError", "This path does not support this method."],
  "conflict.duplicate_credential": [
    "DuplicateCredentialError",
    "An active credential with this identifier already exists.",
  ],
  payload_too_large: ["PayloadTooLargeError", "The body is larger than 64 KiB."],
  unsupported_media_type: ["UnsupportedMediaTypeError", "The body must be application/json."],
  too_many_requests: ["TooManyRequestsError", "Too many attempts. Try again later."],
  "unavailable.busy": ["UnavailableError", "The service is busy. Try again shortly."],
  "unavailable.database": ["UnavailableError", "The service is temporarily unavailable."],
  "unavailable.reply_lost": ["UnavailableError", "The change was saved, but the response was lost."],
  "unavailable.configuration": ["UnavailableError", "The service is not configured."],
} as const;

/** A code of the closed table; the part before the dot is its category. */
export type ErrorCode = keyof typeof commonRefusals | keyof typeof featureRefusals;

/** Names and messages by code. */
export type Refusals = Readonly<Partial<Record<ErrorCode, readonly [name: string, message: string]>>>;

/** The rows of this process: those of the features of each application are added when the application is made. */
let refusals: Refusals = commonRefusals;

/** Adds the rows of a feature, which other applications do not carry. They are constants, so adding them again changes nothing. */
export function addRefusals(added: Refusals): void {
  refusals = { ...refusals, ...added };
}

/** The status that a code's category fixes. */
export function statusOf(code: ErrorCode): ErrorStatus {
  const named: Readonly<Record<string, ErrorStatus>> = statuses;
  return named[code] ?? named[code.split(".")[0]!]!;
}

/** A refused operation. `cause` holds the particulars and never leaves the process; `details` does. */
export class AuthError extends Error {
  readonly code: ErrorCode;
  readonly status: ErrorStatus;
  /** Seconds after which the same request may succeed, for 429 and 503. */
  readonly retryAfterSeconds: number | undefined;
  /** Details that a client may see, by code; never an identifier or a secret. */
  readonly details: Readonly<Record<string, string | number | readonly string[]>> | undefined;

  constructor(
    code: ErrorCode,
    options: {
      cause?: unknown;
      retryAfterSeconds?: number | undefined;
      details?: Readonly<Record<string, string | number | readonly string[]>> | undefined;
    } = {},
  ) {
    const [name, message] = refusals[code] ?? ["AuthError", code];
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = name;
    this.code = code;
    this.status = statusOf(code);
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.details = options.details;
  }

  /**
   * The response to a request: `{ "code", "message", "details"? }`, and nothing of the cause. Hono asks for it by this name
   * when an application handles an error in no other way.
   *
   * The state of a personal access token is not revealed: holding its id alone must teach nothing.
   */
  getResponse(): Response {
    const isEndedToken = this.code === "pat.revoked" || this.code === "pat.expired";
    const error = isEndedToken ? new AuthError("pat.invalid") : this;
    const headers: Record<string, string> = { "Content-Type": "application/json", "Cache-Control": "no-store" };
    if (error.status === 429 || error.status === 503) headers["Retry-After"] = String(error.retryAfterSeconds ?? 30);
    // RFC 9110 §11.6.1: a 401 names the scheme. Bearer with no `realm` makes no browser ask for a password.
    if (error.status === 401) headers["WWW-Authenticate"] = "Bearer";
    // RFC 6750 §3.1.
    if (error.code === "forbidden.insufficient_scope")
      headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"';
    return new Response(JSON.stringify(errorBody(error)), { status: error.status, headers });
  }
}

/** Whether a text, such as the one that the database refuses with, is a code of this process. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(refusals, code);
}

/** The body of every error response. */
export interface ErrorBody {
  code: ErrorCode | "internal_error";
  message: string;
  details?: Readonly<Record<string, string | number | readonly string[]>>;
}

/** The body that a client receives for a refusal. */
export function errorBody({ code, message, details }: AuthError): ErrorBody {
  return { code, message, ...(details && { details }) };
}
