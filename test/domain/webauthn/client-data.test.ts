import { describe, expect, test } from "vitest";
import { type Bytes, toBase64Url, utf8 } from "../../../src/crypto/bytes.ts";
import { checkClientData, type RelyingParty } from "../../../src/domain/webauthn/client-data.ts";
import { type WebAuthnCheck, webAuthnChecks } from "../../../src/domain/webauthn/refusal.ts";
import { origin, relyingParty } from "./authenticator.ts";
import { flipBit, hex, join } from "./encode.ts";

const challenge = new Uint8Array(32).map((_, index) => index * 7 + 201);
const type = "webauthn.get";
const good = { type, challenge: toBase64Url(challenge), origin, crossOrigin: false };

const json = (members: object) => utf8(JSON.stringify({ ...good, ...members }));
const check = (bytes: Bytes, party: RelyingParty = relyingParty) =>
  checkClientData(bytes, { type, challenge, relyingParty: party })?.check;

/** The step of §7.1, then the step of §7.2. */
const stepsOf = (name: WebAuthnCheck) => {
  const [, registration, authentication] = webAuthnChecks[name];
  return `steps ${registration} and ${authentication}`;
};

test("client data as a browser writes it: accepted in both ceremonies", () => {
  expect(check(json({}))).toBeUndefined();
  const registration = { type: "webauthn.create", challenge, relyingParty } as const;
  expect(checkClientData(json({ type: "webauthn.create" }), registration)).toBeUndefined();
});

