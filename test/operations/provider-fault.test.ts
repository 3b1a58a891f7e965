import { describe, expect, test } from "vitest";
import type { AuthError } from "../../src/domain/error.ts";
import type { Executor } from "../../src/engine/core.ts";
import { OAuthError } from "../../src/oidc/errors.ts";
import { providerFault } from "../../src/operations/provider-fault.ts";

function faultOf(error: unknown) {
  const reported: unknown[] = [];
  const core = { onError: (fault: unknown) => reported.push(fault) } as object as Executor;
  return { fault: providerFault(core, error) as AuthError, reported };
}

describe("the refusal for a provider's error", () => {
  test.each([
    "issuer_unreachable",
    "issuer_timeout",
    "issuer_invalid_response",
    "temporarily_unavailable",
    "server_error",
  ])("%s: come back later", (code) => {
    const { fault, reported } = faultOf(new OAuthError(code));
    expect(fault).toMatchObject({ code: "unavailable.provider", retryAfterSeconds: 5 });
    expect(reported).toEqual([]);
  });

  test.each([
    "configuration_error",
    "invalid_client",
    "unauthorized_client",
    "incorrect_client_credentials",
    "redirect_uri_mismatch",
    "application_suspended",
  ])("%s: reported, because only an operator can mend it", (code) => {
    const error = new OAuthError(code);
    const { fault, reported } = faultOf(error);
    expect(fault.code).toBe("unavailable.provider");
    expect(reported).toEqual([error]);
  });

  test.each([
    ["access_denied", "access_denied"],
    ["account_not_allowed", "account_not_allowed"],
    ["bad_verification_code", "bad_verification_code"],
    ["<script>", "other"],
    ["x".repeat(65), "other"],
  ])("%s: the sign-in is refused with the reason %s", (code, reason) => {
    const { fault, reported } = faultOf(new OAuthError(code));
    expect(fault).toMatchObject({ code: "unauthorized.provider", details: { reason } });
    expect(reported).toEqual([]);
  });

  test.each([
    new TypeError("a fault"),
    Object.assign(new Error(), { error: 1 }),
    { error: "access_denied" },
    undefined,
  ])("%s: a fault of the code stays what it is", (error) => {
    expect(faultOf(error).fault).toBe(error);
  });
});
