import type { MiddlewareHandler } from "hono";
import { AuthError } from "../domain/error.ts";
import type { TermsAuth } from "../operations/terms.ts";
import type { AuthSource } from "./auth-source.ts";
import {
  guard,
  type ScopedOptions,
  type ScopedVariables,
  type SessionVerifier,
  type TokenVerifier,
  type UserVariables,
  verifyUser,
} from "./authenticate.ts";

/** The parts of `auth` that {@link requireTerms} needs. */
export type TermsVerifier = SessionVerifier & TermsAuth;

/**
 * Requires that the user has accepted the current version of the terms. It requires a user as `requireUser` does, and uses the
 * result of `requireUser` if that ran before, so it adds no request to the database.
 *
 * Answers 403 `forbidden.terms_not_accepted` if the user has not accepted the current version, with the terms' `version` and
 * `url` in `details`. The client shows the terms, sends `POST /auth/terms` with the version that the user accepted, and repeats
 * the request.
 */
export function requireTerms(
  source: AuthSource<TermsVerifier & TokenVerifier>,
  options: ScopedOptions,
): MiddlewareHandler<{ Variables: ScopedVariables }>;
/** Requires a session whose user has accepted the current terms. Personal access tokens are refused. */
export function requireTerms(
  source: AuthSource<TermsVerifier>,
  options?: { scope?: undefined },
): MiddlewareHandler<{ Variables: UserVariables }>;
export function requireTerms(
  source: AuthSource<TermsVerifier & Partial<TokenVerifier>>,
  options: { scope?: string | undefined } = {},
): MiddlewareHandler {
  return guard(source, async (c, auth, realm) => {
    const { user } = await verifyUser(c, auth, realm, options);
    const { version, url } = auth.terms.current;
    if (user.termsVersion !== version)
      throw new AuthError("forbidden.terms_not_accepted", { details: { version, url } });
  });
}
