/**
 * The one place where an error becomes a response: `{ "code", "message", "details"? }`, and nothing of its cause.
 *
 * @module
 */
import type { Context } from "hono";
import { AuthError } from "../domain/error.ts";
import { ConfigurationError } from "../engine/options.ts";

/** True for a refusal by an operation or by an option. */
export function isRefusal(error: unknown): error is AuthError | ConfigurationError {
  return error instanceof AuthError || error instanceof ConfigurationError;
}

/** The response to an error, with the headers that the application has prepared. An unexpected error is a 500 without detail. */
export function errorResponse(c: Context, error: unknown): Response {
  if (!isRefusal(error)) {
    const body = { code: "internal_error", message: "Something went wrong." };
    return c.json(body, 500, { "Cache-Control": "no-store" });
  }
  const response = error.getResponse();
  return c.newResponse(response.body, response);
}
