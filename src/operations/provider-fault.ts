import { AuthError } from "../domain/error.ts";
import type { Executor } from "../engine/core.ts";

/** Codes that speak of the provider and not of the sign-in: the same sign-in may succeed later. */
const ofProvider: ReadonlySet<string> = new Set([
  "issuer_unreachable",
  "issuer_timeout",
  "issuer_invalid_response",
  "temporarily_unavailable",
  "server_error",
]);

/** Codes that only an operator can mend. The last three are GitHub's. */
const ofConfiguration: ReadonlySet<string> = new Set([
  "configuration_error",
  "invalid_client",
  "unauthorized_client",
  "incorrect_client_credentials",
  "redirect_uri_mismatch",
  "application_suspended",
]);

/**
 * The refusal for an error of a provider, whose `error` is a code. Anything else is a fault of the code, and stays what it is.
 *
 * A code of the client's configuration is reported, because only an operator can mend it.
 */
export function providerFault(core: Executor, error: unknown): unknown {
  const code = (error as { error?: unknown } | undefined)?.error;
  if (!(error instanceof Error) || typeof code !== "string") return error;
  if (ofProvider.has(code)) return new AuthError("unavailable.provider", { cause: error, retryAfterSeconds: 5 });
  if (ofConfiguration.has(code)) {
    core.onError(error);
    return new AuthError("unavailable.provider", { cause: error });
  }
  const reason = /^[a-z_]{1,64}$/.test(code) ? code : "other";
  return new AuthError("unauthorized.provider", { cause: error, details: { reason } });
}
