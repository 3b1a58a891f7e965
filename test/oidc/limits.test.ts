/** How long an issuer's answers may be, and how long it may take. @module */
import { afterEach, describe, expect, test, vi } from "vitest";
import type { OAuthError } from "../../src/oidc/index.ts";
import { type Endpoint, json, TestIssuer } from "../support/issuer.ts";

const codeOf = async (answer: Promise<unknown>) =>
  await answer.then(
    () => "accepted",
    (error: OAuthError) => error.error,
  );

const endpoints: readonly Endpoint[] = ["metadata", "keys", "token"];

describe("OC6, R092: an answer has at most 256 KiB", () => {
  const most = 256 * 1024;
  test.each(
    endpoints.flatMap((endpoint) => [
      { endpoint, bytes: 255 * 1024, expected: "accepted" },
      { endpoint, bytes: most, expected: "accepted" },
      { endpoint, bytes: most + 1, expected: "issuer_invalid_response" },
      { endpoint, bytes: 257 * 1024, expected: "issuer_invalid_response" },
    ]),
  )("$endpoint of $bytes bytes: $expected", async ({ endpoint, bytes, expected }) => {
    const issuer = await TestIssuer.open();
    issuer.spoils.answer = async (right, request) =>
      request.endpoint === endpoint ? json((await right.text()).padEnd(bytes)) : right;
    expect(await codeOf(issuer.signIn(issuer.client()))).toBe(expected);
  });
});

describe("OC1: timeoutMs is 5000 by default", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each(endpoints)("%s", async (endpoint) => {
    const issuer = await TestIssuer.open();
    const answered = vi.fn();
    let isAsked = false;
    issuer.spoils.instead = (request) => {
      if (request.endpoint !== endpoint) return undefined;
      isAsked = true;
      return new Promise<Response>(() => undefined);
    };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const outcome = codeOf(issuer.signIn(issuer.client()));
    void outcome.then(answered);
    await vi.waitFor(() => expect(isAsked).toBe(true), { interval: 0 });
    await vi.advanceTimersByTimeAsync(4_999);
    expect(answered).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome).toBe("issuer_timeout");
  });
});
