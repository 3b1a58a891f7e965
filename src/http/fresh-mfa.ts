import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { AuthError } from "../domain/error.ts";
import { type AuthenticateOptions, requireUser, type SessionVerifier, type UserVariables } from "./authenticate.ts";
import type { AuthSource } from "./environment.ts";
import { authErrorResponse } from "./problem.ts";

export interface FreshMfaOptions extends AuthenticateOptions {
  /** How old the proof of a second factor may be, in seconds. Default 1,800, the specification's floor; fewer is stricter. */
  withinSeconds?: number;
}

/**
 * Lets a request through only if its user proved a second factor in this very session, and not long ago: for what a stolen
 * session must not do. It requires a user as {@link requireUser} does, and takes what that found, if it ran.
 *
 * Otherwise 401 `unauthorized.reauthentication_required` with `details.max_age_seconds`, and the challenge of RFC 9470 §3, upon
 * which a client steps up (`POST /auth/step-up`) and asks again with its fresh session. A refresh carries no proof over.
 */
export function requireFreshMfa(
  source: AuthSource<SessionVerifier>,
  options: FreshMfaOptions = {},
): MiddlewareHandler<{ Variables: UserVariables }> {
  const { withinSeconds = 1_800, ...rest } = options;
  if (!(withinSeconds > 0)) throw new RangeError("`withinSeconds` is a number of seconds above 0.");
  const identify = requireUser(source, rest);
  return createMiddleware<{ Variables: UserVariables }>(async (c, next) => {
    let isFresh = false;
    const refused = await identify(c, async () => {
      const { session, asOf } = c.var;
      const provedAt = session.mfaVerifiedAt?.getTime() ?? Number.NEGATIVE_INFINITY;
      isFresh = asOf.getTime() - provedAt < withinSeconds * 1000;
      if (isFresh) await next();
    });
    if (refused) return refused;
    if (isFresh) return;
    const details = { max_age_seconds: withinSeconds };
    const response = authErrorResponse(new AuthError("unauthorized.reauthentication_required", { details }), c);
    response.headers.set(
      "WWW-Authenticate",
      `Bearer error="insufficient_user_authentication", max_age=${Math.floor(withinSeconds)}`,
    );
    return response;
  });
}