describe.each<{ name: WebAuthnCheck; cases: readonly { case: string; bytes: Bytes; party?: RelyingParty }[] }>([
  {
    name: "client_data_text",
    cases: [
      { case: "a byte that is not UTF-8", bytes: join(json({}).slice(0, -1), hex("ff7d")) },
      { case: "an overlong slash", bytes: join(json({}).slice(0, -2), hex("c0af227d")) },
      { case: "a surrogate", bytes: join(json({}).slice(0, -2), hex("eda080227d")) },
      { case: "UTF-16", bytes: new Uint8Array([0xff, 0xfe, ...json({})].flatMap((byte) => [byte, 0])) },
      { case: "20,000 bytes", bytes: json({ extraData: "x".repeat(20_000) }) },
    ],
  },
  {
    name: "client_data_json",
    cases: [
      { case: "nothing", bytes: utf8("") },
      { case: "text", bytes: utf8("webauthn.get") },
      { case: "null", bytes: utf8("null") },
      { case: "a number", bytes: utf8("1") },
      { case: "a string", bytes: utf8(`"${type}"`) },
      { case: "an array of it", bytes: utf8(`[${JSON.stringify(good)}]`) },
      { case: "a comma too many", bytes: utf8(JSON.stringify(good).replace("}", ",}")) },
      { case: "a comment", bytes: utf8(`${JSON.stringify(good)}//`) },
      { case: "a NUL at the end", bytes: utf8(`${JSON.stringify(good)}\0`) },
      { case: "two objects", bytes: utf8(JSON.stringify(good).repeat(2)) },
      { case: "two byte order marks", bytes: utf8(`\ufeff\ufeff${JSON.stringify(good)}`) },
      { case: "type twice, right one last", bytes: utf8(`{"type":"webauthn.create",${JSON.stringify(good).slice(1)}`) },
      {
        case: "the origin twice, the right one last",
        bytes: utf8(`{"origin":"https://evil.example",${JSON.stringify(good).slice(1)}`),
      },
      {
        case: "the challenge twice, alike",
        bytes: utf8(`{"challenge":"${good.challenge}",${JSON.stringify(good).slice(1)}`),
      },
      { case: "a name twice, once escaped", bytes: utf8(`{"t\\u0079pe":"x",${JSON.stringify(good).slice(1)}`) },
      {
        case: "a name twice after a nested object",
        bytes: utf8(`{"a":{"b":["}",{"c":":"}]},"a":1,${JSON.stringify(good).slice(1)}`),
      },
    ],
  },
  {
    name: "type",
    cases: [
      { case: "of the other ceremony", bytes: json({ type: "webauthn.create" }) },
      { case: "in upper case", bytes: json({ type: "WEBAUTHN.GET" }) },
      { case: "with a blank", bytes: json({ type: "webauthn.get " }) },
      { case: "of a payment", bytes: json({ type: "payment.get" }) },
      { case: "missing", bytes: json({ type: undefined }) },
      { case: "null", bytes: json({ type: null }) },
      { case: "in a list", bytes: json({ type: [type] }) },
      { case: "only in a nested object", bytes: utf8(`{"x":${JSON.stringify(good)}}`) },
    ],
  },
  {
    name: "challenge",
    cases: [
      { case: "another", bytes: json({ challenge: toBase64Url(flipBit(challenge, 31)) }) },
      { case: "padded", bytes: json({ challenge: `${good.challenge}=` }) },
      { case: "in base64", bytes: json({ challenge: good.challenge.replaceAll("-", "+").replaceAll("_", "/") }) },
      {
        case: "with spare bits",
        bytes: json({
          challenge: `${good.challenge.slice(0, -1)}${String.fromCharCode(good.challenge.charCodeAt(42) + 1)}`,
        }),
      },
      { case: "a part", bytes: json({ challenge: toBase64Url(challenge.slice(0, 30)) }) },
      { case: "with more after it", bytes: json({ challenge: `${good.challenge}AAAA` }) },
      { case: "encoded twice", bytes: json({ challenge: toBase64Url(utf8(good.challenge)) }) },
      { case: "with a line feed", bytes: json({ challenge: `${good.challenge}\n` }) },
      { case: "empty", bytes: json({ challenge: "" }) },
      { case: "missing", bytes: json({ challenge: undefined }) },
      { case: "a list of bytes", bytes: json({ challenge: [...challenge] }) },
    ],
  },
  {
    name: "origin",
    cases: [
      { case: "a suffix", bytes: json({ origin: "https://example.org.evil.example" }) },
      { case: "a prefix", bytes: json({ origin: "https://evil-example.org" }) },
      { case: "a subdomain", bytes: json({ origin: "https://sub.example.org" }) },
      { case: "the parent", bytes: json({ origin: "https://org" }) },
      { case: "another port", bytes: json({ origin: "https://example.org:8443" }) },
      { case: "the default port", bytes: json({ origin: "https://example.org:443" }) },
      { case: "another scheme", bytes: json({ origin: "http://example.org" }) },
      { case: "a trailing dot", bytes: json({ origin: "https://example.org." }) },
      { case: "a trailing slash", bytes: json({ origin: "https://example.org/" }) },
      { case: "upper case", bytes: json({ origin: "https://EXAMPLE.org" }) },
      { case: "a Cyrillic e", bytes: json({ origin: "https://еxample.org" }) },
      { case: "the same in punycode", bytes: json({ origin: "https://xn--xample-2of.org" }) },
      { case: "user information", bytes: json({ origin: "https://example.org@evil.example" }) },
      {
        case: "an Android app",
        bytes: json({ origin: "android:apk-key-hash:gx7sq_pxhxhrIQdLyfG0pxKwiJ7hOk2DJQ4xvKd438Q" }),
      },
      { case: "null", bytes: json({ origin: "null" }) },
      { case: "missing", bytes: json({ origin: undefined }) },
      { case: "a list", bytes: json({ origin: [origin] }) },
      { case: "no origin configured", bytes: json({}), party: { rpId: "example.org", origins: [] } },
    ],
  },
  {
    name: "cross_origin",
    cases: [
      { case: "true, by default", bytes: json({ crossOrigin: true }) },
      {
        case: "true, with a top origin, by default",
        bytes: json({ crossOrigin: true, topOrigin: "https://example.com" }),
      },
      { case: "as text", bytes: json({ crossOrigin: "false" }) },
      {
        case: "as text, where true is allowed",
        bytes: json({ crossOrigin: "true" }),
        party: { ...relyingParty, crossOrigin: { topOrigins: [] } },
      },
      { case: "a number", bytes: json({ crossOrigin: 0 }) },
    ],
  },
  {
    name: "top_origin",
    cases: [
      { case: "without crossOrigin", bytes: json({ topOrigin: "https://example.com" }) },
      { case: "the site's own, without crossOrigin", bytes: json({ topOrigin: origin }) },
      { case: "null", bytes: json({ topOrigin: null }) },
      {
        case: "with crossOrigin false, though listed",
        bytes: json({ topOrigin: "https://example.com" }),
        party: { ...relyingParty, crossOrigin: { topOrigins: ["https://example.com"] } },
      },
      {
        case: "not listed",
        bytes: json({ crossOrigin: true, topOrigin: "https://example.com" }),
        party: { ...relyingParty, crossOrigin: { topOrigins: [] } },
      },
      {
        case: "not the listed one",
        bytes: json({ crossOrigin: true, topOrigin: "https://evil.example" }),
        party: { ...relyingParty, crossOrigin: { topOrigins: ["https://example.com"] } },
      },
      {
        case: "listed among the origins only",
        bytes: json({ crossOrigin: true, topOrigin: origin }),
        party: { ...relyingParty, crossOrigin: { topOrigins: ["https://example.com"] } },
      },
    ],
  },
])("$name", ({ name, cases }) => {
  test.each(cases)(`${stepsOf(name)}, ${name}: $case`, ({ bytes, party }) => {
    expect(check(bytes, party)).toBe(name);
  });
});

