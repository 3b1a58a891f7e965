/**
 * Errors of an OpenID Connect client. Each is an {@link OAuthError}, whose `error` is the code of OAuth 2.0 (RFC 6749 §4.1.2.1
 * and §5.2), of OpenID Connect (Core §3.1.2.6), of the issuer, or one of this client's own.
 *
 * No message has a token, a code, or a text of the issuer. `error_description` has the issuer's text: show it to no user.
 *
 * @module
 */
import { given } from "../crypto/option-error.ts";

/** The issuer, or a check of its answer, refused. */
export class OAuthError extends Error {
  readonly error: string;
  /** The issuer's explanation: at most 256 characters, without control characters. */
  readonly error_description: string | undefined;

  constructor(error: string, description?: string, options?: ErrorOptions) {
    super(ownMessages.get(error) ?? "The issuer refused the request.", options);
    this.name = "OAuthError";
    this.error = error;
    this.error_description = description;
  }
}

/** The access token has expired, and there is no refresh token. */
export class TokenExpiredError extends OAuthError {
  override readonly name: string = "TokenExpiredError";

  constructor(options?: ErrorOptions) {
    super("token_expired", undefined, options);
  }
}

/** The tokens could not be refreshed. `status_code` is the issuer's status, or `undefined` if the issuer did not answer. */
export class RefreshError extends OAuthError {
  override readonly name: string = "RefreshError";
  readonly status_code: number | undefined;

  constructor(status: number | undefined, cause: OAuthError) {
    super(cause.error, cause.error_description, { cause });
    this.status_code = status;
  }
}

/** A token, a set of tokens or an answer does not have its form, or is not what was asked for. `field` says where. */
export class TokenParseError extends OAuthError {
  override readonly name: string = "TokenParseError";
  /** Such as `id_token.aud`. */
  readonly field: string;

  constructor(field: string) {
    super("invalid_token_response", undefined);
    this.field = field;
  }
}

/** A refreshed token, or the answer of the userinfo endpoint, is about another subject. */
export class SubjectMismatchError extends OAuthError {
  override readonly name: string = "SubjectMismatchError";
  readonly expected_sub: string;
  readonly actual_sub: string;

  constructor(expected: string, actual: string) {
    super("subject_mismatch");
    this.expected_sub = expected;
    this.actual_sub = actual;
  }
}

/** `insufficient_scope`: the token does not allow this (RFC 6750 §3.1). */
export class InsufficientScopeError extends OAuthError {
  override readonly name: string = "InsufficientScopeError";
}

/** `session_expired`: the user's session at the issuer has ended. */
export class SessionExpiredError extends OAuthError {
  override readonly name: string = "SessionExpiredError";
}

/** `user_blocked`: the issuer has blocked the user. */
export class UserBlockedError extends OAuthError {
  override readonly name: string = "UserBlockedError";
}

/** `account_linking_required`: an account with this address exists, and the user must prove it first. */
export class AccountLinkingRequiredError extends OAuthError {
  override readonly name: string = "AccountLinkingRequiredError";
}

/** `interaction_required`: the issuer must show the user a page (OpenID Connect Core §3.1.2.6). */
export class InteractionRequiredError extends OAuthError {
  override readonly name: string = "InteractionRequiredError";
}

/** `login_required`: the user must sign in at the issuer (OpenID Connect Core §3.1.2.6). */
export class LoginRequiredError extends OAuthError {
  override readonly name: string = "LoginRequiredError";
}

/** `consent_required`: the user must agree at the issuer (OpenID Connect Core §3.1.2.6). */
export class ConsentRequiredError extends OAuthError {
  override readonly name: string = "ConsentRequiredError";
}

/** The client cannot be used as it is configured. The message says which option, and shows no secret. */
export class ConfigurationError extends OAuthError {
  override readonly name: string = "ConfigurationError";
  readonly option: string;

  constructor(option: string, wanted: string, options?: ErrorOptions) {
    super("configuration_error", undefined, options);
    this.message = `${option}: ${wanted}`;
    this.option = option;
  }
}

/** @throws {ConfigurationError} If `isMet` is false: says what was given, and that it must be `wanted`. */
export function requireSetting(isMet: boolean, option: string, value: unknown, wanted: string): void {
  if (!isMet) throw new ConfigurationError(option, `${given(value)}, and must be ${wanted}.`);
}

/** Codes of an issuer that have a class of their own. */
const classes: ReadonlyMap<string, typeof OAuthError> = new Map<string, typeof OAuthError>([
  ["insufficient_scope", InsufficientScopeError],
  ["session_expired", SessionExpiredError],
  ["user_blocked", UserBlockedError],
  ["account_linking_required", AccountLinkingRequiredError],
  ["interaction_required", InteractionRequiredError],
  ["login_required", LoginRequiredError],
  ["consent_required", ConsentRequiredError],
]);

/** Codes of this client itself, and what they say. */
const ownMessages: ReadonlyMap<string, string> = new Map([
  ["token_expired", "The access token has expired."],
  ["invalid_token_response", "The token or the answer is not acceptable."],
  ["subject_mismatch", "The answer is about another subject."],
  ["issuer_unreachable", "The issuer could not be reached."],
  ["issuer_timeout", "The issuer did not answer in time."],
  ["issuer_invalid_response", "The issuer's answer is malformed."],
  ["transaction_expired", "The sign-in took longer than 10 minutes."],
  ["state_mismatch", "The answer does not belong to this sign-in."],
  ["issuer_mismatch", "The answer comes from another issuer."],
  ["account_not_allowed", "This account is not accepted."],
  ["invalid_callback", "The answer is malformed."],
]);

/** The error for an issuer's code. An unknown code is an {@link OAuthError}, and its texts are cut. */
export function errorForCode(code: string, description?: unknown): OAuthError {
  const ErrorClass = classes.get(code) ?? OAuthError;
  return new ErrorClass(plain(code), typeof description === "string" ? plain(description) : undefined);
}

/** At most 256 characters, without control characters and without halves of characters. */
function plain(text: string): string {
  return text.slice(0, 256).replace(/\p{C}/gu, "");
}
