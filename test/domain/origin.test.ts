import { describe, expect, test } from "vitest";
import { isLoopback, parseOrigins } from "../../src/domain/origin.ts";

describe("S36: start-up accepts only exact origins", () => {
  test.each([
    "https://example.com",
    "https://example.com:8443",
    "https://xn--exmple-cua.com",
    "https://[2001:db8::1]",
    "http://localhost",
    "http://localhost:8787",
    "http://127.0.0.1:8787",
    "http://[::1]:8787",
  ])("%s: accepted", (origin) => {
    expect(parseOrigins([origin])).toEqual([{ origin, uses: ["cors", "csrf", "redirect", "webauthn"] }]);
  });

  test.each([
    { case: "a wildcard host", origin: "https://*.example.com" },
    { case: "a wildcard", origin: "*" },
    { case: "a wildcard port", origin: "https://example.com:*" },
    { case: "null", origin: "null" },
    { case: "empty", origin: "" },
    { case: "a trailing dot", origin: "https://example.com." },
    { case: "a trailing slash", origin: "https://example.com/" },
    { case: "a path", origin: "https://example.com/app" },
    { case: "a query", origin: "https://example.com?x" },
    { case: "a fragment", origin: "https://example.com#x" },
    { case: "user information", origin: "https://user@example.com" },
    { case: "the default port", origin: "https://example.com:443" },
    { case: "upper case", origin: "https://Example.com" },
    { case: "letters beyond ASCII", origin: "https://exämple.com" },
    { case: "white space", origin: " https://example.com" },
    { case: "a line after it", origin: "https://example.com\n" },
    { case: "no scheme", origin: "example.com" },
    { case: "http elsewhere", origin: "http://example.com" },
    { case: "http on a host that begins like loopback", origin: "http://localhost.example.com" },
    { case: "http on a host that ends like loopback", origin: "http://evil-localhost" },
    { case: "http on loopback with a dot", origin: "http://localhost." },
    { case: "http on another spelling of loopback", origin: "http://127.1" },
    { case: "http on every interface", origin: "http://0.0.0.0:8787" },
    { case: "ws", origin: "wss://example.com" },
    { case: "file", origin: "file://" },
    { case: "javascript", origin: "javascript:alert(1)" },
    { case: "a blob", origin: "blob:https://example.com/x" },
  ])("$case: refused, first or not", ({ origin }) => {
    expect(() => parseOrigins([origin])).toThrow(TypeError);
    expect(() => parseOrigins(["https://example.com", { origin, uses: ["cors"] }])).toThrow(TypeError);
  });

  test("an empty list is refused", () => {
    expect(() => parseOrigins([])).toThrow(TypeError);
  });

  test("only the first origin has every use; the others have the uses that they name, by default none", () => {
    const origins = parseOrigins([
      { origin: "https://example.com", uses: [] },
      "https://other.example",
      { origin: "https://app.example", uses: ["cors"] },
    ]);
    expect(origins.map(({ uses }) => uses)).toEqual([["cors", "csrf", "redirect", "webauthn"], [], ["cors"]]);
  });
});

describe("isLoopback: this machine, over plain http", () => {
  test.each([
    { origin: "http://localhost:1", expected: true },
    { origin: "http://127.0.0.1", expected: true },
    { origin: "http://[::1]", expected: true },
    { origin: "https://localhost", expected: false },
    { origin: "http://localhost.example.com", expected: false },
    { origin: "http://127.0.0.1.example.com", expected: false },
    { origin: "http://10.0.0.1", expected: false },
  ])("$origin: $expected", ({ origin, expected }) => {
    expect(isLoopback(origin)).toBe(expected);
  });
});
