/**
 * The one place where an error becomes a response: `{ "code", "message", "details"? }`, and nothing of its cause.
 *
 * @module
 */
import type { Context } from "hono";
import { AuthError, errorBody } from "../domain/error.ts";
import { ConfigurationError } from "../engine/options.ts";

/**
 * The response for an error. For an application's `app.onError`, so that what an operation refuses is answered as
 * Sallyport's own routes answer it.
 */
export function authErrorResponse(error: unknown, c: Context): Response {
  if (error instanceof ConfigurationError) {
    return respond(c, new AuthError("unavailable.configuration", { cause: error }));
  }
  if (error instanceof AuthError) return respond(c, error);
  return c.json({ code: "internal_error", message: "Something went wrong." }, 500, { "Cache-Control": "no-store" });
}

function respond(c: Context, refusal: AuthError): Response {
  // Who holds no more than a token's id learns nothing of its state (Flametrench's audit, M2 and M10).
  const isEndedToken = refusal.code === "pat.revoked" || refusal.code === "pat.expired";
  const error = isEndedToken ? new AuthError("pat.invalid", { cause: refusal }) : refusal;
  const headers: Record<string, string> = { "Cache-Control": "no-store" };
  if (error.status === 429 || error.status === 503) {
    headers["Retry-After"] = String(error.retryAfterSeconds ?? 30);
  }
  // RFC 9110 §11.6.1: a 401 names the scheme. Bearer with no `realm` makes no browser ask for a password.
  if (error.status === 401) headers["WWW-Authenticate"] = "Bearer";
  // RFC 6750 §3.1.
  if (error.code === "forbidden.insufficient_scope") headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"';
  return c.json(errorBody(error), error.status, headers);
}
