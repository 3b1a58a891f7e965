import { describe, expect, test } from "vitest";
import { isForDevelopment, parseOrigins } from "../../src/domain/origin.ts";

const uses = ["cors", "csrf", "redirect", "webauthn"] as const;
const android = "android:apk-key-hash:-sYXRdwJA3hvue3mKpYrOZ9zSPC7b4mbgzJmdZEDO5w";

describe("S36: each use has the grammar of its standard", () => {
  test.each<{ case: string; origin: string; fits: readonly string[] }>([
    { case: "a site", origin: "https://app.example.com", fits: uses },
    { case: "this machine", origin: "http://localhost:3000", fits: uses },
    { case: "an Android application", origin: android, fits: ["webauthn"] },
    { case: "Capacitor on iOS", origin: "capacitor://localhost", fits: ["cors", "csrf", "webauthn"] },
    { case: "Ionic", origin: "ionic://localhost", fits: ["cors", "csrf", "webauthn"] },
    { case: "Tauri", origin: "tauri://localhost", fits: ["cors", "csrf", "webauthn"] },
    { case: "Electron", origin: "app://bundle", fits: ["cors", "csrf", "webauthn"] },
    {
      case: "Chrome's extension",
      origin: "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
      fits: ["cors", "csrf", "webauthn"],
    },
    {
      case: "Firefox's extension",
      origin: "moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc",
      fits: ["cors", "csrf", "webauthn"],
    },
  ])("$case: fits $fits", ({ origin, fits }) => {
    for (const use of uses) {
      const parse = () => parseOrigins(["https://example.com", { origin, uses: [use] }])[1];
      if (fits.includes(use)) expect(parse()).toEqual({ origin, uses: [use] });
      else expect(parse, use).toThrow(TypeError);
    }
    const all = () => parseOrigins(["https://example.com", { origin, uses }]);
    if (fits === uses) expect(all()).toHaveLength(2);
    else expect(all).toThrow(TypeError);
  });

  test.each([android, "capacitor://localhost"])("%s: neither the base URL nor without a use", (origin) => {
    expect(() => parseOrigins([{ origin, uses: ["webauthn"] }])).toThrow(TypeError);
    expect(() => parseOrigins(["https://example.com", origin])).toThrow(TypeError);
  });

  test.each(["*", "", "X-Áb", "a b", "a,b", "a\r\nSet-Cookie"])("header %j: refused", (name) => {
    const entry = { origin: "https://app.example.com", uses: ["cors"], headers: ["X-Tenant", name] } as const;
    expect(() => parseOrigins(["https://example.com", entry])).toThrow(TypeError);
  });
});

describe("S34: what is wrong with an origin is said, and its text is not", () => {
  test.each([
    [undefined, "missing"],
    ["", "it is"],
    [{ origin: 42 }, "it is 42"],
    ["not a URL", "a text of 9 characters is no URL"],
    ["https://*.example.com", "a wildcard is no origin"],
    ["https://example.com.", "the host ends with a dot"],
    ["http://example.com", "http is for loopback only"],
    ["https://example.com/", "a path, a slash, a default port or a capital letter too much"],
    ["https://Example.com", "a path, a slash, a default port or a capital letter too much"],
    ["ftp://example.com", "the scheme does not fit the uses"],
  ])("%j: %s", (origin, fault) => {
    const parse = () => parseOrigins([origin as string]);
    expect(parse).toThrow(fault);
    if (typeof origin === "string" && origin !== "") expect(parse).not.toThrow(origin);
  });
});

describe("S36: start-up accepts only exact origins", () => {
  test.each([
    "https://example.com",
    "https://example.com:8443",
    "https://xn--exmple-cua.com",
    "https://[2001:db8::1]",
    "http://localhost",
    "http://localhost:8787",
    "http://tauri.localhost",
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
    { case: "http on a private address", origin: "http://192.168.1.20" },
    { case: "http on an mDNS name", origin: "http://laptop.local" },
    { case: "an Android key hash of another kind", origin: `android:apk-key-hash-sha1:${"A".repeat(43)}` },
    { case: "http elsewhere", origin: "http://example.com" },
    { case: "http on a host that begins like loopback", origin: "http://localhost.example.com" },
    { case: "http on a host that ends like loopback", origin: "http://evil-localhost" },
    { case: "http on loopback with a dot", origin: "http://localhost." },
    { case: "http on another spelling of loopback", origin: "http://127.1" },
    { case: "http on every interface", origin: "http://0.0.0.0:8787" },
    { case: "ws", origin: "wss://example.com" },
    { case: "file", origin: "file://" },
    { case: "javascript", origin: "javascript:alert(1)" },
    { case: "javascript with a host", origin: "javascript://example.com" },
    { case: "data with a host", origin: "data://example.com" },
    { case: "a blob", origin: "blob:https://example.com/x" },
    { case: "an application's scheme without a host", origin: "capacitor://" },
    { case: "an application's scheme with a path", origin: "capacitor://localhost/" },
    { case: "an application's scheme with a wildcard", origin: "chrome-extension://*" },
    { case: "an application's scheme with a trailing dot", origin: "capacitor://localhost." },
    { case: "an application's scheme in upper case", origin: "Capacitor://localhost" },
    { case: "an application's scheme with a line after it", origin: "capacitor://localhost\n" },
    { case: "an Android key hash that is too short", origin: `android:apk-key-hash:${"A".repeat(42)}` },
    { case: "an Android key hash that is too long", origin: `android:apk-key-hash:${"A".repeat(44)}` },
    { case: "an Android key hash in standard Base64", origin: `android:apk-key-hash:${"+".repeat(42)}A` },
    { case: "an Android key hash with padding", origin: `android:apk-key-hash:${"A".repeat(43)}=` },
    { case: "an Android key hash that no 32 bytes have", origin: `android:apk-key-hash:${"A".repeat(42)}B` },
    { case: "an Android wildcard", origin: "android:apk-key-hash:*" },
  ])("$case: refused, first or not", ({ origin }) => {
    expect(() => parseOrigins([origin])).toThrow(TypeError);
    for (const use of uses) {
      expect(() => parseOrigins(["https://example.com", { origin, uses: [use] }])).toThrow(TypeError);
    }
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

describe("S34, S36: what a development secret may serve", () => {
  test.each([
    "http://localhost:8787",
    "https://localhost:8787",
    "https://app.localhost",
    "https://127.0.0.1",
    "https://[::1]:8787",
    "https://10.1.2.3:8787",
    "https://172.16.0.1",
    "https://172.31.255.255",
    "https://192.168.1.20:8787",
    "https://169.254.1.1",
    "https://[fd00::1]",
    "https://[fe80::1]",
    "https://laptop.local:8787",
    "capacitor://localhost",
    android,
  ])("%s: yes", (origin) => {
    expect(isForDevelopment(origin)).toBe(true);
  });

  test.each([
    "https://example.com",
    "https://10.example.com",
    "https://192.168.example.com",
    "https://localhost.example.com",
    "https://evil-localhost",
    "https://local.example",
    "https://example.local.com",
    "https://172.15.0.1",
    "https://172.32.0.1",
    "https://192.169.1.1",
    "https://11.0.0.1",
    "https://[2001:db8::1]",
    "https://[fec0::1]",
    "https://fd00.example.com",
  ])("%s: no", (origin) => {
    expect(isForDevelopment(origin)).toBe(false);
  });
});
