import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type TurnstileOptions, turnstile } from "../../src/checkers/turnstile.ts";
import { everythingIn, failure } from "../support/driver-failures.ts";
import {
  breakOff,
  endless,
  neverEnd,
  openStandIn,
  type Reply,
  replyJson,
  replyWith,
  type StandIn,
  stayOpen,
} from "../support/stand-in.ts";

const secretKey = "0x4AAAAAAA-secret-8d2e";
const address = "203.0.113.7";
const solved = {
  success: true,
  challenge_ts: "2026-11-22T12:00:00.000Z",
  hostname: "example.com",
  "error-codes": [],
  action: "sign-in",
  cdata: "",
};
const refusedWith = (...codes: unknown[]) => ({ success: false, "error-codes": codes });

let service: StandIn;
beforeAll(async () => {
  service = await openStandIn("/turnstile/v0/siteverify");
});
beforeEach(() => {
  service.replies = [replyJson(solved)];
  service.asked.length = 0;
});
afterAll(() => service.close());

const captcha = (options: Partial<TurnstileOptions> = {}) =>
  turnstile({ secretKey, hostnames: ["example.com"], url: service.url, ...options });
const verify = (options: Partial<TurnstileOptions> = {}, token = "token-of-ada") =>
  captcha(options).verify(token, { address });
const bodies = () => service.asked.map(({ text }) => JSON.parse(text));

describe("a request", () => {
  test("has the secret key, the token, the client's address and a key for repeats", async () => {
    expect(await verify()).toBe(true);
    expect(service.asked).toMatchObject([
      { method: "POST", path: "/turnstile/v0/siteverify", headers: { "content-type": "application/json" } },
    ]);
    expect(bodies()).toEqual([
      {
        secret: secretKey,
        response: "token-of-ada",
        remoteip: address,
        idempotency_key: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/),
      },
    ]);
  });

  test("has no address if none is known, and a new key for each token", async () => {
    const one = captcha();
    await one.verify("a", { address: undefined });
    await one.verify("a", { address: undefined });
    const [first, second] = bodies();
    expect(first).not.toHaveProperty("remoteip");
    expect(second.idempotency_key).not.toBe(first.idempotency_key);
  });

  test.each([
    ["an empty token", ""],
    ["a token that is longer than Turnstile's", "t".repeat(2_049)],
    ["an enormous token", "t".repeat(1_000_000)],
  ])("is not made for %s", async (_case, token) => {
    expect(await verify({}, token)).toBe(false);
    expect(service.asked).toEqual([]);
  });

  test("is made for the longest token", async () => {
    expect(await verify({}, "t".repeat(2_048))).toBe(true);
  });
});

describe("refused", () => {
  test.each<[string, object, Partial<TurnstileOptions>]>([
    ["a token that is made up", refusedWith("invalid-input-response"), {}],
    ["a token that was used or is old", refusedWith("timeout-or-duplicate"), {}],
    ["both", refusedWith("invalid-input-response", "timeout-or-duplicate"), {}],
    ["a token of another site", { ...solved, hostname: "evil.example" }, {}],
    ["a token of a subdomain that is not listed", { ...solved, hostname: "shop.example.com" }, {}],
    ["a token of a longer host", { ...solved, hostname: "example.com.evil.example" }, {}],
    ["a token of Cloudflare's test keys", { ...solved, hostname: "localhost" }, {}],
    ["a token of another action", { ...solved, action: "sign-up" }, { action: "sign-in" }],
    ["a token without an action", { ...solved, action: undefined }, { action: "sign-in" }],
    ["a token with an action that is no text", { ...solved, action: ["sign-in"] }, { action: "sign-in" }],
  ])("%s", async (_case, answer, options) => {
    service.replies = [replyJson(answer)];
    expect(await verify(options)).toBe(false);
    expect(service.asked).toHaveLength(1);
  });
});

describe("accepted", () => {
  test.each<[string, object, Partial<TurnstileOptions>]>([
    ["any action by default", solved, {}],
    ["the action", solved, { action: "sign-in" }],
    [
      "each listed host, in any case",
      { ...solved, hostname: "Shop.Example.com" },
      { hostnames: ["a.b", "shop.example.com"] },
    ],
  ])("%s", async (_case, answer, options) => {
    service.replies = [replyJson(answer)];
    expect(await verify(options)).toBe(true);
  });
});

