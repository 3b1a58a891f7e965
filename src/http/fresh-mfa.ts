import type { MiddlewareHandler } from "hono";
import { AuthError } from "../domain/error.ts";
import { requireOption } from "../domain/option-error.ts";
import type { AuthSource } from "./auth-source.ts";
import { guard, type SessionVerifier, type UserVariables, verifyUser } from "./authenticate.ts";

/** The options of {@link requireFreshMfa}. */
export interface FreshMfaOptions {
  /** The greatest age of the proof of a second factor, in seconds. Default 1,800, the specification's limit. */
  withinSeconds?: number;
}

/**
 * Requires that the user has recently proved a second factor in this very session, for acts that a stolen session must not
 * reach. It requires a user as `requireUser` does, and uses the result of `requireUser` if that ran before.
 *
 * Otherwise answers 401 `unauthorized.reauthentication_required` with `details.max_age_seconds` and the challenge of RFC 9470
 * §3. The client then steps up (`POST /auth/step-up`) and asks again with its new session. A refresh does not carry the proof
 * over.
 *
 * @throws {TypeError} If `withinSeconds` is not a number of seconds above 0.
 */
export function requireFreshMfa(
  source: AuthSource<SessionVerifier>,
  options: FreshMfaOptions = {},
): MiddlewareHandler<{ Variables: UserVariables }> {
  const { withinSeconds = 1_800 } = options;
  const isAge = Number.isFinite(withinSeconds) && withinSeconds > 0;
  requireOption(isAge, withinSeconds, "a number of seconds above 0", "withinSeconds");
  return guard(source, async (c, auth, realm) => {
    const { session, asOf } = await verifyUser(c, auth, realm, {});
    const provedAt = session?.mfaVerifiedAt?.getTime() ?? Number.NEGATIVE_INFINITY;
    const now = asOf?.getTime() ?? Number.POSITIVE_INFINITY;
    if (now - provedAt < withinSeconds * 1000) return;
    throw new StaleProofError(withinSeconds);
  });
}

/** A refusal whose response has the challenge of RFC 9470 §3. */
class StaleProofError extends AuthError {
  readonly #withinSeconds: number;

  constructor(withinSeconds: number) {
    super("unauthorized.reauthentication_required", { details: { max_age_seconds: withinSeconds } });
    this.#withinSeconds = withinSeconds;
  }

  override getResponse(): Response {
    const response = super.getResponse();
    const maxAge = Math.floor(this.#withinSeconds);
    response.headers.set("WWW-Authenticate", `Bearer error="insufficient_user_authentication", max_age=${maxAge}`);
    return response;
  }
}
