/**
 * Every way in which Sallyport refuses, in one closed table.
 *
 * A code is public and never renamed. Its category (before the dot) fixes the status, and its message is fixed text. `name` is
 * the class name that the Flametrench specification pins. Besides these, a client receives only `details`.
 *
 * @module
 */
import { rateLimitHeaders } from "./rate-limit-headers.ts";

/**
 * The status of each category. The category is the part of a code before the dot. A code may be an exception to its category.
 */
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
  // Not a denial, because there is no answer.
  evaluation_limit_exceeded: 503,
  pat: 401,
  // The specification's code for a wrong argument, in the category of refused tokens.
  "pat.expires_in_past": 400,
} as const;

/** The HTTP status of a refusal. */
export type ErrorStatus = (typeof statuses)[keyof typeof statuses];

/** Code, pinned name, message. */
const refusals = {
  "invalid_format.id": ["InvalidIdError", "The identifier is malformed."],
  "invalid_format.id_separator": ["InvalidIdError", "The identifier has no separator."],
  "invalid_format.id_type": ["InvalidTypeError", "The identifier's prefix is unknown."],
  "invalid_format.json": ["InvalidFormatError", "The body is not valid JSON."],
  "invalid_format.body": ["InvalidFormatError", "The body does not have the expected form."],
  "invalid_format.query": ["InvalidFormatError", "A query parameter does not have the expected form."],
  "invalid_format.cursor": ["InvalidFormatError", "The cursor is malformed."],
  "invalid_format.identifier": [
    "InvalidFormatError",
    "The identifier must be 1 to 254 visible ASCII characters, with a domain after @.",
  ],
  "invalid_format.password": ["InvalidFormatError", "The password is not acceptable."],
  "invalid_format.idempotency_key": ["InvalidFormatError", "The key must be 1 to 255 visible ASCII characters."],
  "invalid_format.text": ["InvalidFormatError", "The text contains characters that cannot be stored."],
  "invalid_format.relation": ["InvalidFormatError", "The relation is malformed."],
  "invalid_format.relations": ["EmptyRelationSetError", "1 to 100 relations are required."],
  "invalid_format.object_type": ["InvalidFormatError", "The object type is malformed."],
  "invalid_format.object_id": ["InvalidFormatError", "The object identifier is malformed."],
  "invalid_format.subject_type": ["InvalidFormatError", "The subject type is malformed."],
  "invalid_format.name": ["InvalidFormatError", "The name is empty, too long, or has characters that are not allowed."],
  "invalid_format.notice": ["InvalidFormatError", "The message of the provider is not acceptable."],
  "invalid_format.scope": [
    "InvalidFormatError",
    "Each scope must be 1 to 128 visible ASCII characters. Duplicates are not allowed.",
  ],
  "invalid_format.webauthn": ["InvalidFormatError", "The authenticator's response does not match the request."],
  "invalid_format.user_not_verified": [
    "InvalidFormatError",
    "The authenticator must verify its user, such as by a PIN.",
  ],
  "invalid_format.rp_id": ["InvalidFormatError", "The relying party ID does not match."],
  "invalid_format.subject_id": ["InvalidFormatError", "The subject identifier is malformed."],
  "unauthorized.invalid_credential": ["InvalidCredentialError", "The identifier or the password is wrong."],
  "unauthorized.invalid_token": ["InvalidTokenError", "A valid session is required."],
  "unauthorized.session_expired": ["SessionExpiredError", "The session has ended."],
  "unauthorized.invalid_ticket": ["InvalidTokenError", "A valid login ticket is required."],
  "unauthorized.invalid_link": ["InvalidTokenError", "The link is not valid."],
  "unauthorized.provider": ["InvalidCredentialError", "Signing in with the provider failed."],
  "unauthorized.mfa_required": ["MfaRequiredError", "A second factor is required."],
  "unauthorized.invalid_factor": ["InvalidCredentialError", "The second factor is wrong."],
  "unauthorized.user_not_verified": [
    "InvalidCredentialError",
    "The authenticator must verify its user, such as by a PIN.",
  ],
  "unauthorized.replayed_totp": ["ReplayedTotpError", "This code has already been used."],
  "unauthorized.enrollment_required": ["MfaRequiredError", "A second factor must be set up first."],
  "unauthorized.reauthentication_required": ["ReauthenticationRequiredError", "Confirm that it's you to do this."],
  "pat.invalid": ["InvalidPatTokenError", "The personal access token is not valid."],
  "pat.revoked": ["PatRevokedError", "The personal access token is revoked."],
  "pat.expired": ["PatExpiredError", "The personal access token has expired."],
  "pat.expires_in_past": ["InvalidFormatError", "The expiry must be in the future, at most one year ahead."],
  "auth.token_format_unrecognized": ["TokenFormatUnrecognizedError", "This kind of token is not accepted here."],
  forbidden: ["ForbiddenError", "You are not allowed to do this."],
  "forbidden.cross_origin": ["ForbiddenError", "The request did not come from this site."],
  "forbidden.sign_up_closed": ["ForbiddenError", "Sign-up is not open."],
  "forbidden.enrollment_not_granted": ["ForbiddenError", "An administrator must allow a second factor to be set up."],
  "forbidden.insufficient_scope": ["ForbiddenError", "The token lacks the required scope."],
  "forbidden.terms_not_accepted": ["ForbiddenError", "Accept the current terms first."],
  "forbidden.provider_not_allowed": ["ForbiddenError", "The organization does not accept this way to sign in."],
  "forbidden.role_hierarchy": ["RoleHierarchyError", "Your role is not high enough to do this."],
  not_found: ["NotFoundError", "Not found."],
  method_not_allowed: ["MethodNotAllowedError", "This path does not support this method."],
  "conflict.duplicate_credential": [
    "DuplicateCredentialError",
    "An active credential with this identifier already exists.",
  ],
  "conflict.identity_in_use": ["DuplicateCredentialError", "Another account uses this identity."],
  "conflict.same_user": ["PreconditionError", "Both sessions are of the same account."],
  "conflict.duplicate_tuple": ["DuplicateTupleError", "The tuple already exists."],
  "conflict.credential_not_active": ["CredentialNotActiveError", "The credential is not active."],
  "conflict.credential_type_mismatch": ["CredentialTypeMismatchError", "The credential has a different type."],
  "conflict.already_terminal": ["AlreadyTerminalError", "The object has been revoked permanently."],
  "conflict.idempotency_key_used": [
    "PreconditionError",
    "A call with this key has already been made, and its answer is shown only once.",
  ],
  "conflict.last_administrator": ["PreconditionError", "The last administrator cannot be removed."],
  "conflict.last_factor": ["PreconditionError", "A second factor is required, and this is the last one."],
  "conflict.last_way_in": ["PreconditionError", "This is the last way to sign in."],
  "conflict.sole_owner": ["SoleOwnerError", "The organization needs another owner first."],
  "conflict.duplicate_membership": ["DuplicateMembershipError", "The user is already a member."],
  "conflict.org_slug": ["OrgSlugConflictError", "Another organization uses this slug."],
  "conflict.domain_proved_elsewhere": ["PreconditionError", "Another organization has proved this domain."],
  "conflict.invitation_not_pending": ["InvitationNotPendingError", "The invitation is not open any more."],
  "conflict.invitation_expired": ["InvitationExpiredError", "The invitation has expired."],
  "conflict.terms_changed": ["PreconditionError", "The terms have changed."],
  "precondition.factor_not_pending": ["PreconditionError", "This factor is not awaiting confirmation."],
  "precondition.factor_code_invalid": ["PreconditionError", "The code does not confirm the factor."],
  "precondition.factor_needed_first": ["PreconditionError", "Set up another second factor first."],
  "precondition.user_not_active": ["PreconditionError", "The user is not active."],
  "precondition.invalid_transition": ["PreconditionError", "This is not possible in the object's current state."],
  "precondition.limit_reached": ["PreconditionError", "The account may not have more of these. Remove one first."],
  "precondition.org_slug_format": [
    "PreconditionError",
    "A slug is 1 to 63 characters of a-z, 0-9 and -, and neither begins nor ends with -.",
  ],
  "precondition.org_not_active": ["PreconditionError", "The organization is not active."],
  "precondition.domain_not_proved": ["PreconditionError", "The domain is not proved."],
  "precondition.mem_not_active": ["PreconditionError", "The membership is not active."],
  "precondition.from_not_active": ["PreconditionError", "The owner's membership is not active."],
  "precondition.from_not_owner": ["PreconditionError", "Only an owner can hand over ownership."],
  "precondition.to_not_active": ["PreconditionError", "The new owner must be an active member."],
  "precondition.self_transfer": ["PreconditionError", "Ownership goes to another member."],
  "precondition.past_expiration": ["PreconditionError", "The end must be in the future, at most a year ahead."],
  "precondition.identifier_binding_required": [
    "IdentifierBindingRequiredError",
    "The identifier of the accepting user is required.",
  ],
  "precondition.identifier_mismatch": ["IdentifierMismatchError", "The invitation is for another address."],
  "precondition.identifier_unverified": ["PreconditionError", "Verify your address first."],
  "precondition.companion_tuple": [
    "PreconditionError",
    "The tuple belongs to a membership or to an administrator. End that instead.",
  ],
  "precondition.cred_user_mismatch": ["PreconditionError", "The credential belongs to another user."],
  "precondition.ttl_too_short": ["PreconditionError", "A session must last at least 60 seconds."],
  payload_too_large: ["PayloadTooLargeError", "The body is larger than 64 KiB."],
  unsupported_media_type: ["UnsupportedMediaTypeError", "The body must be application/json."],
  too_many_requests: ["TooManyRequestsError", "Too many attempts. Try again later."],
  "unavailable.busy": ["UnavailableError", "The service is busy. Try again shortly."],
  "unavailable.database": ["UnavailableError", "The service is temporarily unavailable."],
  "unavailable.provider": ["UnavailableError", "The provider cannot be reached. Try again shortly."],
  "unavailable.resolver": ["UnavailableError", "The domain's records cannot be read. Try again shortly."],
  "unavailable.reply_lost": ["UnavailableError", "The change was saved, but the response was lost."],
  "unavailable.configuration": ["UnavailableError", "The service is not configured correctly."],
  evaluation_limit_exceeded: ["EvaluationLimitExceededError", "The check reached a limit before there was an answer."],
} as const;

