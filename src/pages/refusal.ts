import { AuthError, type ErrorCode } from "../index.ts";

/** The result of an operation, or the reason of its refusal. */
export type Attempt<Value> =
  | { readonly value: Value; readonly refusal?: undefined }
  | { readonly value?: undefined; readonly refusal: AuthError };

/** Refusals for which every page redirects to another page. */
const leadingAway: readonly ErrorCode[] = [
  "unauthorized.reauthentication_required",
  "unauthorized.invalid_token",
  "unauthorized.session_expired",
  "unauthorized.mfa_required",
];

/** Waits for an operation. A refusal that the page itself shows is returned instead of thrown. */
export async function attempt<Value>(operation: Promise<Value>): Promise<Attempt<Value>> {
  try {
    return { value: await operation };
  } catch (error) {
    if (!(error instanceof AuthError) || leadingAway.includes(error.code)) throw error;
    return { refusal: error };
  }
}

/** Why a new password is refused, by `details.reason`. */
const passwordFaults: Readonly<Record<string, string>> = {
  too_short:
    "This password is too short. Use at least 15 characters, or 8 beside a second factor; several words in a row work well.",
  too_long: "This password is too long. Use at most 1024 bytes.",
  too_predictable:
    "This password is too easy to guess. Avoid common passwords, repeated characters, keyboard patterns and your own name.",
  unusable_characters: "This password has characters that cannot be used.",
  reused: "You have used this password before. Choose another one.",
  compromised: "This password appeared in a data breach. Choose another one.",
};

/** Why a user's own name is refused. */
export const longDisplayName =
  "Use at most 200 characters, without control characters or characters that change the direction of text.";

/** Sentences that pages show instead of the messages for programs. */
const sentences: Partial<Record<ErrorCode, string>> = {
  "invalid_format.identifier":
    "Use 1 to 254 letters, digits and symbols, without spaces or accents. After @ write a domain, such as example.com.",
  "invalid_format.name":
    "Use 1 to 120 characters, without control characters or characters that change the direction of text.",
  "invalid_format.idempotency_key": "This form was open for too long. Check it, and send it again.",
  "invalid_format.scope": "Separate scopes with spaces. Use at most 50, each of up to 128 letters, digits and symbols.",
  "invalid_format.text": "This contains characters that cannot be stored.",
  "invalid_format.webauthn": "The passkey could not be verified. Try again.",
  "invalid_format.user_not_verified": "This key must check that it is you. Set a PIN on it, and try again.",
  "unauthorized.user_not_verified": "This key must check that it is you. Set a PIN on it, and try again.",
  "unauthorized.invalid_credential": "That is incorrect. Check it and try again.",
  "unauthorized.invalid_factor": "That code is not right. Check it and try again.",
  "unauthorized.replayed_totp": "That code has already been used. Wait for the next one.",
  "unauthorized.invalid_ticket":
    "This sign-in was finished already, took too long, or had too many wrong codes. Start again.",
  "pat.expires_in_past": "Choose a date within the next year.",
  "forbidden.cross_origin": "This request did not come from a page of this site, so nothing was changed.",
  "forbidden.enrollment_not_granted":
    "You need a second factor to sign in. Ask an administrator to let you set one up.",
  not_found: "This is no longer in your account.",
  "conflict.duplicate_credential": "This is already taken.",
  "conflict.idempotency_key_used": "This was already done, so nothing was done again.",
  "conflict.last_factor": "You must have a second factor, and this is your last one. Add another first.",
  "precondition.limit_reached": "You cannot have more of these. Remove one first.",
  "conflict.last_way_in": "This is your last way to sign in. Add another first.",
  "precondition.factor_code_invalid":
    "That code is not right. Check that the app shows this site, and try its current code.",
  "precondition.factor_not_pending": "This took too long. Start again.",
  "precondition.factor_needed_first": "Add an authenticator app first.",
  payload_too_large: "That is too much text for this page.",
  unsupported_media_type: "This page only accepts its own forms.",
  "unavailable.busy": "The service is busy. Try again in a moment.",
  "unavailable.reply_lost":
    "The change was saved, but the response was lost. If a code or token was to be shown, create a new one.",
};

/**
 * A sentence for the user.
 *
 * @param words This page's own sentences, by code.
 */
export function sentenceFor(refusal: AuthError, words: Partial<Record<ErrorCode, string>> = {}): string {
  const { code, details, retryAfterSeconds = 60 } = refusal;
  if (code === "too_many_requests") return `Too many attempts. Try again in ${duration(retryAfterSeconds)}.`;
  const fault = code === "invalid_format.password" ? passwordFaults[String(details?.reason)] : undefined;
  return words[code] ?? fault ?? sentences[code] ?? refusal.message;
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.ceil(seconds))} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}
