/** Sentences for refusals, by code. `error.password.…` says why a new password is refused, by `details.reason`. */
export const englishErrors = {
  "error.invalid_format.identifier":
    "Use 1 to 254 letters, digits and symbols, without spaces or accents. After @ write a domain, such as example.com.",
  "error.invalid_format.name":
    "Use 1 to 120 characters, without control characters or characters that change the direction of text.",
  "error.display-name":
    "Use at most 200 characters, without control characters or characters that change the direction of text.",
  "error.invalid_format.idempotency_key": "This form was open for too long. Check it, and send it again.",
  "error.invalid_format.scope":
    "Separate scopes with spaces. Use at most 50, each of up to 128 letters, digits and symbols.",
  "error.invalid_format.text": "This contains characters that cannot be stored.",
  "error.invalid_format.webauthn": "The passkey could not be verified. Try again.",
  "error.invalid_format.user_not_verified": "This key must check that it is you. Set a PIN on it, and try again.",
  "error.invalid_format.password": "This password cannot be used. Choose another one.",
  "error.invalid_format.body": "This form is not complete. Go back, and send it again.",
  "error.invalid_format.json": "This form is not complete. Go back, and send it again.",
  "error.password.too_short":
    "This password is too short. Use at least 15 characters, or 8 with a second factor. Several words in a row work well.",
  "error.password.too_long": "This password is too long. Use at most 1024 bytes.",
  "error.password.too_predictable":
    "This password is too easy to guess. Avoid common passwords, repeated characters, keyboard patterns and your own name.",
  "error.password.unusable_characters": "This password contains characters that cannot be used.",
  "error.password.reused": "You have used this password before. Choose another one.",
  "error.password.compromised": "This password appeared in a data breach. Choose another one.",
  "error.unauthorized.provider": "Signing in at the other site did not work. Try again.",
  "error.unavailable.provider": "The other site cannot be reached at the moment. Try again shortly.",
  "error.conflict.same_user": "You signed in to the same account again. Cancel, and sign in to the other one.",
  "error.conflict.identity_in_use": "Another account here uses this account at the other site. Unlink it there first.",
  "error.unauthorized.user_not_verified": "This key must check that it is you. Set a PIN on it, and try again.",
  "error.unauthorized.invalid_credential": "That is incorrect. Check it and try again.",
  "error.unauthorized.invalid_factor": "That code is not right. Check it and try again.",
  "error.unauthorized.invalid_link": "This link does not work. It was already used, or it is too old.",
  "error.unauthorized.invalid_token": "Your session has ended. Sign in again.",
  "error.unauthorized.session_expired": "Your session has ended. Sign in again.",
  "error.unauthorized.mfa_required": "Your account now requires a second factor. Sign in again.",
  "error.unauthorized.reauthentication_required": "Confirm that it's you to do this.",
  "error.unauthorized.replayed_totp": "That code has already been used. Wait for the next one.",
  "error.unauthorized.invalid_ticket":
    "This sign-in was finished already, took too long, or had too many wrong codes. Start again.",
  "error.pat.expires_in_past": "Choose a date within the next year.",
  "error.forbidden": "Your account is not allowed to do this.",
  "error.forbidden.cross_origin": "This request did not come from a page of this site, so nothing was changed.",
  "error.forbidden.sign_up_closed": "New accounts cannot be created here at the moment.",
  "error.forbidden.enrollment_not_granted":
    "You need a second factor to sign in. Ask an administrator to let you set one up.",
  "error.forbidden.provider_not_allowed":
    "The organization does not accept sign-ins through this site. Sign out, and sign in another way.",
  "error.unauthorized.enrollment_required":
    "The organization requires a passkey or second factor that you do not have yet. Add one under “Sign-in and security”.",
  "error.forbidden.terms_not_accepted": "Accept the terms of use to continue.",
  "error.conflict.terms_changed": "The terms of use have just changed. Read them, and accept them again.",
  "error.not_found": "This is no longer in your account.",
  "error.conflict.already_terminal": "This has already ended.",
  "error.conflict.credential_not_active": "This is suspended or has ended.",
  "error.conflict.duplicate_credential": "This is already taken.",
  "error.conflict.idempotency_key_used": "This was already done, so nothing was done again.",
  "error.conflict.last_administrator": "You are the last administrator. Make someone else an administrator first.",
  "error.conflict.last_factor": "You must have a second factor, and this is your last one. Add another first.",
  "error.conflict.last_way_in": "This is your last way to sign in. Add another first.",
  "error.conflict.invitation_not_pending": "This invitation is not open any more. Ask for a new one.",
  "error.conflict.invitation_expired": "This invitation has expired. Ask for a new one.",
  "error.precondition.past_expiration": "Choose a day in the future, at most a year ahead.",
  "error.precondition.identifier_mismatch":
    "This invitation is for another address. Sign in with the account that has it.",
  "error.precondition.identifier_unverified": "Confirm your email address first, then accept the invitation.",
  "error.conflict.sole_owner":
    "An organization has no other owner. Make another member an owner, or close the organization first.",
  "error.precondition.limit_reached": "You cannot have more of these. Remove one first.",
  "error.precondition.factor_code_invalid":
    "That code is not right. Check that the app shows this site, and try its current code.",
  "error.precondition.factor_not_pending": "This took too long. Start again.",
  "error.precondition.factor_needed_first": "Add an authenticator app first.",
  "error.payload_too_large": "That is too much text for this page.",
  "error.unsupported_media_type": "This page only accepts its own forms.",
  "error.too_many_requests": "Too many attempts. Try again in {time}.",
  "error.captcha_required": "Too many attempts. Complete the check below, then send the form again.",
  "error.captcha_failed": "The check was not completed, or it took too long. Complete it again, then send the form.",
  "captcha.missing":
    "If you see no check, turn on JavaScript and allow {host}, then send the form again. Or wait: in {time} you can send it without the check.",
  "error.unavailable.busy": "The service is busy. Try again in a moment.",
  "error.unavailable.database": "The service is not available. Try again in a moment.",
  "error.unavailable.configuration": "This site is not set up correctly. Try again later.",
  "error.unavailable.reply_lost":
    "The change was saved, but the response was lost. If a code or token was to be shown, create a new one.",
} as const;
