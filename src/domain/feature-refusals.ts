/**
 * What only features refuse with: the second part of the table in `error.ts`. A feature brings it, so that a Worker that signs
 * in with a password carries no more than it can answer.
 *
 * @module
 */

/** Code, pinned name, message. */
export const featureRefusals = {
  "invalid_format.cursor": ["InvalidFormatError", "The cursor is malformed."],
  "invalid_format.idempotency_key": ["InvalidFormatError", "The key must be 1 to 255 visible ASCII characters."],
  "invalid_format.relation": ["InvalidFormatError", "The relation is malformed."],
  "invalid_format.relations": ["EmptyRelationSetError", "At least one relation is required."],
  "invalid_format.object_type": ["InvalidFormatError", "The object type is malformed."],
  "invalid_format.object_id": ["InvalidFormatError", "The object identifier is malformed."],
  "invalid_format.subject_type": ["InvalidFormatError", "The subject type is malformed."],
  "invalid_format.name": ["InvalidFormatError", "The name must be 1 to 120 characters."],
  "invalid_format.scope": [
    "InvalidFormatError",
    "Each scope must be 1 to 128 visible ASCII characters. Duplicates are not allowed.",
  ],
  "invalid_format.webauthn": ["InvalidFormatError", "The authenticator's response does not match the request."],
  "invalid_format.rp_id": ["InvalidFormatError", "The relying party ID does not match."],
  "invalid_format.subject_id": ["InvalidFormatError", "The subject identifier is malformed."],
  "unauthorized.invalid_ticket": ["InvalidTokenError", "A valid login ticket is required."],
  "unauthorized.invalid_factor": ["InvalidCredentialError", "The second factor is wrong."],
  "unauthorized.replayed_totp": ["ReplayedTotpError", "This code has already been used."],
  "pat.invalid": ["InvalidPatTokenError", "The personal access token is not valid."],
  "pat.revoked": ["PatRevokedError", "The personal access token is revoked."],
  "pat.expired": ["PatExpiredError", "The personal access token has expired."],
  "pat.expires_in_past": ["InvalidFormatError", "The expiry must be in the future, at most one year ahead."],
  "forbidden.insufficient_scope": ["ForbiddenError", "The token lacks the required scope."],
  "conflict.duplicate_tuple": ["DuplicateTupleError", "The tuple already exists."],
  "conflict.credential_not_active": ["CredentialNotActiveError", "The credential is not active."],
  "conflict.credential_type_mismatch": ["CredentialTypeMismatchError", "The credential has a different type."],
  "conflict.already_terminal": ["AlreadyTerminalError", "The object has been revoked permanently."],
  "conflict.last_administrator": ["PreconditionError", "The last administrator cannot be removed."],
  "conflict.last_factor": ["PreconditionError", "A second factor is required, and this is the last one."],
  "conflict.last_way_in": ["PreconditionError", "This is the last way to sign in."],
  "precondition.factor_not_pending": ["PreconditionError", "This factor is not awaiting confirmation."],
  "precondition.factor_code_invalid": ["PreconditionError", "The code does not confirm the factor."],
  "precondition.factor_needed_first": ["PreconditionError", "Set up another second factor first."],
  "precondition.user_not_active": ["PreconditionError", "The user is not active."],
  "precondition.invalid_transition": ["PreconditionError", "This is not possible in the object's current state."],
  "precondition.cred_user_mismatch": ["PreconditionError", "The credential belongs to another user."],
  "precondition.ttl_too_short": ["PreconditionError", "A session must last at least 60 seconds."],
} as const;