describe("a service that fails", () => {
  test("once: the second attempt has the same key, and its answer counts", async () => {
    for (const first of [
      replyWith(500, ""),
      replyWith(200, "<html>"),
      breakOff,
      replyJson(refusedWith("internal-error")),
    ]) {
      service.asked.length = 0;
      service.replies = [first, replyJson(solved)];
      expect(await verify()).toBe(true);
      const [one, two, ...more] = bodies();
      expect([two, more]).toEqual([one, []]);
    }
  });

  test("once, without an answer: the second attempt is made after the time-out", async () => {
    service.replies = [stayOpen, replyJson(solved)];
    expect(await verify({ timeoutMilliseconds: 100 })).toBe(true);
  });

  test.each<[string, Reply, string]>([
    ["500", replyWith(500, JSON.stringify(solved)), "HTTP_500"],
    ["a success with another status", replyWith(201, JSON.stringify(solved)), "HTTP_201"],
    ["a redirect, which is not followed", replyWith(307, "", { location: "/elsewhere" }), "HTTP_307"],
    ["no JSON", replyWith(200, "success"), "NOT_JSON"],
    ["an empty answer", replyWith(200, ""), "NOT_JSON"],
    ["null", replyJson(null), "UNKNOWN"],
    ["a list", replyJson([true]), "UNKNOWN"],
    ["success as a text", replyJson({ ...solved, success: "true" }), "UNKNOWN"],
    ["a success without a host", replyJson({ success: true }), "UNKNOWN"],
    ["a refusal without a reason", replyJson({ success: false, "error-codes": [] }), "UNKNOWN"],
    ["a wrong secret key", replyJson(refusedWith("invalid-input-secret")), "invalid-input-secret"],
    [
      "a wrong secret key beside a wrong token",
      replyJson(refusedWith("invalid-input-response", "invalid-input-secret")),
      "invalid-input-secret",
    ],
    ["a code that quotes the token", replyJson(refusedWith("token-of-ada is wrong")), "UNKNOWN"],
    ["a connection that breaks", breakOff, "UNREACHABLE"],
    ["too much", endless, "TOO_LARGE"],
    ["silence", stayOpen, "TIMEOUT"],
    ["a body that does not end", neverEnd, "TIMEOUT"],
  ])("S56, twice: rejects and accepts no token: %s", async (_case, reply, code) => {
    service.replies = [reply];
    const error = await failure(verify({ timeoutMilliseconds: 300 }));
    expect(error.code).toBe(code);
    expect(service.asked).toHaveLength(2);
    for (const text of [secretKey, "token-of-ada", address]) expect(everythingIn(error)).not.toContain(text);
  });

  test("no such server: rejects", async () => {
    const error = await failure(verify({ url: "http://127.0.0.1:1/siteverify" }));
    expect(error.code).toBe("UNREACHABLE");
    expect(everythingIn(error)).not.toContain(secretKey);
  });
});

describe("options", () => {
  test.each<[string, unknown]>([
    ["secretKey", ""],
    ["secretKey", " "],
    ["secretKey", undefined],
    ["hostnames", []],
    ["hostnames", "example.com"],
    ["hostnames", undefined],
    ["hostnames", ["https://example.com"]],
    ["hostnames", ["example.com:443"]],
    ["hostnames", ["Example.com"]],
    ["hostnames", ["*.example.com"]],
    ["hostnames", [""]],
    ["action", ""],
    ["action", "sign in"],
    ["action", "a".repeat(33)],
    ["url", "http://challenges.cloudflare.com/"],
    ["url", "https://ada:secret@challenges.cloudflare.com/"],
    ["url", "siteverify"],
    ["timeoutMilliseconds", 99],
    ["timeoutMilliseconds", 30_001],
    ["timeoutMilliseconds", "2000"],
  ])("refused when they are read: %s %j", (option, value) => {
    const wrong = () => captcha({ [option]: value });
    expect(wrong).toThrow(expect.objectContaining({ name: "TypeError", option }) as Error);
  });

  test("no message shows the secret key", () => {
    expect(() => turnstile({ secretKey: 5 as never, hostnames: ["example.com"] })).toThrow(
      "it is missing, and must be the secret key of a Turnstile widget.",
    );
  });

  test("by default Cloudflare is asked", () => {
    expect(() => turnstile({ secretKey, hostnames: ["example.com"] })).not.toThrow();
  });
});