/** A code of the closed table; the part before the dot is its category. */
export type ErrorCode = keyof typeof refusals;

/** Every code, for documents and tests. */
export function errorCodes(): readonly ErrorCode[] {
  return Object.keys(refusals) as ErrorCode[];
}

/** The HTTP status of a code. */
export function statusOf(code: ErrorCode): ErrorStatus {
  const named: Readonly<Record<string, ErrorStatus>> = statuses;
  return named[code] ?? named[code.split(".")[0]!]!;
}

/**
 * The error of a refused operation. Clients see its code, message and `details`. Its `cause` has the particulars, for
 * the server alone.
 */
export class AuthError extends Error {
  readonly code: ErrorCode;
  readonly status: ErrorStatus;
  /** Seconds after which the same request may succeed, for 429 and 503. */
  readonly retryAfterSeconds: number | undefined;
  /** The limit that was reached, for 429, as the header `RateLimit-Policy` writes it: `"exports";q=5;w=60`. */
  readonly limit: string | undefined;
  /** Details that a client may see, by code; never an identifier or a secret. */
  readonly details: Readonly<Record<string, string | number | readonly string[]>> | undefined;

  constructor(
    code: ErrorCode,
    options: {
      cause?: unknown;
      retryAfterSeconds?: number | undefined;
      limit?: string | undefined;
      details?: Readonly<Record<string, string | number | readonly string[]>> | undefined;
    } = {},
  ) {
    const [name, message] = refusals[code];
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = name;
    this.code = code;
    this.status = statusOf(code);
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.limit = options.limit;
    this.details = options.details;
  }

  /**
   * The response to the client: `{ "code", "message", "details"? }`, without the cause. Hono calls this method if the
   * application does not handle the error itself.
   *
   * The response does not reveal the state of a personal access token, because an id alone must reveal nothing.
   */
  getResponse(): Response {
    const isEndedToken = this.code === "pat.revoked" || this.code === "pat.expired";
    const error = isEndedToken ? new AuthError("pat.invalid") : this;
    const headers: Record<string, string> = { "Content-Type": "application/json", "Cache-Control": "no-store" };
    const { status, limit, retryAfterSeconds = 30 } = error;
    if (status === 429 || status === 503) headers["Retry-After"] = String(retryAfterSeconds);
    if (limit) Object.assign(headers, rateLimitHeaders(limit, 0, retryAfterSeconds));
    // RFC 9110 §11.6.1: a 401 names the scheme. `Bearer` without a `realm` makes no browser ask for a password.
    if (error.status === 401) headers["WWW-Authenticate"] = "Bearer";
    // RFC 6750 §3.1.
    if (error.code === "forbidden.insufficient_scope")
      headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"';
    return new Response(JSON.stringify(errorBody(error)), { status: error.status, headers });
  }
}

/** True if a text, such as a refusal from the database, is a code of the table. */
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