describe("client data accepted", () => {
  test.each<{ case: string; bytes: Bytes; party?: RelyingParty }>([
    { case: "step 5 and 8: a byte order mark, which is stripped", bytes: join(hex("efbbbf"), json({})) },
    { case: "step 6 and 9: future members", bytes: json({ extraData: "…", tokenBinding: { status: "supported" } }) },
    {
      case: "step 6 and 9: hostile names",
      bytes: utf8(`{"__proto__":{"type":"x"},"constructor":1,${JSON.stringify(good).slice(1)}`),
    },
    {
      case: "step 6 and 9: the same name in two objects",
      bytes: json({ a: { type: 1 }, b: { type: [{ type: '{":"' }] } }),
    },
    {
      case: "step 6 and 9: white space and another order",
      bytes: utf8(
        `\n{ "crossOrigin" : false, "origin":"${origin}",\t"challenge":"${good.challenge}","type":"webauthn.g\\u0065t" }`,
      ),
    },
    {
      case: "step 9 and 12: the second configured origin",
      bytes: json({ origin: "https://app.example" }),
      party: { ...relyingParty, origins: [origin, "https://app.example"] },
    },
    {
      case: "step 9 and 12: the configured Android app",
      bytes: json({ origin: "android:apk-key-hash:x" }),
      party: { ...relyingParty, origins: ["android:apk-key-hash:x"] },
    },
    { case: "step 10 and 13: no crossOrigin, as Level 1 had it", bytes: json({ crossOrigin: undefined }) },
    {
      case: "step 10 and 13: crossOrigin where it is allowed",
      bytes: json({ crossOrigin: true }),
      party: { ...relyingParty, crossOrigin: { topOrigins: [] } },
    },
    {
      case: "step 11 and 14: a top origin that is listed",
      bytes: json({ crossOrigin: true, topOrigin: "https://example.com" }),
      party: { ...relyingParty, crossOrigin: { topOrigins: ["https://example.com"] } },
    },
  ])("$case", ({ bytes, party }) => {
    expect(check(bytes, party)).toBeUndefined();
  });
});

test("client data with a long string of escapes: decided quickly", () => {
  const text = `{"a":"${'\\\\\\"'.repeat(4000)}",${JSON.stringify(good).slice(1)}`;
  expect(check(utf8(text))).toBeUndefined();
});

test("client data checks in order: text, JSON, type, origin, cross origin, top origin, challenge", () => {
  const wrong = { type: "x", origin: "x", crossOrigin: 1, topOrigin: 1, challenge: "x" };
  const order = ["type", "origin", "cross_origin", "top_origin", "challenge", undefined];
  const names = ["type", "origin", "crossOrigin", "topOrigin", "challenge"];
  for (const [mended, name] of order.entries()) {
    const repaired = names.slice(0, mended).map((member) => [member, (good as Record<string, unknown>)[member]]);
    expect(check(json({ ...wrong, ...Object.fromEntries(repaired) }))).toBe(name);
  }
});
