import { describe, expect, test } from "vitest";
import { toBase64Url, utf8 } from "../../../src/crypto/bytes.ts";
import { parseAssertionResponse, parseRegistrationResponse } from "../../../src/domain/webauthn/response.ts";

const text = (value: string) => toBase64Url(utf8(value));

const registration = {
  id: text("id"),
  rawId: text("id"),
  type: "public-key",
  response: { clientDataJSON: text("client"), attestationObject: text("object"), transports: ["usb", "internal"] },
  clientExtensionResults: {},
};
const assertion = {
  id: text("id"),
  rawId: text("id"),
  type: "public-key",
  response: {
    clientDataJSON: text("client"),
    authenticatorData: text("data"),
    signature: text("sig"),
    userHandle: text("user"),
  },
  clientExtensionResults: {},
};

test("registration response: its parts", () => {
  expect(parseRegistrationResponse(registration)).toEqual({
    credentialId: text("id"),
    clientDataJson: utf8("client"),
    attestationObject: utf8("object"),
    transports: ["usb", "internal"],
  });
});

test("assertion response: its parts, with a user handle and without", () => {
  const parts = {
    credentialId: text("id"),
    clientDataJson: utf8("client"),
    authenticatorData: utf8("data"),
    signature: utf8("sig"),
  };
  expect(parseAssertionResponse(assertion)).toEqual({ ...parts, userHandle: utf8("user") });
  for (const userHandle of [null, undefined])
    expect(parseAssertionResponse({ ...assertion, response: { ...assertion.response, userHandle } })).toEqual(parts);
});

test("step 3 of both ceremonies: each refuses the response of the other", () => {
  expect(parseRegistrationResponse(assertion)).toBeUndefined();
  expect(parseAssertionResponse(registration)).toBeUndefined();
});

describe("step 4 of both: client extension results change nothing", () => {
  test.each<{ case: string; results: unknown }>([
    { case: "missing", results: undefined },
    { case: "text", results: "x" },
    {
      case: "hostile members",
      results: JSON.parse('{"__proto__":{"response":1},"credProps":{"rk":"yes"},"appid":true,"prf":[]}'),
    },
  ])("$case", ({ results }) => {
    expect(parseRegistrationResponse({ ...registration, clientExtensionResults: results })).toEqual(
      parseRegistrationResponse(registration),
    );
    expect(parseAssertionResponse({ ...assertion, clientExtensionResults: results })).toEqual(
      parseAssertionResponse(assertion),
    );
  });
});

describe("authentication step 7: the byte strings come from one place", () => {
  test.each([
    {
      case: "a data member beside the response",
      change: { authenticatorData: text("other"), signature: text("other") },
    },
    {
      case: "an attestation's members",
      change: { response: { ...assertion.response, attestationObject: text("other"), publicKey: text("other") } },
    },
  ])("$case: refused", ({ change }) => {
    expect(parseAssertionResponse({ ...assertion, ...change })).toEqual(parseAssertionResponse(assertion));
  });

  test.each(["publicKey", "publicKeyAlgorithm", "authenticatorData"])("a registration's %s: refused", (member) => {
    const response = { ...registration.response, [member]: text("other") };
    expect(parseRegistrationResponse({ ...registration, response })).toEqual(parseRegistrationResponse(registration));
  });
});

describe("WebAuthn response refused", () => {
  const without = (value: object, name: string) =>
    Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));
  const wrong: unknown[] = [undefined, null, 1, true, [], {}, "", "a=", "a", "+/+/", "Zh", [text("x")], { length: 1 }];

  test.each(["id", "rawId", "type", "response"])("%s missing or of another kind", (name) => {
    for (const value of wrong) {
      expect(parseRegistrationResponse({ ...registration, [name]: value }), JSON.stringify(value)).toBeUndefined();
      expect(parseAssertionResponse({ ...assertion, [name]: value }), JSON.stringify(value)).toBeUndefined();
    }
    expect(parseRegistrationResponse(without(registration, name))).toBeUndefined();
    expect(parseAssertionResponse(without(assertion, name))).toBeUndefined();
  });

  test.each(["clientDataJSON", "attestationObject"])("a registration's %s", (name) => {
    for (const value of wrong) {
      const response = { ...registration.response, [name]: value };
      expect(parseRegistrationResponse({ ...registration, response }), JSON.stringify(value)).toBeUndefined();
    }
  });

  test.each(["clientDataJSON", "authenticatorData", "signature"])("an assertion's %s", (name) => {
    for (const value of wrong) {
      const response = { ...assertion.response, [name]: value };
      expect(parseAssertionResponse({ ...assertion, response }), JSON.stringify(value)).toBeUndefined();
    }
  });

  test("a malformed user handle is not taken for an absent one", () => {
    for (const value of ["a=", 1, [], {}, false, toBase64Url(new Uint8Array(65))]) {
      const response = { ...assertion.response, userHandle: value };
      expect(parseAssertionResponse({ ...assertion, response }), JSON.stringify(value)).toBeUndefined();
    }
    const response = { ...assertion.response, userHandle: toBase64Url(new Uint8Array(64)) };
    expect(parseAssertionResponse({ ...assertion, response })?.userHandle).toEqual(new Uint8Array(64));
  });

  test("S67: an empty user handle is none", () => {
    for (const userHandle of ["", null, undefined]) {
      const response = { ...assertion.response, userHandle };
      expect(parseAssertionResponse({ ...assertion, response })).not.toHaveProperty("userHandle");
      expect(parseAssertionResponse({ ...assertion, response })?.credentialId).toBe(assertion.id);
    }
  });

  test("an id that differs from the raw id", () => {
    expect(parseRegistrationResponse({ ...registration, rawId: text("other") })).toBeUndefined();
    expect(parseAssertionResponse({ ...assertion, id: text("other") })).toBeUndefined();
  });

  test("values that are not objects", () => {
    for (const value of [...wrong, "{}", [registration]]) {
      expect(parseRegistrationResponse(value)).toBeUndefined();
      expect(parseAssertionResponse(value)).toBeUndefined();
    }
  });

  test("members from a prototype only", () => {
    expect(parseRegistrationResponse(Object.create(registration))).toBeUndefined();
    expect(parseAssertionResponse(Object.create(assertion))).toBeUndefined();
  });
});

test.each([
  {
    list: ["smart-card", "usb", "usb", "nfc", "ble", "hybrid", "internal"],
    expected: ["usb", "nfc", "ble", "hybrid", "internal", "smart-card"],
  },
  { list: ["cable", "USB", "", null, 1, {}, "<script>"], expected: [] },
  { list: "usb", expected: [] },
  { list: { 0: "usb", length: 1 }, expected: [] },
  { list: undefined, expected: [] },
])("transports $list: $expected", ({ list, expected }) => {
  const response = { ...registration.response, transports: list };
  expect(parseRegistrationResponse({ ...registration, response })?.transports).toEqual(expected);
});
